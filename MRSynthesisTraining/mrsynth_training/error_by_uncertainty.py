"""Whether a synthesis knows where it is wrong: its uncertainty beside its absolute error, voxel by voxel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from mrsynth.head import robust_scale

GROUPS = 10

DEFINITION = (
    "share of the absolute error held by the tenth of the voxels with the largest uncertainty, beside the tenth with "
    "the largest error, which no uncertainty can exceed; Spearman's correlation; mean error over mean uncertainty, "
    "which is 1 if the uncertainty is the error to expect. Synthetic and noise-free reference are each in units of "
    "their own median tissue intensity, the uncertainty in those of the synthetic"
)


@dataclass(frozen=True)
class ErrorByUncertainty:
    """One scan.

    Attributes:
        case: Name of the case.
        worst_tenth: Share of the absolute error held by the tenth of the voxels with the largest uncertainty.
        largest_possible: Share held by the tenth with the largest error, which no uncertainty can exceed.
        rank_correlation: Spearman's, between uncertainty and absolute error; None if either is constant.
        uncertainty: Mean of each tenth of the voxels, by rising uncertainty.
        error: Mean absolute error of the same tenths.
    """

    case: str
    worst_tenth: float
    largest_possible: float
    rank_correlation: float | None
    uncertainty: tuple[float, ...]
    error: tuple[float, ...]


def relative_error(synthetic: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the absolute difference of two images, each in units of its own median tissue intensity."""
    return np.abs(synthetic / np.float32(robust_scale(synthetic)) - reference / np.float32(robust_scale(reference)))


def relative_uncertainty(uncertainty: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    """Return an uncertainty in the units in which `relative_error` takes the synthetic image."""
    return uncertainty / np.float32(robust_scale(synthetic))


def relate(uncertainty: np.ndarray, error: np.ndarray, case: str = "") -> ErrorByUncertainty:
    """Compare uncertainty and absolute error, both (n,) with n at least 10 voxels.

    Raises:
        ValueError: If there are fewer voxels or the lengths differ.
    """
    if uncertainty.shape != error.shape or uncertainty.ndim != 1 or error.size < GROUPS:
        raise ValueError(f"expected two rows of at least {GROUPS}, found {uncertainty.shape} and {error.shape}")
    order = np.argsort(uncertainty, kind="stable")
    tenths = np.array_split(order, GROUPS)
    largest = np.partition(error, error.size - len(tenths[-1]))[-len(tenths[-1]) :]
    total = float(error.sum(dtype=np.float64))
    held = (float(each.sum(dtype=np.float64)) / total if total else 0.0 for each in (error[tenths[-1]], largest))
    varies = min(np.ptp(uncertainty), np.ptp(error)) > 0
    return ErrorByUncertainty(
        case,
        *held,
        rank_correlation=float(stats.spearmanr(uncertainty, error).statistic) if varies else None,
        uncertainty=tuple(float(uncertainty[each].mean(dtype=np.float64)) for each in tenths),
        error=tuple(float(error[each].mean(dtype=np.float64)) for each in tenths),
    )


def scales_from_others(scans: Sequence[ErrorByUncertainty]) -> list[float | None]:
    """Return for each scan the factor from uncertainty to mean absolute error that all other scans have together.

    None where there is no other scan, or the others have no uncertainty.
    """
    totals = [(sum(scan.error), sum(scan.uncertainty)) for scan in scans]
    scales = []
    for index in range(len(scans)):
        others = [pair for place, pair in enumerate(totals) if place != index]
        error, uncertainty = (sum(values) for values in zip(*others, strict=True)) if others else (0.0, 0.0)
        scales.append(error / uncertainty if uncertainty else None)
    return scales


def common_scale(scans: Sequence[ErrorByUncertainty]) -> float | None:
    """Return the factor of all scans together; None if they have no uncertainty."""
    uncertainty = sum(sum(scan.uncertainty) for scan in scans)
    return sum(sum(scan.error) for scan in scans) / uncertainty if uncertainty else None
