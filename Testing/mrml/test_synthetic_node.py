"""What a synthetic node is: whole or not there, beside its source, and plain about what it is."""

import json
from dataclasses import replace

import numpy as np
import pytest
import slicer
import slicer.util
from volume_nodes import (
    GRIDS,
    PROVENANCE,
    SHAPE_KJI,
    affineOf,
    ijkToRas,
    nodeIds,
    sourceOn,
    workersAnswer,
)

from mrsynth.acquired_timing import UsedTiming
from mrsynth.errors import InputError, OutputExists
from mrsynth.timing import Timing
from MRSynthesisLib import SyntheticNode, VolumeExchange, VolumeFile
from MRSynthesisLib.VolumeExchange import importSynthetic, placeVolume


@pytest.fixture
def a_source(a_scene):
    return sourceOn(affineOf(GRIDS["oblique and left-handed"]))


@pytest.fixture
def a_result(a_source, tmp_path):
    """What the worker would write for the source."""
    return workersAnswer(a_source, tmp_path)


def test_a_result_has_its_sources_grid_to_the_last_digit(a_source, a_result):
    result = importSynthetic(a_result, a_source, None, PROVENANCE)
    assert np.array_equal(ijkToRas(result), ijkToRas(a_source))


def test_a_result_says_what_it_is(a_source, a_result):
    result = importSynthetic(a_result, a_source, None, PROVENANCE)
    said = {name: result.GetAttribute(name) for name in result.GetAttributeNames()}
    assert said == {
        "MRSynthesis.Synthetic": "true",
        "MRSynthesis.Kind": "synthetic",
        "MRSynthesis.Contrast": "PD",
        "MRSynthesis.Model": "t2-to-pd",
        "MRSynthesis.ModelVersion": "1.0.0",
        "MRSynthesis.WeightsSha256": "ab" * 32,
        "MRSynthesis.RunId": "run1",
        "MRSynthesis.Created": "2026-08-01T12:00:00+00:00",
        "MRSynthesis.Options": '{"mode": "smooth", "device": "cpu"}',
        "MRSynthesis.SourceName": "T2 ü",
    }
    assert result.GetName() == "T2 ü synthetic PD"
    assert SyntheticNode.isSynthetic(result) and SyntheticNode.contrastOf(result) == "PD"
    assert SyntheticNode.sourceOf(result) is a_source and SyntheticNode.kindOf(result) == "synthetic"


def test_other_nodes_are_not_synthetic(a_source):
    assert not SyntheticNode.isSynthetic(a_source) and not SyntheticNode.isSynthetic(None)
    assert SyntheticNode.contrastOf(a_source) == "" and SyntheticNode.kindOf(a_source) == ""
    assert SyntheticNode.sourceOf(a_source) is None


def test_provenance_comes_from_the_sidecar():
    model = {"name": "t2-to-pd", "version": "1.0.0", "sha256": "ab" * 32}
    sidecar = {"contrast": "PD", "model": model, "created": "2026-08-01T12:00:00+00:00"}
    sidecar |= {"options": {"mode": "smooth"}, "device": "cpu"}
    assert SyntheticNode.Provenance.fromSidecar(sidecar, "run1") == PROVENANCE


TIMING = {"te_ms": 98.0, "te_from": "given", "tr_ms": None, "tr_from": "unknown", "target_te_ms": 30.0}


@pytest.mark.parametrize(("asked", "targetTe"), [(30.0, "30"), (None, "")])
def test_provenance_tells_the_times_and_where_they_were_from(asked, targetTe):
    sidecar = {"contrast": "PD", "model": {"name": "m", "version": "1", "sha256": ""}, "created": ""}
    sidecar |= {"options": {"mode": None}, "device": "cpu", "timing": TIMING}
    known = UsedTiming(Timing(98.0, None, asked), "DICOM")
    provenance = SyntheticNode.Provenance.fromSidecar(sidecar, "run1", known)
    assert json.loads(provenance.options) == {"mode": None, "device": "cpu", **TIMING, "te_from": "DICOM"}
    assert provenance.targetTe == targetTe


def test_an_unusual_echo_time_is_part_of_the_name_and_goes_with_the_next_result(a_source, a_result):
    result = importSynthetic(a_result, a_source, None, replace(PROVENANCE, targetTe="30"))
    assert result.GetName() == "T2 ü synthetic PD TE 30 ms"
    assert SyntheticNode.shownContrastOf(result) == "PD TE 30 ms" and SyntheticNode.contrastOf(result) == "PD"
    importSynthetic(a_result, a_source, result, PROVENANCE)
    assert SyntheticNode.shownContrastOf(result) == "PD" and result.GetAttribute("MRSynthesis.TargetTE") is None


