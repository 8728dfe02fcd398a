"""Plots of a study: how validation went from epoch to epoch, and how far subjects lie apart in the test."""

import io
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mrsynth.metrics import WHOLE_VOLUME
from mrsynth_training.evaluated_run import EvaluatedRun, TrainingCourse
from mrsynth_training.evaluation import NETWORK
from mrsynth_training.study_words import direction_in_words
from mrsynth_training.validation_baselines import TRAINED_MAP

# Okabe and Ito's colours, told apart without colour vision, too; yellow is too pale on white.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

_WIDTH_INCHES = 7.4
_ROW_INCHES = 2.5
_LONGEST_LEVEL_NAME = 13
_DOTS_PER_INCH = 200
_PANELS = (("mae", "Validation MAE (SD)"), ("psnr_range", "Validation PSNR (dB, max\N{MINUS SIGN}min)"))


def plot_courses(groups: Sequence[Sequence[EvaluatedRun]], courses: dict[str, TrainingCourse]) -> bytes:
    """Draw mean MAE and PSNR of the validation subjects over epochs as PNG: a row for each direction of runs.

    Args:
        groups: Runs of one direction together.
        courses: By name of the run.
    """
    figure, panels = _panels(len(groups), 2)
    for row, group in zip(panels, groups, strict=True):
        for axes, (name, title) in zip(row, _PANELS, strict=True):
            for place, run in enumerate(group):
                _draw_course(axes, run, courses[run.name], name, place)
            axes.set_ylabel(title)
            axes.set_xlabel("Epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
        row[0].set_title(direction_in_words(group[0].run.direction), loc="left", fontsize=9, fontweight="bold")
        row[1].legend(fontsize=7, frameon=False, loc="best")
    return _png(figure)


def plot_spread(groups: Sequence[Sequence[EvaluatedRun]]) -> bytes:
    """Draw the test PSNR of each subject as PNG, the same subject joined by a line: a panel for each group of runs."""
    figure, panels = _panels(1, len(groups), [len(group) + 1.5 for group in groups])
    for axes, group in zip(panels[0], groups, strict=True):
        names = [*(run.name for run in group), "intensity\nmap"]
        columns = [*(_psnr(run, NETWORK) for run in group), _psnr(group[0], TRAINED_MAP)]
        for subject in zip(*columns, strict=True):
            axes.plot(range(len(names)), subject, color="#9aa5b1", linewidth=0.6, zorder=1)
        for place, values in enumerate(columns):
            colour = COLOURS[place % len(COLOURS)] if place < len(group) else "#777777"
            axes.scatter([place] * len(values), values, s=14, color=colour, zorder=2)
            mean = sum(values) / len(values)
            axes.plot([place - 0.22, place + 0.22], [mean, mean], color="black", linewidth=1.6, zorder=3)
        slanted = {"rotation": 20, "ha": "right"} if max(map(len, names)) > _LONGEST_LEVEL_NAME else {}
        axes.set_xticks(range(len(names)), labels=names, fontsize=7.5, **slanted)
        axes.set_xlim(-0.6, len(names) - 0.4)
        axes.set_ylabel("Test PSNR (dB, max\N{MINUS SIGN}min)")
        axes.set_title(direction_in_words(group[0].run.direction), loc="left", fontsize=9, fontweight="bold")
    return _png(figure)


def _draw_course(axes, run: EvaluatedRun, course: TrainingCourse, name: str, place: int) -> None:
    colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
    epochs, values = [row["epoch"] for row in course.epochs], [row[name] for row in course.epochs]
    axes.plot(epochs, values, color=colour, linewidth=1.2, label=run.name, zorder=2)
    best = run.run.best.row
    axes.plot(best["epoch"], best[name], marker, color=colour, markersize=5, markeredgecolor="white", zorder=3)


def _psnr(run: EvaluatedRun, image: str) -> list[float]:
    return [metrics.psnr_range for metrics in run.metrics(image, WHOLE_VOLUME)]


def _panels(rows: int, columns: int, widths: Sequence[float] | None = None):
    figure = Figure(figsize=(_WIDTH_INCHES, rows * _ROW_INCHES), dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False, width_ratios=widths)
    for axes in panels.flat:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25, linewidth=0.5)
        axes.tick_params(labelsize=7.5)
        axes.yaxis.label.set_size(8)
        axes.xaxis.label.set_size(8)
    return figure, panels


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
