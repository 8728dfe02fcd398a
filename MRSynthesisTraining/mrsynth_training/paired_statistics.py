"""Two methods on the same subjects: how far apart they are, and whether chance alone would bring them as far apart."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class PairedDifference:
    """The first method minus the second, subject by subject.

    Attributes:
        subjects: How many both could be measured on.
        mean: Mean difference; None without subjects.
        low: Lower end of the mean's confidence interval of 95 %, by Student's t; None with fewer than two subjects.
        high: Its upper end.
        p: Two-sided p of Wilcoxon's signed-rank test, 1 if nothing differs; None with fewer than two subjects.
    """

    subjects: int
    mean: float | None
    low: float | None
    high: float | None
    p: float | None


def paired_difference(first: Sequence[float | None], second: Sequence[float | None]) -> PairedDifference:
    """Compare figures of the same subjects in the same order; a pair with a figure that is no number is left out.

    The interval is that of the mean of normally distributed differences; the test asks only that they lie symmetrically
    about their middle (Wilcoxon 1945), exact for up to 50 subjects without ties, as SciPy computes it.

    Raises:
        ValueError: If the numbers of subjects differ.
    """
    pairs = [pair for pair in zip(first, second, strict=True) if all(map(_is_number, pair))]
    differences = np.array([one - other for one, other in pairs], np.float64)
    if differences.size < 2:
        return PairedDifference(differences.size, float(differences[0]) if differences.size else None, None, None, None)
    mean, error = float(differences.mean()), float(stats.sem(differences))
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, differences.size - 1)) * error
    p = float(stats.wilcoxon(differences).pvalue) if differences.any() else 1.0
    return PairedDifference(differences.size, mean, mean - reach, mean + reach, p)


def smallest_p(subjects: int) -> float:
    """Return the smallest two-sided p that Wilcoxon's exact test can give: if every subject agrees."""
    return min(1.0, 2.0 ** (1 - subjects))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values for their number (S. Holm, Scandinavian Journal of Statistics 6, 1979); None stays None.

    Below 0.05 afterwards means that at most one family in twenty would show any such difference if there were none.
    """
    order = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        adjusted[place] = largest
    return adjusted


@dataclass(frozen=True)
class Summary:
    """Figures of several subjects.

    Attributes:
        subjects: How many.
        mean: None if one of them could not be measured.
        deviation: Standard deviation of the sample; None of fewer than two.
        median: None as the mean.
    """

    subjects: int
    mean: float | None
    deviation: float | None
    median: float | None


def summarize(values: Sequence[float | None]) -> Summary:
    """Return mean, deviation and median of what could be measured on every subject."""
    if not values or not all(map(_is_number, values)):
        return Summary(len(values), None, None, None)
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Summary(len(values), statistics.fmean(values), deviation, statistics.median(values))


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
