"""A comparison as a folder that can be mailed, printed and read anywhere: a page of HTML, the figures, the picture.

The page holds its pictures within itself and asks nothing of any other file or address.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mrsynth.atomic_file import write_bytes
from mrsynth.comparison import Comparison
from mrsynth.errors import OutputExists
from mrsynth.output_checks import check_folder
from mrsynth.picture import write_comparison_picture
from mrsynth.report_page import page
from mrsynth.slice_metrics import SliceMetrics
from mrsynth.staged_outputs import StagedOutputs
from mrsynth.synthesis_job import new_run_id
from mrsynth.volume import Volume

PAGE, FIGURES, PICTURE = "report.html", "metrics.csv", "comparison.png"

_CHART_INCHES = (9.0, 4.2)
_CHART_DOTS_PER_INCH = 160
_CURVES = (("mae", "MAE (SD)", "#d55e00"), ("psnr", "PSNR (dB, max-min)", "#0072b2"))


@dataclass(frozen=True)
class ReportedImages:
    """What the images are called.

    Attributes:
        synthetic: Name of the synthetic image.
        reference: Name of the acquired one.
        source: Name of what it was made from; ``""`` if that is not known.
        contrast: What the synthetic image is to look like, such as ``"PD"``; ``""`` if not known.
    """

    synthetic: str
    reference: str
    source: str = ""
    contrast: str = ""


@dataclass(frozen=True)
class ReportedOrigin:
    """How the synthetic image was made; what is not known is ``""``.

    Attributes:
        model: Name of the model.
        model_version: Its version.
        weights_sha256: SHA-256 of its weights.
        created: When, ISO 8601.
        run_id: Of the run.
        options: Name to value, in words.
    """

    model: str = ""
    model_version: str = ""
    weights_sha256: str = ""
    created: str = ""
    run_id: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that a report says.

    Attributes:
        volumes: Synthetic, reference and, unless it is not at hand, source; in one frame.
        comparison: Their figures.
        slices: The figures slice by slice.
        images: Names.
        origin: How the synthetic image was made.
        warnings: To be read before any figure.
        written: The time of the report, ISO 8601.
    """

    volumes: tuple[Volume, Volume, Volume | None]
    comparison: Comparison
    slices: SliceMetrics
    images: ReportedImages
    origin: ReportedOrigin = field(default_factory=ReportedOrigin)
    warnings: tuple[str, ...] = ()
    written: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


def write_report(folder: Path, report: Report, replace: bool = False) -> Path:
    """Write ``report.html``, ``metrics.csv`` and ``comparison.png``: all of them, or none.

    Args:
        folder: Made if only that is missing.
        report: What to say.
        replace: Whether a report that is there may be replaced; otherwise nothing is overwritten.

    Returns:
        The page.

    Raises:
        OutputExists: One of the files is there and may not be replaced.
        MissingFile: Neither the folder nor the one above it exists.
        OutputError: The folder cannot be written to, or the disk is full.
    """
    outputs = [folder / name for name in (PAGE, FIGURES, PICTURE)]
    present = [output.name for output in outputs if os.path.lexists(output)]
    if present and not replace:
        raise OutputExists(f"{folder}: expected a folder without a report, found {', '.join(present)}; choose another")
    check_folder(folder)
    synthetic, reference, source = report.volumes
    with StagedOutputs(new_run_id()) as staged:
        html, figures, picture = (staged.path_for(output) for output in outputs)
        write_comparison_picture(picture, source, synthetic, reference)
        write_bytes(figures, report.comparison.to_csv().encode("utf-8"))
        write_bytes(html, page(report, picture.read_bytes(), slice_chart(report.slices)).encode("utf-8"))
        staged.commit()
    return outputs[0]


def slice_chart(slices: SliceMetrics) -> bytes:
    """Error and PSNR over the places of the slices, as a PNG on white."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_CHART_INCHES, dpi=_CHART_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 1, sharex=True)
    for axes, (name, title, colour) in zip(panels, _CURVES, strict=True):
        axes.plot(slices.places_mm, [getattr(each, name) for each in slices.slices], "o-", color=colour, markersize=3)
        axes.set_ylabel(title)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylim(bottom=0)
    panels[1].set_xlabel(f"Place of the slice along {slices.direction} (mm)")
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
