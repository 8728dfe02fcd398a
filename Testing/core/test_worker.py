"""The worker as a process: what it says, what it leaves, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from job_examples import a_ball, a_request_in, identity_model_in

from mrsynth.job_file import JobRequest, read_result
from mrsynth.job_protocol import read_event
from mrsynth.sidecar import sidecar_path
from mrsynth.staged_outputs import remove_staging
from mrsynth.volume_reading import read_volume

PACKAGE = Path(__file__).resolve().parents[2] / "MRSynthesis"
STAND_IN = Path(__file__).with_name("stalled_worker.py")
PATIENCE_S = 60


@pytest.fixture
def a_request(tmp_path):
    return a_request_in(tmp_path)


@pytest.fixture
def started():
    """Starts workers, and ends those that a failing test leaves."""
    processes = []

    def start(request: JobRequest, point: str = "none", real: bool = False, **options):
        script = ["-m", "mrsynth.worker"] if real else [str(STAND_IN)]
        command = [sys.executable, "-X", "utf8", "-u", *script, str(request.write()), *([] if real else [point])]
        environment = os.environ | {"PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        processes.append(subprocess.Popen(command, env=environment, **pipes))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def events_of(output: bytes, run_id: str) -> list[dict]:
    """Every line of a worker's output, none of which may be noise."""
    found = [read_event(line, run_id) for line in output.splitlines()]
    assert None not in found, output
    return found


def wait_until(holds, patience_s: float = PATIENCE_S) -> None:
    end = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def left_by(request: JobRequest) -> list[str]:
    return sorted(path.name for path in request.job.output.parent.iterdir())


def test_a_job_ends_with_its_outputs_a_result_and_exit_code_0(a_request, started):
    process = started(a_request, real=True)
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    events = events_of(output, a_request.run_id)
    assert events[0]["event"] == "started" and events[-1]["event"] == "finished"
    steps = [event for event in events if event["event"] == "progress" and event["stage"] == "synthesis"]
    assert steps[-1]["done"] == steps[-1]["total"] and steps[-1]["device"] == "cpu" and steps[-1]["eta_s"] == 0
    assert left_by(a_request) == ["PD ü.json", "PD ü.nii.gz"]
    assert read_result(a_request)["output"] == str(a_request.job.output)
    assert abs(read_volume(a_request.job.output).voxels - a_ball().voxels).max() < 0.01


def test_what_libraries_print_does_not_reach_the_protocol(a_request, started):
    process = started(a_request)
    output, errors = process.communicate(timeout=PATIENCE_S)
    events_of(output, a_request.run_id)
    assert b"a library says hello" in errors and b"and so does its native code" in errors


def test_warnings_are_told_and_stand_in_result_and_sidecar(a_request, started):
    process = started(a_request)
    output, _ = process.communicate(timeout=PATIENCE_S)
    warned = [event for event in events_of(output, a_request.run_id) if event["event"] == "warning"]
    assert [event["message"] for event in warned] == ["a warning"]
    assert read_result(a_request)["warnings"] == ["a warning"]
    assert json.loads(sidecar_path(a_request.job.output).read_text())["warnings"] == ["a warning"]


@pytest.mark.parametrize("point", ["reading", "synthesis", "sidecar", "volume", "renaming"])
def test_killing_the_worker_leaves_nothing_half_done(a_request, started, point):
    process = started(a_request, point)
    wait_until((a_request.folder / "stalled").exists)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    assert not a_request.job.output.exists()
    assert read_result(a_request) is None and not a_request.result_file.exists()
    remove_staging(a_request.job.outputs, a_request.run_id)
    # Between two renames the sidecar, which comes first, stands alone; it is whole.
    expected = ["PD ü.json"] if point == "renaming" else []
    assert left_by(a_request) == expected
    assert all(json.loads(path.read_text())["synthetic"] for path in a_request.job.output.parent.glob("*.json"))


def test_a_killed_worker_leaves_an_earlier_output_as_it_was(a_request, started):
    a_request = a_request_in(a_request.folder.parents[1], force=True)
    a_request.job.output.write_bytes(b"earlier")
    process = started(a_request, "volume")
    wait_until((a_request.folder / "stalled").exists)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    assert a_request.job.output.read_bytes() == b"earlier"


def test_a_cancelled_worker_ends_within_two_seconds_even_where_it_cannot_look(a_request, started):
    process = started(a_request, "synthesis")
    wait_until((a_request.folder / "stalled").exists)
    a_request.cancel_file.touch()
    asked = time.monotonic()
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert time.monotonic() - asked < 2
    assert process.returncode == 130
    assert events_of(output, a_request.run_id)[-1] | {"message": ""} == {
        "run_id": a_request.run_id,
        "event": "error",
        "code": "cancelled",
        "message": "",
        "exit_code": 130,
    }
    assert left_by(a_request) == [] and read_result(a_request) is None


def test_a_worker_cancelled_while_writing_tidies_up(a_request, started):
    process = started(a_request, "volume")
    wait_until((a_request.folder / "stalled").exists)
    a_request.cancel_file.touch()
    assert process.wait(timeout=PATIENCE_S) == 130
    assert left_by(a_request) == []


def test_a_network_is_cancelled_between_batches(tmp_path, started):
    request = a_request_in(tmp_path, model="slow")
    slow = {"mode": "paper", "patch": [8, 8, 4], "stride": [1, 1, 1], "smooth_stride": None}
    unet = {"name": "residual-unet", "configuration": {"widths": [8, 8], "blocks": [2, 2], "slice_strides": [1]}}
    identity_model_in(request.job.model_folders[0], name="slow", network=unet, inference=slow)
    process = started(request, real=True)
    for line in process.stdout:
        event = read_event(line, request.run_id)
        if event["event"] == "progress" and event["stage"] == "synthesis" and event["done"] > 0:
            break
    request.cancel_file.touch()
    asked = time.monotonic()
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130 and time.monotonic() - asked < 2
    assert left_by(request) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without telling it")
def test_a_signal_cancels_like_the_flag(a_request, started):
    process = started(a_request, "synthesis")
    wait_until((a_request.folder / "stalled").exists)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE_S) == 130


def test_a_run_cancelled_before_it_began_does_nothing(a_request, started):
    a_request.cancel_file.touch()
    process = started(a_request)
    assert process.wait(timeout=PATIENCE_S) == 130
    assert left_by(a_request) == []


def test_the_worker_ends_when_its_parent_does(tmp_path, started):
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        request = a_request_in(tmp_path, parent_pid=parent.pid)
        process = started(request, "synthesis")
        wait_until((request.folder / "stalled").exists)
        assert process.poll() is None
    finally:
        parent.kill()
        parent.wait()
    assert process.wait(timeout=3) == 130
    assert left_by(request) == []


def test_a_worker_whose_parent_is_gone_already_does_not_stay(tmp_path, started):
    # The number is this process', but the start is not: some other process had that number before.
    request = a_request_in(tmp_path, parent_pid=os.getpid(), parent_created=1.0)
    process = started(request, "synthesis")
    assert process.wait(timeout=PATIENCE_S) == 130


def test_a_closed_pipe_does_not_stop_the_work(a_request, started):
    process = started(a_request)
    process.stdout.close()
    assert process.wait(timeout=PATIENCE_S) == 0
    assert read_result(a_request)["run_id"] == a_request.run_id


def test_heartbeats_come_while_nothing_else_does(a_request, started):
    process = started(a_request, "synthesis")
    for line in process.stdout:
        if read_event(line, a_request.run_id)["event"] == "heartbeat":
            break
    assert process.poll() is None