def test_a_second_result_gets_a_name_of_its_own(a_source, a_result):
    results = [importSynthetic(a_result, a_source, None, PROVENANCE) for _ in range(2)]
    assert results[0].GetName() != results[1].GetName()


@pytest.mark.parametrize("kind", ["uncertainty", "difference", "gradientDifference"])
def test_other_kinds_are_named_after_what_they_are(a_source, a_result, kind):
    result = importSynthetic(a_result, a_source, None, PROVENANCE, kind)
    assert SyntheticNode.kindOf(result) == kind
    assert result.GetName().startswith("T2 ü synthetic PD ") and kind.lower()[:4] in result.GetName()


def test_a_result_is_ready_to_show(a_source, a_result):
    display = importSynthetic(a_result, a_source, None, PROVENANCE).GetScalarVolumeDisplayNode()
    voxels = slicer.util.arrayFromVolume(a_source) * 2.0
    assert display.GetColorNodeID() == "vtkMRMLColorTableNodeGrey" and not display.GetAutoWindowLevel()
    assert voxels.min() <= display.GetWindowLevelMin() < display.GetWindowLevelMax() <= voxels.max()
    assert display.GetWindow() > 0.9 * np.ptp(voxels)


def test_a_volume_of_one_intensity_still_gets_a_window():
    assert VolumeFile.shownRange(np.full(SHAPE_KJI, 7.0)) == (6.5, 7.5)


def test_a_window_is_not_set_by_a_few_voxels_but_by_them_if_there_are_no_others():
    voxels = np.zeros(10_000)
    voxels[5] = 100
    assert VolumeFile.shownRange(voxels) == (0, 100)
    voxels[::3] = np.linspace(1, 2, len(voxels[::3]))
    assert VolumeFile.shownRange(voxels)[1] <= 2


def test_a_result_joins_its_sources_folder(a_source, a_result):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Patient")
    hierarchy.CreateItem(folder, a_source)
    result = importSynthetic(a_result, a_source, None, PROVENANCE)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(result)) == folder
    again = importSynthetic(a_result, a_source, result, PROVENANCE)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(again)) == folder


def test_a_source_without_a_place_in_the_hierarchy_is_no_obstacle(a_source, a_result):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    hierarchy.RemoveItem(hierarchy.GetItemByDataNode(a_source), False)
    assert importSynthetic(a_result, a_source, None, PROVENANCE).GetImageData() is not None


def test_a_result_survives_saving_and_loading_of_the_scene(a_source, a_result, tmp_path):
    importSynthetic(a_result, a_source, None, PROVENANCE)
    slicer.mrmlScene.SetURL(str(tmp_path / "scene.mrml"))
    slicer.mrmlScene.SetRootDirectory(str(tmp_path))
    assert slicer.mrmlScene.Commit()
    slicer.mrmlScene.Clear()
    slicer.mrmlScene.Import()
    result = slicer.mrmlScene.GetFirstNodeByName("T2 ü synthetic PD")
    assert SyntheticNode.isSynthetic(result) and result.GetAttribute("MRSynthesis.RunId") == "run1"
    assert SyntheticNode.sourceOf(result).GetName() == "T2 ü"


def test_a_given_node_is_filled_and_keeps_its_name(a_source, a_result):
    target = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "my PD")
    assert importSynthetic(a_result, a_source, target, PROVENANCE) is target
    assert target.GetName() == "my PD" and SyntheticNode.isSynthetic(target)
    assert np.array_equal(slicer.util.arrayFromVolume(target), slicer.util.arrayFromVolume(a_source) * 2.0)


def test_an_earlier_result_may_be_replaced(a_source, a_result, tmp_path):
    target = importSynthetic(a_result, a_source, None, PROVENANCE)
    count = slicer.mrmlScene.GetNumberOfNodes()
    importSynthetic(workersAnswer(a_source, tmp_path, factor=3.0), a_source, target, PROVENANCE)
    assert np.array_equal(slicer.util.arrayFromVolume(target), slicer.util.arrayFromVolume(a_source) * 3.0)
    assert slicer.mrmlScene.GetNumberOfNodes() == count


