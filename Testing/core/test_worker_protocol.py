"""Exit codes, failures, lines of JSON and the job's file."""

import io
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from mrsynth import job_protocol
from mrsynth.errors import Cancelled, InputError, MissingFile, OutputError
from mrsynth.job_file import JobRequest, read_request, read_result
from mrsynth.job_protocol import EventWriter, Failure, read_event
from mrsynth.json_file import write_json
from mrsynth.parent_watch import ParentWatch
from mrsynth.synthesis_job import SynthesisJob
from mrsynth.timing import Timing


class OutOfMemoryError(RuntimeError):
    """Named like PyTorch's."""


@pytest.fixture
def a_job(tmp_path):
    return SynthesisJob(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz", "t2-to-pd", model_folders=(tmp_path,))


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (InputError("no", "not_3d"), "not_3d", 2),
        (MissingFile("no"), "missing_file", 2),
        (OutputError("no", "disk_full"), "disk_full", 2),
        (Cancelled("no"), "cancelled", 130),
        (KeyboardInterrupt(), "cancelled", 130),
        (MemoryError(), "out_of_memory", 1),
        (OutOfMemoryError("no"), "out_of_memory", 1),
        (KeyError("no"), "internal", 1),
    ],
)
def test_each_error_has_its_code_and_exit_code(error, code, exit_code):
    failure = Failure.of(error)
    assert (failure.code, failure.exit_code, failure.unexpected) == (code, exit_code, code == "internal")
    assert failure.message


def test_a_failure_is_one_line():
    assert Failure.of(InputError("first\n  second")).message == "first second"


def test_an_event_comes_back_as_it_was_said():
    stream = io.BytesIO()
    EventWriter(stream, "run").write("warning", message="Größe \udcff")
    assert stream.getvalue().isascii()
    event = read_event(stream.getvalue(), "run")
    assert event == {"run_id": "run", "event": "warning", "message": "Größe \udcff"}


@pytest.mark.parametrize(
    "line", ["", "noise", "[1]", '{"event": "finished", "run_id": "other"}', '{"event": "?", "run_id": "run"}', b"\xff"]
)
def test_noise_and_other_runs_are_no_events(line):
    assert read_event(line, "run") is None


def test_events_of_several_threads_never_share_a_line():
    stream = io.BytesIO()
    events = EventWriter(stream, "run")
    threads = [threading.Thread(target=lambda: [events.write("heartbeat") for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 800 and all(read_event(line, "run") for line in lines)


def test_a_stalled_reader_holds_up_one_thread_only(monkeypatch):
    monkeypatch.setattr(job_protocol, "STALLED_AFTER_S", 0.01)
    events = EventWriter(io.BytesIO(), "run")
    with events._lock:
        events.write("heartbeat")
    assert events._stream.getvalue() == b""


def test_a_job_survives_its_document(a_job):
    assert SynthesisJob.from_dict(json.loads(json.dumps(a_job.to_dict()))) == a_job


@pytest.mark.parametrize("timing", [Timing(), Timing(98.0, 4500, 15.5), Timing(target_te_ms=20)])
def test_the_timing_of_a_job_survives_its_document_and_its_file(tmp_path, a_job, timing):
    job = replace(a_job, timing=timing)
    assert SynthesisJob.from_dict(json.loads(json.dumps(job.to_dict()))).timing == timing
    assert read_request(JobRequest(tmp_path, job).write()).job.timing == timing


def test_a_job_from_before_there_was_timing_is_read(a_job):
    document = a_job.to_dict()
    del document["timing"]
    assert SynthesisJob.from_dict(document) == a_job


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timing", None),
        ("timing", [98, 4500, 8]),
        ("timing", {"ti_ms": 100}),
        ("timing", {"te_ms": 0}),
        ("timing", {"tr_ms": "4500"}),
        ("timing", {"target_te_ms": float("inf")}),
        ("model", ""),
        ("mode", "rough"),
        ("device", ""),
        ("batch_size", 0),
        ("batch_size", True),
        ("force", "yes"),
        ("run_id", "../x"),
        ("run_id", None),
        ("model_folders", "x"),
        ("model_folders", [1]),
        ("source", ""),
        ("output", 3),
        ("uncertainty", "a\0b"),
        ("reference", 1.5),
        ("colour", "red"),
    ],
)
def test_a_job_with_a_wrong_field_is_refused_by_its_name(a_job, field, value):
    with pytest.raises(InputError, match=field) as refused:
        SynthesisJob.from_dict(a_job.to_dict() | {field: value})
    assert refused.value.code == "bad_job"


@pytest.mark.parametrize("field", ["source", "output", "model"])
def test_a_job_without_a_necessary_field_is_refused(a_job, field):
    document = a_job.to_dict()
    del document[field]
    with pytest.raises(InputError, match=f"found no {field}"):
        SynthesisJob.from_dict(document)


def test_a_job_that_is_no_object_is_refused():
    with pytest.raises(InputError, match="an object"):
        SynthesisJob.from_dict([])


@pytest.mark.parametrize(("field", "value"), [("parent_pid", 0), ("parent_pid", "7"), ("parent_created", -1)])
def test_a_request_with_an_impossible_parent_is_refused(tmp_path, a_job, field, value):
    with pytest.raises(InputError, match=field):
        JobRequest(tmp_path, a_job, **{field: value})


@pytest.mark.parametrize("change", [{"more": 1}, {"protocol": 0}, {"synthesis": []}])
def test_a_request_of_another_kind_is_refused(tmp_path, a_job, change):
    path = JobRequest(tmp_path, a_job).write()
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError) as refused:
        read_request(path)
    assert refused.value.code == "bad_job"


