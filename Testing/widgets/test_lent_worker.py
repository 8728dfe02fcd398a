"""A worker that stays for the next job: lent, taken back, given up, and never left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from freed import isFreed
from job_examples import a_request_in
from job_witness import PATIENCE_S, isZombie, wait_until
from slicer_host.heartbeat import Heartbeat
from warm_jobs import scriptedWarm

from mrsynth.job_file import read_result
from MRSynthesisLib import WarmWorker as module
from MRSynthesisLib.BackgroundJob import JobEnd, JobLimits
from MRSynthesisLib.WarmWorker import WarmLimits, WarmWorker
from MRSynthesisLib.WorkerLaunch import WorkerLaunch, warmLaunch

posix = pytest.mark.skipif(os.name == "nt", reason="signals of this kind are POSIX's")


def test_the_real_worker_does_job_after_job_in_one_process(warm_jobs):
    assert not warm_jobs.isWaiting
    assert warm_jobs.do().end is JobEnd.SUCCEEDED
    number = warm_jobs.keeper.number
    bad = a_request_in(warm_jobs.folder / "bad")
    bad.job.source.unlink()
    refused = warm_jobs.do(request=bad)
    assert (refused.end, refused.code) == (JobEnd.FAILED, "missing_file") and refused.message in refused.logTail
    cancelled = warm_jobs.start()
    cancelled.job.cancel()
    assert cancelled.end().end is JobEnd.CANCELLED
    assert warm_jobs.do().end is JobEnd.SUCCEEDED
    assert warm_jobs.keeper.number == number != 0
    request = warm_jobs.witnesses[-1].request
    assert read_result(request)["output"] == str(request.job.output) and request.log_file.exists()


@pytest.mark.parametrize("behaviour", ["good", "launcher"])
def test_what_is_said_between_two_jobs_is_nobodys(warm_jobs, behaviour):
    warm_jobs.keep(behaviour)
    assert [warm_jobs.do().end for _ in range(3)] == [JobEnd.SUCCEEDED] * 3
    first, *others = [each.pids() for each in warm_jobs.witnesses]
    assert len(first) == 1 and others == [first, first]


@pytest.mark.parametrize("behaviour", ["gone", "unanswering"])
def test_a_new_worker_that_takes_no_job_is_not_tried_again(warm_jobs, behaviour):
    warm_jobs.keep(behaviour, answerS=1.0)
    assert [warm_jobs.do().end for _ in range(2)] == [JobEnd.SUCCEEDED] * 2
    assert not warm_jobs.isWaiting and len({each.pids()[0] for each in warm_jobs.witnesses}) == 2


@pytest.mark.parametrize("behaviour", ["once", "once-and-unanswering"])
def test_a_worker_that_has_gone_or_turned_deaf_meanwhile_is_no_harm(warm_jobs, behaviour):
    warm_jobs.keep(behaviour, answerS=1.0)
    assert [warm_jobs.do().end for _ in range(3)] == [JobEnd.SUCCEEDED] * 3
    assert len({each.pids()[0] for each in warm_jobs.witnesses}) == 3


def test_a_worker_that_breaks_down_fails_its_job_with_its_last_words_and_not_the_next(warm_jobs):
    warm_jobs.keep("breaking-down")
    outcome = warm_jobs.do()
    assert (outcome.code, outcome.logTail) == ("crashed", "the last word ü") and "exit code 3" in outcome.message
    warm_jobs.keep("good")
    assert warm_jobs.do().end is JobEnd.SUCCEEDED


@posix
def test_a_worker_killed_during_its_job_is_a_breakdown(warm_jobs):
    warm_jobs.keep("silent")
    witness = warm_jobs.start()
    wait_until(lambda: witness.job._worker._hasBegun, PATIENCE_S)
    os.kill(witness.pids()[0], signal.SIGKILL)
    assert witness.end().code == "crashed" and not warm_jobs.isWaiting


def test_a_worker_is_not_kept_after_a_failure_of_unknown_cause(warm_jobs):
    warm_jobs.keep("staying-after-failure")
    outcome = warm_jobs.do()
    assert (outcome.code, outcome.message) == ("internal", "a defect") and not warm_jobs.isWaiting


def test_a_worker_that_falls_silent_or_is_deaf_is_ended_with_its_children(warm_jobs):
    warm_jobs.keep("silent")
    witness = warm_jobs.start()
    witness.waitFor()
    witness.job._limits = JobLimits(silenceS=0.5)
    assert witness.end().code == "stalled" and not warm_jobs.isWaiting
    warm_jobs.keep("deaf")
    witness = warm_jobs.start(JobLimits(graceS=0.3))
    witness.waitFor(2)
    witness.job.cancel()
    assert witness.end().end is JobEnd.CANCELLED and not warm_jobs.isWaiting


def test_a_job_cancelled_before_the_worker_answers_starts_no_other(warm_jobs):
    warm_jobs.keep("unanswering")
    witness = warm_jobs.start(JobLimits(graceS=0.3))
    wait_until(lambda: witness.job._worker.number, PATIENCE_S)
    witness.job.cancel()
    assert witness.end().end is JobEnd.CANCELLED and witness.pids() == []


def test_a_job_stopped_at_once_ends_its_worker(warm_jobs):
    warm_jobs.keep("deaf")
    witness = warm_jobs.start()
    witness.waitFor(2)
    witness.job.stopAtOnce()
    assert not warm_jobs.isWaiting and witness.outcomes == []


def test_a_missing_interpreter_is_named(warm_jobs):
    warm_jobs.keeper = WarmWorker(launch=lambda: WorkerLaunch("no such Python", (), dict(os.environ)))
    outcome = warm_jobs.do()
    assert outcome.code == "start_failed" and "no such Python" in outcome.message


def test_a_worker_that_waits_is_ended_when_it_is_let_go_of(warm_jobs):
    warm_jobs.keep("good")
    warm_jobs.do()
    warm_jobs.keeper.letGo()
    assert not warm_jobs.isWaiting
    wait_until(lambda: isZombie(warm_jobs.witnesses[0].pids()[0]), PATIENCE_S)


def test_a_worker_that_is_let_go_of_during_its_job_ends_after_it(warm_jobs):
    warm_jobs.keep("good")
    witness = warm_jobs.start()
    warm_jobs.keeper.letGo()
    assert witness.end().end is JobEnd.SUCCEEDED and not warm_jobs.isWaiting


def test_a_worker_does_not_wait_for_ever(warm_jobs):
    warm_jobs.keep("once-and-unanswering", idleS=1.0)
    warm_jobs.do()
    wait_until(lambda: not warm_jobs.isWaiting, PATIENCE_S)


@pytest.mark.parametrize("moment", ["at the end of a job", "later"])
def test_a_worker_goes_where_memory_is_short(warm_jobs, monkeypatch, moment):
    warm_jobs.keep("good", leastFreeBytes=0 if moment == "later" else float("inf"))
    warm_jobs.do()
    assert warm_jobs.isWaiting == (moment == "later")
    warm_jobs.keeper.limits = WarmLimits(leastFreeBytes=float("inf"))
    wait_until(lambda: not warm_jobs.isWaiting, PATIENCE_S)


def test_without_psutil_a_worker_stays_all_the_same(warm_jobs, monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    warm_jobs.keep("good")
    warm_jobs.do()
    assert warm_jobs.isWaiting
    warm_jobs.keeper.letGo()
    monkeypatch.undo()


@posix
def test_a_worker_killed_while_it_waits_is_forgotten(warm_jobs):
    warm_jobs.keep("good")
    warm_jobs.do()
    os.kill(warm_jobs.keeper.number, signal.SIGKILL)
    wait_until(lambda: not warm_jobs.isWaiting, PATIENCE_S)


def test_another_environment_is_another_worker(warm_jobs, monkeypatch):
    warm_jobs.keeper = WarmWorker(launch=lambda: scriptedWarm("good"))
    warm_jobs.do()
    monkeypatch.setenv("MRSYNTH_MODELS", str(warm_jobs.folder))
    warm_jobs.do()
    first, second = [each.pids()[0] for each in warm_jobs.witnesses]
    assert first != second and warm_jobs.keeper.number == second


def test_where_a_package_came_meanwhile_the_worker_is_another(warm_jobs, monkeypatch, tmp_path):
    monkeypatch.setattr(module.sysconfig, "get_path", lambda name: str(tmp_path / name))
    (tmp_path / "purelib").mkdir()
    warm_jobs.keep("good")
    warm_jobs.do()
    (tmp_path / "purelib" / "torch-9.dist-info").mkdir()
    os.utime(tmp_path / "purelib", (1, 1))
    warm_jobs.do()
    first, second = [each.pids()[0] for each in warm_jobs.witnesses]
    assert first != second and warm_jobs.keeper.number == second


def test_the_keeper_waits_until_its_worker_is_gone_when_the_module_goes(warm_jobs):
    warm_jobs.keep("once-and-unanswering")
    warm_jobs.do()
    number = warm_jobs.keeper.number
    warm_jobs.keeper.stopAtOnce()
    assert isZombie(number) and not warm_jobs.isWaiting
    warm_jobs.keeper.stopAtOnce()


@pytest.mark.parametrize("what", ["job", "lent", "keeper"])
def test_whatever_had_to_do_with_a_worker_is_freed_when_it_was_let_go_of(warm_jobs, what):
    def ended():
        warm_jobs.keep("good")
        warm_jobs.do()
        job, keeper = warm_jobs.witnesses.pop().job, warm_jobs.keeper
        if what == "keeper":
            warm_jobs.keeper = WarmWorker()
            keeper.letGo()
        return {"job": job, "lent": job._worker, "keeper": keeper}[what]

    assert isFreed(ended)


def test_the_event_loop_goes_on_while_workers_are_lent_given_up_and_ended(warm_jobs):
    heartbeat = Heartbeat(everyMs=5)
    heartbeat.start()
    warm_jobs.keep("once-and-unanswering", answerS=0.5)
    warm_jobs.do()
    warm_jobs.do()
    warm_jobs.keep("good")
    warm_jobs.do()
    warm_jobs.keeper.letGo()
    heartbeat.stop()
    assert heartbeat.longest[2].own < 0.05, heartbeat.longest[:5]


@posix
def test_a_worker_that_waits_ends_when_slicer_was_killed(tmp_path):
    """Slicer's end closes its input, however it came."""
    script = Path(__file__).with_name("killed_application.py")
    done = subprocess.run([sys.executable, script, str(tmp_path)], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == -signal.SIGKILL, done.stderr
    number = int(done.stdout.split()[-1])
    wait_until(lambda: not psutil.pid_exists(number) or isZombie(number), PATIENCE_S)


def test_a_worker_that_stays_is_started_as_such():
    assert warmLaunch().arguments[-3:] == ("-m", "mrsynth.worker", "--warm")
    assert module.WarmLimits().idleS < 300, "expected it to go before the worker ends by itself"
