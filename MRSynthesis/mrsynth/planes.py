"""A volume as a radiologist looks at it: axial, coronal and sagittal planes with the patient's right on the left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mrsynth.orientation import SliceOrder
from mrsynth.volume import Volume

_NORMALS = {"axial": 2, "coronal": 1, "sagittal": 0}
_DIRECTIONS = (("R", "L"), ("A", "P"), ("S", "I"))

_THINNEST_PLANE = 0.2
"""A plane less high than this fraction of its width shows no anatomy: a few thick slices seen from the side."""


@dataclass(frozen=True, eq=False)
class PatientView:
    """The axes of a volume in the order right, anterior, superior; by flips and permutations, nothing is resampled.

    Attributes:
        order: How the volume's slices are stacked.
        affine: Index in (R, A, S) order to mm.
        shape: Number of voxels along R, A and S.
    """

    order: SliceOrder
    affine: np.ndarray
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, volume: Volume) -> PatientView:
        """The view of a volume; the nearest axes of an oblique one."""
        order = SliceOrder.of(volume)
        to_stack = np.zeros((4, 4))
        to_stack[3, 3] = 1
        for stack_axis, (axis, flipped) in enumerate(zip(order.axes, order.flipped, strict=True)):
            to_stack[axis, stack_axis] = -1 if flipped else 1
            to_stack[axis, 3] = volume.shape[axis] - 1 if flipped else 0
        affine = volume.affine @ to_stack
        affine[:, :3] = np.insert(affine[:, :2], _NORMALS[order.plane], affine[:, 2], axis=1)
        shape = _ras(order, order.to_stack(volume.voxels)).shape
        return cls(order, affine, shape)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Spacing along R, A and S, in mm."""
        return tuple(float(length) for length in np.linalg.norm(self.affine[:3, :3], axis=0))

    def arrange(self, array: np.ndarray) -> np.ndarray:
        """An array with the volume's axes as a view with axes (R, A, S)."""
        return _ras(self.order, self.order.to_stack(array))

    def planes(self) -> tuple[Plane, ...]:
        """The planes that show anatomy, axial first: that of the slices, and others unless they were thin strips."""
        extent_mm = np.array(self.shape) * self.spacing_mm
        shown = []
        for name, normal in _NORMALS.items():
            across, up = np.delete(extent_mm, normal)
            if name == self.order.plane or min(across, up) >= _THINNEST_PLANE * max(across, up):
                shown.append(Plane(name, normal))
        return tuple(shown)

    def place_in_words(self, plane: Plane, centre: tuple[int, int, int]) -> str:
        """Where a plane through a voxel lies, such as ``"S 12 mm"``."""
        place = float((self.affine @ (*centre, 1))[plane.normal])
        positive, negative = _DIRECTIONS[plane.normal]
        return f"{positive if place >= 0 else negative} {abs(place):.0f} mm"


@dataclass(frozen=True)
class Plane:
    """One of the three planes, in the radiological convention.

    Attributes:
        name: ``"axial"``, ``"coronal"`` or ``"sagittal"``.
        normal: The axis of (R, A, S) across it.
    """

    name: str
    normal: int

    @property
    def axes(self) -> tuple[int, int]:
        """The axes of (R, A, S) that run across and up the picture."""
        across, up = (axis for axis in range(3) if axis != self.normal)
        return across, up

    @property
    def edge_labels(self) -> tuple[str, str, str, str]:
        """What lies at the left, right, top and bottom edge."""
        across, up = self.axes
        return (*_DIRECTIONS[across], *_DIRECTIONS[up])

    def picture_of(self, array: np.ndarray, index: int) -> np.ndarray:
        """The plane at ``index`` of an array (R, A, S), as rows from the top and columns from the left.

        R, A and S grow with the index and are shown left, left and up: both axes are reversed in every plane.
        """
        return np.take(array, index, axis=self.normal)[::-1, ::-1].T


def _ras(order: SliceOrder, stack: np.ndarray) -> np.ndarray:
    return np.moveaxis(stack, 2, _NORMALS[order.plane])
