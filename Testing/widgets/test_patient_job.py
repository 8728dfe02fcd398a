"""Background work that has something to keep: it is asked to stop, and has time to; a stall is still told."""

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
import slicer_host

slicer_host.install()

from job_witness import scripted, witnessed  # noqa: E402
from slicer_host.events import wait_until  # noqa: E402

from MRSynthesisLib import WorkerLaunch  # noqa: E402
from MRSynthesisLib.BackgroundJob import JobEnd, JobLimits, JobProgress  # noqa: E402


@pytest.fixture
def a_witness(tmp_path):
    yield from witnessed(tmp_path)


def test_a_job_stopped_at_once_may_have_time_to_end_by_itself(a_witness):
    job = a_witness.start(scripted(a_witness.request, "late"))
    wait_until(lambda: job._worker._worker is not None)  # it has said that it began
    job.stopAtOnce(graceS=60.0)
    assert a_witness.request.result_file.exists()


def test_a_job_that_does_not_end_in_its_time_is_ended(a_witness):
    job = a_witness.start(scripted(a_witness.request, "deaf"))
    a_witness.waitFor(2)
    job.stopAtOnce(graceS=0.2)
    assert a_witness.request.cancel_file.exists() and not a_witness.request.result_file.exists()


def test_a_job_that_has_fallen_silent_is_not_waited_for_though_it_has_time_to_stop(a_witness):
    job = a_witness.start(scripted(a_witness.request, "silent"), JobLimits(graceS=600.0))
    a_witness.waitFor()
    job.cancel()
    job._limits = JobLimits(silenceS=0.3, graceS=600.0)
    assert a_witness.end().end is JobEnd.CANCELLED


def test_what_else_a_line_of_progress_says_is_kept():
    event = {"run_id": "a", "event": "progress", "stage": "training", "done": 1, "total": 4, "eta_s": 2.5}
    found = JobProgress.fromEvent(event | {"device": "cpu", "epoch": 3, "best": None})
    assert found == JobProgress("training", 1, 4, 2.5, "cpu", {"epoch": 3, "best": None})
    assert JobProgress.fromEvent(event).details == {}


def test_packages_beside_the_library_are_found_by_what_is_started(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "known")
    package = ModuleType("other")
    package.__path__ = [str(tmp_path / "elsewhere" / "other")]
    launch = WorkerLaunch.moduleLaunch(("-m", "other"), [package])
    library = str(Path(sys.modules["mrsynth"].__path__[0]).resolve().parent)
    assert launch.environment["PYTHONPATH"] == os.pathsep.join([library, str(tmp_path / "elsewhere"), "known"])
    assert launch.arguments == ("-X", "utf8", "-m", "other")
