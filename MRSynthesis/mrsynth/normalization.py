"""Intensities as the networks see them, and the way back to the scan's own scale."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np

from mrsynth.errors import InputError
from mrsynth.head import robust_scale


@dataclass(frozen=True)
class Scale:
    """What one scan was normalised by, in the scan's units: ``normalised = (voxels - offset) / spread``.

    Attributes:
        offset: Intensity that became zero.
        spread: Intensity difference that became one.
        tissue: Median intensity of tissue above air, the unit that results are restored in.
        floor: Intensity of air (zero unless the scan has negative intensities).
    """

    offset: float
    spread: float
    tissue: float
    floor: float


class Normalizer(Protocol):
    """A pair of maps between a scan's intensities and a network's."""

    def normalize(self, voxels: np.ndarray, spacing_mm: Sequence[float]) -> tuple[np.ndarray, Scale]: ...

    def restore(self, voxels: np.ndarray, scale: Scale) -> np.ndarray: ...

    def restore_difference(self, voxels: np.ndarray, scale: Scale) -> np.ndarray: ...

    def brightened(self, factor: float) -> Self: ...


def air_floor(voxels: np.ndarray) -> float:
    """Return the intensity of air: zero in a magnitude image, lower where the scan was standardised or filtered."""
    return min(0.0, float(np.percentile(voxels, 0.5)))


def tissue_scale(voxels: np.ndarray, floor: float) -> float:
    """Return the median intensity of tissue above the floor, in the units of ``voxels``."""
    return robust_scale(voxels - np.float32(floor) if floor else voxels)


@dataclass(frozen=True)
class RobustNormalizer:
    """Source and target each divided by their median tissue intensity.

    Both echoes of a dual-echo scan share the receiver's gain, so the ratio of the two medians is a property of the
    contrasts, known on average from training; the result is thus on the source's scale.

    Attributes:
        target_to_source: Median tissue intensity of the target over that of the source.
    """

    target_to_source: float

    def __post_init__(self) -> None:
        if not self.target_to_source > 0:
            raise InputError(f"expected target_to_source > 0, found {self.target_to_source}", code="bad_card")

    def normalize(self, voxels: np.ndarray, spacing_mm: Sequence[float] = (1, 1, 1)) -> tuple[np.ndarray, Scale]:
        """Return the normalised voxels and what undoes it; their spacing does not matter."""
        floor = air_floor(voxels)
        tissue = tissue_scale(voxels, floor)
        normalized = (voxels - np.float32(floor)) / np.float32(tissue)
        return normalized, Scale(offset=floor, spread=tissue, tissue=tissue, floor=floor)

    def restore(self, voxels: np.ndarray, scale: Scale) -> np.ndarray:
        return self.restore_difference(voxels, scale) + np.float32(scale.floor)

    def restore_difference(self, voxels: np.ndarray, scale: Scale) -> np.ndarray:
        return voxels * np.float32(scale.tissue * self.target_to_source)

    def brightened(self, factor: float) -> "RobustNormalizer":
        """Return the normaliser for targets whose tissue is so many times as bright."""
        return replace(self, target_to_source=self.target_to_source * factor)


@dataclass(frozen=True)
class ZScoreNormalizer:
    """Zero mean and unit standard deviation, source and target each by its own, as in the report.

    Mean and deviation depend on how much air there is around the head. So where the scans of training were cropped, a
    scan's are taken over as much of its middle.

    Attributes:
        target_mean: Mean of the targets in training, in units of their sources' median tissue intensity.
        target_std: Their standard deviation, in the same units.
        extent_mm: How much of the middle counts, along (in-plane, in-plane, slice); the whole scan if it is None.
    """

    target_mean: float
    target_std: float
    extent_mm: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if not self.target_std > 0:
            raise InputError(f"expected target_std > 0, found {self.target_std}", code="bad_card")
        if self.extent_mm is not None and not (len(self.extent_mm) == 3 and min(self.extent_mm) > 0):
            raise InputError(f"expected an extent of three lengths above 0 mm, found {self.extent_mm}", code="bad_card")

    def normalize(self, voxels: np.ndarray, spacing_mm: Sequence[float] = (1, 1, 1)) -> tuple[np.ndarray, Scale]:
        """Return the normalised voxels and what undoes it.

        Args:
            voxels: Intensities, axes (in-plane, in-plane, slice).
            spacing_mm: Between neighbours along these axes.

        Raises:
            InputError: Code ``constant``, if what counts of the scan has one value.
        """
        counted = voxels[self._middle(voxels.shape, spacing_mm)]
        floor = air_floor(counted)
        mean, std = float(counted.mean(dtype=np.float64)), float(counted.std(dtype=np.float64))
        if std == 0:
            raise InputError("expected a scan whose intensities vary, found a constant", code="constant")
        normalized = (voxels - np.float32(mean)) / np.float32(std)
        return normalized, Scale(offset=mean, spread=std, tissue=tissue_scale(counted, floor), floor=floor)

    def _middle(self, shape: Sequence[int], spacing_mm: Sequence[float]) -> tuple[slice, ...]:
        """Return the box of the voxels that count; of an odd difference the far end loses the extra voxel."""
        if self.extent_mm is None:
            return (slice(None),) * len(shape)
        counts = (max(round(extent / step), 1) for extent, step in zip(self.extent_mm, spacing_mm, strict=True))
        starts = ((max(size - count, 0) // 2, count) for size, count in zip(shape, counts, strict=True))
        return tuple(slice(start, start + count) for start, count in starts)

    def restore(self, voxels: np.ndarray, scale: Scale) -> np.ndarray:
        offset = self.target_mean * scale.tissue + scale.floor
        return self.restore_difference(voxels, scale) + np.float32(offset)

    def restore_difference(self, voxels: np.ndarray, scale: Scale) -> np.ndarray:
        return voxels * np.float32(self.target_std * scale.tissue)

    def brightened(self, factor: float) -> "ZScoreNormalizer":
        """Return the normaliser for targets that are so many times as bright."""
        return replace(self, target_mean=self.target_mean * factor, target_std=self.target_std * factor)


NORMALIZERS = {"robust": RobustNormalizer, "zscore": ZScoreNormalizer}


def build_normalizer(normalization: dict[str, Any]) -> Normalizer:
    """Return the normaliser a model card names, such as ``{"kind": "robust", "target_to_source": 2.5}``.

    Raises:
        InputError: Code ``bad_card``, if the kind is unknown or its numbers are missing or not positive.
    """
    configuration = dict(normalization)
    kind = configuration.pop("kind", None)
    if kind not in NORMALIZERS:
        raise InputError(f"expected a normalisation kind of {sorted(NORMALIZERS)}, found {kind!r}", code="bad_card")
    try:
        return NORMALIZERS[kind](**configuration)
    except TypeError as error:
        raise InputError(f"normalisation {kind!r}: {error}", code="bad_card") from error
