"""Watches synthesis runs for tests, and sees to it that nothing is left behind; the fixtures are for import."""

import os

import psutil
import pytest
from job_examples import a_ball, identity_model_in
from job_witness import PATIENCE_S, remaining, scripted, wait_until

import slicer  # isort: skip (the host is there once job_witness is)
import slicer.util  # isort: skip

from MRSynthesisLib import RunFolder
from MRSynthesisLib import SynthesisRun as module
from MRSynthesisLib.BackgroundJob import BackgroundJob, JobLimits
from MRSynthesisLib.RunRequest import RunListener, RunRequest
from MRSynthesisLib.SynthesisRun import SynthesisRun

SHORT = JobLimits(graceS=0.3)
"""For those that are deaf to being asked."""


class Watcher:
    """Starts runs and hears how they end."""

    def __init__(self) -> None:
        self.outcomes, self.progress, self.runs = [], [], []

    def start(self, request: RunRequest) -> SynthesisRun:
        run = SynthesisRun(request, RunListener(self.progress.append, self.outcomes.append))
        self.runs.append(run)
        run.start()
        assert run.isRunning and self.outcomes == []
        return run

    def end(self):
        wait_until(lambda: self.outcomes, PATIENCE_S)
        (outcome,) = self.outcomes
        assert not self.runs[-1].isRunning
        return outcome


@pytest.fixture
def a_watcher(tmp_path, monkeypatch):
    """A clean scene and a place for temporary files; afterwards neither files nor processes are left."""
    slicer.mrmlScene.Clear(False)
    temporary = tmp_path / "temporary ü"
    temporary.mkdir()
    make = RunFolder.tempfile.mkdtemp
    monkeypatch.setattr(RunFolder.tempfile, "mkdtemp", lambda prefix, dir: make(prefix=prefix, dir=temporary))
    monkeypatch.setenv("MRSYNTH_MODELS", str(identity_model_in(tmp_path / "models")))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = set(psutil.Process().children(recursive=True))
    watcher = Watcher()
    watcher.temporary = temporary
    yield watcher
    assert remaining(before) == [] and not any(run.isRunning for run in watcher.runs)
    assert list(temporary.iterdir()) == []
    slicer.mrmlScene.Clear(False)


@pytest.fixture
def a_source(a_watcher):
    """The ball as a volume node; its array has the axes (k, j, i)."""
    ball = a_ball()
    return slicer.util.addVolumeFromArray(ball.voxels.transpose().copy(), ijkToRAS=ball.affine, name="Ball T2")


@pytest.fixture
def a_request(a_source):
    return RunRequest(a_source, "same", device="cpu")


def behave(monkeypatch, behaviour):
    """Let another process take the worker's place."""
    monkeypatch.setattr(
        module,
        "BackgroundJob",
        lambda request, callbacks: BackgroundJob(request, callbacks, scripted(request, behaviour), SHORT),
    )


def volumes():
    return slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")


def wait_for_worker(watcher):
    wait_until(lambda: watcher.runs[-1].logFile is not None and watcher.runs[-1].logFile.exists(), PATIENCE_S)


def remove(folder):
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else os.unlink(path)
    folder.rmdir()
