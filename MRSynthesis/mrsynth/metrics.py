"""How far a synthetic volume is from the acquired one: figures that say in which units, mask and range they are.

Every figure is of volumes standardised to zero mean and unit standard deviation, each by its own statistics over the
whole volume, as in the report, which standardises T2 and PD separately. All figures are therefore the same whatever
scale and offset the intensities of either volume have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from skimage.metrics import structural_similarity

from mrsynth.errors import InputError

HEAD = "head"
WHOLE_VOLUME = "whole volume"
UNITS = "standard deviations of the whole volume"
RANGE_PERCENTILES = (0.5, 99.5)

_SSIM_WINDOW = 7


@dataclass(frozen=True)
class Metrics:
    """Figures of one volume against a reference, both standardised; units are the reference's standard deviations.

    Attributes:
        mask: Where they were measured: ``"head"`` or ``"whole volume"``.
        mae: Mean absolute error.
        mse: Mean squared error, in squared units.
        psnr_range: Peak signal-to-noise ratio in dB; the peak is the reference's maximum minus its minimum, over the
            whole volume. Infinite when nothing differs.
        psnr_percentile: The same in dB; the peak is the reference's span from the 0.5 to the 99.5 percentile, over the
            whole volume. None when that span is zero.
        ssim: Structural similarity (Wang et al. 2004, as scikit-image computes it), 1 when nothing differs. None when
            the volume is smaller than its window of 7 voxels in more than one axis.
        gradient_difference: Mean of (|dX| - |dY|)^2 over the neighbours along both in-plane axes, in squared units.
    """

    mask: str
    mae: float
    mse: float
    psnr_range: float
    psnr_percentile: float | None
    ssim: float | None
    gradient_difference: float

    def to_dict(self) -> dict[str, str | float | None]:
        """The figures as strict JSON: an infinite PSNR is the string ``"inf"``, what was not measured is null."""
        return {name: "inf" if value == math.inf else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, document: Mapping[str, str | float | None]) -> Metrics:
        """What ``to_dict`` gave."""
        return cls(**{name: math.inf if value == "inf" else value for name, value in document.items()})


def standardize(voxels: np.ndarray, within: np.ndarray | None = None) -> np.ndarray:
    """Shift and scale to zero mean and unit standard deviation.

    Args:
        voxels: Any shape.
        within: Boolean array of the same shape: the voxels that mean and deviation are taken over; all by default.

    Returns:
        float32 array of the same shape.

    Raises:
        InputError: Code ``constant``, if all voxels have one value.
    """
    counted = voxels if within is None else voxels[within]
    mean, deviation = counted.mean(dtype=np.float64), counted.std(dtype=np.float64)
    if not counted.min() < counted.max():
        raise InputError(f"expected an image, found that every voxel is {float(mean):g}", code="constant")
    return ((voxels - mean) / deviation).astype(np.float32)


def psnr(mse: float, peak: float) -> float | None:
    """Peak signal-to-noise ratio in dB, ``10 log10(peak^2 / mse)``: infinite for no error, None without a peak."""
    if peak <= 0:
        return None
    return math.inf if mse == 0 else 10 * math.log10(peak**2 / mse)


def full_range(reference: np.ndarray) -> float:
    """Maximum minus minimum, in the array's units."""
    return float(reference.max()) - float(reference.min())


def percentile_range(reference: np.ndarray) -> float:
    """Span from the 0.5 to the 99.5 percentile, in the array's units."""
    low, high = np.percentile(reference, RANGE_PERCENTILES)
    return float(high - low)


