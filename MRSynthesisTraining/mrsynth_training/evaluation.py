"""A model measured against acquired scans and its baselines, case by case and group by group."""

import csv
import io
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mrsynth.atomic_file import write_bytes
from mrsynth.baselines import IntensityMap
from mrsynth.comparison import INTENSITY_MAP, LINEAR, SYNTHETIC, compare_volumes
from mrsynth.metrics import HEAD, WHOLE_VOLUME, Metrics
from mrsynth.models.weights import LoadedModel
from mrsynth.synthesis import SynthesisOptions, synthesize
from mrsynth_training.evaluation_cases import EvaluationCase
from mrsynth_training.trained_intensity_map import mapped

NETWORK = "network"
TRAINED_MAP = "map"
ORACLE = "oracle"
# Names of the comparison's rows, in the words of the tables; `linear` and `oracle` are fitted on the pair itself.
NAMES = {SYNTHETIC: NETWORK, LINEAR: LINEAR, INTENSITY_MAP: ORACLE}
MASKS = (WHOLE_VOLUME, HEAD)
FIGURES = ("psnr_range", "psnr_percentile", "mae", "ssim", "gradient_difference")


@dataclass(frozen=True)
class CaseResult:
    """The figures of one case.

    Attributes:
        group: Of the case.
        name: Of the case.
        metrics: By estimate (`NETWORK`, `LINEAR`, `TRAINED_MAP`, `ORACLE`) and mask.
    """

    group: str
    name: str
    metrics: dict[tuple[str, str], Metrics]


def evaluate_case(model: LoadedModel, case: EvaluationCase, intensity_map: IntensityMap) -> CaseResult:
    """Synthesise one case and measure it, and the three baselines, against the acquired target."""
    source, reference = case.volumes[model.card.source_contrast], case.volumes[model.card.target_contrast]
    synthetic = synthesize(source, model, SynthesisOptions(device="cpu")).volume
    comparison = compare_volumes(synthetic, reference, source)
    metrics = {(NAMES[row.image], row.metrics.mask): row.metrics for row in comparison.rows}
    by_map = compare_volumes(mapped(source, intensity_map), reference)
    metrics.update({(TRAINED_MAP, row.metrics.mask): row.metrics for row in by_map.rows})
    return CaseResult(case.group, case.name, metrics)


def group_results(results: Iterable[CaseResult]) -> dict[str, list[CaseResult]]:
    """Return the results by group, in the order in which the groups first appear."""
    groups: dict[str, list[CaseResult]] = {}
    for result in results:
        groups.setdefault(result.group, []).append(result)
    return groups


def mean_figures(results: Sequence[CaseResult], estimate: str, mask: str) -> dict[str, float]:
    """Return the means over cases of what could be measured in all of them."""
    means = {}
    for figure in FIGURES:
        values = [getattr(result.metrics[estimate, mask], figure) for result in results]
        if all(value is not None and math.isfinite(value) for value in values):
            means[figure] = round(statistics.fmean(values), 4)
    return means


def results_table(results: Sequence[CaseResult]) -> str:
    """Return the PSNR over the whole volume (range max - min), a line a group, for a terminal or a README."""
    estimates = (NETWORK, LINEAR, TRAINED_MAP, ORACLE)
    lines = ["| PSNR in dB | scans | " + " | ".join(estimates) + " |", "|---|---|" + "---|" * len(estimates)]
    for group, members in group_results(results).items():
        figures = [mean_figures(members, estimate, WHOLE_VOLUME).get("psnr_range") for estimate in estimates]
        cells = ["-" if value is None else f"{value:.1f}" for value in figures]
        lines.append(f"| {group} | {len(members)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write_results(results: Sequence[CaseResult], path: Path) -> None:
    """Write every figure of every case as CSV; what could not be measured is empty.

    Raises:
        OutputError: If it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("group", "case", "estimate", "mask", *FIGURES))
    for result in results:
        for (estimate, mask), metrics in result.metrics.items():
            figures = (getattr(metrics, figure) for figure in FIGURES)
            writer.writerow((result.group, result.name, estimate, mask, *figures))
    write_bytes(path, text.getvalue().encode())
