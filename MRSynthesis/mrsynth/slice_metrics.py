"""Where along the head a synthetic volume is good: error and PSNR slice by slice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mrsynth.comparison import difference_volumes
from mrsynth.head import head_mask
from mrsynth.metrics import full_range, psnr, standardize
from mrsynth.orientation import SliceOrder
from mrsynth.resampling import Lattice, resample_onto
from mrsynth.volume import Volume

_DIRECTIONS = {"sagittal": 0, "coronal": 1, "axial": 2}
_LETTERS = "RAS"
_AIR_PERCENTILE = 0.5

SMALLEST_SHARE = 0.05
"""A slice with less of the head than this share of the fullest one is left out: it shows a few voxels of skin."""


@dataclass(frozen=True)
class SliceFigures:
    """The figures of one slice, inside the head.

    Attributes:
        index: Of the slice along the synthetic volume's slice axis, from 0, as in the file.
        centre_mm: The middle of the slice, to the right, front and head, in the volume's frame.
        mae: Mean absolute error, in standard deviations of the whole volume.
        psnr: Peak signal-to-noise ratio in dB; the peak is the reference's maximum minus its minimum over the whole
            volume, so that slices can be compared. Infinite when nothing differs.
    """

    index: int
    centre_mm: tuple[float, float, float]
    mae: float
    psnr: float


@dataclass(frozen=True)
class SliceMetrics:
    """The figures of every slice that shows enough of the head.

    Attributes:
        direction: ``"R"``, ``"A"`` or ``"S"``: the one nearest to the slices' normal.
        slices: In this direction.
    """

    direction: str
    slices: tuple[SliceFigures, ...]

    @property
    def places_mm(self) -> tuple[float, ...]:
        """How far along ``direction`` the middle of each slice lies: rising."""
        return tuple(each.centre_mm[_LETTERS.index(self.direction)] for each in self.slices)

    def to_dict(self) -> dict[str, Any]:
        """The figures as strict JSON: an infinite PSNR is the string ``"inf"``."""
        slices = [asdict(each) | {"psnr": "inf" if each.psnr == math.inf else each.psnr} for each in self.slices]
        return {"direction": self.direction, "slices": slices}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> SliceMetrics:
        """What ``to_dict`` gave, also after a way through JSON.

        Raises:
            KeyError: Something is missing.
        """
        slices = (
            SliceFigures(each["index"], tuple(each["centre_mm"]), each["mae"], float(each["psnr"]))
            for each in document["slices"]
        )
        return cls(document["direction"], tuple(slices))


def measure_slices(synthetic: Volume, reference: Volume, difference: Volume | None = None) -> SliceMetrics:
    """Measure each slice of a synthetic volume against the acquired one, on the synthetic volume's grid.

    Args:
        synthetic: The synthesised volume; its slices are meant.
        reference: The acquired volume, resampled if it lies on another grid.
        difference: What ``difference_volumes`` gave for these two, if that is known already.

    Raises:
        InputError: As ``difference_volumes`` does.
    """
    if difference is None:
        difference = difference_volumes(synthetic, reference).difference
    resampled = resample_onto(reference, Lattice.of(synthetic))
    target = standardize(resampled.volume.voxels, resampled.covered)
    inside = target[resampled.covered]
    head = head_mask(target - np.float32(np.percentile(inside, _AIR_PERCENTILE))) & resampled.covered
    order = SliceOrder.of(synthetic)
    stacks = order.to_stack(difference.voxels), order.to_stack(head)
    sizes = np.count_nonzero(stacks[1], axis=(0, 1))
    shown = np.flatnonzero((sizes > 0) & (sizes >= SMALLEST_SHARE * sizes.max()))
    peak = full_range(inside)
    last = synthetic.shape[order.axes[2]] - 1
    slices = []
    for number in shown:
        index = int(last - number if order.flipped[2] else number)
        mae, decibels = _figures(stacks, number, peak)
        slices.append(SliceFigures(index, _centre_mm(synthetic, order.axes[2], index), mae, decibels))
    return SliceMetrics(_LETTERS[_DIRECTIONS[order.plane]], tuple(slices))


def _figures(stacks: tuple[np.ndarray, np.ndarray], number: int, peak: float) -> tuple[float, float]:
    """MAE and PSNR of one slice of the stacks ``(difference, head)``."""
    error = stacks[0][:, :, number][stacks[1][:, :, number]].astype(np.float64)
    return float(np.mean(np.abs(error))), psnr(float(np.mean(error**2)), peak)


def _centre_mm(volume: Volume, axis: int, index: int) -> tuple[float, float, float]:
    middle = np.append((np.array(volume.shape) - 1) / 2, 1.0)
    middle[axis] = index
    x, y, z = (float(each) for each in (volume.affine @ middle)[:3])
    return x, y, z
