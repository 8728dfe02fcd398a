"""One worker under Qt's event loop: whatever it does, the end is told once, in plain words."""

import gc
import logging
import os
import sys
import threading
from dataclasses import replace

import psutil
import pytest
from freed import isFreed
from job_examples import a_ball, a_request_in
from job_witness import Witness, outcomeOf, scripted, witnessed
from slicer_host.heartbeat import Heartbeat

import slicer  # isort: skip (the host is there once job_witness is)

from mrsynth.volume_reading import read_volume
from MRSynthesisLib import BackgroundJob as module
from MRSynthesisLib import JobOutcome, ProcessTree, WorkerProcess
from MRSynthesisLib.BackgroundJob import BackgroundJob, JobCallbacks, JobEnd, JobLimits, JobProgress

LONGEST_BUSY_S = 0.1
LONGEST_GAP_S = 0.25
"""A gap may also be another thread's, which a busy machine lets wait while it has Python's lock."""
posix = pytest.mark.skipif(os.name == "nt", reason="signals of this kind are POSIX's")


@pytest.fixture
def a_witness(tmp_path):
    yield from witnessed(tmp_path)


def test_a_job_runs_the_real_worker_and_ends_with_its_volume(tmp_path):
    witness = Witness(a_request_in(tmp_path))
    witness.start()
    outcome = witness.end()
    assert outcome.end is JobEnd.SUCCEEDED, outcome
    assert outcome.result["run_id"] == witness.request.run_id and (outcome.code, outcome.message) == ("", "")
    stages = list(dict.fromkeys(each.stage for each in witness.progress))
    assert stages[0] == "reading" and "synthesis" in stages and stages[-1] == "writing"
    assert all(0 <= each.fraction <= 1 for each in witness.progress)
    assert abs(read_volume(witness.request.job.output).voxels - a_ball().voxels).max() < 0.01


def test_the_real_worker_refuses_bad_input_in_its_own_words(tmp_path):
    request = a_request_in(tmp_path)
    request.job.source.write_bytes(b"no scan")
    witness = Witness(request)
    witness.start()
    outcome = witness.end()
    assert outcome.end is JobEnd.FAILED and outcome.code == "corrupt_file"
    assert "expected" in outcome.message and outcome.message in outcome.logTail and outcome.result is None


def test_a_job_tells_warnings_and_progress_through_all_noise(a_witness):
    outcome = outcomeOf(a_witness, "noise")
    assert outcome.end is JobEnd.SUCCEEDED, outcome
    assert [each.done for each in a_witness.progress] == [1, 3] and a_witness.warnings == ["a warning"]
    assert a_witness.progress[0] == JobProgress("synthesis", 1, 4, None, None)


def test_a_flood_without_an_end_of_line_is_no_harm(a_witness):
    outcome = outcomeOf(a_witness, "flood")
    assert outcome.code == "crashed"
    assert len(a_witness.job._worker._pending) <= WorkerProcess._LONGEST_LINE_BYTES


@pytest.mark.parametrize(
    ("behaviour", "code", "words"),
    [
        ("no-result", "no_result", "no result of this run"),
        ("other-result", "no_result", "no result of this run"),
        ("no-output", "no_output", "no file synthetic.mha"),
        ("broken", "crashed", "exit code 3"),
        ("refused", "constant", "every voxel is 0"),
        ("unprepared", "missing_package", "no_such_package"),
        ("unprepared-later", "missing_package", "torch"),
        pytest.param("killed", "crashed", "it was killed", marks=posix),
    ],
)
def test_a_job_without_success_fails_with_a_code_and_plain_words(a_witness, behaviour, code, words):
    outcome = outcomeOf(a_witness, behaviour)
    assert (outcome.end, outcome.code, outcome.result) == (JobEnd.FAILED, code, None)
    assert words in outcome.message


def test_the_tail_of_the_log_is_told(a_witness):
    outcome = outcomeOf(a_witness, "broken")
    assert outcome.logTail == "the last word ü" == a_witness.job.logFile.read_text("utf-8").strip()


def test_only_the_last_lines_of_a_long_log_are_told(tmp_path):
    log = tmp_path / "worker.log"
    log.write_bytes(b"\xff\n" + b"".join(b"line %d\n" % number for number in range(5000)))
    tail = JobOutcome.logTail(log)
    assert tail.endswith("line 4999") and len(tail.splitlines()) == 20
    assert JobOutcome.logTail(tmp_path / "none") == ""


def test_a_job_runs_once(a_witness):
    job = a_witness.start(scripted(a_witness.request, "succeed"))
    with pytest.raises(RuntimeError, match="not started yet"):
        job.start()
    assert a_witness.end().end is JobEnd.SUCCEEDED
    with pytest.raises(RuntimeError, match="not started yet"):
        job.start()


def test_callbacks_that_raise_do_not_keep_the_end_from_being_told(a_witness, caplog):
    def failing(argument):
        raise ValueError("the panel stumbles")

    def finished(outcome):
        a_witness.outcomes.append(outcome)
        failing(outcome)

    callbacks = JobCallbacks(failing, failing, finished)
    a_witness.job = BackgroundJob(a_witness.request, callbacks, scripted(a_witness.request, "noise"))
    with caplog.at_level(logging.ERROR):
        a_witness.job.start()
        assert a_witness.end().end is JobEnd.SUCCEEDED
    assert sum("the panel stumbles" in str(record.exc_info) for record in caplog.records) == 4


