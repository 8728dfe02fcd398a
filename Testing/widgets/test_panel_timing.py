"""Echo and repetition times in the panel: what the scan came with, what the user says, what is asked for."""

import json

import pytest
from model_examples import make_timed_model
from panel_clicks import a_scan, choose, synthesize

import slicer  # isort: skip (the host is there once panel_clicks is)

NAMES = ("sourceTe", "sourceTr", "targetTe")


@pytest.fixture
def a_timed_panel(a_panel, tmp_path):
    """The panel with a model that is told times, and a scan that came with an echo time of 98 ms."""
    make_timed_model(tmp_path / "models")
    make_timed_model(tmp_path / "models", name="other", timing=OTHER)
    a_panel.models.refresh()
    choose(a_panel, a_timed_scan(tmp_path, "Ball T2", EchoTime=0.098), model="timed")
    return a_panel


OTHER = {"te_ms": [60, 130], "tr_ms": [2000, 9000], "target_te_ms": [20, 90], "usual_target_te_ms": 30}


def a_timed_scan(folder, name, **sidecar):
    scan = a_scan(name)
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(folder / f"{name}.nii.gz"))
    scan.SetAndObserveStorageNodeID(storage.GetID())
    (folder / f"{name}.json").write_text(json.dumps(sidecar))
    return scan


def boxes(panel):
    return [getattr(panel.ui, f"{name}SpinBox") for name in NAMES]


def attributes(node):
    options = json.loads(node.GetAttribute("MRSynthesis.Options"))
    return {name: options.get(name) for name in ("te_ms", "te_from", "tr_ms", "tr_from", "target_te_ms")}


def test_only_a_model_that_is_told_times_has_fields_for_them(a_timed_panel):
    a_timed_panel.ui.advancedCollapsibleButton.collapsed = False
    fields = [*boxes(a_timed_panel), *(getattr(a_timed_panel.ui, f"{name}Label") for name in NAMES)]
    assert all(each.isVisibleTo(each.parentWidget()) for each in fields)
    choose(a_timed_panel, a_scan("Ball T2"), model="same")
    assert not any(each.isVisibleTo(each.parentWidget()) for each in fields)


def test_the_fields_show_what_the_scan_came_with_and_what_the_model_knows(a_timed_panel):
    te, tr, target = boxes(a_timed_panel)
    assert [te.text, tr.text, target.text] == ["98 ms (sidecar)", "Not known", "8 ms (usual)"]
    assert "60 to 130 ms" in te.toolTip and "2000 to 9000 ms" in tr.toolTip and "6 to 40 ms" in target.toolTip
    assert target.maximum == 40


def test_times_reach_the_worker_and_the_result_tells_them(a_timed_panel):
    boxes(a_timed_panel)[1].value = 4500.0
    boxes(a_timed_panel)[2].value = 15.0
    result = synthesize(a_timed_panel)
    assert result.GetName() == "Ball T2 synthetic PD TE 15 ms" and result.GetAttribute("MRSynthesis.TargetTE") == "15"
    assert attributes(result) == {
        "te_ms": 98.0, "te_from": "sidecar", "tr_ms": 4500.0, "tr_from": "given", "target_te_ms": 15.0,
    }  # fmt: skip


def test_the_models_usual_echo_time_needs_no_mention(a_timed_panel):
    boxes(a_timed_panel)[2].value = 8.0
    result = synthesize(a_timed_panel)
    assert result.GetName() == "Ball T2 synthetic PD" and result.GetAttribute("MRSynthesis.TargetTE") is None
    assert attributes(result)["target_te_ms"] == 8.0


def test_a_model_without_times_is_told_none(a_timed_panel):
    boxes(a_timed_panel)[2].value = 15.0
    choose(a_timed_panel, a_timed_panel.ui.sourceSelector.currentNode(), model="same")
    result = synthesize(a_timed_panel)
    assert result.GetName() == "Ball T2 synthetic PD" and set(attributes(result).values()) == {None}


def test_times_of_one_scan_are_not_those_of_the_next(a_timed_panel, tmp_path):
    boxes(a_timed_panel)[0].value = 110.0
    choose(a_timed_panel, a_timed_scan(tmp_path, "Other T2", EchoTime=0.09, RepetitionTime=3.0), model="timed")
    assert [each.text for each in boxes(a_timed_panel)[:2]] == ["90 ms (sidecar)", "3000 ms (sidecar)"]
    a_timed_panel.ui.sourceSelector.setCurrentNode(None)
    assert boxes(a_timed_panel)[0].text == "Not known"


def test_an_echo_time_that_a_model_does_not_know_is_its_usual_one(a_timed_panel):
    target = boxes(a_timed_panel)[2]
    target.value = 35.0
    choose(a_timed_panel, a_timed_panel.ui.sourceSelector.currentNode(), model="other")
    assert (target.value, target.maximum) == (35.0, 90.0)
    target.value = 60.0
    choose(a_timed_panel, a_timed_panel.ui.sourceSelector.currentNode(), model="timed")
    assert target.text == "8 ms (usual)"
    target.value = 3.0
    assert target.text == "8 ms (usual)"


def test_times_are_kept_in_the_scene(a_timed_panel):
    for box, value in zip(boxes(a_timed_panel), (100.0, 4000.0, 20.0), strict=True):
        box.value = value
    a_timed_panel.exit()
    a_timed_panel.enter()
    assert [each.value for each in boxes(a_timed_panel)] == [100.0, 4000.0, 20.0]
    state = a_timed_panel.logic.getParameterNode()
    assert (state.sourceTeMs, state.sourceTrMs, state.targetTeMs) == (100.0, 4000.0, 20.0)
    assert state.timedVolume is a_timed_panel.ui.sourceSelector.currentNode()
