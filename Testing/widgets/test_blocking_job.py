"""One worker that a script waits for: the same faults, the same words, and nothing left."""

import _thread
import os
import sys
import threading
import time

import pytest
from job_witness import scripted, witnessed

from MRSynthesisLib import BlockingJob
from MRSynthesisLib.JobOutcome import JobEnd
from MRSynthesisLib.WorkerLaunch import WorkerLaunch


@pytest.fixture
def a_witness(tmp_path):
    yield from witnessed(tmp_path)


@pytest.fixture
def a_request(a_witness):
    a_witness.request.folder.mkdir()
    return a_witness.request


def test_a_job_is_heard_out_through_all_noise(a_request):
    job = BlockingJob.BlockingJob(a_request, scripted(a_request, "noise"))
    outcome = job.run()
    assert outcome.end is JobEnd.SUCCEEDED, outcome
    assert job.warnings == ["a warning"] and outcome.result == {"run_id": a_request.run_id}
    assert f'"parent_pid": {os.getpid()}' in (a_request.folder / "job.json").read_text()


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [("broken", "crashed"), ("refused", "constant"), ("no-output", "no_output"), ("unprepared", "missing_package")],
)
def test_a_job_without_success_fails_as_in_the_panel(a_request, behaviour, code):
    outcome = BlockingJob.BlockingJob(a_request, scripted(a_request, behaviour)).run()
    assert (outcome.end, outcome.code) == (JobEnd.FAILED, code)


@pytest.mark.parametrize("behaviour", ["silent", "closed"])
def test_a_worker_that_falls_silent_is_ended(a_request, behaviour):
    outcome = BlockingJob.BlockingJob(a_request, scripted(a_request, behaviour), silenceS=1.0).run()
    assert outcome.code == "stalled" and "1 seconds" in outcome.message


def test_a_missing_interpreter_is_named(a_request):
    outcome = BlockingJob.BlockingJob(a_request, WorkerLaunch("no such Python", (), {})).run()
    assert outcome.code == "start_failed" and "no such Python" in outcome.message


def test_an_interrupted_wait_ends_the_worker_with_its_children(a_request, a_witness, monkeypatch):
    """The worker is deaf to the flag, so it is ended after the time that it would have had."""
    monkeypatch.setattr(BlockingJob, "_GRACE_S", 0.3)

    def interrupt():
        while not a_witness.hasBegun(2):
            time.sleep(0.02)
        _thread.interrupt_main()

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        BlockingJob.BlockingJob(a_request, scripted(a_request, "deaf")).run()
    assert a_request.cancel_file.exists() and len(a_witness.pids()) == 2


def test_without_psutil_a_silent_worker_is_ended_all_the_same(a_request, monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert BlockingJob.BlockingJob(a_request, scripted(a_request, "silent"), silenceS=1.0).run().code == "stalled"
    monkeypatch.undo()