def test_an_end_that_cannot_be_looked_into_is_still_told(a_witness, monkeypatch):
    def failing(request, log):
        raise PermissionError("no entry")

    monkeypatch.setattr(JobOutcome.Evidence, "of", failing)
    outcome = outcomeOf(a_witness, "no-output")
    assert (outcome.end, outcome.code, outcome.message) == (JobEnd.FAILED, "internal", "no entry")


def test_the_worker_is_told_whose_child_it_is(a_witness):
    outcomeOf(a_witness, "succeed")
    document = (a_witness.request.folder / "job.json").read_text()
    assert f'"parent_pid": {os.getpid()}' in document and '"parent_created": 1' in document


def test_a_finished_job_may_start_the_next_one(a_witness):
    started = []

    def next_(outcome):
        assert not a_witness.job.isRunning
        a_witness.outcomes.append(outcome)
        started.append(True)

    callbacks = JobCallbacks(a_witness.progress.append, a_witness.warnings.append, next_)
    a_witness.job = BackgroundJob(a_witness.request, callbacks, scripted(a_witness.request, "succeed"))
    a_witness.job.start()
    a_witness.end()
    assert started == [True]


def test_the_event_loop_goes_on_through_a_whole_run(a_witness):
    """It is never held up for as long as anything there is to wait for: the start, the silence, the end."""
    heartbeat = Heartbeat(everyMs=5)
    gc.collect()
    heartbeat.start()
    a_witness.start(scripted(a_witness.request, "launcher"), JobLimits(silenceS=1.0))
    a_witness.end()
    heartbeat.stop()
    longest = heartbeat.longest[:5]
    assert len(heartbeat.gaps) > 50 and longest[0].busy < LONGEST_BUSY_S and longest[2].own < LONGEST_GAP_S, longest


def test_no_process_is_watched_under_a_number_that_is_none():
    assert ProcessTree.watchedProcess(-1) is None
    assert ProcessTree.endTrees([None])


def test_a_process_that_is_gone_needs_no_ending():
    process = psutil.Popen([sys.executable, "-c", ""])
    process.wait()
    assert ProcessTree.endTrees([process])


def test_progress_without_a_total_is_no_fraction_of_anything():
    assert JobProgress("reading", 0, 0, None, None).fraction == 0
    assert JobProgress("synthesis", 3, 4, 1.5, "cpu").fraction == 0.75


@pytest.mark.parametrize("behaviour", ["succeed", "broken", "no such program"])
def test_a_job_that_has_ended_is_freed_with_those_it_has_told(a_witness, behaviour):
    class Panel:
        def tell(self, outcome):
            a_witness.outcomes.append(outcome)

    def ended(what):
        panel = Panel()
        launch = scripted(a_witness.request, behaviour)
        if behaviour == "no such program":
            launch = replace(launch, program=behaviour)
        callbacks = JobCallbacks(a_witness.progress.append, a_witness.warnings.append, panel.tell)
        a_witness.job = job = BackgroundJob(a_witness.request, callbacks, launch)
        job.start()
        a_witness.end()
        a_witness.job = None
        return {"job": job, "worker": job._worker, "panel": panel}[what]

    for what in ("job", "worker", "panel"):
        assert isFreed(lambda what=what: ended(what)), what
        a_witness.outcomes.clear()


def test_an_ended_job_that_is_kept_holds_nobody(a_witness):
    class Panel:
        def tell(self, outcome):
            a_witness.outcomes.append(outcome)

    def panelOfAnEndedJob():
        panel = Panel()
        callbacks = JobCallbacks(a_witness.progress.append, a_witness.warnings.append, panel.tell)
        a_witness.job = BackgroundJob(a_witness.request, callbacks, scripted(a_witness.request, "succeed"))
        a_witness.job.start()
        a_witness.end()
        return panel

    assert isFreed(panelOfAnEndedJob)
    assert a_witness.job.logFile.name == "worker.log" and not a_witness.job.isRunning


def test_a_job_leaves_neither_timer_nor_process_in_the_application(a_witness):
    before = len(slicer.app.moduleManager().children())
    outcomeOf(a_witness, "launcher", silenceS=0.5)
    assert len(slicer.app.moduleManager().children()) == before


def test_what_starts_the_worker_is_found_out_on_the_main_thread(a_witness, monkeypatch):
    threads = []

    def launch(jobFile):
        threads.append(threading.current_thread())
        assert jobFile == a_witness.request.folder / "job.json"
        return scripted(a_witness.request, "succeed")

    monkeypatch.setattr(module, "workerLaunch", launch)
    a_witness.start()
    assert a_witness.end().end is JobEnd.SUCCEEDED
    assert threads == [threading.main_thread()]


def test_a_worker_reads_nothing_whatever_python_calls_that(a_witness, monkeypatch):
    """Qt does not open what Python calls it on Windows: ``nul``."""
    monkeypatch.setattr(os, "devnull", str(a_witness.request.folder / "no such device"))
    assert outcomeOf(a_witness, "succeed").end is JobEnd.SUCCEEDED
