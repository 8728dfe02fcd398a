"""Differences in a real MRML scene, against numpy and in physical space."""

import numpy as np
import pytest
from compared_nodes import SHAPE_KJI, addSynthetic, addVolume, headVoxels, rangeOf
from volume_nodes import GRIDS, TURN, affineOf, ijkToRas, linear, nodeIds, nonlinear, slicer

from mrsynth.errors import InputError
from MRSynthesisLib.ComparisonMeasurement import measureDifferences, takeCompared
from MRSynthesisLib.DifferenceDisplay import setSymmetricRange
from MRSynthesisLib.DifferenceVolumes import (
    DifferenceNodes,
    differencesOf,
    placeDifferences,
    referenceOnGrid,
    updateDifferences,
)
from MRSynthesisLib.SyntheticNode import SOURCE_ROLE, contrastOf, isSynthetic, kindOf, sourceOf


@pytest.fixture
def a_source(a_scene):
    return addVolume(headVoxels(1), "T2")


@pytest.fixture
def a_synthetic(a_source):
    return addSynthetic(a_source, headVoxels(2))


def arrayOf(node):
    return slicer.util.arrayFromVolume(node).astype(np.float64)


def standardized(voxels):
    return (voxels - voxels.mean()) / voxels.std()


def turned(affine, matrix):
    """The same place, told in a frame that a transform with ``matrix`` brings into the scene."""
    return np.linalg.inv(matrix) @ affine


A_MOVE = np.eye(4)
A_MOVE[:3, :3], A_MOVE[:3, 3] = TURN, (12.0, -7.5, 30.0)


def test_the_difference_is_synthetic_minus_reference_each_standardised(a_synthetic, a_reference):
    nodes = updateDifferences(a_synthetic, a_reference)
    image, target = standardized(arrayOf(a_synthetic)), standardized(arrayOf(a_reference))
    np.testing.assert_allclose(arrayOf(nodes.difference), image - target, atol=1e-6, rtol=0)
    gradient = np.zeros(SHAPE_KJI)
    for axis, inner in ((1, np.s_[:, :-1]), (2, np.s_[:, :, :-1])):
        gradient[inner] += (np.abs(np.diff(image, axis=axis)) - np.abs(np.diff(target, axis=axis))) ** 2
    np.testing.assert_allclose(arrayOf(nodes.gradientDifference), gradient, atol=1e-6, rtol=1e-6)


def test_identical_volumes_differ_nowhere(a_synthetic):
    reference = addVolume(arrayOf(a_synthetic) * 7 - 30, "PD")
    nodes = updateDifferences(a_synthetic, reference)
    for node in (nodes.difference, nodes.gradientDifference):
        np.testing.assert_allclose(arrayOf(node), 0, atol=1e-5)


@pytest.mark.parametrize("grid", GRIDS)
def test_a_reference_stored_in_another_order_is_compared_where_it_lies(a_scene, grid):
    affine = affineOf(GRIDS[grid])
    source = addVolume(headVoxels(1), "T2", affine)
    synthetic = addSynthetic(source, headVoxels(2))
    voxels = headVoxels(3)
    flip = np.array([[0, -1, 0, SHAPE_KJI[2] - 1], [1, 0, 0, 0], [0, 0, -1, SHAPE_KJI[0] - 1], [0, 0, 0, 1.0]])
    # Voxel (a, b, c) of the stored array is voxel (last - b, a, last - c) of the original one.
    stored = addVolume(voxels[::-1, :, ::-1].transpose(0, 2, 1), "PD stored otherwise", affine @ flip)
    np.testing.assert_array_equal(referenceOnGrid(stored, synthetic), voxels)
    plain = updateDifferences(synthetic, addVolume(voxels, "PD", affine))
    expected = arrayOf(plain.difference).copy()
    np.testing.assert_array_equal(arrayOf(updateDifferences(synthetic, stored).difference), expected)


def test_a_reference_under_another_transform_is_compared_where_it_lies(a_synthetic, a_reference):
    expected = arrayOf(updateDifferences(a_synthetic, a_reference).difference).copy()
    a_reference.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(turned(ijkToRas(a_reference), A_MOVE)))
    a_reference.SetAndObserveTransformNodeID(linear(A_MOVE).GetID())
    np.testing.assert_allclose(arrayOf(updateDifferences(a_synthetic, a_reference).difference), expected, atol=1e-6)


def test_a_reference_on_another_grid_is_interpolated_in_physical_space(a_synthetic):
    slope = np.array([3.0, -2.0, 5.0])
    shape, directions = (24, 20, 22), TURN @ np.diag([1.5, 1.5, 2.0])
    affine = affineOf(directions)
    place = ijkToRas(a_synthetic)
    centre = place @ (*(np.array(SHAPE_KJI[::-1]) - 1) / 2, 1)
    affine[:3, 3] = centre[:3] - directions @ ((np.array(shape[::-1]) - 1) / 2)
    kji = np.stack([*np.indices(shape)[::-1], np.ones(shape)], axis=-1)
    reference = addVolume((kji @ affine.T)[..., :3] @ slope, "PD on its own grid", turned(affine, A_MOVE))
    reference.SetAndObserveTransformNodeID(linear(A_MOVE).GetID())
    own = np.stack([*np.indices(SHAPE_KJI)[::-1], np.ones(SHAPE_KJI)], axis=-1)
    expected = (own @ place.T)[..., :3] @ slope
    found = referenceOnGrid(reference, a_synthetic)
    middle = (slice(3, 5), slice(4, 8), slice(5, 9))  # a box average is a linear slope's own value, but for the rim
    np.testing.assert_allclose(found[middle], expected[middle], atol=0.02)


