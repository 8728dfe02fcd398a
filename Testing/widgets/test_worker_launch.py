"""Which Python starts the library, and with what."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import slicer_host

slicer_host.install()

import slicer  # noqa: E402

from MRSynthesisLib import WorkerLaunch  # noqa: E402

MODULE = Path(__file__).resolve().parents[2] / "MRSynthesis"
NAME = "PythonSlicer.exe" if os.name == "nt" else "PythonSlicer"


@pytest.fixture
def a_slicer(tmp_path, monkeypatch):
    """An installed Slicer, as far as its folder goes."""
    program = tmp_path / "Slicer 5.12" / "bin" / NAME
    program.parent.mkdir(parents=True)
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setattr(slicer, "app", type("App", (), {"slicerHome": str(program.parents[1])}))
    return program


def test_slicers_own_python_is_taken(a_slicer):
    assert WorkerLaunch.pythonProgram() == str(a_slicer)


def test_the_python_that_slicer_has_put_on_its_path_comes_first(a_slicer, tmp_path, monkeypatch):
    first = tmp_path / "path" / NAME
    first.parent.mkdir()
    first.write_text("")
    first.chmod(0o755)
    monkeypatch.setenv("PATH", str(first.parent))
    assert WorkerLaunch.pythonProgram() == str(first)


def test_without_slicer_this_python_is_taken(monkeypatch):
    monkeypatch.delattr(slicer, "app")
    assert WorkerLaunch.pythonProgram() == sys.executable


def test_where_there_is_none_its_name_is_told(monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    assert WorkerLaunch.pythonProgram() == "PythonSlicer"


def test_a_worker_is_started_as_a_module_in_utf8(a_slicer):
    launch = WorkerLaunch.workerLaunch(Path("a folder") / "job.json")
    assert launch.program == str(a_slicer)
    job = str(Path("a folder") / "job.json")
    assert launch.arguments == ("-X", "utf8", "-u", "-m", "mrsynth.worker", job)


def test_the_library_comes_before_what_else_python_knows(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("SOMETHING", "of Slicer's")
    environment = WorkerLaunch.workerLaunch(Path("job.json")).environment
    assert environment["PYTHONPATH"] == os.pathsep.join([str(MODULE), "elsewhere"])
    assert environment["SOMETHING"] == "of Slicer's"
    monkeypatch.delenv("PYTHONPATH")
    assert WorkerLaunch.workerLaunch(Path("job.json")).environment["PYTHONPATH"] == str(MODULE)


def test_a_command_runs_with_its_launch_alone(tmp_path):
    """From a folder where nothing of the library is, with nothing but the launch."""
    launch = WorkerLaunch.commandLaunch(("models", "list", "--json"))
    command = [launch.program, *launch.arguments]
    run = subprocess.run(command, cwd=tmp_path, env=dict(launch.environment), capture_output=True, check=True)
    assert json.loads(run.stdout)


def test_the_self_check_answers_in_json():
    assert WorkerLaunch.selfCheckLaunch().arguments[-2:] == ("self-check", "--json")
