"""What the protocol does to a pair of scans before a network sees it: one size, every third slice, standardised."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mrsynth.errors import InputError
from mrsynth.normalization import Scale, ZScoreNormalizer
from mrsynth.orientation import AS_ACQUIRED, PLANE_DIRECTIONS, SliceOrder, slice_order
from mrsynth.volume import Volume
from mrsynth_training.subject_table import TOO_SMALL

# The target's own scale is not known at synthesis; here each scan is only brought to its own mean and deviation.
_STANDARD = ZScoreNormalizer(target_mean=0.0, target_std=1.0)


@dataclass(frozen=True)
class PreprocessingOptions:
    """How a scan becomes an array.

    Attributes:
        size: Voxels (in-plane, in-plane, slice) that the scan is cropped or padded to, about its centre.
        slice_step: One slice in so many is kept, as of ``first_slice``: one of the interleaved stacks that a scan is
            taken apart into when it is synthesised.
        first_slice: The first slice of the cropped scan that is kept, from 0.
        plane: ``acquired``, or ``axial``, ``coronal`` or ``sagittal`` to cut the slices another way.

    Raises:
        InputError: If a number is out of range or the plane is another.
    """

    size: tuple[int, int, int] = (224, 224, 96)
    slice_step: int = 3
    first_slice: int = 0
    plane: str = AS_ACQUIRED

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", tuple(self.size))
        if len(self.size) != 3 or min(self.size) < 1:
            raise InputError(f"expected three sizes above 0, found {self.size}")
        if not 1 <= self.slice_step <= self.size[2]:
            raise InputError(f"expected a slice step from 1 to {self.size[2]} (the slices), found {self.slice_step}")
        if not 0 <= self.first_slice < self.slice_step:
            raise InputError(f"expected a first slice from 0 to {self.slice_step - 1}, found {self.first_slice}")
        if self.plane != AS_ACQUIRED and self.plane not in PLANE_DIRECTIONS:
            raise InputError(f"expected a plane of {[AS_ACQUIRED, *PLANE_DIRECTIONS]}, found {self.plane!r}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the result: 224 x 224 x 32 by default."""
        return (*self.size[:2], len(range(self.first_slice, self.size[2], self.slice_step)))

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON holds them."""
        return asdict(self) | {"size": list(self.size)}


@dataclass(frozen=True, eq=False)
class PreparedPair:
    """Source and target as the network sees them.

    Attributes:
        voxels: float32 (2, in-plane, in-plane, slice): source, target. Each has mean 0 and standard deviation 1 over
            the voxels that were acquired; padding has the lowest of their values.
        scales: What source and target were standardised by, in each scan's own units.
        affine: 4x4 float64, index along the stack's axes to RAS mm.
        plane: ``axial``, ``coronal`` or ``sagittal``.
        acquired: How many voxels along each axis the scan had for the stack; the others are padding.
    """

    voxels: np.ndarray
    scales: tuple[Scale, Scale]
    affine: np.ndarray
    plane: str
    acquired: tuple[int, int, int]


def prepare_pair(source: Volume, target: Volume, options: PreprocessingOptions) -> PreparedPair:
    """Crop or pad, take every n-th slice, standardise.

    Args:
        source: Any orientation; its axes are swapped and flipped, never resampled.
        target: On the same grid.
        options: Size and step.

    Raises:
        InputError: Code ``constant`` if what is kept of a scan has one value only, ``too_small`` if more than half of
            the result would be padding along an axis.
    """
    order = slice_order(source, options.plane)
    places = _places([source.shape[axis] for axis in order.axes], options)
    inside = [(place >= 0) & (place < source.shape[axis]) for place, axis in zip(places, order.axes, strict=True)]
    acquired = tuple(int(each.sum()) for each in inside)
    if any(2 * found < size for found, size in zip(acquired, options.shape, strict=True)):
        found = f"{acquired} in a scan of {source.shape}"
        raise InputError(f"expected at least half of {options.shape} along each axis, found {found}", TOO_SMALL)
    stacks, scales = zip(
        *(_standardized(order.to_stack(v.voxels), places, inside) for v in (source, target)), strict=True
    )
    affine = source.affine @ _index_map(source.shape, order, places)
    return PreparedPair(np.stack(stacks), scales, affine, order.plane, acquired)


def _places(shape: Sequence[int], options: PreprocessingOptions) -> list[np.ndarray]:
    """For each axis of the stack the index of every kept voxel in a scan of ``shape``; beyond the scan is padding.

    Of an odd difference the far end loses the extra voxel, or the near end gains it.
    """
    starts = [(found - size) // 2 for found, size in zip(shape, options.size, strict=True)]
    places = [start + np.arange(size) for start, size in zip(starts, options.size, strict=True)]
    return [*places[:2], places[2][options.first_slice :: options.slice_step]]


def _standardized(
    stack: np.ndarray, places: Sequence[np.ndarray], inside: Sequence[np.ndarray]
) -> tuple[np.ndarray, Scale]:
    """Return the kept voxels of a stack (in-plane, in-plane, slice), standardised and padded, and their scale."""
    taken = stack[np.ix_(*(place[each] for place, each in zip(places, inside, strict=True)))]
    normalized, scale = _STANDARD.normalize(taken)
    padded = np.full([place.size for place in places], normalized.min(), np.float32)
    padded[np.ix_(*inside)] = normalized
    return padded, scale


def _index_map(shape: Sequence[int], order: SliceOrder, places: Sequence[np.ndarray]) -> np.ndarray:
    """Return the 4x4 map from an index along the stack's axes to (i, j, k) of a volume of ``shape``."""
    index_map = np.zeros((4, 4))
    index_map[3, 3] = 1
    for column, (axis, flipped, place) in enumerate(zip(order.axes, order.flipped, places, strict=True)):
        step = place[1] - place[0] if place.size > 1 else 1
        index_map[axis, column] = -step if flipped else step
        index_map[axis, 3] = shape[axis] - 1 - place[0] if flipped else place[0]
    return index_map
