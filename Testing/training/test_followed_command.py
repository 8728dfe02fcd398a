import io
import json
import os
import subprocess
import sys
import time

import pytest
from epoch_examples import DOCUMENT, prepare, shrink_networks
from small_heads import EXPERIMENT

from mrsynth.errors import InputError
from mrsynth.job_file import JobRequest, read_request, read_result
from mrsynth.job_protocol import read_event
from mrsynth_training import cli, followed_command
from mrsynth_training.adversaries import Adversaries
from mrsynth_training.checkpoints import CHECKPOINT, read_state
from mrsynth_training.epoch_checkpoint import EpochCheckpoint
from mrsynth_training.trainer import TrainingDiverged
from mrsynth_training.training_job import TrainingJob, followed_arguments

# Real networks, only small: another process does not know of those that tests replace.
SMALL = (
    *("--set", "network.configuration.filters=[2,2,2,2,2,2,2,2]"),
    *("--set", "discriminator.stage_filters=[2,2]"),
    *("--set", "discriminator.dense_units=[4]"),
)
PATIENCE_S = 120


@pytest.fixture
def a_cache(tmp_path):
    return prepare(tmp_path / "subjects")


@pytest.fixture
def a_session(tmp_path):
    """A function that makes a session for a command, and returns its request."""

    def make(*arguments, **changes):
        folder = tmp_path / "session"
        folder.mkdir()
        request = JobRequest(folder, TrainingJob(tuple(map(str, arguments))), **changes)
        request.write()
        return request

    return make


