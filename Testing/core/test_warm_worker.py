"""A warm worker does one job after the other, and ends when nobody needs it."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from job_examples import a_ball, a_request_in

from mrsynth import worker
from mrsynth.errors import Cancelled, InputError
from mrsynth.job_file import JobRequest, read_result
from mrsynth.job_lines import JobLines
from mrsynth.volume_reading import read_volume

PACKAGE = Path(__file__).resolve().parents[2] / "MRSynthesis"
PATIENCE_S = 60
ENDS = ("finished", "error")


class WarmProcess:
    """A warm worker, and the test as whoever started it."""

    def __init__(self) -> None:
        command = [sys.executable, "-X", "utf8", "-u", "-m", "mrsynth.worker", "--warm"]
        environment = os.environ | {"PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=environment, **pipes)

    def give(self, request: JobRequest) -> None:
        self.process.stdin.write(f"{request.write()}\n".encode())
        self.process.stdin.flush()

    def answer(self, request: JobRequest) -> list[dict]:
        """The events of a job, to its end."""
        events = []
        for line in self.process.stdout:
            events.append(json.loads(line))
            assert events[-1]["run_id"] == request.run_id
            if events[-1]["event"] in ENDS:
                return events
        raise AssertionError(f"the worker ended: {self.process.stderr.read().decode()}")

    def end(self) -> int:
        self.process.stdin.close()
        return self.process.wait(timeout=PATIENCE_S)


@pytest.fixture
def a_warm_worker():
    warm = WarmProcess()
    yield warm
    warm.process.kill()
    warm.process.wait()
    for pipe in (warm.process.stdin, warm.process.stdout, warm.process.stderr):
        pipe.close()


def test_one_process_does_job_after_job_whatever_became_of_those_before(tmp_path, a_warm_worker):
    jobs = {name: a_request_in(tmp_path / name) for name in ("first", "bad", "cancelled", "last")}
    jobs["bad"].job.source.unlink()
    jobs["cancelled"].cancel_file.touch()
    last = {}
    for name, request in jobs.items():
        a_warm_worker.give(request)
        started, *_, last[name] = a_warm_worker.answer(request)
        assert (started["event"], started["pid"]) == ("started", a_warm_worker.process.pid)
    assert [(end["event"], end.get("code")) for end in last.values()] == [
        ("finished", None),
        ("error", "missing_file"),
        ("error", "cancelled"),
        ("finished", None),
    ]
    for name in ("first", "last"):
        assert read_result(jobs[name])["output"] == str(jobs[name].job.output)
        assert abs(read_volume(jobs[name].job.output).voxels - a_ball().voxels).max() < 0.01
    assert a_warm_worker.end() == 0


def test_every_job_has_a_log_of_its_own_in_its_folder(tmp_path, a_warm_worker):
    jobs = [a_request_in(tmp_path / name) for name in ("first ü", "second")]
    for request in jobs:
        request.job.source.unlink()
        a_warm_worker.give(request)
        message = a_warm_worker.answer(request)[-1]["message"]
        assert request.log_file.read_text("utf-8").splitlines() == [f"mrsynth.worker: {message}"]
    assert a_warm_worker.end() == 0 and a_warm_worker.process.stderr.read() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without telling it")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_waits_is_ended_by_a_signal_though_a_job_was_done_before(tmp_path, a_warm_worker, number):
    request = a_request_in(tmp_path)
    request.job.source.unlink()
    a_warm_worker.give(request)
    a_warm_worker.answer(request)
    time.sleep(0.3)
    a_warm_worker.process.send_signal(number)
    a_warm_worker.process.wait(timeout=5)


@pytest.fixture
def done(monkeypatch) -> list[str]:
    """Names of the jobs that were done; a job whose name is that of an outcome has this outcome."""
    outcomes = {"bad": InputError("bad", "bad"), "stopped": Cancelled("stopped"), "broken": RuntimeError("broken")}
    runs = []

    def run(request, events, ready) -> None:
        ready()
        runs.append(request.job.model)
        if request.job.model in outcomes:
            raise outcomes[request.job.model]

    monkeypatch.setattr(worker, "run_request", run)
    monkeypatch.setattr(worker, "_import_ahead", lambda: None)
    return runs


def lines_of(tmp_path: Path, *names: str) -> JobLines:
    paths = [a_request_in(tmp_path / str(number), model=name).write() for number, name in enumerate(names)]
    return JobLines(io.BytesIO("".join(f"{path}\n" for path in paths).encode()))


def test_jobs_are_done_in_their_order_to_the_end_of_the_input(tmp_path, done):
    stream = io.BytesIO()
    assert worker.serve(lines_of(tmp_path, "a", "bad", "stopped", "b"), stream) == 0
    assert done == ["a", "bad", "stopped", "b"]
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == [
        *("finished", "error", "error", "finished")
    ]


def test_after_a_failure_of_unknown_cause_the_process_is_not_used_again(tmp_path, done, capsys):
    assert worker.serve(lines_of(tmp_path, "a", "broken", "b"), io.BytesIO()) == 1
    assert done == ["a", "broken"]
    assert "Traceback" in capsys.readouterr().err


def test_without_a_place_for_a_log_standard_error_stays_what_it_is(tmp_path, done, capfd):
    request = a_request_in(tmp_path, model="broken")
    request.log_file.mkdir()
    assert worker.serve(JobLines(io.BytesIO(f"{request.write()}\n".encode())), io.BytesIO()) == 1
    os.write(2, b"and afterwards")
    assert "Traceback" in (told := capfd.readouterr().err) and told.endswith("and afterwards")


def test_a_job_file_that_does_not_say_whose_it_is_ends_the_process(tmp_path, done):
    stream = io.BytesIO()
    assert worker.serve(JobLines(io.BytesIO(f"{tmp_path / 'none.json'}\n".encode())), stream) == 2
    assert json.loads(stream.getvalue()) | {"message": ""} == {
        **{"run_id": None, "event": "error", "code": "bad_job", "message": "", "exit_code": 2},
    }


def test_a_worker_without_a_job_ends_by_itself(done):
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb"):
        asked = time.monotonic()
        jobs = JobLines(stream)
        assert worker.serve(jobs, io.BytesIO(), idle_s=0.05) == 0
        assert time.monotonic() - asked < 5


def test_signals_mean_after_a_job_what_they_meant_before(tmp_path, done, monkeypatch):
    def run(request, events, ready) -> None:
        worker._cancel_on_signals(None)
        assert signal.getsignal(signal.SIGINT) is not before

    monkeypatch.setattr(worker, "run_request", run)
    before = signal.getsignal(signal.SIGINT)
    assert worker.serve(lines_of(tmp_path, "a"), io.BytesIO()) == 0
    assert signal.getsignal(signal.SIGINT) is before


def test_the_command_line_asks_for_a_warm_worker(monkeypatch):
    monkeypatch.setattr(worker, "claim_standard_output", io.BytesIO)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    monkeypatch.setattr(worker, "_import_ahead", lambda: None)
    assert worker.main(["--warm"]) == 0


def test_what_cannot_be_imported_ahead_is_left_to_the_job(monkeypatch):
    monkeypatch.setitem(sys.modules, "mrsynth.models.weights", None)
    worker._import_ahead()


def test_job_lines_are_paths_in_utf8_without_blank_lines_and_line_ends():
    jobs = JobLines(io.BytesIO("\r\nLäufe/job.json\r\n \nb".encode()))
    assert [jobs.next(PATIENCE_S) for _ in range(3)] == [Path("Läufe/job.json"), Path("b"), None]


def test_lines_that_cannot_be_read_any_more_are_the_end(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)

    class Broken(io.BytesIO):
        def readline(self, *arguments: int) -> bytes:
            raise OSError("gone")

    assert JobLines(Broken()).next(PATIENCE_S) is None
