"""What a synthesis leaves behind: nothing in memory or on disk, and the last words of its log."""

import os
import sys
import threading
import time
from dataclasses import replace

import psutil
import pytest
from freed import isFreed, turns
from job_examples import a_ball
from run_watcher import behave, remove, wait_for_worker

import slicer  # isort: skip (the host is there once job_witness is)
import slicer.util  # isort: skip

from MRSynthesisLib import RunFolder
from MRSynthesisLib import SynthesisRun as module
from MRSynthesisLib.BackgroundJob import JobEnd, JobOutcome
from MRSynthesisLib.RunRequest import withLastWords

WRITING_S = 60


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
    # However slow this machine is: that the wait is not for ever is another test's.
    monkeypatch.setattr(module.BackgroundTask, "join", lambda task: task._thread.join())
    run = a_watcher.start(a_request)
    run.stopAtOnce()
    turns(0.5)
    assert len(written) == 1 and a_watcher.outcomes == []


def test_the_end_of_the_application_does_not_wait_for_a_disk_for_ever(a_watcher, a_request, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(module, "writeGridVolume", lambda volume, path: gate.wait(WRITING_S))
    run = a_watcher.start(a_request)
    began = time.monotonic()
    run.stopAtOnce()
    assert time.monotonic() - began < WRITING_S / 2
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
