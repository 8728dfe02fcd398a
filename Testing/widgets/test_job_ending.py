"""Ending a worker: asked, made to, found dead or silent; and that nothing of it is left."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from job_examples import a_request_in
from job_witness import PATIENCE_S, Witness, outcomeOf, scripted, wait_until, witnessed

from MRSynthesisLib import WorkerProcess
from MRSynthesisLib.BackgroundJob import BackgroundJob, JobEnd, JobLimits
from MRSynthesisLib.WorkerLaunch import WorkerLaunch

LONG_BEFORE_ITS_OWN_END_S = 40
STALLED = Path(__file__).parents[1] / "core" / "stalled_worker.py"
posix = pytest.mark.skipif(os.name == "nt", reason="signals of this kind are POSIX's")


@pytest.fixture
def a_witness(tmp_path):
    yield from witnessed(tmp_path)


@posix
def test_a_worker_killed_from_outside_is_a_breakdown(a_witness):
    a_witness.start(scripted(a_witness.request, "silent"))
    a_witness.waitFor()
    os.kill(a_witness.pids()[0], signal.SIGKILL)
    assert a_witness.end().code == "crashed"


@posix
def test_an_interpreter_that_outlives_its_launcher_is_ended(a_witness):
    a_witness.start(scripted(a_witness.request, "launcher"))
    a_witness.waitFor(2)
    wait_until(lambda: a_witness.job._worker._worker is not None, PATIENCE_S)
    os.kill(a_witness.pids()[0], signal.SIGKILL)
    assert a_witness.end().code == "crashed"


@pytest.mark.parametrize("program", ["no such Python", "."])
def test_a_missing_interpreter_is_named(a_witness, program):
    launch = WorkerLaunch(program, (), dict(os.environ))
    a_witness.start(launch)
    outcome = a_witness.end()
    assert (outcome.end, outcome.code) == (JobEnd.FAILED, "start_failed")
    assert f"{program}: " in outcome.message and "reinstall Slicer" in outcome.message and outcome.logTail == ""


def test_a_job_that_cannot_be_written_is_told(a_witness):
    a_witness.request.folder.write_text("a file where the folder should be")
    a_witness.start(WorkerLaunch(sys.executable, (), {}))
    assert a_witness.end().code == "job_unwritable"
    a_witness.request.folder.unlink()


def test_a_worker_that_falls_silent_is_ended_with_its_launcher(a_witness):
    job = a_witness.start(scripted(a_witness.request, "launcher"))
    a_witness.waitFor(2)
    job._limits = JobLimits(silenceS=2.0)
    outcome = a_witness.end()
    assert (outcome.end, outcome.code) == (JobEnd.FAILED, "stalled")
    assert "no sign of life for 2 seconds" in outcome.message
    assert len(a_witness.pids()) == 2


def test_signs_of_life_keep_a_slow_worker_running(a_witness):
    """The clock of the limit is moved by hand, so that a slow machine makes no difference."""
    job = a_witness.start(scripted(a_witness.request, "deaf"))
    a_witness.waitFor(2)
    job._ticker.stop()
    job._limits = JobLimits(silenceS=1.0)
    for _word in range(3):
        wait_until(lambda: job._silentS == 0)
        for _look in range(8):
            job._look()
        assert job._silentS > 0.7
    assert a_witness.outcomes == [] and not job._killed
    job.stopAtOnce()


def test_a_worker_deaf_to_cancelling_is_ended_with_its_children(a_witness):
    job = a_witness.start(scripted(a_witness.request, "deaf"), JobLimits(graceS=0.3))
    a_witness.waitFor(2)
    job.cancel()
    job.cancel()
    assert a_witness.request.cancel_file.exists()
    outcome = a_witness.end()
    assert (outcome.end, outcome.code, outcome.message) == (JobEnd.CANCELLED, "cancelled", "Cancelled.")


@pytest.mark.parametrize("point", ["synthesis", "volume"])
def test_the_real_worker_is_cancelled_by_its_flag_wherever_it_is(tmp_path, point):
    witness = Witness(a_request_in(tmp_path))
    job = witness.start(scripted(witness.request, point, STALLED), JobLimits(graceS=PATIENCE_S))
    wait_until((witness.request.folder / "stalled").exists, PATIENCE_S)
    job.cancel()
    assert witness.end().end is JobEnd.CANCELLED and not job._killed
    assert list(witness.request.job.output.parent.iterdir()) == []


def test_without_psutil_a_worker_is_ended_all_the_same(a_witness, monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    job = a_witness.start(scripted(a_witness.request, "silent"), JobLimits(graceS=0.1))
    a_witness.waitFor()
    job.cancel()
    assert a_witness.end().end is JobEnd.CANCELLED
    monkeypatch.undo()


def test_a_cancel_that_comes_too_late_changes_nothing(a_witness):
    job = a_witness.start(scripted(a_witness.request, "late"), JobLimits(graceS=30))
    wait_until(a_witness.pids, PATIENCE_S)
    job.cancel()
    assert a_witness.end().end is JobEnd.SUCCEEDED
    job.cancel()


def test_a_worker_stopped_by_others_was_cancelled_too(a_witness):
    outcome = outcomeOf(a_witness, "stopped")
    assert (outcome.end, outcome.code) == (JobEnd.CANCELLED, "cancelled") and "from outside" in outcome.message


@pytest.mark.parametrize("moment", ["before start", "after start"])
def test_a_job_cancelled_before_its_process_begins_starts_none(a_witness, moment):
    job = BackgroundJob(a_witness.request, a_witness.callbacks(), scripted(a_witness.request, "silent"))
    a_witness.job = job
    if moment == "before start":
        job.cancel()
    job.start()
    job.cancel()
    assert a_witness.end().end is JobEnd.CANCELLED
    assert a_witness.pids() == [] and not job.logFile.exists()


def test_a_process_that_will_not_die_is_named_and_no_longer_waited_for(a_witness, monkeypatch):
    monkeypatch.setattr(WorkerProcess.WorkerProcess, "kill", lambda self: None)
    job = a_witness.start(scripted(a_witness.request, "deaf"), JobLimits(graceS=0.1, killS=0.2))
    a_witness.waitFor(2)
    job.cancel()
    outcome = a_witness.end()
    assert outcome.code == "unending" and str(a_witness.pids()[0]) in outcome.message


def test_a_job_stopped_at_once_is_gone_and_says_no_word(a_witness):
    job = a_witness.start(scripted(a_witness.request, "deaf"))
    a_witness.waitFor(2)
    began = time.monotonic()
    job.stopAtOnce()
    assert time.monotonic() - began < LONG_BEFORE_ITS_OWN_END_S and not job.isRunning
    job.stopAtOnce()
    assertSilence(a_witness)


def test_a_job_stopped_while_it_begins_or_before_says_no_word(a_witness):
    BackgroundJob(a_witness.request, a_witness.callbacks()).stopAtOnce()
    a_witness.start(scripted(a_witness.request, "silent")).stopAtOnce()
    assertSilence(a_witness)
    assert a_witness.pids() == []


def test_a_job_stopped_while_it_ends_says_no_word(a_witness):
    job = a_witness.start(scripted(a_witness.request, "refused"))
    wait_until(lambda: job._state == "ending", PATIENCE_S)
    job.stopAtOnce()
    assertSilence(a_witness)


def assertSilence(witness: Witness) -> None:
    quiet = time.monotonic() + 0.3
    wait_until(lambda: time.monotonic() > quiet)
    assert witness.outcomes == []