def test_an_acquired_volume_is_never_replaced(a_source, a_result):
    acquired = sourceOn(ijkToRas(a_source))
    for target in (acquired, a_source):
        with pytest.raises(OutputExists, match="would be lost"):
            importSynthetic(a_result, a_source, target, PROVENANCE)
    SyntheticNode.checkTarget(None, a_source)


def test_a_synthetic_source_is_not_replaced_by_its_own_result(a_source, a_result):
    synthetic = importSynthetic(a_result, a_source, None, PROVENANCE)
    with pytest.raises(OutputExists):
        SyntheticNode.checkTarget(synthetic, synthetic)


@pytest.mark.parametrize("step", ["describe", "_display", "_fill", "_putBeside"])
@pytest.mark.parametrize("given", ["new", "empty", "filled"])
def test_no_half_made_node_stays(a_source, a_result, monkeypatch, step, given):
    makers = {
        "new": lambda: None,
        "empty": lambda: slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "mine"),
        "filled": lambda: importSynthetic(a_result, a_source, None, PROVENANCE, "uncertainty"),
    }
    target = makers[given]()
    before = itemCount(), nodeIds(slicer.mrmlScene), stateOf(target)
    work = getattr(VolumeExchange, step)

    def failing(*arguments):
        work(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(VolumeExchange, step, failing)
    volume = VolumeFile.GridVolume(np.zeros(SHAPE_KJI), ijkToRas(a_source), (1.0, 2.0))
    with pytest.raises(KeyboardInterrupt):
        placeVolume(volume, a_source, target, PROVENANCE)
    assert (itemCount(), nodeIds(slicer.mrmlScene), stateOf(target)) == before


def itemCount():
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene).GetNumberOfItems()


def stateOf(node):
    if node is None:
        return None
    image, display = node.GetImageData(), node.GetDisplayNode()
    voxels = None if image is None else slicer.util.arrayFromVolume(node).tolist()
    shown = display and (display.GetWindow(), display.GetLevel(), display.GetAutoWindowLevel())
    attributes = [(name, node.GetAttribute(name)) for name in node.GetAttributeNames()]
    roles = [node.GetNodeReferenceID(role) for role in ("MRSynthesis.source", "transform", "display")]
    return node.GetName(), voxels, shown, attributes, roles, ijkToRas(node).tolist()


def test_an_unreadable_result_leaves_nothing(a_source, tmp_path):
    before = nodeIds(slicer.mrmlScene)
    (tmp_path / "result.mha").write_bytes(b"half of a head")
    with pytest.raises(InputError, match="result.mha"):
        importSynthetic(tmp_path / "result.mha", a_source, None, PROVENANCE)
    assert nodeIds(slicer.mrmlScene) == before


def test_an_unknown_kind_is_refused(a_source, a_result):
    with pytest.raises(ValueError, match="expected one of"):
        importSynthetic(a_result, a_source, None, PROVENANCE, "guess")


@pytest.mark.parametrize("change", ["moved", "cropped", "emptied"])
def test_a_source_that_was_changed_meanwhile_gets_no_result(a_source, a_result, change):
    if change == "moved":
        a_source.SetOrigin(1, 2, 3)
    elif change == "cropped":
        slicer.util.updateVolumeFromArray(a_source, np.zeros((2, 5, 6)))
    else:
        a_source.SetAndObserveImageData(None)
    with pytest.raises(InputError, match="moved or exchanged") as caught:
        importSynthetic(a_result, a_source, None, PROVENANCE)
    assert caught.value.code == "source_changed"


def test_a_volume_made_from_a_comparison_is_named_after_the_synthetic_volume(a_source, tmp_path):
    synthetic = importSynthetic(workersAnswer(a_source, tmp_path), a_source, None, PROVENANCE)
    synthetic.SetName("my PD")
    assert SyntheticNode.resultName(synthetic, PROVENANCE, "difference") == "my PD difference"
    assert SyntheticNode.resultName(synthetic, PROVENANCE, "gradientDifference") == "my PD gradient difference"
    assert SyntheticNode.resultName(synthetic, PROVENANCE, "synthetic") == "my PD synthetic PD"
    assert SyntheticNode.resultName(a_source, PROVENANCE, "uncertainty") == "T2 ü synthetic PD uncertainty"


@pytest.mark.parametrize("name", ["isSynthetic", "contrastOf", "kindOf", "sourceOf", "__all__"])
def test_what_a_node_says_of_itself_has_one_home(name):
    assert not hasattr(VolumeExchange, name)
