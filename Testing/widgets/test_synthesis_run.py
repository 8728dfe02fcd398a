"""One synthesis from node to node: what may happen to the scene meanwhile, and that nothing is left behind."""

import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from freed import isFreed, turns
from job_examples import a_ball, identity_model_in
from job_witness import PATIENCE_S, isZombie, scripted, wait_until

import slicer  # isort: skip (the host is there once job_witness is)
import slicer.util  # isort: skip

from mrsynth.errors import OutputExists
from MRSynthesisLib import RunFolder
from MRSynthesisLib import SynthesisRun as module
from MRSynthesisLib.BackgroundJob import BackgroundJob, JobEnd, JobOutcome
from MRSynthesisLib.RunRequest import RunListener, RunRequest, withLastWords
from MRSynthesisLib.SynthesisRun import SynthesisRun
from MRSynthesisLib.SyntheticNode import isSynthetic, sourceOf


class Watcher:
    """Starts runs and hears how they end."""

    def __init__(self) -> None:
        self.outcomes, self.progress, self.runs = [], [], []

    def start(self, request: RunRequest) -> SynthesisRun:
        run = SynthesisRun(request, RunListener(self.progress.append, self.outcomes.append))
        self.runs.append(run)
        run.start()
        assert run.isRunning and self.outcomes == []
        return run

    def end(self):
        wait_until(lambda: self.outcomes, PATIENCE_S)
        (outcome,) = self.outcomes
        assert not self.runs[-1].isRunning
        return outcome


@pytest.fixture
def a_watcher(tmp_path, monkeypatch):
    """A clean scene and a place for temporary files; afterwards neither files nor processes are left."""
    slicer.mrmlScene.Clear(False)
    temporary = tmp_path / "temporary ü"
    temporary.mkdir()
    make = RunFolder.tempfile.mkdtemp
    monkeypatch.setattr(RunFolder.tempfile, "mkdtemp", lambda prefix, dir: make(prefix=prefix, dir=temporary))
    monkeypatch.setenv("MRSYNTH_MODELS", str(identity_model_in(tmp_path / "models")))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = set(psutil.Process().children(recursive=True))
    watcher = Watcher()
    watcher.temporary = temporary
    yield watcher
    left = {each for each in psutil.Process().children(recursive=True) if not isZombie(each.pid)} - before
    for process in left:
        process.kill()
    assert not left and not any(run.isRunning for run in watcher.runs)
    assert list(temporary.iterdir()) == []
    slicer.mrmlScene.Clear(False)


@pytest.fixture
def a_source(a_watcher):
    """The ball as a volume node; its array has the axes (k, j, i)."""
    ball = a_ball()
    return slicer.util.addVolumeFromArray(ball.voxels.transpose().copy(), ijkToRAS=ball.affine, name="Ball T2")


@pytest.fixture
def a_request(a_source):
    return RunRequest(a_source, "same", device="cpu")


def behave(monkeypatch, behaviour):
    """Let another process take the worker's place."""
    monkeypatch.setattr(
        module,
        "BackgroundJob",
        lambda request, callbacks: BackgroundJob(request, callbacks, scripted(request, behaviour)),
    )


def volumes():
    return slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")


def wait_for_worker(watcher):
    wait_until(lambda: watcher.runs[-1].logFile is not None and watcher.runs[-1].logFile.exists(), PATIENCE_S)


def test_a_run_ends_with_a_volume_and_its_uncertainty_beside_the_source(a_watcher, a_source, a_request):
    a_watcher.start(replace(a_request, makeUncertainty=True))
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.SUCCEEDED, outcome
    np.testing.assert_allclose(
        slicer.util.arrayFromVolume(outcome.synthetic), slicer.util.arrayFromVolume(a_source), atol=0.01
    )
    assert sourceOf(outcome.synthetic) is a_source and isSynthetic(outcome.uncertainty)
    assert outcome.uncertainty.GetNodeReference("MRSynthesis.synthetic") is outcome.synthetic
    assert set(volumes()) == {a_source, outcome.synthetic, outcome.uncertainty}
    stages = list(dict.fromkeys(each.stage for each in a_watcher.progress))
    assert stages[0] == "Writing the scan" and "synthesis" in stages and stages[-1] == "Reading the result"


def test_a_result_goes_into_the_chosen_synthetic_volume(a_watcher, a_request):
    a_watcher.start(a_request)
    first = a_watcher.end().synthetic
    a_watcher.outcomes.clear()
    a_watcher.start(replace(a_request, output=first))
    assert a_watcher.end().synthetic is first
    assert len(volumes()) == 2


def test_an_acquired_volume_is_never_replaced(a_watcher, a_request, a_source):
    with pytest.raises(OutputExists, match="Ball T2"):
        SynthesisRun(replace(a_request, output=a_source), RunListener())


def test_names_may_change_meanwhile(a_watcher, a_source, a_request):
    a_watcher.start(a_request)
    a_source.SetName("Renamed T2")
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.SUCCEEDED
    assert outcome.synthetic.GetAttribute("MRSynthesis.SourceName") == "Renamed T2"


