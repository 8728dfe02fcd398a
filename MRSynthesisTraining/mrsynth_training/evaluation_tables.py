"""Everything that was measured of models, value by value, as CSV."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mrsynth.atomic_file import write_bytes
from mrsynth_training.error_by_uncertainty import GROUPS, scales_from_others
from mrsynth_training.evaluation import FIGURES
from mrsynth_training.lesion_contrast import LesionResult
from mrsynth_training.model_examination import LOOKED_INTO, Findings

Cells = Sequence[object]


def evaluation_tables(models: Mapping[str, Findings]) -> dict[str, bytes]:
    """Return every table by its file name, with a row for each model and case; what could not be measured is empty."""
    makers = {
        "figures.csv": _figures,
        "lesions.csv": _lesions,
        "false_lesions.csv": _false_lesions,
        "uncertainty.csv": _uncertainty,
        "tissues.csv": _tissues,
    }
    tables = {}
    for name, rows in makers.items():
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows(models))
        tables[name] = text.getvalue().encode("utf-8", errors="backslashreplace")
    return tables


def write_evaluation_tables(folder: Path, models: Mapping[str, Findings]) -> None:
    """Write every table into a folder, each as a whole.

    Raises:
        OutputError: If they cannot be written.
    """
    for name, data in evaluation_tables(models).items():
        write_bytes(folder / name, data)


def _figures(models: Mapping[str, Findings]) -> Iterator[Cells]:
    yield ("model", "group", "case", "estimate", "mask", *FIGURES)
    for model, findings in models.items():
        for result in findings.results:
            for (estimate, mask), metrics in result.metrics.items():
                figures = (getattr(metrics, figure) for figure in FIGURES)
                yield (model, result.group, result.name, estimate, mask, *figures)


def _lesions(models: Mapping[str, Findings]) -> Iterator[Cells]:
    images = ("source", "reference", *LOOKED_INTO)
    measured = [f"{image}_{figure}" for image in images for figure in ("contrast", "cnr")]
    kept = [f"{estimate}_kept" for estimate in LOOKED_INTO]
    yield ("model", "case", "lesion", "radius_mm", "t2_lengthening", "visible", *measured, *kept)
    for model, findings in models.items():
        for each in findings.lesions:
            yield (model, each.case, *_lesion(each))


def _lesion(each: LesionResult) -> Cells:
    lesion, images = each.lesion, (each.source, each.reference, *(each.estimates[name] for name in LOOKED_INTO))
    measured = [value for image in images for value in (image.contrast, image.cnr)]
    kept = [int(each.kept(estimate)) for estimate in LOOKED_INTO]
    return (lesion.number, lesion.radius_mm, lesion.t2_lengthening, int(each.reference.visible), *measured, *kept)


def _false_lesions(models: Mapping[str, Findings]) -> Iterator[Cells]:
    yield ("model", "case", "estimate", "count", "volume_ml", "contrast")
    for model, findings in models.items():
        for estimate, found in findings.false_lesions.items():
            for each in found:
                yield (model, each.case, estimate, each.count, each.volume_ml, each.contrast)


def _uncertainty(models: Mapping[str, Findings]) -> Iterator[Cells]:
    tenths = [f"{what}_{tenth}" for what in ("uncertainty", "error") for tenth in range(1, GROUPS + 1)]
    yield ("model", "case", "mask", "worst_tenth", "largest_possible", "rank_correlation", "scale_from_others", *tenths)
    for model, findings in models.items():
        for mask, scans in findings.uncertainty.items():
            for each, scale in zip(scans, scales_from_others(scans), strict=True):
                shares = (each.worst_tenth, each.largest_possible, each.rank_correlation)
                yield (model, each.case, mask, *shares, scale, *each.uncertainty, *each.error)


def _tissues(models: Mapping[str, Findings]) -> Iterator[Cells]:
    yield ("model", "case", "estimate", "segmentations", "tissue", "dice")
    for model, findings in models.items():
        for estimate, found in findings.tissues.items():
            for each in found:
                for (pair, tissue), dice in each.dice.items():
                    yield (model, each.case, estimate, pair, tissue, dice)
