"""The tables of a study's page: those of the report, and those that it lacks."""

from collections.abc import Iterable, Sequence
from html import escape

from mrsynth.metrics import HEAD, WHOLE_VOLUME
from mrsynth_training.evaluated_run import EvaluatedRun
from mrsynth_training.evaluation import NETWORK
from mrsynth_training.paired_statistics import Summary, summarize
from mrsynth_training.study_comparisons import Comparison, comparable_groups, compare_runs
from mrsynth_training.study_tables import SEGMENTED, tissue_summary
from mrsynth_training.study_words import (
    DIGITS,
    FIGURE_NAMES,
    FIGURE_NOTES,
    IMAGE_NAMES,
    MASK_NAMES,
    direction_in_words,
    mean_and_deviation,
    number,
    probability,
    with_deviation,
)
from mrsynth_training.subject_reference import BASELINES
from mrsynth_training.tissue_segmentation import TISSUES
from mrsynth_training.validation_baselines import TRAINED_MAP

SIGNIFICANT = 0.05
COLUMNS = ("mae", "psnr_range", "psnr_percentile", "ssim", "gradient_difference")
COMPARED = ("mae", "psnr_range", "ssim")
MASKS = (WHOLE_VOLUME, HEAD)


def results_table(runs: Sequence[EvaluatedRun]) -> str:
    """Return the report's own table: validation MAE and PSNR and test PSNR of each generator, the best test in bold."""
    rows = []
    for group in comparable_groups(runs):
        best = max(_test_psnr(run).mean or 0 for run in group)
        for run in group:
            test, row = _test_psnr(run), run.run.best.row
            count = len(run.run.best.subjects["validation"])
            validation = (_validation(row, "mae", count), _validation(row, "psnr_range", count))
            cell = with_deviation(test, DIGITS["psnr_range"])
            bold = len(group) > 1 and test.mean == best
            names = (direction_in_words(run.run.direction), run.name)
            rows.append([*map(escape, (*names, *validation)), f"<b>{cell}</b>" if bold else cell])
    titles = ("Direction", "Generator", "Validation MAE|SD", "Validation PSNR|dB", "Test PSNR|dB")
    return table(titles, rows, left=2)


def figures_table(group: Sequence[EvaluatedRun]) -> str:
    """Return all figures of runs that can be compared, with their baselines, in the whole volume and in the head."""
    rows: list[Sequence[str] | str] = []
    for mask in MASKS:
        rows.append(MASK_NAMES[mask])
        for run in group:
            rows.append([escape(run.name), *(mean_and_deviation(run.metrics(NETWORK, mask), name) for name in COLUMNS)])
        for image in BASELINES:
            metrics = group[0].metrics(image, mask)
            figures = (mean_and_deviation(metrics, name) for name in COLUMNS)
            rows.append([f"<i>{IMAGE_NAMES[image]}</i>", *figures])
    return table(("", *(f"{FIGURE_NAMES[name]}|{FIGURE_NOTES[name]}" for name in COLUMNS)), rows)


def comparisons_table(group: Sequence[EvaluatedRun]) -> str:
    """Return the differences of every two runs and of each to its map, with intervals and adjusted p."""
    compared = {(each.first, each.second, each.mask, each.figure): each for each in compare_runs(group)}
    pairs = list(dict.fromkeys((first, second) for first, second, *_ in compared))
    rows: list[Sequence[str] | str] = []
    for mask in MASKS:
        rows.append(MASK_NAMES[mask])
        for first, second in pairs:
            cells = (_difference(compared[first, second, mask, name]) for name in COMPARED)
            rows.append([f"{escape(first)} \N{MINUS SIGN} {escape(second) if second else 'its intensity map'}", *cells])
    return table(("Pair", *(f"{FIGURE_NAMES[name]}|{FIGURE_NOTES[name]}" for name in COMPARED)), rows)


