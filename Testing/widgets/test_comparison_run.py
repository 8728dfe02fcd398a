"""A comparison in a process of its own: the same figures as at once, every end told, and nothing left behind."""

import sys

import numpy as np
import psutil
import pytest
from compared_pair import PROVENANCE
from job_witness import remaining
from panel_clicks import a_scan
from slicer_host.events import wait_until

import slicer  # isort: skip (the host is there once slicer_host is)
import slicer.util  # isort: skip

from freed import isFreed, turns

from MRSynthesisLib import ComparisonRun as module
from MRSynthesisLib import RunFolder
from MRSynthesisLib.ComparisonMeasurement import measureCompared, takeCompared
from MRSynthesisLib.ComparisonRun import ComparisonRun
from MRSynthesisLib.SyntheticNode import describe
from MRSynthesisLib.WorkerLaunch import WorkerLaunch, commandLaunch

LINGERING = "import sys, time; open(sys.argv[1], 'w').close(); time.sleep(120)"


class Comparison:
    """One run, and what it told."""

    def __init__(self, folder) -> None:
        self.folder, self.told = folder, []
        self.run: ComparisonRun | None = None

    def start(self, compared) -> ComparisonRun:
        self.run = ComparisonRun(compared, lambda *told: self.told.append(told))
        self.run.start()
        assert self.told == [] and self.run.isRunning
        return self.run

    def end(self):
        wait_until(lambda: self.told)
        turns(0.1)
        ((measurements, error),) = self.told
        assert not self.run.isRunning
        return measurements, error


@pytest.fixture
def a_comparison(tmp_path, monkeypatch):
    """Afterwards neither a process nor a file is left."""
    slicer.mrmlScene.Clear(False)
    temporary = tmp_path / "temporary ü"
    temporary.mkdir()
    make = RunFolder.tempfile.mkdtemp
    monkeypatch.setattr(RunFolder.tempfile, "mkdtemp", lambda prefix, dir: make(prefix=prefix, dir=temporary))
    before = set(psutil.Process().children(recursive=True))
    comparison = Comparison(temporary)
    yield comparison
    assert remaining(before) == [] and list(temporary.iterdir()) == []
    slicer.mrmlScene.Clear(False)


@pytest.fixture
def a_pair(a_comparison):
    """A synthetic volume whose source is in the scene, and a reference with voxels of another type and grid."""
    source, synthetic, reference = a_scan("Ball T2"), a_scan("Ball T2 synthetic PD", "PD"), a_scan("Ball PD", "PD")
    voxels = slicer.util.arrayFromVolume(synthetic)
    voxels += (0.05 * voxels.max() * np.random.default_rng(1).standard_normal(voxels.shape)).astype(voxels.dtype)
    slicer.util.updateVolumeFromArray(reference, slicer.util.arrayFromVolume(reference).astype(np.int16))
    reference.SetOrigin(reference.GetOrigin()[0] + 0.3, *reference.GetOrigin()[1:])
    describe(synthetic, source, PROVENANCE, "synthetic")
    return synthetic, reference


def another(monkeypatch, code, *arguments):
    """Let another process take the command's place."""
    launch = WorkerLaunch(sys.executable, ("-c", code, *map(str, arguments)), commandLaunch(()).environment)
    monkeypatch.setattr(module, "commandLaunch", lambda arguments: launch)


@pytest.mark.parametrize("hasSource", [True, False])
def test_the_figures_and_differences_are_those_that_measuring_at_once_gives(a_comparison, a_pair, hasSource):
    if not hasSource:
        slicer.mrmlScene.RemoveNode(slicer.util.getNode("Ball T2"))
    compared = takeCompared(*a_pair)
    a_comparison.start(compared)
    expected = measureCompared(compared)
    measured, error = a_comparison.end()
    assert error is None and measured.comparison == expected.comparison and measured.slices == expected.slices
    assert measured.warnings == expected.warnings
    assert len(measured.comparison.rows) == (6 if hasSource else 2)
    for one, other in (
        (measured.differences.difference, expected.differences.difference),
        (measured.differences.gradientDifference, expected.differences.gradientDifference),
    ):
        np.testing.assert_array_equal(one.voxels, other.voxels)
        np.testing.assert_allclose(one.ijkToRas, other.ijkToRas, atol=1e-9)
        assert one.shownRange == other.shownRange and one.voxels.flags.c_contiguous


def test_a_volume_that_cannot_be_measured_is_called_by_its_name_in_the_scene(a_comparison, a_pair):
    slicer.util.arrayFromVolume(a_pair[0])[2, 3, 4] = np.nan
    a_comparison.start(takeCompared(*a_pair))
    measured, error = a_comparison.end()
    assert measured is None and str(error).startswith("Ball T2 synthetic PD: expected finite voxels")


def test_volumes_apart_from_each_other_are_told_of(a_comparison, a_pair):
    a_pair[1].SetOrigin(900, 0, 0)
    a_comparison.start(takeCompared(*a_pair))
    assert "lies elsewhere" in str(a_comparison.end()[1])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; print('what it was', file=sys.stderr); sys.exit(3)", "broke down. what it was"),
        ("import os; os.abort()", "The comparison broke down."),
        ("print('{}')", "rows"),
    ],
)
def test_a_process_that_breaks_down_is_told_of(a_comparison, a_pair, monkeypatch, code, words):
    another(monkeypatch, code)
    a_comparison.start(takeCompared(*a_pair))
    measured, error = a_comparison.end()
    assert measured is None and words in str(error)


def test_a_disk_that_is_full_is_told_of(a_comparison, a_pair, monkeypatch):
    def refused(volume, path):
        raise OSError("no space left")

    monkeypatch.setattr(module, "writeGridVolume", refused)
    a_comparison.start(takeCompared(*a_pair))
    assert "no space left" in str(a_comparison.end()[1])


@pytest.mark.parametrize("moment", ["while it writes", "while it measures", "while it reads"])
@pytest.mark.parametrize("way", ["abandon", "stopAtOnce"])
def test_a_comparison_that_nobody_wants_any_more_ends_without_a_word(
    a_comparison, a_pair, monkeypatch, tmp_path, moment, way
):
    if moment == "while it measures":
        another(monkeypatch, LINGERING, tmp_path / "begun")
    run = a_comparison.start(takeCompared(*a_pair))
    if moment == "while it measures":
        wait_until((tmp_path / "begun").exists)
    elif moment == "while it reads":
        wait_until(lambda: run._command is not None)
        wait_until(lambda: run._command is None)
    getattr(run, way)()
    assert way == "abandon" or not run.isRunning
    wait_until(lambda: not run.isRunning)
    run.stopAtOnce()
    assert a_comparison.told == []


@pytest.mark.parametrize("ending", ["told", "stopped"])
def test_a_comparison_that_has_ended_is_freed(a_comparison, a_pair, monkeypatch, ending):
    another(monkeypatch, "print('{}')")

    def ended():
        run = a_comparison.start(takeCompared(*a_pair))
        if ending == "stopped":
            run.stopAtOnce()
        else:
            a_comparison.end()
        a_comparison.run = None
        a_comparison.told.clear()
        return run

    assert isFreed(ended)