def test_an_output_that_was_deleted_meanwhile_is_made_anew(a_watcher, a_request):
    output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Output")
    a_watcher.start(replace(a_request, output=output))
    slicer.mrmlScene.RemoveNode(output)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.SUCCEEDED
    assert outcome.synthetic is not output and outcome.synthetic.GetScene() is slicer.mrmlScene


def test_a_source_that_was_moved_meanwhile_gets_no_wrong_result(a_watcher, a_source, a_request):
    a_watcher.start(a_request)
    a_source.SetSpacing(2, 2, 2)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.FAILED and "moved or exchanged" in outcome.message
    assert volumes() == [a_source]


@pytest.mark.parametrize("behaviour", ["silent", "deaf"])
def test_deleting_the_source_cancels_the_run(a_watcher, a_source, a_request, monkeypatch, behaviour):
    behave(monkeypatch, behaviour)
    a_watcher.start(a_request)
    wait_for_worker(a_watcher)
    slicer.mrmlScene.RemoveNode(a_source)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.CANCELLED and "source volume was deleted" in outcome.message
    assert volumes() == []


def test_closing_the_scene_cancels_the_run(a_watcher, a_request, monkeypatch):
    behave(monkeypatch, "silent")
    a_watcher.start(a_request)
    wait_for_worker(a_watcher)
    slicer.mrmlScene.Clear(False)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.CANCELLED and "scene was closed" in outcome.message


def test_a_cancel_before_the_worker_has_started_ends_the_run(a_watcher, a_source, a_request):
    a_watcher.start(a_request).cancel()
    assert a_watcher.end().end is JobEnd.CANCELLED
    assert volumes() == [a_source]


def test_the_end_of_the_application_stops_a_run_without_a_word(a_watcher, a_request, monkeypatch):
    behave(monkeypatch, "deaf")
    run = a_watcher.start(a_request)
    wait_for_worker(a_watcher)
    run.stopAtOnce()
    assert not run.isRunning and a_watcher.outcomes == []
    run.stopAtOnce()
    run.cancel()


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [("broken", "exit code 3"), ("no-result", "no result"), ("no-output", "no file"), ("refused", "every voxel is 0")],
)
def test_a_worker_that_fails_is_told_in_plain_words(a_watcher, a_source, a_request, monkeypatch, behaviour, words):
    behave(monkeypatch, behaviour)
    a_watcher.start(a_request)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.FAILED and words in outcome.message
    assert volumes() == [a_source]


def test_a_result_that_cannot_be_read_leaves_no_node(a_watcher, a_source, a_request, monkeypatch):
    behave(monkeypatch, "succeed")  # its output is no volume
    a_watcher.start(a_request)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.FAILED and "could not be brought into the scene" in outcome.message
    assert volumes() == [a_source]


def test_a_volume_that_no_node_will_take_leaves_none_of_the_others(a_watcher, a_source, a_request, monkeypatch):
    place = module.placeVolume

    def placed(volume, source, target, provenance, kind="synthetic"):
        if kind == "synthetic":
            raise RuntimeError("no room")
        return place(volume, source, target, provenance, kind)

    monkeypatch.setattr(module, "placeVolume", placed)
    a_watcher.start(replace(a_request, makeUncertainty=True))
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.FAILED and "no room" in outcome.message
    assert volumes() == [a_source]


def test_files_are_kept_when_asked_for(a_watcher, a_request):
    a_watcher.start(replace(a_request, keepFiles=True))
    folder = a_watcher.end().folder
    names = {path.name for path in folder.iterdir()}
    assert {"source.nrrd", "synthetic.mha", "run"} <= names
    assert (folder / "run" / "job.json").is_file()
    remove(folder)


def test_a_scan_that_cannot_be_written_is_told(a_watcher, a_source, a_request, monkeypatch):
    def refused(volume, path):
        raise OSError(f"no space left on {Path(path).name}")

    monkeypatch.setattr(module, "writeGridVolume", refused)
    a_watcher.start(a_request)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.FAILED and "no space left on source.nrrd" in outcome.message


def test_no_observer_outlives_a_run(a_watcher, a_request, monkeypatch):
    behave(monkeypatch, "broken")
    a_watcher.start(a_request)
    a_watcher.end()
    assert a_watcher.runs[-1].Observations == []


@pytest.mark.parametrize("behaviour", ["the real one's", "succeed", "broken", "silent"])
def test_a_run_that_has_ended_is_freed(a_watcher, a_request, monkeypatch, behaviour):
    if behaviour != "the real one's":
        behave(monkeypatch, behaviour)

    def ended():
        run = a_watcher.start(a_request)
        if behaviour == "silent":
            wait_for_worker(a_watcher)
            run.stopAtOnce()
        else:
            a_watcher.end()
        a_watcher.runs.clear()
        return run

    assert isFreed(ended)


def test_an_ended_run_knows_where_its_log_was_and_holds_no_job(a_watcher, a_request, monkeypatch):
    behave(monkeypatch, "broken")
    run = a_watcher.start(a_request)
    assert run.logFile is None
    a_watcher.end()
    assert run.logFile.name == "worker.log" and (run._task, run._job) == (None, None)


