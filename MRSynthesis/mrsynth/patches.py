"""Patches of a stack: where they lie, and what each of their voxels weighs where they overlap."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

Triple = tuple[int, int, int]
WINDOWS = ("mean", "smooth")


def patch_starts(size: int, patch: int, stride: int) -> tuple[int, ...]:
    """Return where patches begin along an axis so that each voxel is in at least one; the last ends with the axis.

    Args:
        size: Voxels along the axis, at least ``patch``.
        patch: Voxels of a patch along it.
        stride: Voxels from one patch to the next, at most ``patch``.

    Raises:
        ValueError: If a patch does not fit, or the stride would leave voxels out.
    """
    if not 1 <= patch <= size:
        raise ValueError(f"expected a patch of 1 to {size} voxels, found {patch}")
    if not 1 <= stride <= patch:
        raise ValueError(f"expected a stride of 1 to {patch} voxels (the patch), found {stride}")
    return (*range(0, size - patch, stride), size - patch)


@dataclass(frozen=True)
class PatchGrid:
    """The overlapping patches that cover a stack.

    An axis shorter than the patch is taken as long as the patch: the stack must be padded to ``padded_shape``.

    Attributes:
        shape: Voxels of the stack along each axis.
        patch: Voxels of a patch.
        stride: Voxels from one patch to the next.
        thinning: Only about one patch in so many is taken: those whose numbers along the axes add up to a multiple of
            it, which lie on diagonals and so overlap evenly, and the corners. Every voxel stays in at least one.
    """

    shape: Triple
    patch: Triple
    stride: Triple
    thinning: int = 1

    def __post_init__(self) -> None:
        if not len(self.shape) == len(self.patch) == len(self.stride) == 3:
            raise ValueError(f"expected three axes, found shape {self.shape}, patch {self.patch}, stride {self.stride}")
        if min(self.shape) < 1:
            raise ValueError(f"expected a stack with voxels, found shape {self.shape}")
        if any(not 1 <= stride <= patch for patch, stride in zip(self.patch, self.stride, strict=True)):
            raise ValueError(f"expected strides from 1 to the patch {self.patch}, found {self.stride}")
        thinned = [self.thinning * stride for stride in self.stride]
        if self.thinning < 1 or (self.thinning > 1 and any(np.greater(thinned, self.patch))):
            raise ValueError(
                f"expected a thinning that leaves no gaps between patches {self.patch} at {self.stride}, "
                f"found {self.thinning}"
            )

    @property
    def padded_shape(self) -> Triple:
        return tuple(np.maximum(self.shape, self.patch).tolist())

    @cached_property
    def axis_starts(self) -> tuple[tuple[int, ...], ...]:
        """Where patches begin along each axis; without thinning, the patches are all combinations."""
        return tuple(map(patch_starts, self.padded_shape, self.patch, self.stride))

    @cached_property
    def _corners(self) -> tuple[Triple, ...]:
        counts = [len(starts) for starts in self.axis_starts]
        numbers = (each for each in itertools.product(*map(range, counts)) if self._is_taken(each, counts))
        return tuple(tuple(self.axis_starts[axis][n] for axis, n in enumerate(each)) for each in numbers)

    def _is_taken(self, numbers: Triple, counts: Sequence[int]) -> bool:
        ends = (number in (0, count - 1) for number, count in zip(numbers, counts, strict=True))
        return sum(numbers) % self.thinning == 0 or all(ends)

    def __len__(self) -> int:
        return len(self._corners)

    def __iter__(self) -> Iterator[tuple[slice, slice, slice]]:
        """Yield each patch as slices into the padded stack, last axis fastest."""
        for corner in self._corners:
            yield tuple(slice(start, start + size) for start, size in zip(corner, self.patch, strict=True))


def patch_window(patch: Triple, kind: str) -> np.ndarray:
    """Return what each voxel of a patch weighs in an average of overlapping patches.

    Args:
        patch: Voxels along each axis.
        kind: ``"mean"``: all the same, as in the report. ``"smooth"``: a product of raised cosines (Hann window sampled
            between its zeros), which trusts a patch's centre more than its rim and leaves no seams.

    Returns:
        Positive float32 array of the patch's shape, at most one.

    Raises:
        ValueError: If the kind is unknown.
    """
    if kind not in WINDOWS:
        raise ValueError(f"expected a window of {WINDOWS}, found {kind!r}")
    if kind == "mean":
        return np.ones(patch, np.float32)
    x, y, z = (np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2 for size in patch)
    return (x[:, None, None] * y[None, :, None] * z[None, None, :]).astype(np.float32)
