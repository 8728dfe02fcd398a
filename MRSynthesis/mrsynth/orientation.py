"""Bringing a scan to the order the networks see (in-plane, in-plane, slice) and back, without resampling it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from mrsynth.volume import Volume

_PLANES = ("sagittal", "coronal", "axial")
"""The plane of slices that are stacked along R, A and S."""

AS_ACQUIRED = "acquired"
PLANE_DIRECTIONS = {"axial": "RAS", "coronal": "RSA", "sagittal": "ASR"}
"""The direction of each stack axis (in-plane, in-plane, slice) of a plane."""

_SUPERIOR = 2

_NEAR_TIE = 1.1
"""Spacings whose ratio is below this say nothing about which axis the scanner stacked its slices along."""


@dataclass(frozen=True)
class SliceOrder:
    """How the axes of a volume map to those of a stack of slices.

    The stack's first two axes are in-plane and its last one runs through the slices. Each runs towards the patient's
    right, front or head, whichever is nearest, and the two in-plane axes keep that order: an axial stack is (R, A, S),
    a coronal one (R, S, A), a sagittal one (A, S, R). Axes are swapped and flipped and nothing is resampled, so
    ``from_stack`` undoes ``to_stack`` exactly.

    Attributes:
        axes: For each stack axis, the volume's axis (0, 1 or 2) that it is.
        flipped: For each stack axis, whether it runs against the volume's axis.
        stack_spacing_mm: Spacing along the stack's axes, in mm.
        plane: ``"axial"``, ``"coronal"`` or ``"sagittal"``; the nearest one for an oblique scan.
    """

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    stack_spacing_mm: tuple[float, float, float]
    plane: str

    @classmethod
    def of(cls, volume: Volume) -> SliceOrder:
        """The slice order of a volume.

        The slice axis is the one with the largest spacing. Among spacings within 10 % of the largest the axis nearest
        to S wins. If exactly one axis holds a single voxel, that is the slice axis whatever its spacing.
        """
        towards = _axes_towards_ras(volume.affine)
        spacing_mm = [volume.spacing_mm[axis] for axis in towards]
        slices = _slice_direction([volume.shape[axis] for axis in towards], spacing_mm)
        directions = [direction for direction in range(3) if direction != slices] + [slices]
        axes = tuple(towards[direction] for direction in directions)
        return cls(
            axes=axes,
            flipped=tuple(bool(volume.affine[d, axis] < 0) for d, axis in zip(directions, axes, strict=True)),
            stack_spacing_mm=tuple(volume.spacing_mm[axis] for axis in axes),
            plane=_PLANES[slices],
        )

    def to_stack(self, array: np.ndarray) -> np.ndarray:
        """An array with the volume's axes (i, j, k) seen as (in-plane, in-plane, slice).

        Returns a view, possibly with negative strides; make it contiguous before it is given to torch.

        Raises:
            ValueError: The array does not have three axes.
        """
        return _require_three_axes(array).transpose(self.axes)[self._flip()]

    def from_stack(self, array: np.ndarray) -> np.ndarray:
        """The inverse of ``to_stack``: an array (in-plane, in-plane, slice) as (i, j, k); a view.

        Raises:
            ValueError: The array does not have three axes.
        """
        return _require_three_axes(array)[self._flip()].transpose(np.argsort(self.axes))

    def _flip(self) -> tuple[slice, ...]:
        return tuple(slice(None, None, -1 if flipped else 1) for flipped in self.flipped)


def slice_order(volume: Volume, plane: str) -> SliceOrder:
    """Return how a volume's axes become those of a stack of slices in a plane.

    Args:
        volume: Any orientation.
        plane: ``acquired`` for its own slices, or ``axial``, ``coronal`` or ``sagittal`` to cut it another way.
    """
    order = SliceOrder.of(volume)
    if plane == AS_ACQUIRED:
        return order
    turned = [PLANE_DIRECTIONS[order.plane].index(direction) for direction in PLANE_DIRECTIONS[plane]]
    return replace(
        order,
        axes=tuple(order.axes[i] for i in turned),
        flipped=tuple(order.flipped[i] for i in turned),
        stack_spacing_mm=tuple(order.stack_spacing_mm[i] for i in turned),
        plane=plane,
    )


def _axes_towards_ras(affine: np.ndarray) -> tuple[int, int, int]:
    """For R, A and S the volume axis that runs most nearly along it: the assignment with the largest sum of cosines.

    Taking each axis's own largest component could give two axes the same direction in a scan turned by 45 degrees.
    """
    cosines = np.abs(affine[:3, :3]) / np.linalg.norm(affine[:3, :3], axis=0)  # (direction, axis)
    # Rounding keeps float noise from deciding an exact tie, which then falls to the first permutation.
    return max(permutations(range(3)), key=lambda axes: round(sum(cosines[d, a] for d, a in enumerate(axes)), 6))


def _slice_direction(shape: list[int], spacing_mm: list[float]) -> int:
    """Which of R, A, S (0, 1, 2) the slices are stacked along; shape and spacing are given in that order."""
    if shape.count(1) == 1:
        return shape.index(1)
    if spacing_mm[_SUPERIOR] * _NEAR_TIE >= max(spacing_mm):
        return _SUPERIOR
    return spacing_mm.index(max(spacing_mm))


def _require_three_axes(array: np.ndarray) -> np.ndarray:
    if np.ndim(array) != 3:
        raise ValueError(f"expected an array with 3 axes, found shape {np.shape(array)}")
    return np.asarray(array)
