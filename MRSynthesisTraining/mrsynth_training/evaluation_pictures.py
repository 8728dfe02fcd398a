"""Pictures of an evaluation, for looking at: each case, its lesions one by one, and error beside uncertainty."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mrsynth.atomic_file import replacing_file
from mrsynth.picture import write_comparison_picture
from mrsynth.picture_layout import SYNTHETIC_LABEL
from mrsynth_training.error_by_uncertainty import ErrorByUncertainty, scales_from_others
from mrsynth_training.lesion_contrast import MeasuredPlace
from mrsynth_training.model_examination import ExaminedCase, LesionedImages

_DOTS_PER_INCH = 130
_CELL_INCHES = 1.5
_METADATA = {"Title": SYNTHETIC_LABEL}
# Grey matter lies this far from white matter, roughly, on PD.
_LEAST_SPAN = 0.4
_COLUMNS = ("source", "synthetic", "reference", "synthetic - reference")


def write_case_pictures(folder: Path, name: str, examined: ExaminedCase, direction: tuple[str, str]) -> None:
    """Write ``NAME.png`` (source, synthetic, reference, differences) and, of a lesioned head, ``NAME-lesions.png``.

    Raises:
        OutputError: If they cannot be written.
    """
    source, target = direction
    case = examined.case
    reference = (case.volumes if case.healthy is None else case.healthy.targets)[target]
    write_comparison_picture(folder / f"{name}.png", case.volumes[source], examined.synthesis.volume, reference)
    if examined.lesioned is not None and examined.lesioned.places:
        _save(lesion_figure(examined.lesioned), folder / f"{name}-lesions.png")


def lesion_figure(images: LesionedImages) -> Figure:
    """Draw each lesion in a row of its own: source, synthetic, reference and difference, in its middle slice.

    All but the source are in units of the white matter around the lesion; synthetic and reference share a window.
    """
    rows = len(images.places)
    figure = _figure(_CELL_INCHES * (len(_COLUMNS) + 0.8), _CELL_INCHES * rows + 0.5)
    grid = figure.subplots(rows, len(_COLUMNS), squeeze=False)
    for axes, place in zip(grid, images.places, strict=True):
        _draw_lesion(axes, place, images)
    for axes, title in zip(grid[0], _COLUMNS, strict=True):
        axes.set_title(title, fontsize=8)
    figure.text(0.5, 0.004, f"Lesions added to a simulated head. {SYNTHETIC_LABEL}", ha="center", fontsize=7)
    figure.subplots_adjust(left=0.2, right=0.99, top=1 - 0.3 / figure.get_figheight(), bottom=0.02, wspace=0.04)
    return figure


def reliability_figure(scans: Sequence[ErrorByUncertainty]) -> Figure:
    """Draw the error of each tenth of the voxels over the one that its uncertainty foretells, a line a scan.

    The factor from uncertainty to error is fitted on the other scans, so the dashed diagonal is what can be hoped for.
    """
    figure = _figure(5.2, 4.6)
    axes = figure.add_subplot()
    highest = 0.0
    for scan, scale in zip(scans, scales_from_others(scans), strict=True):
        if scale is None:
            continue
        foretold = scale * np.array(scan.uncertainty)
        axes.plot(foretold, scan.error, "o-", markersize=3, linewidth=1, label=scan.case)
        highest = max(highest, foretold.max(), *scan.error)
    axes.plot([0, highest], [0, highest], "--", color="0.4", linewidth=1)
    axes.set_xlabel("uncertainty, times a factor fitted on the other scans")
    axes.set_ylabel("mean absolute error")
    axes.set_title("Tenths of the head's voxels by uncertainty\n(units: median tissue intensity)", fontsize=9)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=6, frameon=False)
    figure.tight_layout()
    return figure


def write_reliability_picture(path: Path, scans: Sequence[ErrorByUncertainty]) -> None:
    """Write the plot of `reliability_figure`.

    Raises:
        OutputError: If it cannot be written.
    """
    _save(reliability_figure(scans), path)


def _draw_lesion(row: Sequence[Axes], place: MeasuredPlace, images: LesionedImages) -> None:
    middle = int(place.core.sum(axis=(0, 1)).argmax())
    crops = [image[place.box] for image in (images.source, images.synthetic, images.reference)]
    source, synthetic, reference = (_relative(crop, place.ring)[:, :, middle] for crop in crops)
    spans = [_span(place, image) for image in (images.source, images.reference, images.reference)]
    for axes, crop, span in zip(row, (source, synthetic, reference), spans, strict=False):
        axes.imshow(crop.T, cmap="gray", vmin=1 - span, vmax=1 + span, origin="lower")
    reach = spans[1] / 2
    row[3].imshow((synthetic - reference).T, cmap="RdBu_r", vmin=-reach, vmax=reach, origin="lower")
    outline = place.core[:, :, middle].T
    for axes in row:
        axes.set_xticks([])
        axes.set_yticks([])
    row[0].contour(outline, levels=[0.5], colors="#ffb000", linewidths=0.6)
    lesion = place.lesion
    told = f"radius {lesion.radius_mm:.1f} mm\nT2 +{100 * lesion.t2_lengthening:.0f} %"
    contrasts = "\n".join(
        f"{name} {100 * place.contrast(image).contrast:+.0f} %"
        for name, image in (("synthetic", images.synthetic), ("reference", images.reference))
    )
    row[0].set_ylabel(f"{told}\n{contrasts}", fontsize=6.5, rotation=0, ha="right", va="center")


def _relative(crop: np.ndarray, ring: np.ndarray) -> np.ndarray:
    mean = float(crop[ring].mean(dtype=np.float64))
    return crop / mean if mean > 0 else crop


def _span(place: MeasuredPlace, image: np.ndarray) -> float:
    """How far a window reaches from white matter in its units: to twice the lesion's contrast, but to grey matter."""
    return max(2 * abs(place.contrast(image).contrast), _LEAST_SPAN)


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> None:
    with replacing_file(path) as file:
        figure.savefig(file, format="png", metadata=_METADATA)
