"""One synthesis from node to node: what may happen to the scene meanwhile."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from run_watcher import behave, remove, volumes, wait_for_worker

import slicer  # isort: skip (the host is there once job_witness is)
import slicer.util  # isort: skip

from mrsynth.errors import OutputExists
from MRSynthesisLib import SynthesisRun as module
from MRSynthesisLib.BackgroundJob import JobEnd
from MRSynthesisLib.RunRequest import RunListener
from MRSynthesisLib.SynthesisRun import SynthesisRun
from MRSynthesisLib.SyntheticNode import isSynthetic, sourceOf


def test_a_run_ends_with_a_volume_and_its_uncertainty_beside_the_source(a_watcher, a_source, a_request):
    a_watcher.start(replace(a_request, makeUncertainty=True))
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.SUCCEEDED, outcome
    np.testing.assert_allclose(
        slicer.util.arrayFromVolume(outcome.synthetic), slicer.util.arrayFromVolume(a_source), atol=0.01
    )
    assert sourceOf(outcome.synthetic) is a_source and isSynthetic(outcome.uncertainty)
    assert outcome.uncertainty.GetNodeReference("MRSynthesis.synthetic") is outcome.synthetic
    assert set(volumes()) == {a_source, outcome.synthetic, outcome.uncertainty}
    stages = list(dict.fromkeys(each.stage for each in a_watcher.progress))
    assert stages[0] == "Writing the scan" and "synthesis" in stages and stages[-1] == "Reading the result"


def test_a_result_goes_into_the_chosen_synthetic_volume(a_watcher, a_request):
    a_watcher.start(a_request)
    first = a_watcher.end().synthetic
    a_watcher.outcomes.clear()
    a_watcher.start(replace(a_request, output=first))
    assert a_watcher.end().synthetic is first
    assert len(volumes()) == 2


def test_an_acquired_volume_is_never_replaced(a_watcher, a_request, a_source):
    with pytest.raises(OutputExists, match="Ball T2"):
        SynthesisRun(replace(a_request, output=a_source), RunListener())


def test_names_may_change_meanwhile(a_watcher, a_source, a_request):
    a_watcher.start(a_request)
    a_source.SetName("Renamed T2")
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.SUCCEEDED
    assert outcome.synthetic.GetAttribute("MRSynthesis.SourceName") == "Renamed T2"


def test_an_output_that_was_deleted_meanwhile_is_made_anew(a_watcher, a_request):
    output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Output")
    a_watcher.start(replace(a_request, output=output))
    slicer.mrmlScene.RemoveNode(output)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.SUCCEEDED
    assert outcome.synthetic is not output and outcome.synthetic.GetScene() is slicer.mrmlScene


def test_a_source_that_was_moved_meanwhile_gets_no_wrong_result(a_watcher, a_source, a_request):
    a_watcher.start(a_request)
    a_source.SetSpacing(2, 2, 2)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.FAILED and "moved or exchanged" in outcome.message
    assert volumes() == [a_source]


@pytest.mark.parametrize("behaviour", ["silent", "deaf"])
def test_deleting_the_source_cancels_the_run(a_watcher, a_source, a_request, monkeypatch, behaviour):
    behave(monkeypatch, behaviour)
    a_watcher.start(a_request)
    wait_for_worker(a_watcher)
    slicer.mrmlScene.RemoveNode(a_source)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.CANCELLED and "source volume was deleted" in outcome.message
    assert volumes() == []


def test_closing_the_scene_cancels_the_run(a_watcher, a_request, monkeypatch):
    behave(monkeypatch, "silent")
    a_watcher.start(a_request)
    wait_for_worker(a_watcher)
    slicer.mrmlScene.Clear(False)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.CANCELLED and "scene was closed" in outcome.message


def test_a_cancel_before_the_worker_has_started_ends_the_run(a_watcher, a_source, a_request):
    a_watcher.start(a_request).cancel()
    assert a_watcher.end().end is JobEnd.CANCELLED
    assert volumes() == [a_source]


def test_the_end_of_the_application_stops_a_run_without_a_word(a_watcher, a_request, monkeypatch):
    behave(monkeypatch, "deaf")
    run = a_watcher.start(a_request)
    wait_for_worker(a_watcher)
    run.stopAtOnce()
    assert not run.isRunning and a_watcher.outcomes == []
    run.stopAtOnce()
    run.cancel()


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [("broken", "exit code 3"), ("no-result", "no result"), ("no-output", "no file"), ("refused", "every voxel is 0")],
)
def test_a_worker_that_fails_is_told_in_plain_words(a_watcher, a_source, a_request, monkeypatch, behaviour, words):
    behave(monkeypatch, behaviour)
    a_watcher.start(a_request)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.FAILED and words in outcome.message
    assert volumes() == [a_source]


def test_a_result_that_cannot_be_read_leaves_no_node(a_watcher, a_source, a_request, monkeypatch):
    behave(monkeypatch, "succeed")  # its output is no volume
    a_watcher.start(a_request)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.FAILED and "could not be brought into the scene" in outcome.message
    assert volumes() == [a_source]


def test_a_volume_that_no_node_will_take_leaves_none_of_the_others(a_watcher, a_source, a_request, monkeypatch):
    place = module.placeVolume

    def placed(volume, source, target, provenance, kind="synthetic"):
        if kind == "synthetic":
            raise RuntimeError("no room")
        return place(volume, source, target, provenance, kind)

    monkeypatch.setattr(module, "placeVolume", placed)
    a_watcher.start(replace(a_request, makeUncertainty=True))
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.FAILED and "no room" in outcome.message
    assert volumes() == [a_source]


def test_files_are_kept_when_asked_for(a_watcher, a_request):
    a_watcher.start(replace(a_request, keepFiles=True))
    folder = a_watcher.end().folder
    names = {path.name for path in folder.iterdir()}
    assert {"source.nrrd", "synthetic.mha", "run"} <= names
    # A later run takes it for nothing that was left behind.
    assert folder.name.startswith("mrsynthesis-kept-")
    assert (folder / "run" / "job.json").is_file()
    remove(folder)


def test_a_scan_that_cannot_be_written_is_told(a_watcher, a_source, a_request, monkeypatch):
    def refused(volume, path):
        raise OSError(f"no space left on {Path(path).name}")

    monkeypatch.setattr(module, "writeGridVolume", refused)
    a_watcher.start(a_request)
    outcome = a_watcher.end()
    assert outcome.end is JobEnd.FAILED and "no space left on source.nrrd" in outcome.message


def test_no_observer_outlives_a_run(a_watcher, a_request, monkeypatch):
    behave(monkeypatch, "broken")
    a_watcher.start(a_request)
    a_watcher.end()
    assert a_watcher.runs[-1].Observations == []
