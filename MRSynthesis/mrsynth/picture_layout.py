"""The layout of a comparison's picture: a grid of planes true to scale, their labels and colour bars."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from mrsynth.comparison_display import DIFFERENCE_COLOURS
from mrsynth.planes import PatientView, Plane

SYNTHETIC_LABEL = "SYNTHETIC - not acquired"

_BACKGROUND = "black"
_TEXT = "#d8d8d8"
_QUIET = "#8c8c8c"
_WARNING = "#ffb000"
_EDGE_INCHES = 0.15
_IMAGE_INCHES = 2.4
_CELL_INCHES = _IMAGE_INCHES + 2 * _EDGE_INCHES
_LEFT_INCHES = 0.36
_TOP_INCHES = 0.66
_BOTTOM_INCHES = 0.84
_RULER_MM = 50.0
_DOTS_PER_INCH = 150


@dataclass(frozen=True, eq=False)
class Column:
    """One kind of image, shown in every plane.

    Attributes:
        title: Its heading.
        subtitle: The line below it.
        voxels: What is shown, axes as in the volume, or (R, A, S) once arranged.
        window: The values that are drawn black and white, or at the ends of the colour map.
        colours: ``"grey"``, ``"difference"`` (symmetric about zero) or ``"gradient"`` (from zero up).
        unit: The unit of the colour bar.
        synthetic: Whether every image must say that it was not acquired.
    """

    title: str
    subtitle: str
    voxels: np.ndarray
    window: tuple[float, float]
    colours: str = "grey"
    unit: str = ""
    synthetic: bool = False

    def __post_init__(self) -> None:
        if not self.window[0] < self.window[1]:
            raise ValueError(f"expected a window with its lower value first, found {self.window}")
        if self.colours not in ("grey", "difference", "gradient"):
            raise ValueError(f"expected colours grey, difference or gradient, found {self.colours!r}")

    def arranged(self, view: PatientView) -> Column:
        """The same column with its voxels' axes in the order (R, A, S)."""
        return replace(self, voxels=view.arrange(self.voxels))


@dataclass(frozen=True)
class Row:
    """One plane through the head.

    Attributes:
        plane: Which.
        index: Its index along the plane's normal.
        box: The part of (R, A, S) to show.
        place: Where it lies, in words.
        spacing_mm: Spacing along (R, A, S).
    """

    plane: Plane
    index: int
    box: tuple[slice, slice, slice]
    place: str
    spacing_mm: tuple[float, float, float]

    def cut(self, voxels: np.ndarray) -> np.ndarray:
        """The picture of this plane, as rows from the top and columns from the left."""
        box = tuple(slice(None) if axis == self.plane.normal else part for axis, part in enumerate(self.box))
        return self.plane.picture_of(voxels[box], self.index)

    def size_mm(self, shape: tuple[int, int, int]) -> tuple[float, float]:
        """Width and height of the picture in the patient, for volumes of ``shape`` along (R, A, S)."""
        across, up = (len(range(*self.box[a].indices(shape[a]))) * self.spacing_mm[a] for a in self.plane.axes)
        return across, up


def draw_figure(columns: list[Column], rows: list[Row]) -> Figure:
    """Draw every column in every row.

    All images of the figure have one scale; a plane is centred in its cell.

    Args:
        columns: With voxels arranged as (R, A, S), all of one shape.
        rows: The planes.

    Returns:
        A figure that pyplot knows nothing of.
    """
    sizes_mm = [row.size_mm(columns[0].voxels.shape) for row in rows]
    inches_per_mm = _IMAGE_INCHES / max(max(size) for size in sizes_mm)
    cells = [(across * inches_per_mm, up * inches_per_mm) for across, up in sizes_mm]
    figure = _empty_figure(len(columns), sum(up for _, up in cells) + 2 * _EDGE_INCHES * len(rows))
    top = figure.get_size_inches()[1] - _TOP_INCHES
    for row, (across, up) in zip(rows, cells, strict=True):
        top -= up + 2 * _EDGE_INCHES
        middle = top + _EDGE_INCHES + up / 2
        _write(figure, (0.2, middle), f"{row.plane.name}  {row.place}", rotation=90)
        for number, column in enumerate(columns):
            centre = (_left(number) + _CELL_INCHES / 2, middle)
            _draw_plane(_axes(figure, (centre[0] - across / 2, middle - up / 2, across, up)), column, row)
            _draw_edge_labels(figure, centre, (across, up), row.plane)
    for number, column in enumerate(columns):
        _draw_heading(figure, column, _left(number) + _CELL_INCHES / 2)
        _draw_colour_bar(figure, column, _left(number))
    _draw_ruler(figure, inches_per_mm)
    return figure