def test_one_transform_on_all_volumes_changes_nothing(a_synthetic, a_reference):
    expected = arrayOf(updateDifferences(a_synthetic, a_reference).difference).copy()
    for transform in (linear(A_MOVE), nonlinear()):
        for node in (sourceOf(a_synthetic), a_synthetic, a_reference):
            node.SetAndObserveTransformNodeID(transform.GetID())
        nodes = updateDifferences(a_synthetic, a_reference)
        np.testing.assert_array_equal(arrayOf(nodes.difference), expected)
        assert nodes.difference.GetTransformNodeID() == transform.GetID()


def test_a_nonlinear_transform_on_the_reference_alone_is_refused(a_synthetic, a_reference):
    a_reference.SetAndObserveTransformNodeID(nonlinear().GetID())
    with pytest.raises(InputError, match="non-linear"):
        updateDifferences(a_synthetic, a_reference)


def test_the_nodes_lie_beside_the_synthetic_volume_and_say_what_they_are(a_scene, a_synthetic, a_reference):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(a_scene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Patient")
    hierarchy.CreateItem(folder, a_synthetic)
    nodes = updateDifferences(a_synthetic, a_reference)
    expected = {"difference": nodes.difference, "gradientDifference": nodes.gradientDifference}
    assert {kindOf(node): node for node in expected.values()} == expected
    names = [node.GetName() for node in expected.values()]
    assert names == ["T2 synthetic PD difference", "T2 synthetic PD gradient difference"]
    for node in expected.values():
        assert isSynthetic(node) and contrastOf(node) == "PD" and node.GetAttribute("MRSynthesis.SourceName") == "T2"
        assert sourceOf(node) is sourceOf(a_synthetic)
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == folder
        assert "deviations" in node.GetDescription()
        np.testing.assert_array_equal(ijkToRas(node), ijkToRas(a_synthetic))


def test_differences_of_a_volume_whose_source_is_gone_have_none(a_scene, a_synthetic, a_reference):
    a_scene.RemoveNode(sourceOf(a_synthetic))
    nodes = updateDifferences(a_synthetic, a_reference)
    assert nodes.difference.GetNodeReferenceID(SOURCE_ROLE) is None


def test_a_second_comparison_fills_the_same_nodes_and_keeps_the_range(a_scene, a_synthetic, a_reference):
    first = updateDifferences(a_synthetic, a_reference)
    setSymmetricRange(first.difference, 0.75)
    other = addVolume(headVoxels(9), "PD again")
    before = nodeIds(a_scene)
    second = updateDifferences(a_synthetic, other)
    assert (second.difference, second.gradientDifference) == (first.difference, first.gradientDifference)
    assert nodeIds(a_scene) == before
    assert second.difference.GetNodeReference("MRSynthesis.reference") is other
    assert rangeOf(second.difference) == (-0.75, 0.75)
    expected = standardized(arrayOf(a_synthetic)) - standardized(arrayOf(other))
    np.testing.assert_allclose(arrayOf(second.difference), expected, atol=1e-6)


def test_nodes_that_are_given_are_filled_and_others_left_alone(a_synthetic, a_reference):
    mine = updateDifferences(a_synthetic, a_reference)
    other = addSynthetic(sourceOf(a_synthetic), headVoxels(5), "another")
    given = DifferenceNodes(*(addSynthetic(other, headVoxels(6), name) for name in ("one", "two")))
    filled = updateDifferences(other, a_reference, given)
    assert (filled.difference, filled.gradientDifference) == (given.difference, given.gradientDifference)
    assert filled.difference.GetName() == "one"
    assert (
        differencesOf(a_synthetic).difference is mine.difference and differencesOf(other).difference is given.difference
    )


def test_without_both_nodes_there_are_no_differences_to_find(a_scene, a_synthetic, a_reference):
    assert differencesOf(a_synthetic) is None
    a_scene.RemoveNode(updateDifferences(a_synthetic, a_reference).gradientDifference)
    assert differencesOf(a_synthetic) is None


def test_what_cannot_be_placed_leaves_no_node(a_scene, a_synthetic, a_reference):
    differences = measureDifferences(takeCompared(a_synthetic, a_reference))
    before = nodeIds(a_scene)
    a_synthetic.SetSpacing(2, 2, 2)
    with pytest.raises(InputError) as refused:
        placeDifferences(differences, a_synthetic, a_reference)
    assert refused.value.code == "source_changed" and nodeIds(a_scene) == before


def test_a_failure_at_the_second_node_takes_the_first_away(a_scene, a_synthetic, a_reference, monkeypatch):
    def fail(scene):
        raise RuntimeError("no colours")

    before = volumeNames(a_scene)
    monkeypatch.setattr("MRSynthesisLib.DifferenceVolumes.gradientColors", fail)
    with pytest.raises(RuntimeError, match="no colours"):
        updateDifferences(a_synthetic, a_reference)
    assert volumeNames(a_scene) == before


def volumeNames(scene):
    return sorted(node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"))
