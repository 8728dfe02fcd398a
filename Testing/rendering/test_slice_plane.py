"""Slices in the plane in which a scan was acquired, oblique ones included."""

import numpy as np
import pytest
import slicer

from mrsynth.errors import InputError
from MRSynthesisLib.ComparisonLayouts import Role
from MRSynthesisLib.ComparisonView import ComparedImages
from MRSynthesisLib.SlicePlane import ORIENTATIONS, acquisitionOrientation, leftSide, turnSlice

# Columns: the directions of i, j and k, where k runs through the slices.
STACKS = {
    "Axial": np.array([[-4, 0, 0], [0, -4, 0], [0, 0, 10]]),
    "Sagittal": np.array([[0, 0, 10], [-4, 0, 0], [0, -4, 0]]),
    "Coronal": np.array([[4, 0, 0], [0, 0, -10], [0, 4, 0]]),
}


def affineOf(directions):
    affine = np.eye(4)
    affine[:3, :3] = directions
    return affine


def turned(directions, degrees=25.0):
    """The same stack as seen by a head that nods and tilts."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    nod = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    tilt = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    return nod @ tilt @ directions


def normalOf(sliceNode):
    return slicer.util.arrayFromVTKMatrix(sliceNode.GetSliceToRAS())[:3, 2]


@pytest.fixture
def a_slice_node(a_layout_manager):
    return a_layout_manager.sliceWidget("Green").mrmlSliceNode()


@pytest.mark.parametrize("plane", ORIENTATIONS)
def test_a_stack_is_shown_in_its_own_plane(a_volume, a_slice_node, plane):
    volume = a_volume("stack", affine=affineOf(STACKS[plane]))
    assert acquisitionOrientation(volume) == plane
    turnSlice(a_slice_node, volume, acquisitionOrientation(volume))
    assert a_slice_node.GetOrientation() == plane


@pytest.mark.parametrize(("orientation", "letters"), [("Axial", "RL"), ("Sagittal", "AP"), ("Coronal", "RL")])
def test_the_side_at_the_left_edge_is_the_patients(a_volume, a_slice_node, orientation, letters):
    """As radiologists look at a patient: from the feet, from the left side, from the front."""
    turnSlice(a_slice_node, a_volume("oblique", affine=affineOf(turned(STACKS["Axial"]))), orientation)
    assert leftSide(a_slice_node) == letters[0]
    sliceToRas = slicer.util.arrayFromVTKMatrix(a_slice_node.GetSliceToRAS())
    sliceToRas[:3, :2] *= -1  # seen upside down
    slicer.util.updateVTKMatrixFromArray(a_slice_node.GetSliceToRAS(), sliceToRas)
    assert leftSide(a_slice_node) == letters[1]
    a_slice_node.SetOrientation(orientation)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("plane", ORIENTATIONS)
def test_every_plane_of_an_oblique_grid_is_one_of_its_own(a_volume, a_slice_node, plane, orientation):
    directions = turned(STACKS[plane])
    volume = a_volume("oblique", affine=affineOf(directions))
    turnSlice(a_slice_node, volume, orientation)
    sliceToRas = slicer.util.arrayFromVTKMatrix(a_slice_node.GetSliceToRAS())[:3, :3]
    cosines = sliceToRas.T @ (directions / np.linalg.norm(directions, axis=0))
    np.testing.assert_allclose(np.abs(cosines).max(axis=0), 1, atol=1e-9)
    a_slice_node.SetOrientation(orientation)
    preset = slicer.util.arrayFromVTKMatrix(a_slice_node.GetSliceToRAS())[:3, :3]
    assert (np.diag(preset.T @ sliceToRas) > 0.5).all()  # no axis points the other way


@pytest.mark.parametrize("plane", ORIENTATIONS)
def test_all_views_of_an_oblique_scan_show_whole_slices(a_comparison, a_layout_manager, a_volume, plane):
    affine = affineOf(turned(STACKS[plane]))
    images = ComparedImages(a_volume("T2", affine=affine), a_volume("PD", affine=affine, kind="synthetic"))
    a_comparison.show(images, "Side by side")
    a_layout_manager.layOut()
    for role in (Role.SOURCE, Role.SYNTHETIC):
        widget = a_layout_manager.sliceWidget(role.viewName)
        widget.sliceView().turnWheel(1)
        logic = widget.sliceLogic()
        cosine = normalOf(widget.mrmlSliceNode()) @ (affine[:3, 2] / 10)
        assert abs(cosine) == pytest.approx(1)
        assert logic.GetSliceIndexFromOffset(logic.GetSliceOffset(), images.source) > 0  # not "rotated", which is -1


def test_the_parent_transform_turns_the_slices_too(a_volume, a_slice_node):
    volume = a_volume("moved", affine=affineOf(STACKS["Axial"]))
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    motion = affineOf(turned(np.eye(3)))
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(motion))
    volume.SetAndObserveTransformNodeID(transform.GetID())
    turnSlice(a_slice_node, volume, "Axial")
    np.testing.assert_allclose(normalOf(a_slice_node), motion[:3, 2], atol=1e-9)


def test_a_transform_that_bends_is_left_aside(a_volume, a_slice_node):
    volume = a_volume("bent", affine=affineOf(STACKS["Axial"]))
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    volume.SetAndObserveTransformNodeID(transform.GetID())
    turnSlice(a_slice_node, volume, "Axial")
    np.testing.assert_allclose(normalOf(a_slice_node), (0, 0, 1), atol=1e-9)


def test_an_unknown_orientation_is_refused(a_volume, a_slice_node, a_comparison):
    with pytest.raises(InputError, match="Axial, Sagittal, Coronal, found Slanted"):
        turnSlice(a_slice_node, a_volume("stack"), "Slanted")
    with pytest.raises(InputError, match="found Slanted"):
        a_comparison.setOrientation("Slanted")


def test_all_views_are_turned_at_once_and_back(a_comparison, a_layout_manager, some_images):
    a_comparison.show(some_images, "Six views")

    def orientations():
        return {view.node.GetOrientation() for view in a_layout_manager.placedViews()}

    assert orientations() == {"Axial"}
    a_comparison.setOrientation("Sagittal")
    assert orientations() == {"Sagittal"}
    a_comparison.show(some_images, "Side by side")
    assert orientations() == {"Sagittal"}
    a_comparison.setOrientation(None)
    assert orientations() == {"Axial"}
