"""A training run as Slicer follows it: progress, stopping, and every other way of ending, in plain words."""

import logging
import os
import sys
from pathlib import Path

import psutil
import pytest
import slicer_host

slicer_host.install()

from freed import isFreed  # noqa: E402
from job_witness import isZombie  # noqa: E402
from slicer_host.events import wait_until  # noqa: E402

from mrsynth.job_file import read_request  # noqa: E402
from mrsynth_training.training_job import TrainingJob  # noqa: E402
from MRSynthesisLib import RunFolder  # noqa: E402
from MRSynthesisLib.BackgroundJob import JobEnd, JobLimits, JobProgress  # noqa: E402
from MRSynthesisLib.WorkerLaunch import WorkerLaunch  # noqa: E402
from MRSynthesisTrainingLib.TrainingCommand import TrainingCommand, TrainingProgress, trainingText  # noqa: E402
from MRSynthesisTrainingLib.TrainingRun import TrainingListener, TrainingRun, trainingLaunch  # noqa: E402

PATIENCE_S = 120
# What every process below begins with: it says that it has begun and leaves its number.
PROLOGUE = """
import json, os, sys, time
from pathlib import Path
session = Path(sys.argv[1])
run_id = json.loads((session / "job.json").read_text())["run_id"]
def say(event, **fields):
    print(json.dumps({"run_id": run_id, "event": event, **fields}), flush=True)
say("started", pid=os.getpid(), version="0", source="", model="")
(session.parent / "begun").write_text(str(os.getpid()))
"""
FIGURES = {"epoch": 2, "psnr_range": 26.657, "mae": 0.124}
TELLING = f"""
say("progress", stage="training", done=30, total=120, eta_s=754.2, device="cpu", epoch=1, epochs=4,
    losses={{"generator": 0.5}}, last={FIGURES!r}, best={FIGURES!r})
"""
ENDING = """
(session / "result.json").write_text(json.dumps({"run_id": run_id, "summary": "4 of 4 epochs, finished"}))
say("finished", result=str(session / "result.json"))
"""
OBEDIENT = """
while not (session / "cancel").exists():
    time.sleep(0.02)
(session.parent.parent / "checkpoint.pt").write_text("whole")
say("error", code="cancelled", message="1 of 4 epochs, stopped; go on with --resume", exit_code=130)
sys.exit(130)
"""
SILENT = "time.sleep(120)"


class Training:
    """One run with a process in place of the training, what it told, and that nothing of it is left."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.progress, self.outcomes = folder, [], []
        self.command = TrainingCommand("g1", folder / "cache", folder)
        self.run: TrainingRun | None = None

    def start(self, code: str, **limits: float) -> TrainingRun:
        def launch(session: Path) -> WorkerLaunch:
            return WorkerLaunch(sys.executable, ("-c", PROLOGUE + code, str(session)), dict(os.environ))

        listener = TrainingListener(self.progress.append, self.outcomes.append)
        self.run = TrainingRun(self.command, listener, launch, JobLimits(**limits))
        self.run.start()
        assert self.run.isRunning and self.outcomes == []
        return self.run

    def waitForProcess(self) -> None:
        wait_until(lambda: list(self.folder.glob("mrsynthesis-*/begun")), PATIENCE_S)

    def end(self):
        wait_until(lambda: self.outcomes, PATIENCE_S)
        (outcome,) = self.outcomes
        assert not self.run.isRunning
        return outcome


@pytest.fixture
def a_training(tmp_path, monkeypatch):
    """Afterwards neither a process nor a session's folder is left."""
    make = RunFolder.tempfile.mkdtemp
    monkeypatch.setattr(RunFolder.tempfile, "mkdtemp", lambda prefix, dir: make(prefix=prefix, dir=tmp_path))
    before = set(psutil.Process().children(recursive=True))
    training = Training(tmp_path)
    yield training
    left = {each for each in psutil.Process().children(recursive=True) if not isZombie(each.pid)} - before
    for process in left:
        process.kill()
    assert not left and not list(tmp_path.glob("mrsynthesis-*"))


def test_a_training_tells_epoch_step_time_left_and_figures_and_ends(a_training):
    a_training.start(TELLING + ENDING)
    outcome = a_training.end()
    assert (outcome.end, outcome.code, outcome.message) == (JobEnd.SUCCEEDED, "", "4 of 4 epochs, finished")
    (progress,) = a_training.progress
    expected = TrainingProgress(30, 120, 1, 4, 754.2, "cpu", {"generator": 0.5}, FIGURES, FIGURES)
    assert progress == expected


def test_a_line_with_other_details_than_expected_is_no_harm():
    said = {"epoch": "1", "epochs": None, "losses": 3, "best": [1]}
    found = TrainingProgress.of(JobProgress("training", 1, 9, None, None, said))
    assert found == TrainingProgress(1, 9, 0, 0, None, "", {}, None, None)
    assert trainingText(found) == "Step 1 of 9, 11 %"


def test_progress_in_a_line_says_epoch_time_and_the_best_figure_with_its_range():
    told = TrainingProgress(30, 120, 1, 4, 754.2, "cpu", {}, FIGURES, FIGURES)
    best = "best mean PSNR 26.66 dB (whole volume, maximum - minimum) in epoch 2"
    assert trainingText(told) == f"Epoch 2 of 4, 25 %, about 12 min 34 s left, {best}"
    over = TrainingProgress(120, 120, 4, 4, None, "cpu", {}, None, {"psnr_range": None, "epoch": 1})
    assert trainingText(over) == "Epoch 4 of 4, 100 %"


