"""The figures of a study as CSV: subject by subject, summarised, compared, and those of tissues."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from mrsynth.atomic_file import write_bytes
from mrsynth_training.evaluated_run import EvaluatedRun
from mrsynth_training.evaluation import FIGURES, MASKS, NETWORK
from mrsynth_training.paired_statistics import summarize
from mrsynth_training.study_comparisons import compare_runs
from mrsynth_training.subject_reference import BASELINES
from mrsynth_training.tissue_segmentation import TISSUES
from mrsynth_training.validation_baselines import TRAINED_MAP

SUBJECTS, SUMMARY, COMPARISONS, TISSUE_TABLE = "subjects.csv", "summary.csv", "comparisons.csv", "tissues.csv"
IMAGES = (NETWORK, *BASELINES)
SEGMENTED = (NETWORK, TRAINED_MAP)

Cells = Sequence[object]


def study_tables(runs: Sequence[EvaluatedRun]) -> dict[str, bytes]:
    """Return every table by its file name; what could not be measured is empty, an infinite PSNR is ``inf``.

    Columns say the mask; ranges of PSNR are ``reference_range`` (maximum - minimum) and ``reference_percentile_range``
    (0.5 to 99.5 percentile) of each subject's acquired target, in its standard deviations.
    """
    return {
        SUBJECTS: _csv(_subject_rows(runs)),
        SUMMARY: _csv(_summary_rows(runs)),
        COMPARISONS: _csv(_comparison_rows(runs)),
        TISSUE_TABLE: _csv(_tissue_rows(runs)),
    }


def write_study_tables(folder: Path, runs: Sequence[EvaluatedRun]) -> None:
    """Write every table into a folder, each as a whole.

    Raises:
        OutputError: If they cannot be written.
    """
    for name, data in study_tables(runs).items():
        write_bytes(folder / name, data)


def dice_of(run: EvaluatedRun, image: str, tissue: str) -> list[float | None]:
    """Return the Dice coefficients of a tissue, of the subjects in whom tissues could be told apart."""
    several = (subject.tissues[image] for subject in run.subjects if image in subject.tissues)
    return [each.dice for agreements in several for each in agreements if each.tissue == tissue]


def _subject_rows(runs: Iterable[EvaluatedRun]) -> Iterable[Cells]:
    peaks = ("reference_range", "reference_percentile_range")
    yield ("run", "source", "target", "subject", "site", "image", "mask", *FIGURES, *peaks)
    for run in runs:
        for subject in run.subjects:
            for (image, mask), metrics in subject.metrics.items():
                figures = (getattr(metrics, figure) for figure in FIGURES)
                names = (run.name, *run.run.direction, subject.subject, subject.site, image, mask)
                yield (*names, *figures, *subject.peaks)


def _summary_rows(runs: Iterable[EvaluatedRun]) -> Iterable[Cells]:
    yield ("run", "source", "target", "image", "mask", "figure", "subjects", "mean", "sd", "median")
    for run in runs:
        for image in IMAGES:
            for mask in MASKS:
                for figure in FIGURES:
                    found = summarize([getattr(metrics, figure) for metrics in run.metrics(image, mask)])
                    names = (run.name, *run.run.direction, image, mask, figure)
                    yield (*names, found.subjects, found.mean, found.deviation, found.median)


def _comparison_rows(runs: Sequence[EvaluatedRun]) -> Iterable[Cells]:
    yield ("first", "second", "mask", "figure", "subjects", "mean_difference", "low_95", "high_95", "p", "p_holm")
    for each in compare_runs(runs):
        found = each.difference
        names = (each.first, each.second or f"{TRAINED_MAP} of {each.first}", each.mask, each.figure)
        yield (*names, found.subjects, found.mean, found.low, found.high, found.p, each.p_holm)


def _tissue_rows(runs: Iterable[EvaluatedRun]) -> Iterable[Cells]:
    yield ("run", "source", "target", "subject", "image", "tissue", "dice", "acquired_ml", "synthetic_ml", "note")
    for run in runs:
        for subject in run.subjects:
            names = (run.name, *run.run.direction, subject.subject)
            if not subject.tissues:
                yield (*names, "", "", None, None, None, subject.tissue_note)
            for image, several in subject.tissues.items():
                for each in several:
                    yield (*names, image, each.tissue, each.dice, each.acquired_ml, each.synthetic_ml, "")


def tissue_summary(run: EvaluatedRun, image: str) -> dict[str, object]:
    """Return mean and deviation of the Dice coefficient by tissue."""
    return {tissue: summarize(dice_of(run, image, tissue)) for tissue in TISSUES}


def _csv(rows: Iterable[Cells]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", errors="backslashreplace")
