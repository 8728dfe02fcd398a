"""The watch beside a job ends the process of a cancelled one, but never once its outputs have their names."""

import io
import json
import time
from queue import Queue

import pytest
from job_examples import a_request_in

from mrsynth import job_watch
from mrsynth.job_protocol import EventWriter, ExitCode
from mrsynth.job_watch import JobWatch

PATIENCE_S = 10


@pytest.fixture
def ends(monkeypatch):
    """The exit codes that the process would have been ended with."""
    codes = Queue()
    monkeypatch.setattr(job_watch.os, "_exit", codes.put)
    monkeypatch.setattr(job_watch, "LOOK_EVERY_S", 0.005)
    monkeypatch.setattr(job_watch, "GRACE_S", 0.01)
    return codes


@pytest.fixture
def a_watch(tmp_path, ends):
    """A watch with the request it belongs to and the stream it writes to; over when the test is."""
    request, stream = a_request_in(tmp_path), io.BytesIO()
    watch = JobWatch(request, EventWriter(stream, request.run_id))
    watch.start()
    yield watch, request, stream
    watch.stop()


def test_work_that_does_not_notice_that_it_was_cancelled_is_ended(a_watch, ends):
    _, request, stream = a_watch
    request.cancel_file.touch()
    assert ends.get(timeout=PATIENCE_S) == ExitCode.CANCELLED
    assert json.loads(stream.getvalue().splitlines()[0])["code"] == "cancelled"


def test_work_whose_outputs_have_their_names_is_no_longer_cancelled(a_watch, ends):
    watch, request, stream = a_watch
    with watch.committing():
        request.cancel_file.touch()
        time.sleep(0.1)  # the watch now waits for the renames to be over
    time.sleep(0.1)
    assert ends.empty() and stream.getvalue() == b""


def test_work_whose_renaming_failed_can_still_be_cancelled(a_watch, ends):
    watch, request, _ = a_watch
    with pytest.raises(OSError, match="full"), watch.committing():
        raise OSError("full")
    request.cancel_file.touch()
    assert ends.get(timeout=PATIENCE_S) == ExitCode.CANCELLED


def test_patient_work_is_left_to_end_by_itself(tmp_path, ends):
    request, stream = a_request_in(tmp_path), io.BytesIO()
    watch = JobWatch(request, EventWriter(stream, request.run_id), patient=True)
    watch.start()
    request.cancel_file.touch()
    time.sleep(0.1)
    assert watch.cancelled() and ends.empty() and stream.getvalue() == b""
    watch.stop()


def test_patient_work_whose_parent_is_gone_is_asked_to_stop(tmp_path, ends):
    request = a_request_in(tmp_path, parent_pid=2**22 + 1)  # beyond the largest number of a process
    watch = JobWatch(request, EventWriter(io.BytesIO(), request.run_id), patient=True)
    watch.start()
    deadline = time.monotonic() + PATIENCE_S
    while not watch.cancelled() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert watch.cancelled() and ends.empty()
    watch.stop()