def _empty_figure(columns: int, height_of_rows: float) -> Figure:
    width = _LEFT_INCHES + columns * _CELL_INCHES
    size = (width, _TOP_INCHES + height_of_rows + _BOTTOM_INCHES)
    figure = Figure(figsize=size, dpi=_DOTS_PER_INCH, facecolor=_BACKGROUND)
    FigureCanvasAgg(figure)
    _write(figure, (width / 2, 0.14), "Research use only, not for diagnosis", color=_QUIET)
    return figure


def _left(number: int) -> float:
    return _LEFT_INCHES + number * _CELL_INCHES


def _axes(figure: Figure, place_inches: tuple[float, float, float, float]) -> Axes:
    width, height = figure.get_size_inches()
    left, bottom, across, up = place_inches
    return figure.add_axes((left / width, bottom / height, across / width, up / height))


def _write(figure: Figure, place_inches: tuple[float, float], text: str, **style: object) -> None:
    width, height = figure.get_size_inches()
    x, y = place_inches
    defaults = {"ha": "center", "va": "center", "color": _TEXT, "fontsize": 8.5}
    figure.text(x / width, y / height, text, **{**defaults, **style})


def _draw_plane(axes: Axes, column: Column, row: Row) -> None:
    """One image, filling its axes, whose sides are in proportion to the patient's."""
    low, high = column.window
    # Viewers interpolate between thick slices; blocks would look like anatomy that is not there.
    axes.imshow(row.cut(column.voxels), _colours(column), vmin=low, vmax=high, aspect="auto", interpolation="bilinear")
    axes.set_axis_off()
    if column.synthetic:
        outline = [withStroke(linewidth=2, foreground=_BACKGROUND)]
        style = {"va": "top", "color": _WARNING, "fontsize": 6.5, "path_effects": outline}
        axes.text(0.01, 0.99, SYNTHETIC_LABEL.replace(" - ", "\n"), transform=axes.transAxes, **style)


def _draw_edge_labels(figure: Figure, centre: tuple[float, float], size: tuple[float, float], plane: Plane) -> None:
    """R, L, A, P, S, I just outside the image, where they hide nothing."""
    across, up = (extent / 2 + _EDGE_INCHES / 2 for extent in size)
    offsets = ((-across, 0), (across, 0), (0, up), (0, -up))
    for text, (x, y) in zip(plane.edge_labels, offsets, strict=True):
        _write(figure, (centre[0] + x, centre[1] + y), text, color=_QUIET, fontsize=7.5)


def _draw_heading(figure: Figure, column: Column, centre: float) -> None:
    height = figure.get_size_inches()[1]
    colour = _WARNING if column.synthetic else _TEXT
    _write(figure, (centre, height - 0.26), column.title, color=colour, fontsize=12, fontweight="bold")
    _write(figure, (centre, height - 0.5), column.subtitle, color=_QUIET)


def _draw_colour_bar(figure: Figure, column: Column, left: float) -> None:
    axes = _axes(figure, (left + 0.25 * _CELL_INCHES, 0.66, 0.5 * _CELL_INCHES, 0.08))
    low, high = column.window
    bar = figure.colorbar(ScalarMappable(Normalize(low, high), _colours(column)), cax=axes, orientation="horizontal")
    ticks = (low, 0.0, high) if column.colours == "difference" else (low, high)
    bar.set_ticks(ticks, labels=[_short(tick) for tick in ticks])
    bar.ax.tick_params(colors=_TEXT, labelsize=7.5, length=2, pad=2)
    bar.outline.set_edgecolor(_QUIET)
    bar.outline.set_linewidth(0.5)
    _write(figure, (left + 0.5 * _CELL_INCHES, 0.4), column.unit, color=_QUIET, fontsize=7.5)


def _draw_ruler(figure: Figure, inches_per_mm: float) -> None:
    """A length in the patient, true for every image."""
    width, height = figure.get_size_inches()
    left, right, level = 0.12, 0.12 + _RULER_MM * inches_per_mm, 0.7
    figure.add_artist(Line2D([left / width, right / width], [level / height] * 2, color=_TEXT, linewidth=1.2))
    _write(figure, ((left + right) / 2, level - 0.13), f"{_RULER_MM / 10:.0f} cm", fontsize=7.5)


def _short(value: float) -> str:
    """A number for a colour bar."""
    return f"{value:.0f}" if value == 0 or abs(value) >= 100 else f"{value:.2f}"


def _colours(column: Column) -> Colormap | str:
    if column.colours == "difference":
        return LinearSegmentedColormap.from_list("difference", DIFFERENCE_COLOURS)
    return {"grey": "gray", "gradient": "inferno"}[column.colours]