def test_a_request_of_a_megabyte_is_refused(tmp_path):
    (tmp_path / "job.json").write_text(" " * 1_000_001)
    with pytest.raises(InputError, match="at most"):
        read_request(tmp_path / "job.json")


def test_a_result_of_another_run_is_none(tmp_path, a_job):
    request = JobRequest(tmp_path, a_job)
    assert read_result(request) is None
    request.result_file.write_text('{"run_id": "another"}')
    assert read_result(request) is None
    request.result_file.write_text(json.dumps({"run_id": a_job.run_id}))
    assert read_result(request) == {"run_id": a_job.run_id}


def test_a_document_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputError):
        write_json(tmp_path / "taken", {})
    with pytest.raises(OutputError):
        write_json(tmp_path / "none" / "x.json", {})
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"x": float("nan")})
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_full_disk_is_called_that(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mrsynth.atomic_file.os.fsync", full)
    with pytest.raises(OutputError) as refused:
        write_json(tmp_path / "x.json", {})
    assert refused.value.code == "disk_full" and not list(tmp_path.iterdir())


def test_a_parent_is_there_until_it_is_not():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    watch = ParentWatch(child.pid, psutil.Process(child.pid).create_time())
    assert not watch.is_gone()
    child.kill()
    psutil.wait_procs([psutil.Process(child.pid)], timeout=0.1)
    child.wait()
    assert watch.is_gone() and ParentWatch(child.pid).is_gone()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows forgets a process when it ends")
def test_a_parent_that_nobody_waited_for_is_gone():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    watch = ParentWatch(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert watch.is_gone()
    child.wait()


def test_no_parent_is_never_gone_and_another_one_with_its_number_is_none():
    assert not ParentWatch(None).is_gone()
    assert not ParentWatch(os.getpid()).is_gone()
    assert ParentWatch(os.getpid(), created=1.0).is_gone()


@pytest.mark.parametrize(("error", "gone"), [(psutil.NoSuchProcess(1), True), (psutil.AccessDenied(1), False)])
def test_a_parent_that_cannot_be_looked_at_counts_as_there(monkeypatch, error, gone):
    watch = ParentWatch(os.getpid())

    def refuse(self):
        raise error

    monkeypatch.setattr(psutil.Process, "status", refuse)
    assert watch.is_gone() is gone


def test_whoever_starts_a_worker_imports_nothing_heavy():
    script = "import sys, mrsynth.job_file, mrsynth.job_protocol; print(*{n.split('.')[0] for n in sys.modules})"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "MRSynthesis")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert not {"numpy", "torch", "psutil", "nibabel", "SimpleITK"} & set(done.stdout.split())