def gradient_difference_map(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Squared difference of the in-plane gradient magnitudes, summed over both in-plane axes (the report's 2D L_GDL).

    Gradients are forward differences between neighbours; there is none at the last voxel of an axis, which counts as 0.

    Args:
        image: Shape (in-plane, in-plane, slice).
        reference: Same shape.

    Returns:
        float32 array of the same shape, in squared units of the input.
    """
    total = np.zeros(image.shape, dtype=np.float32)
    for axis in (0, 1):
        inner = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        total[inner] += _squared_gradient_difference(image, reference, axis)
    return total


def ssim_map(image: np.ndarray, reference: np.ndarray, peak: float) -> np.ndarray | None:
    """Structural similarity around each voxel, with scikit-image's defaults (uniform window of 7 voxels).

    A volume thinner than the window along one axis is measured slice by slice across that axis.

    Args:
        image: Shape (in-plane, in-plane, slice).
        reference: Same shape.
        peak: The data range.

    Returns:
        Array of the same shape, NaN where the window would leave the volume (as scikit-image's own mean leaves these
        out); None if two axes are thinner than the window.
    """
    thin = [axis for axis in range(3) if image.shape[axis] < _SSIM_WINDOW]
    if len(thin) > 1:
        return None
    values = np.full(image.shape, np.nan, dtype=np.float32)
    if not thin:
        values[_inner(3)] = _similarity(image, reference, peak)[_inner(3)]
        return values
    views = (np.moveaxis(array, thin[0], 0) for array in (values, image, reference))
    for target, image_slice, reference_slice in zip(*views, strict=True):
        target[_inner(2)] = _similarity(image_slice, reference_slice, peak)[_inner(2)]
    return values


def measure(image: np.ndarray, reference: np.ndarray, masks: Mapping[str, np.ndarray]) -> tuple[Metrics, ...]:
    """Measure one standardised volume against another.

    Args:
        image: Standardised voxels, shape (in-plane, in-plane, slice).
        reference: The same of the acquired volume.
        masks: Name of each mask to a boolean array of that shape with at least one voxel in it.

    Returns:
        The figures inside each mask, in the order of ``masks``.

    Raises:
        ValueError: The shapes differ, or a mask is empty.
    """
    for name, array in {"reference": reference, **masks}.items():
        if array.shape != image.shape:
            raise ValueError(f"expected {name} of shape {image.shape}, as the image has, found {array.shape}")
    empty = [name for name, mask in masks.items() if not mask.any()]
    if empty:
        raise ValueError(f"expected masks with voxels in them, found none in {', '.join(empty)}")
    peak = full_range(reference)
    shared = _Shared(peak, percentile_range(reference), ssim_map(image, reference, peak))
    return tuple(_metrics(name, image, reference, mask, shared) for name, mask in masks.items())


@dataclass(frozen=True, eq=False)
class _Shared:
    """What the figures of all masks have in common."""

    peak: float
    percentile_peak: float
    similarity: np.ndarray | None


def _metrics(name: str, image: np.ndarray, reference: np.ndarray, mask: np.ndarray, shared: _Shared) -> Metrics:
    """The figures inside one mask."""
    error = image[mask].astype(np.float64) - reference[mask]
    mse = float(np.mean(error**2))
    return Metrics(
        mask=name,
        mae=float(np.mean(np.abs(error))),
        mse=mse,
        psnr_range=psnr(mse, shared.peak),
        psnr_percentile=psnr(mse, shared.percentile_peak),
        ssim=_masked_mean(shared.similarity, mask),
        gradient_difference=_masked_gradient_difference(image, reference, mask),
    )


def _masked_mean(similarity: np.ndarray | None, mask: np.ndarray) -> float | None:
    if similarity is None:
        return None
    inside = similarity[mask & np.isfinite(similarity)]
    return float(inside.mean(dtype=np.float64)) if inside.size else None


def _masked_gradient_difference(image: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> float:
    """Mean over the pairs of in-plane neighbours that both lie in the mask; 0 if it holds no such pair."""
    total, pairs = 0.0, 0
    for axis in (0, 1):
        first, second = (np.take(mask, range(s, mask.shape[axis] - 1 + s), axis=axis) for s in (0, 1))
        inside = _squared_gradient_difference(image, reference, axis)[first & second]
        total, pairs = total + float(inside.sum(dtype=np.float64)), pairs + inside.size
    return total / pairs if pairs else 0.0


def _squared_gradient_difference(image: np.ndarray, reference: np.ndarray, axis: int) -> np.ndarray:
    return (np.abs(np.diff(image, axis=axis)) - np.abs(np.diff(reference, axis=axis))) ** 2


def _similarity(image: np.ndarray, reference: np.ndarray, peak: float) -> np.ndarray:
    return structural_similarity(image, reference, win_size=_SSIM_WINDOW, data_range=peak, full=True)[1]


def _inner(axes: int) -> tuple[slice, ...]:
    """The voxels whose window lies within the image."""
    margin = _SSIM_WINDOW // 2
    return (slice(margin, -margin),) * axes