def test_a_training_that_is_stopped_writes_its_checkpoint_first(a_training):
    run = a_training.start(TELLING + OBEDIENT, graceS=PATIENCE_S)
    a_training.waitForProcess()
    run.stop()
    outcome = a_training.end()
    assert (outcome.end, outcome.code) == (JobEnd.CANCELLED, "cancelled")
    assert outcome.message.startswith("The training was stopped. Start it with resume to go on from its last")
    assert (a_training.folder / "checkpoint.pt").read_text() == "whole"


@pytest.mark.parametrize(
    ("code", "end", "words"),
    [
        ("os._exit(3)", "crashed", "The training broke down. Often too little memory"),
        ("os.kill(os.getpid(), 9)", "crashed", "The training broke down."),
        ("raise ModuleNotFoundError(\"No module named 'torch'\")", "missing_package", "torch is missing"),
        (
            'say("error", code="diverged", message="epoch 1: no number", exit_code=1); sys.exit(1)',
            "diverged",
            "no number",
        ),
        ("sys.exit(0)", "no_result", "left no result"),
    ],
)
def test_every_other_ending_is_told_in_plain_words(a_training, code, end, words):
    a_training.start(code)
    outcome = a_training.end()
    assert (outcome.end, outcome.code) == (JobEnd.FAILED, end) and words in outcome.message
    assert "resume" not in outcome.message  # there is nothing to go on from


def test_a_run_with_a_checkpoint_is_said_to_go_on_from_it(a_training):
    (a_training.folder / "checkpoint.pt").touch()
    a_training.start("os._exit(3)")
    assert "Start it with resume" in a_training.end().message


def test_a_training_that_falls_silent_is_ended_and_told(a_training):
    run = a_training.start(SILENT)
    a_training.waitForProcess()
    run._limits = run._job._limits = JobLimits(silenceS=0.3)
    outcome = a_training.end()
    assert outcome.code == "stalled" and "no sign of life for 0 seconds and was ended" in outcome.message


def test_at_the_applications_end_there_is_time_for_a_checkpoint(a_training):
    run = a_training.start(OBEDIENT)
    a_training.waitForProcess()
    run.stopAtOnce(graceS=PATIENCE_S)
    assert (a_training.folder / "checkpoint.pt").exists() and a_training.outcomes == []


def test_at_the_applications_end_a_deaf_training_is_ended(a_training):
    run = a_training.start(SILENT)
    a_training.waitForProcess()
    run.stopAtOnce(graceS=0.1)
    assert not run.isRunning and a_training.outcomes == []


def test_a_training_that_has_ended_is_freed(a_training):
    def ended():
        run = a_training.start(ENDING)
        a_training.end()
        a_training.run = None
        return run

    assert isFreed(ended)


def test_by_default_the_applications_log_is_told(a_training, caplog):
    caplog.set_level(logging.INFO)
    listener = TrainingListener()
    listener.progress(TrainingProgress(1, 2, 0, 0, None, "cpu", {}, None, None))
    a_training.start(TELLING + ENDING)
    listener.finished(a_training.end())
    assert "Step 1 of 2, 50 %" in caplog.text and "4 of 4 epochs, finished" in caplog.text


def test_what_is_started_is_the_command_of_the_terminal(tmp_path):
    command = TrainingCommand("g1", Path("cache"), Path("run"), True, ("schedule.epochs=2",), "cpu", 3)
    expected = ("train", "g1", "cache", "run", "--device", "cpu", "--resume", "--threads", "3")
    assert command.arguments == (*expected, "--set", "schedule.epochs=2")
    assert TrainingCommand("pd-to-t2", Path("c"), Path("r"), kind="fit").arguments == ("fit", "pd-to-t2", "c", "r")
    launch = trainingLaunch(command, tmp_path)
    assert launch.arguments[:5] == ("-X", "utf8", "-u", "-m", "mrsynth_training")
    assert launch.arguments[-2:] == ("--follow", str(tmp_path))
    assert len(launch.environment["PYTHONPATH"].split(os.pathsep)) >= 2


def test_the_arguments_are_ones_that_the_command_takes():
    from mrsynth_training.cli import command_parser

    for kind in ("train", "fit"):
        command = TrainingCommand("g1", Path("c"), Path("r"), True, ("a=1",), threads=1, kind=kind)
        options = command_parser().parse_args([*command.arguments, "--follow", "f"])
        assert options.resume and options.changes == ["a=1"] and options.threads == 1


def test_a_kind_of_training_that_is_none_is_refused():
    with pytest.raises(ValueError, match="expected a kind of train or fit, found 'teach'"):
        TrainingCommand("g1", Path("c"), Path("r"), kind="teach")


def test_the_session_says_what_is_trained_and_for_whom(a_training):
    run = a_training.start(SILENT)
    a_training.waitForProcess()
    request = read_request(next(a_training.folder.glob("mrsynthesis-*/session/job.json")), TrainingJob)
    run.stopAtOnce(graceS=0.1)
    assert request.job.arguments == a_training.command.arguments and request.parent_pid == os.getpid()
