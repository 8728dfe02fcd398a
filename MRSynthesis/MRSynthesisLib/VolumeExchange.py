"""Scans out of the scene and synthetic volumes into it.

A scan is synthesised in the grid in which it lies in its node, parent transforms left aside; the result is put under
the same parent transform. So it lies on its source whatever the transform does, non-linear ones included, and nothing
is hardened or resampled.

``takeVolume`` and ``placeVolume`` belong to the main thread; what lies between them and a file is ``VolumeFile``.
"""

from pathlib import Path

import numpy as np
import slicer
import slicer.util
import vtk
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk

from mrsynth.errors import InputError
from MRSynthesisLib.SyntheticNode import (
    KINDS,
    Provenance,
    checkTarget,
    describe,
    resultName,
    wholeOrNotAtAll,
)
from MRSynthesisLib.VolumeFile import GridVolume, readGridVolume, writeGridVolume

_GREY = "vtkMRMLColorTableNodeGrey"
_LARGEST_SHIFT_MM = 1e-3
"""By which the corners of two grids may differ that are the same: headers carry rounded numbers."""


def takeVolume(node: vtkMRMLScalarVolumeNode, relativeTo: vtkMRMLScalarVolumeNode | None = None) -> GridVolume:
    """Copy a node's voxels and the place of its grid.

    Args:
        node: Any scalar volume.
        relativeTo: Describe the place in this volume's frame, as a reference to compare with its source needs it.
            None: in the node's own frame.

    Raises:
        InputError: ``not_scalar`` or ``empty``; ``nonlinear_transform`` if the two volumes' frames differ by more than
            a linear transform.
    """
    image = node.GetImageData() if node else None
    if image is None or image.GetNumberOfPoints() == 0 or image.GetPointData().GetScalars() is None:
        name = node.GetName() if node else _("nothing")
        raise InputError(_("Expected a volume with voxels, found {0}, which has none.").format(name), "empty")
    components, labels = image.GetNumberOfScalarComponents(), node.IsA("vtkMRMLLabelMapVolumeNode")
    if components != 1 or labels:
        found = _("labels") if labels else _("{0} numbers").format(components)
        message = _("{0}: expected a scan with one intensity per voxel, found {1}.").format(node.GetName(), found)
        raise InputError(message, "not_scalar")
    # A copy, as the node may be edited while a thread writes this.
    return GridVolume(slicer.util.arrayFromVolume(node).copy(), _ijkToRas(node, relativeTo))


def exportVolume(node: vtkMRMLScalarVolumeNode, path: Path, relativeTo: vtkMRMLScalarVolumeNode | None = None) -> None:
    """Write a node's voxels in its own IJK grid, without parent transform; the node and its storage stay as they are.

    The file is an uncompressed NRRD. ``takeVolume`` and ``writeGridVolume`` are the two halves, and raise the same.
    """
    writeGridVolume(takeVolume(node, relativeTo), path)


def importSynthetic(
    path: Path,
    source: vtkMRMLScalarVolumeNode,
    target: vtkMRMLScalarVolumeNode | None,
    provenance: Provenance,
    kind: str = "synthetic",
) -> vtkMRMLScalarVolumeNode:
    """Read a volume that the worker wrote for ``source`` (``readGridVolume``) and put it into the scene."""
    return placeVolume(readGridVolume(path), source, target, provenance, kind)


