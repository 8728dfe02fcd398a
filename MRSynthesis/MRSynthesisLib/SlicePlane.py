"""The plane in which a scan was acquired, and slice views turned into it."""

import numpy as np
import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSliceNode
from slicer.i18n import tr as _

from mrsynth.errors import InputError
from mrsynth.orientation import SliceOrder
from mrsynth.volume import Volume

ORIENTATIONS = ("Axial", "Sagittal", "Coronal")


def acquisitionOrientation(volume: vtkMRMLScalarVolumeNode) -> str:
    """The plane of a scan's slices, by name; the nearest one for an oblique scan, axial where voxels are cubes."""
    return _sliceOrder(volume).plane.capitalize()


def requireOrientation(orientation: str) -> None:
    """Refuse anything but the names of the three planes.

    Raises:
        InputError: Another orientation.
    """
    if orientation not in ORIENTATIONS:
        message = _("Expected one of the orientations {0}, found {1}.")
        raise InputError(message.format(", ".join(ORIENTATIONS), orientation), "unknown_orientation")


def turnSlice(sliceNode: vtkMRMLSliceNode, volume: vtkMRMLScalarVolumeNode, orientation: str) -> None:
    """Turn a slice view into a plane of the volume's own grid, so that an oblique scan's thick slices are seen whole.

    Args:
        sliceNode: The view.
        volume: Whose grid it is.
        orientation: One of ``ORIENTATIONS``: the grid's nearest plane is taken.

    Raises:
        InputError: Another orientation.
    """
    requireOrientation(orientation)
    wasModifying = sliceNode.StartModify()
    sliceNode.SetOrientation(orientation)
    sliceToRas = slicer.util.arrayFromVTKMatrix(sliceNode.GetSliceToRAS())
    sliceToRas[:3, :3] = _towardsRas(volume) @ sliceToRas[:3, :3]
    slicer.util.updateVTKMatrixFromArray(sliceNode.GetSliceToRAS(), sliceToRas)
    sliceNode.UpdateMatrices()
    sliceNode.EndModify(wasModifying)


def leftSide(sliceNode: vtkMRMLSliceNode) -> str:
    """Which side of the patient lies at the left edge of a view: ``R``, ``L``, ``A``, ``P``, ``S`` or ``I``.

    In an oblique view the nearest of them; the letters are those of the English words in every language, as scanners
    print them.
    """
    towardsRight = slicer.util.arrayFromVTKMatrix(sliceNode.GetSliceToRAS())[:3, 0]
    axis = int(np.argmax(np.abs(towardsRight)))
    return ("RAS" if towardsRight[axis] < 0 else "LPI")[axis]


def _towardsRas(volume: vtkMRMLScalarVolumeNode) -> np.ndarray:
    """3x3: the directions of the grid's axes that lie nearest to R, A and S, orthonormal even if it is sheared."""
    order = _sliceOrder(volume)
    axes = _affine(volume)[:3, :3] / np.linalg.norm(_affine(volume)[:3, :3], axis=0)
    stack = axes[:, order.axes] * np.where(order.flipped, -1, 1)  # in-plane, in-plane, slice
    normal = {"sagittal": 0, "coronal": 1, "axial": 2}[order.plane]
    left, _middle, right = np.linalg.svd(np.insert(stack[:, :2], normal, stack[:, 2], axis=1))
    return left @ right


def _sliceOrder(volume: vtkMRMLScalarVolumeNode) -> SliceOrder:
    # Only the axes count here, and whether one holds a single voxel: no other is looked at.
    dimensions = [min(size, 2) for size in volume.GetImageData().GetDimensions()]
    return SliceOrder.of(Volume(np.broadcast_to(np.float32(0), dimensions), _affine(volume)))


def _affine(volume: vtkMRMLScalarVolumeNode) -> np.ndarray:
    """4x4, voxel index to RAS mm, under its parent transform; one that bends is left aside, having no one plane."""
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    affine = slicer.util.arrayFromVTKMatrix(matrix)
    transform = volume.GetParentTransformNode()
    if transform is None or not transform.IsTransformToWorldLinear():
        return affine
    transform.GetMatrixTransformToWorld(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix) @ affine