def test_a_run_stopped_while_it_writes_leaves_no_file(a_watcher, a_request, monkeypatch):
    written = []

    def slow(volume, path):
        time.sleep(0.3)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half a scan")
        written.append(path)

    monkeypatch.setattr(module, "writeGridVolume", slow)
    run = a_watcher.start(a_request)
    run.stopAtOnce()
    turns(0.5)
    assert len(written) == 1 and a_watcher.outcomes == []


def test_the_end_of_the_application_does_not_wait_for_a_disk_for_ever(a_watcher, a_request, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(module, "writeGridVolume", lambda volume, path: gate.wait(60))
    run = a_watcher.start(a_request)
    began = time.monotonic()
    run.stopAtOnce()
    assert time.monotonic() - began < 2
    gate.set()
    turns(0.1)


def test_folders_of_processes_that_are_gone_are_removed_and_no_others(a_watcher, a_request):
    gone = psutil.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = {
        f"mrsynthesis-{gone.pid}-ab_c1": False,
        f"mrsynthesis-{gone.pid}": True,
        f"mrsynthesis-{os.getpid()}-other": True,
        "mrsynthesis-kept-abc": True,
        f"others-{gone.pid}-abc": True,
        f"mrsynthesis-{gone.pid}-file": True,
    }
    for name in names:
        if name.endswith("file"):
            (a_watcher.temporary / name).write_bytes(b"")
        else:
            (a_watcher.temporary / name).mkdir()
            (a_watcher.temporary / name / "scan.nrrd").write_bytes(b"a scan")
    a_watcher.start(a_request)
    assert a_watcher.end().end is JobEnd.SUCCEEDED
    assert {path.name for path in a_watcher.temporary.iterdir()} == {name for name, stays in names.items() if stays}
    for name, stays in names.items():
        path = a_watcher.temporary / name
        if stays:
            remove(path) if path.is_dir() else path.unlink()


def test_without_psutil_no_folder_is_removed(tmp_path, monkeypatch):
    (tmp_path / "mrsynthesis-999999999-abc").mkdir()
    monkeypatch.setitem(sys.modules, "psutil", None)
    RunFolder.removeStaleFolders(tmp_path)
    assert list(tmp_path.iterdir()) != []
    monkeypatch.undo()
    RunFolder.removeStaleFolders(tmp_path)
    assert list(tmp_path.iterdir()) == []
    RunFolder.removeStaleFolders(tmp_path / "no such place")


def test_a_runs_folder_bears_the_number_of_its_process(a_watcher, a_request):
    a_watcher.start(a_request)
    (folder,) = a_watcher.temporary.iterdir()
    assert folder.name.startswith(f"mrsynthesis-{os.getpid()}-")
    assert a_watcher.end().end is JobEnd.SUCCEEDED


@pytest.mark.parametrize("fate", ["none", "stays", "deleted"])
def test_the_outcome_names_the_reference_that_is_still_there(a_watcher, a_source, a_request, fate):
    reference = None
    if fate != "none":
        reference = slicer.util.addVolumeFromArray(
            slicer.util.arrayFromVolume(a_source) * 2, ijkToRAS=a_ball().affine, name="Ball PD"
        )
    a_watcher.start(replace(a_request, reference=reference))
    if fate == "deleted":
        slicer.mrmlScene.RemoveNode(reference)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.SUCCEEDED, outcome
    assert outcome.reference is (reference if fate == "stays" else None)


def test_a_breakdown_is_told_with_the_last_words_of_the_log(a_watcher, a_request, monkeypatch):
    behave(monkeypatch, "broken")
    a_watcher.start(a_request)
    lines = a_watcher.end().message.splitlines()
    assert len(lines) == 2 and "exit code 3" in lines[0] and lines[1] == "the last word ü"


def outcome_of(message, log, end=JobEnd.FAILED, code="crashed"):
    return JobOutcome(end, code, message, log)


def test_a_failures_message_ends_with_the_two_last_lines_that_say_more():
    assert withLastWords(outcome_of("It broke down.", "a\n\n b \nc\n")) == "It broke down.\nb\nc"
    assert withLastWords(outcome_of("It broke down.", "")) == "It broke down."
    long = withLastWords(outcome_of("It broke down.", "x" * 5000)).splitlines()[1]
    assert len(long) == 200 and long.endswith("x...")


@pytest.mark.parametrize(
    "outcome",
    [
        outcome_of("every voxel is 0", "Traceback\nmrsynth.worker: every voxel is 0", code="constant"),
        outcome_of("torch is missing", "No module named 'torch'", code="missing_package"),
        outcome_of("Cancelled.", "anything", JobEnd.CANCELLED, "cancelled"),
    ],
)
def test_a_message_that_says_all_stays_as_it_is(outcome):
    assert withLastWords(outcome) == outcome.message


def remove(folder):
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else os.unlink(path)
    folder.rmdir()
