"""The spacing a network was trained on, and how a scan with a finer one is taken apart instead of being resampled.

Every n-th slice of a scan is a stack with n times the slice spacing. Starting at slice 0, 1, ... n - 1 gives n such
stacks, which together hold each slice once. Each stack goes through the network by itself and the results are put back
slice by slice, so nothing is interpolated. The same holds for the two in-plane axes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from mrsynth.errors import InputError

_EPSILON = 1e-4
"""A relative slack for spacings: headers hold float32, so 1.25 mm three times may come out a hair below 3.75 mm."""

_LARGEST_STRIDE = 64
"""A scan finer than this (0.015 mm for a pixel of 0.94 mm) is no head: its header is in metres, say."""


@dataclass(frozen=True)
class Grid:
    """The range of spacings a network was trained on.

    Attributes:
        in_plane_spacing_mm: Lowest and highest spacing of both in-plane axes, in mm.
        slice_spacing_mm: Lowest and highest distance between neighbouring slices, in mm.

    Raises:
        ValueError: A range is not two numbers with 0 < lowest <= highest.
    """

    in_plane_spacing_mm: tuple[float, float]
    slice_spacing_mm: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("in_plane_spacing_mm", "slice_spacing_mm"):
            object.__setattr__(self, name, _checked_range(name, getattr(self, name)))

    def strides(self, stack_spacing_mm: Sequence[float]) -> tuple[int, int, int]:
        """For each stack axis (in-plane, in-plane, slice), into how many interleaved stacks it is taken apart.

        An axis that is not finer than the range stays whole (1). A finer one gets the stride that brings its spacing
        nearest to the middle of the range; of two equally near strides the smaller.

        Args:
            stack_spacing_mm: Spacing along the stack's axes, in mm.

        Raises:
            InputError: Code ``bad_spacing``, if a spacing is far finer than any scan of a head has.
        """
        return tuple(
            _stride(spacing_mm, *trained) for spacing_mm, trained in zip(stack_spacing_mm, self._ranges(), strict=True)
        )

    def warnings(self, stack_spacing_mm: Sequence[float]) -> tuple[str, ...]:
        """One sentence for each kind of spacing that lies outside the range even after it was taken apart.

        Args:
            stack_spacing_mm: Spacing along the stack's axes, in mm.
        """
        found: dict[str, list[str]] = {}
        names = ("in-plane spacing", "in-plane spacing", "slice spacing")
        axes = zip(names, stack_spacing_mm, self.strides(stack_spacing_mm), self._ranges(), strict=True)
        for name, spacing_mm, stride, (lowest, highest) in axes:
            seen_mm = spacing_mm * stride
            if not lowest * (1 - _EPSILON) <= seen_mm <= highest * (1 + _EPSILON):
                taken = f" ({seen_mm:.4g} mm in each of {stride} interleaved stacks)" if stride > 1 else ""
                text = f"{name} {spacing_mm:.4g} mm{taken}"
                found.setdefault(f"the model was trained on {name}s of {lowest:g} to {highest:g} mm", []).append(text)
        return tuple(f"{' and '.join(dict.fromkeys(texts))}: {trained}" for trained, texts in found.items())

    def _ranges(self) -> tuple[tuple[float, float], ...]:
        return self.in_plane_spacing_mm, self.in_plane_spacing_mm, self.slice_spacing_mm


def interleaved_stacks(shape: Sequence[int], strides: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """The slices that take an array apart into interleaved stacks; every voxel lies in exactly one.

    Args:
        shape: Size of the array along each axis.
        strides: Stride along each axis, at least 1. One that exceeds the axis gives stacks of a single voxel along it.

    Yields:
        For each stack, one ``slice`` per axis; ``array[stack]`` is a view.

    Raises:
        ValueError: A stride below 1, or not one stride per axis.
    """
    if len(shape) != len(strides) or min(strides) < 1:
        raise ValueError(
            f"expected a stride of at least 1 for each axis of shape {tuple(shape)}, found {tuple(strides)}"
        )
    starts = (range(min(stride, size)) for size, stride in zip(shape, strides, strict=True))
    for first in product(*starts):
        yield tuple(slice(start, None, stride) for start, stride in zip(first, strides, strict=True))


def _checked_range(name: str, limits: Sequence[float]) -> tuple[float, float]:
    if len(limits) != 2 or not 0 < limits[0] <= limits[1] < float("inf"):
        raise ValueError(f"expected {name} as lowest and highest with 0 < lowest <= highest, found {tuple(limits)}")
    return float(limits[0]), float(limits[1])


def _stride(spacing_mm: float, lowest: float, highest: float) -> int:
    if spacing_mm >= lowest * (1 - _EPSILON):
        return 1
    middle = (lowest + highest) / 2
    if middle / spacing_mm > _LARGEST_STRIDE:
        least_mm = middle / _LARGEST_STRIDE
        raise InputError(f"expected a spacing of at least {least_mm:.2g} mm, found {spacing_mm:.2g} mm", "bad_spacing")
    below = max(int(middle / spacing_mm), 1)
    return min((below, below + 1), key=lambda stride: (round(abs(stride * spacing_mm - middle) / middle, 6), stride))
