"""A model measured beside its baselines, case by case and group by group."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mrsynth.baselines import IntensityMap
from mrsynth.comparison import INTENSITY_MAP, LINEAR, SYNTHETIC, compare_volumes
from mrsynth.metrics import HEAD, WHOLE_VOLUME, Metrics
from mrsynth.volume import Volume
from mrsynth_training.evaluation_cases import EvaluationCase
from mrsynth_training.trained_intensity_map import mapped

NETWORK = "network"
TRAINED_MAP = "map"
ORACLE = "oracle"
# Names of the comparison's rows, in the words of the tables; `linear` and `oracle` are fitted on the pair itself.
NAMES = {SYNTHETIC: NETWORK, LINEAR: LINEAR, INTENSITY_MAP: ORACLE}
ESTIMATES = (NETWORK, LINEAR, TRAINED_MAP, ORACLE)
MASKS = (WHOLE_VOLUME, HEAD)
FIGURES = ("psnr_range", "psnr_percentile", "mae", "ssim", "gradient_difference")
# What stands behind a group's name where the reference is what the network was asked for, and not the other echo.
NOISE_FREE = ", noise-free target"


@dataclass(frozen=True)
class CaseResult:
    """The figures of one case against one reference.

    Attributes:
        group: Of the case, with what the reference is.
        name: Of the case.
        metrics: By estimate (`ESTIMATES`) and mask.
    """

    group: str
    name: str
    metrics: dict[tuple[str, str], Metrics]


def measure_case(
    case: EvaluationCase, direction: tuple[str, str], synthetic: Volume, intensity_map: IntensityMap
) -> list[CaseResult]:
    """Measure a synthetic volume and the baselines against the other echo and, if it was simulated, the right answer.

    Args:
        case: A real or simulated pair.
        direction: Source and target contrast.
        synthetic: What a model made of the source.
        intensity_map: Fitted on the training scans.
    """
    source_contrast, target_contrast = direction
    references = {case.group: case.volumes[target_contrast]}
    if case.healthy is not None:
        references[case.group + NOISE_FREE] = case.healthy.targets[target_contrast]
    source = case.volumes[source_contrast]
    by_map = mapped(source, intensity_map)
    return [
        CaseResult(group, case.name, _metrics(synthetic, by_map, reference, source))
        for group, reference in references.items()
    ]


def _metrics(synthetic: Volume, by_map: Volume, reference: Volume, source: Volume) -> dict[tuple[str, str], Metrics]:
    rows = compare_volumes(synthetic, reference, source).rows
    metrics = {(NAMES[row.image], row.metrics.mask): row.metrics for row in rows}
    for row in compare_volumes(by_map, reference).rows:
        metrics[TRAINED_MAP, row.metrics.mask] = row.metrics
    return metrics


def group_results(results: Iterable[CaseResult]) -> dict[str, list[CaseResult]]:
    """Return the results by group, in the order in which the groups first appear."""
    groups: dict[str, list[CaseResult]] = {}
    for result in results:
        groups.setdefault(result.group, []).append(result)
    return groups


def summarized_figures(results: Sequence[CaseResult], estimate: str, mask: str) -> dict[str, dict[str, float]]:
    """Return mean and standard deviation over cases (0 of one) of each figure that could be measured in all of them."""
    summary = {}
    for figure in FIGURES:
        values = [getattr(result.metrics[estimate, mask], figure) for result in results]
        if all(value is not None and math.isfinite(value) for value in values):
            deviation = statistics.stdev(values) if len(values) > 1 else 0.0
            summary[figure] = {"mean": round(statistics.fmean(values), 4), "std": round(deviation, 4)}
    return summary
