"""The worker's own code, run in this process: what it makes of jobs that it cannot do."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from job_examples import a_request_in

from mrsynth import worker
from mrsynth.job_file import JobRequest, read_result
from mrsynth.job_protocol import EventWriter
from mrsynth.progress import Progress


@pytest.fixture
def a_protocol(monkeypatch):
    """What the worker writes to its standard output, which stays this process' own."""

    class Kept(io.BytesIO):
        @property
        def events(self):
            return [json.loads(line) for line in self.getvalue().splitlines()]

    kept = Kept()
    monkeypatch.setattr(worker, "claim_standard_output", lambda: kept)
    monkeypatch.setattr(worker, "_cancel_on_signals", lambda watch: None)
    return kept


@pytest.fixture
def a_request(tmp_path):
    return a_request_in(tmp_path)


def test_a_job_is_done_and_its_result_written(a_request, a_protocol):
    assert worker.main([str(a_request.write())]) == 0
    assert read_result(a_request)["contrast"] == "PD"
    assert a_protocol.events[-1]["event"] == "finished"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"run_id": "x", "protocol": 1}', '{"protocol": 99, "run_id": "x", "synthesis": {}}', "\xff"],
)
def test_a_bad_job_file_is_told_with_exit_code_2(tmp_path, a_protocol, text):
    path = tmp_path / "job.json"
    path.write_bytes(text.encode("latin-1"))
    assert worker.main([str(path)]) == 2
    assert [event["code"] for event in a_protocol.events] == ["bad_job"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["job.json"]


def test_a_bad_job_that_names_its_run_is_answered_under_that_name(tmp_path, a_protocol):
    (tmp_path / "job.json").write_text('{"run_id": "abc", "protocol": 1}')
    worker.main([str(tmp_path / "job.json")])
    assert a_protocol.events[0]["run_id"] == "abc"


def test_a_missing_job_file_and_missing_arguments_are_bad_jobs(tmp_path, a_protocol):
    assert worker.main([str(tmp_path / "none.json")]) == 2
    assert worker.main([]) == 2
    assert [event["code"] for event in a_protocol.events] == ["bad_job", "bad_job"]


def test_bad_input_is_told_by_its_code_and_leaves_no_result(tmp_path, a_protocol, capsys):
    request = a_request_in(tmp_path, model="unheard-of")
    assert worker.main([str(request.write())]) == 2
    last = a_protocol.events[-1]
    assert (last["event"], last["code"], last["exit_code"]) == ("error", "unknown_model", 2)
    assert not request.result_file.exists()
    assert "Traceback" not in capsys.readouterr().err


def test_a_defect_of_the_program_is_a_failure_with_a_traceback_for_the_log(a_request, a_protocol, monkeypatch, capsys):
    monkeypatch.setattr("mrsynth.synthesis_run.run_job", lambda job, hooks: {}["no such thing"])
    assert worker.main([str(a_request.write())]) == 1
    assert a_protocol.events[-1]["code"] == "internal"
    assert "Traceback" in capsys.readouterr().err


def test_the_result_of_an_earlier_attempt_is_removed_first(a_request, a_protocol):
    a_request.result_file.write_text(json.dumps({"run_id": a_request.run_id}))
    a_request.job.source.unlink()
    assert worker.main([str(a_request.write())]) == 2
    assert not a_request.result_file.exists()


def test_an_earlier_result_that_cannot_be_removed_is_refused(a_request, a_protocol):
    a_request.result_file.mkdir()
    assert worker.main([str(a_request.write())]) == 2
    assert a_protocol.events[-1]["code"] == "output_unwritable"


def test_progress_is_not_told_oftener_than_anyone_can_look():
    stream = io.BytesIO()
    tell = worker._ProgressTeller(EventWriter(stream, "x"))
    for done in range(1001):
        tell(Progress("synthesis", done, 1000, "cpu"))
    told = [json.loads(line)["done"] for line in stream.getvalue().splitlines()]
    assert len(told) < 20 and told[0] == 0 and told[-1] == 1000


def test_standard_output_is_turned_over_below_python():
    script = "import os; from mrsynth.worker import claim_standard_output as claim; s = claim();"
    script += "print('python'); os.write(1, b'native'); s.write(b'protocol'); s.flush()"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "MRSynthesis")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, timeout=60)
    assert done.stdout == b"protocol" and b"python" in done.stderr and b"native" in done.stderr


def test_a_request_survives_its_file(a_request):
    from mrsynth.job_file import read_request

    request = JobRequest(a_request.folder, a_request.job, parent_pid=7, parent_created=8.5)
    assert read_request(request.write()) == request