@pytest.fixture
def a_file(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(DOCUMENT, encoding="utf-8")
    return path


def follow(request):
    """Run the session's command in this process; return its exit code and its events."""
    stream = io.BytesIO()
    options = cli.command_parser().parse_args([*request.job.arguments, "--follow", str(request.folder)])
    code = followed_command.follow(options, stream)
    events = [read_event(line, request.run_id) for line in stream.getvalue().splitlines()]
    assert None not in events
    return code, events


def of_kind(events, kind):
    return [event for event in events if event["event"] == kind]


def test_a_run_tells_of_epochs_steps_and_figures_and_leaves_its_result(
    a_file, a_cache, a_session, tmp_path, monkeypatch
):
    shrink_networks(monkeypatch)
    monkeypatch.setattr(followed_command, "TELL_EVERY_S", 0.0)
    request = a_session("train", a_file, a_cache, tmp_path / "run", "--device", "cpu")
    code, events = follow(request)
    assert code == 0
    assert events[0]["event"] == "started" and events[0]["pid"] == os.getpid()
    assert events[-1] == {"run_id": request.run_id, "event": "finished", "result": str(request.result_file)}
    told = of_kind(events, "progress")
    assert [event["done"] for event in told] == [1, 2, 3, 4, 5, 6]
    assert all((event["stage"], event["total"], event["device"]) == ("training", 6, "cpu") for event in told)
    assert (told[0]["epoch"], told[0]["epochs"], told[0]["best"], told[0]["last"]) == (0, 2, None, None)
    assert told[4]["epoch"] == 1 and told[4]["last"]["psnr_range"] > 0 and told[4]["best"]["epoch"] == 1
    assert set(told[0]["losses"]) >= {"generator", "discriminator"} and told[1]["eta_s"] >= 0
    result = read_result(request)
    assert result["epoch"] == 2 and "2 of 2 epochs, finished" in result["summary"]


def test_progress_is_told_no_oftener_than_anyone_can_look(a_file, a_cache, a_session, tmp_path, monkeypatch):
    shrink_networks(monkeypatch)
    monkeypatch.setattr(followed_command, "TELL_EVERY_S", 3600.0)
    request = a_session("train", a_file, a_cache, tmp_path / "run", "--device", "cpu")
    assert [event["done"] for event in of_kind(follow(request)[1], "progress")] == [1, 6]


def test_a_request_to_stop_ends_the_run_with_a_checkpoint(a_file, a_cache, a_session, tmp_path, monkeypatch):
    shrink_networks(monkeypatch)
    request, update = a_session("train", a_file, a_cache, tmp_path / "run", "--device", "cpu"), Adversaries.update
    batches = []

    def update_and_ask(adversaries, batch):
        batches.append(batch)
        if len(batches) == 4:
            request.cancel_file.touch()
        return update(adversaries, batch)

    monkeypatch.setattr(Adversaries, "update", update_and_ask)
    code, events = follow(request)
    assert code == 130 and read_result(request) is None
    assert events[-1]["event"] == "error" and events[-1]["code"] == "cancelled"
    assert "1 of 2 epochs, stopped; go on with --resume" in events[-1]["message"]
    history = read_state(tmp_path / "run" / CHECKPOINT, EpochCheckpoint).history
    assert (history["epoch"], history["batch"]) == (1, 1)


def test_a_fit_is_followed_and_stopped_in_the_same_way(a_session, tmp_path, monkeypatch, request):
    cache = request.getfixturevalue("a_fit_cache")
    file = tmp_path / "fit.toml"
    file.write_text(EXPERIMENT, encoding="utf-8")
    monkeypatch.setattr("mrsynth_training.trainer.REPORT_EVERY", 2)
    session = a_session("fit", file, cache, tmp_path / "run")
    code, events = follow(session)
    assert code == 0 and read_result(session)["step"] == 6
    assert [event["done"] for event in of_kind(events, "progress")][-1] == 6
    assert of_kind(events, "progress")[0]["losses"]["loss"] > 0
    session.cancel_file.touch()
    (tmp_path / "run" / CHECKPOINT).unlink()
    assert follow(session)[0] == 130


@pytest.fixture
def a_fit_cache(an_experiment, label_maps, tmp_path):
    from mrsynth_training.pair_cache import plan_simulations, write_pair

    (tmp_path / "scans").mkdir()
    for task in plan_simulations(sorted(label_maps.glob("*.nii.gz")), tmp_path / "scans", an_experiment.simulation):
        write_pair(task)
    return tmp_path / "scans"


def test_bad_input_is_told_with_its_code(a_file, a_session, tmp_path, capsys):
    code, events = follow(a_session("train", a_file, tmp_path / "none", tmp_path / "run"))
    assert code == 2 and events[-1]["code"] == "missing_file" and "expected a split" in events[-1]["message"]
    assert capsys.readouterr().err.startswith("mrsynth-train: ")


@pytest.mark.parametrize(
    ("error", "code"), [(TrainingDiverged("epoch 1: no number"), "diverged"), (ZeroDivisionError("a bug"), "internal")]
)
def test_what_breaks_a_run_off_is_told(a_file, a_cache, a_session, tmp_path, monkeypatch, capsys, error, code):
    shrink_networks(monkeypatch)

    def fail(adversaries, batch):
        raise error

    monkeypatch.setattr(Adversaries, "update", fail)
    found, events = follow(a_session("train", a_file, a_cache, tmp_path / "run", "--device", "cpu"))
    assert (found, events[-1]["code"], events[-1]["exit_code"]) == (1, code, 1)
    assert ("Traceback" in capsys.readouterr().err) == (code == "internal")


def test_a_session_that_is_none_is_told(a_file, a_cache, tmp_path):
    stream = io.BytesIO()
    arguments = ["train", str(a_file), str(a_cache), str(tmp_path / "run"), "--follow", str(tmp_path / "none")]
    assert followed_command.follow(cli.command_parser().parse_args(arguments), stream) == 2
    assert json.loads(stream.getvalue())["code"] == "bad_job"


def test_several_processes_are_not_followed(a_file, a_cache, a_session, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    code, events = follow(a_session("train", a_file, a_cache, tmp_path / "run"))
    assert code == 2 and "expected one process to follow, found torchrun" in events[-1]["message"]


@pytest.mark.parametrize("arguments", [(), ["train"], ("train", 3), None])
def test_a_job_needs_the_arguments_of_a_command(arguments):
    with pytest.raises(InputError, match="expected the arguments of a command") as refusal:
        TrainingJob(arguments)
    assert refusal.value.code == "bad_job"


@pytest.mark.parametrize("document", [{}, {"arguments": "train", "run_id": "a"}, {"arguments": [], "run_id": "a"}])
def test_a_document_that_is_no_job_is_refused(document):
    with pytest.raises(InputError, match="expected"):
        TrainingJob.from_dict(document)


def test_a_job_survives_the_disk_and_is_no_synthesis(a_session):
    request = a_session("train", "g1")
    assert read_request(request.folder / "job.json", TrainingJob) == request
    with pytest.raises(InputError, match="unknown training"):
        read_request(request.folder / "job.json")
    assert request.job.outputs == ()


def start(request):
    """Start the session's command as another program does, but without a terminal's signals."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-X", "utf8", *followed_arguments(request.job.arguments, request.folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def first_event(process, request, kind):
    deadline = time.monotonic() + PATIENCE_S
    for line in process.stdout:
        event = read_event(line, request.run_id)
        assert event is not None, line
        assert time.monotonic() < deadline
        if event["event"] == kind:
            return event
    raise AssertionError(process.stderr.read().decode())


def test_a_process_is_started_followed_and_stopped_with_a_checkpoint(a_file, a_cache, a_session, tmp_path):
    run = (a_file, a_cache, tmp_path / "run", "--device", "cpu", *SMALL, "--set", "schedule.epochs=100000")
    request = a_session("train", *run, parent_pid=os.getpid())
    process = start(request)
    assert first_event(process, request, "started")["pid"] == process.pid
    assert first_event(process, request, "progress")["epochs"] == 100000
    request.cancel_file.touch()
    rest = process.communicate(timeout=PATIENCE_S)[0].splitlines()
    assert process.returncode == 130
    assert read_event(rest[-1], request.run_id)["code"] == "cancelled"
    assert read_state(tmp_path / "run" / CHECKPOINT, EpochCheckpoint).history["epochs"] is not None


def test_a_run_whose_follower_is_gone_ends_with_a_checkpoint(a_file, a_cache, a_session, tmp_path):
    run = (a_file, a_cache, tmp_path / "run", "--device", "cpu", *SMALL, "--set", "schedule.epochs=100000")
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    request = a_session("train", *run, parent_pid=parent.pid)
    process = start(request)
    first_event(process, request, "progress")
    parent.communicate(b"\n")
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130 and (tmp_path / "run" / CHECKPOINT).is_file()
