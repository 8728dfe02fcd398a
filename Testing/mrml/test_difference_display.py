"""Colours, ranges and colour bars of difference volumes in a real MRML scene."""

import numpy as np
import pytest
from compared_nodes import addSynthetic, headVoxels, rangeOf
from volume_nodes import nodeIds, slicer

from mrsynth.errors import InputError
from MRSynthesisLib.DifferenceDisplay import (
    createColorBar,
    differenceColors,
    gradientColors,
    setRangeFromZero,
    setSymmetricRange,
    spanDifferences,
    symmetricRange,
)
from MRSynthesisLib.DifferenceVolumes import differencesOf, updateDifferences
from MRSynthesisLib.SyntheticNode import sourceOf


def arrayOf(node):
    return slicer.util.arrayFromVolume(node).astype(np.float64)


def shownColors(node):
    """What a slice view gets of each voxel: RGBA of 0 to 255, (voxels, 4)."""
    from vtk.util.numpy_support import vtk_to_numpy

    producer = node.GetScalarVolumeDisplayNode().GetImageDataConnection().GetProducer()
    producer.Update()
    return vtk_to_numpy(producer.GetOutputDataObject(0).GetPointData().GetScalars()).astype(int)


def test_a_difference_is_blue_below_zero_black_at_zero_and_red_above(a_synthetic, a_reference):
    node = updateDifferences(a_synthetic, a_reference).difference
    setSymmetricRange(node, 1.0)
    slicer.util.updateVolumeFromArray(node, np.array([-0.5, 0, 0.5, -9, 9]).reshape(1, 1, 5))
    dark, zero, bright, darkest, brightest = shownColors(node)[:, :3]
    assert dark[2] > dark[0] + 80 and bright[0] > bright[2] + 80
    assert zero.max() < 16 and darkest.sum() > 400 and brightest.sum() > 400


def test_the_range_is_a_round_number_on_both_sides_of_zero(a_synthetic, a_reference):
    nodes = updateDifferences(a_synthetic, a_reference)
    low, high = rangeOf(nodes.difference)
    share = np.mean(np.abs(arrayOf(nodes.difference)) <= high)
    assert low == -high and share >= 0.99 and high / 2 < np.abs(arrayOf(nodes.difference)).max()
    assert rangeOf(nodes.gradientDifference)[0] == 0


def test_the_range_changes_in_one_call(a_synthetic, a_reference):
    nodes = updateDifferences(a_synthetic, a_reference)
    setSymmetricRange(nodes.difference, 2.5)
    setRangeFromZero(nodes.gradientDifference, 0.2)
    assert rangeOf(nodes.difference) == (-2.5, 2.5)
    assert rangeOf(nodes.gradientDifference) == pytest.approx((0, 0.2))


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf")])
def test_a_range_without_width_is_refused(a_synthetic, a_reference, limit):
    nodes = updateDifferences(a_synthetic, a_reference)
    for refuse in (setSymmetricRange, setRangeFromZero):
        with pytest.raises(InputError, match="colour scale"):
            refuse(nodes.difference, limit)


def test_a_volume_that_is_not_displayed_has_no_range(a_scene):
    with pytest.raises(InputError, match="displayed"):
        setSymmetricRange(a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"), 1.0)


def test_a_scene_has_one_colour_node_of_each_kind(a_scene, a_synthetic, a_reference):
    updateDifferences(a_synthetic, a_reference)
    updateDifferences(addSynthetic(sourceOf(a_synthetic), headVoxels(5), "another"), a_reference)
    colors = [node for node in slicer.util.getNodesByClass("vtkMRMLColorTableNode") if node.GetSingletonTag()]
    ours = [node for node in colors if node.GetSingletonTag().startswith("MRSynthesis")]
    assert sorted(map(id, ours)) == sorted(map(id, (differenceColors(a_scene), gradientColors(a_scene))))


def test_colours_survive_saving_and_loading_the_scene(a_scene, a_synthetic, a_reference, tmp_path):
    node = updateDifferences(a_synthetic, a_reference).difference
    expected, tag = shownColors(node), differenceColors(a_scene).GetID()
    logic = slicer.vtkMRMLApplicationLogic()
    logic.SetMRMLScene(a_scene)
    (tmp_path / "saved").mkdir()
    assert logic.SaveSceneToSlicerDataBundleDirectory(str(tmp_path / "saved"), None)
    a_scene.Clear()
    a_scene.SetURL(str(next((tmp_path / "saved").glob("*.mrml"))))
    assert a_scene.Connect()
    loaded = slicer.util.getNode("T2 synthetic PD difference")
    assert loaded.GetScalarVolumeDisplayNode().GetColorNodeID() == tag
    np.testing.assert_array_equal(shownColors(loaded), expected)
    assert differencesOf(slicer.util.getNode("T2 synthetic PD")).difference is loaded
    assert differenceColors(a_scene).GetID() == tag


def test_a_volume_has_one_colour_bar_that_names_its_unit(a_scene, a_synthetic, a_reference):
    nodes = updateDifferences(a_synthetic, a_reference)
    createColorBar(nodes.difference)
    count = len(nodeIds(a_scene))
    bar = createColorBar(nodes.difference)
    assert len(nodeIds(a_scene)) == count
    assert bar.GetTitleText() == "SD" and bar.GetVisibility()
    assert bar.GetPrimaryDisplayNode() is nodes.difference.GetDisplayNode()
    assert createColorBar(nodes.gradientDifference).GetTitleText() == "SD²"


def test_the_labels_of_a_colour_bar_are_of_one_width_whatever_its_range(a_synthetic, a_reference):
    nodes = updateDifferences(a_synthetic, a_reference)
    for node in (nodes.difference, nodes.gradientDifference):
        labels = [createColorBar(node).GetLabelFormat() % value for value in (-0.75, -3, 0, 0.25, 2, 1.5)]
        assert {len(label) for label in labels} == {5} and [float(label) for label in labels[:2]] == [-0.75, -3]


def test_half_the_range_of_a_difference_is_a_quarter_of_its_gradient_differences(a_synthetic, a_reference):
    nodes = updateDifferences(a_synthetic, a_reference)
    limit, steepest = symmetricRange(nodes.difference), symmetricRange(nodes.gradientDifference)
    spanDifferences(nodes.difference, nodes.gradientDifference, limit / 2)
    assert rangeOf(nodes.difference) == pytest.approx((-limit / 2, limit / 2))
    assert rangeOf(nodes.gradientDifference) == pytest.approx((0, steepest / 4))
    spanDifferences(nodes.difference, nodes.gradientDifference, limit)
    assert rangeOf(nodes.gradientDifference) == pytest.approx((0, steepest))


def test_the_range_of_what_is_not_displayed_is_zero(a_scene):
    assert symmetricRange(a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")) == 0