def tissues_table(runs: Sequence[EvaluatedRun]) -> str:
    """Return the Dice coefficients of each run and of the intensity map beside it."""
    rows = []
    for group in comparable_groups(runs):
        for run, image in [*((run, NETWORK) for run in group), (group[0], TRAINED_MAP)]:
            found = tissue_summary(run, image)
            name = escape(run.name) if image == NETWORK else f"<i>{IMAGE_NAMES[image]}</i>"
            cells = (with_deviation(found[tissue], DIGITS["dice"]) for tissue in TISSUES)
            counted = max(summary.subjects for summary in found.values())
            rows.append([escape(direction_in_words(run.run.direction)), name, *cells, str(counted)])
    return table(("Direction", "Generator", *(f"{tissue}|Dice" for tissue in TISSUES), "Subjects"), rows, left=2)


def subjects_table(group: Sequence[EvaluatedRun]) -> str:
    """Return MAE and PSNR over the whole volume of each test subject, run by run."""
    rows = []
    for place, subject in enumerate(group[0].subjects):
        cells = [escape(subject.subject), escape(subject.site), number(subject.peaks[0], 2)]
        for run in group:
            metrics = run.subjects[place].metrics[NETWORK, WHOLE_VOLUME]
            cells += [number(metrics.mae, DIGITS["mae"]), number(metrics.psnr_range, DIGITS["psnr_range"])]
        rows.append(cells)
    names = [f"{escape(run.name)}|{figure}" for run in group for figure in ("MAE", "PSNR")]
    return table(("Subject", "Site", "Range|max\N{MINUS SIGN}min, SD", *names), rows, left=2)


def has_tissues(runs: Sequence[EvaluatedRun]) -> bool:
    """Whether tissues could be told apart in any subject."""
    return any(set(SEGMENTED) <= set(subject.tissues) for run in runs for subject in run.subjects)


def table(titles: Sequence[str], rows: Iterable[Sequence[str] | str], left: int = 1) -> str:
    """Return a table as papers have them.

    Args:
        titles: Of the columns; what follows ``|`` is written small below.
        rows: HTML of the cells; the last of too few goes across the rest, a text alone is a heading across.
        left: Columns of words, which begin at the left and name their row; the others hold numbers.
    """
    heads = []
    for place, title in enumerate(titles):
        name, _, note = title.partition("|")
        small = f"<small>{note}</small>" if note else ""
        heads.append(f'<th scope="col"{_word(place < left)}>{name}{small}</th>')
    body = "".join(_row(row, len(titles), left) for row in rows)
    head = f"<thead><tr>{''.join(heads)}</tr></thead>"
    return f'<div class="scroll"><table class="paper">{head}<tbody>{body}</tbody></table></div>'


def _row(row: Sequence[str] | str, width: int, left: int) -> str:
    if isinstance(row, str):
        return f'<tr class="across"><th scope="rowgroup" colspan="{width}">{row}</th></tr>'
    words = "".join(f'<th scope="row" class="word">{cell}</th>' for cell in row[:left])
    *cells, last = row[left:]
    across = f' colspan="{width - len(row) + 1}"' if len(row) < width else ""
    return f"<tr>{words}{''.join(f'<td>{cell}</td>' for cell in cells)}<td{across}>{last}</td></tr>"


def _word(is_word: bool) -> str:
    return ' class="word"' if is_word else ""


def _test_psnr(run: EvaluatedRun) -> Summary:
    return summarize([metrics.psnr_range for metrics in run.metrics(NETWORK, WHOLE_VOLUME)])


def _validation(row: dict[str, float], name: str, subjects: int) -> str:
    deviation = row[f"{name}_sd"] if subjects > 1 else None
    return with_deviation(Summary(subjects, row[name], deviation, None), DIGITS[name])


def _difference(each: Comparison) -> str:
    found, digits = each.difference, DIGITS[each.figure]
    mean = number(found.mean, digits)
    if found.low is None:
        return mean
    signed = f"+{mean}" if found.mean > 0 else mean
    text = (
        f"{signed}<small>[{number(found.low, digits)}, {number(found.high, digits)}]; p {_equals(each.p_holm)}</small>"
    )
    return f"<b>{text}</b>" if each.p_holm is not None and each.p_holm < SIGNIFICANT else text


def _equals(p: float | None) -> str:
    text = probability(p)
    return escape(text) if text.startswith("<") else f"= {text}"