def placeVolume(
    volume: GridVolume,
    source: vtkMRMLScalarVolumeNode,
    target: vtkMRMLScalarVolumeNode | None,
    provenance: Provenance,
    kind: str = "synthetic",
) -> vtkMRMLScalarVolumeNode:
    """Make a node on the source's grid, under its parent transform and beside it in the subject hierarchy.

    Args:
        volume: On the grid that ``takeVolume`` gave for ``source``; the node takes its array over, without a copy.
        source: The scan.
        target: The node to fill, or None for a new one.
        provenance: Becomes the node's attributes.
        kind: One of ``KINDS``.

    Returns:
        The node, ready to show. On an error none is left, and a given one is as it was.

    Raises:
        InputError: ``source_changed``: the source has another grid than ``volume`` by now.
        OutputExists: As ``checkTarget``.
        ValueError: An unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"expected one of {KINDS}, found {kind!r}")
    checkTarget(target, source)
    _requireSameGrid(volume, source)
    with wholeOrNotAtAll(source, target) as node:
        if target is None:
            node.SetName(source.GetScene().GenerateUniqueName(resultName(source, provenance, kind)))
        describe(node, source, provenance, kind)
        _display(node, volume)
        _fill(node, volume, source)
        _putBeside(node, source)
    return node


def _ijkToRas(node: vtkMRMLScalarVolumeNode, relativeTo: vtkMRMLScalarVolumeNode | None) -> np.ndarray:
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    own = slicer.util.arrayFromVTKMatrix(matrix)
    if relativeTo is None:
        return own
    frames = (node.GetParentTransformNode(), relativeTo.GetParentTransformNode())
    if frames[0] is frames[1]:
        return own
    if not slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(*frames, matrix):
        names = node.GetName(), relativeTo.GetName()
        message = _(
            "Expected {0} and {1} to differ by a linear transform at most, found a non-linear one between them. "
            "Harden it on the one that it belongs to (Transforms module) and try again."
        )
        raise InputError(message.format(*names), "nonlinear_transform")
    return slicer.util.arrayFromVTKMatrix(matrix) @ own


def _requireSameGrid(volume: GridVolume, source: vtkMRMLScalarVolumeNode) -> None:
    image = source.GetImageData()
    shape = image.GetDimensions()[::-1] if image else ()
    if shape == volume.voxels.shape:
        corners = np.array([(i, j, k, 1) for k in (0, shape[0]) for j in (0, shape[1]) for i in (0, shape[2])])
        shift = (corners @ (_ijkToRas(source, None) - volume.ijkToRas).T)[:, :3]
        if np.abs(shift).max() <= _LARGEST_SHIFT_MM:
            return
    message = _(
        "Expected {0} to lie on the same voxels as when the synthesis began, found that it was moved or exchanged "
        "since. Start again with the volume as it is now."
    )
    raise InputError(message.format(source.GetName()), "source_changed")


def _fill(node: vtkMRMLScalarVolumeNode, volume: GridVolume, source: vtkMRMLScalarVolumeNode) -> None:
    # A new image, as that of a given node must survive an error; around the voxels as they are, to save a copy.
    image = vtk.vtkImageData()
    image.SetDimensions(volume.voxels.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(volume.voxels.ravel()))
    node.SetAndObserveImageData(image)
    matrix = vtk.vtkMatrix4x4()
    source.GetIJKToRASMatrix(matrix)
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveTransformNodeID(source.GetTransformNodeID())


def _display(node: vtkMRMLScalarVolumeNode, volume: GridVolume) -> None:
    """Set the display while the node is empty: with voxels it would look through all of them for a window first."""
    node.CreateDefaultDisplayNodes()
    display = node.GetScalarVolumeDisplayNode()
    display.SetAndObserveColorNodeID(_GREY)
    if volume.shownRange is not None:
        display.SetAutoWindowLevel(False)
        display.SetWindowLevelMinMax(*volume.shownRange)


def _putBeside(node: vtkMRMLScalarVolumeNode, source: vtkMRMLScalarVolumeNode) -> None:
    """Move the node into the source's folder of the subject hierarchy; in Slicer it has an item by now."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(source.GetScene())
    sourceItem = hierarchy.GetItemByDataNode(source) if hierarchy else 0
    if not sourceItem:
        return
    parent, item = hierarchy.GetItemParent(sourceItem), hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.SetItemParent(item, parent)
    else:
        hierarchy.CreateItem(parent, node)
