"""Pictures of a test subject: source, truth and every generator side by side, and where each is wrong.

Below the images lie the squared error and the differences of the gradients' magnitudes, horizontal and vertical in the
picture, against the acquired target; each kind of map has one scale for all generators.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from mrsynth.comparison import reference_head
from mrsynth.comparison_display import upper_limit
from mrsynth.picture_layout import SYNTHETIC_LABEL
from mrsynth.planes import PatientView, Plane
from mrsynth.volume import Volume

MOST_RUNS = 5
"""Generators in one picture; more are shown in another one with the same scales."""

_WIDTH_INCHES = 7.4
_WIDEST_CELL_INCHES = 1.4
_DOTS_PER_INCH = 220
_GAP, _TOP_INCHES, _BOTTOM_INCHES = 0.04, 0.34, 0.06
_MARGIN_MM = 6.0
_WINDOW_PERCENTILES = (0.5, 99.5)
_MAP_COLOURS = "inferno"
_MAPS = (
    ("error", "Squared error", "SD\N{SUPERSCRIPT TWO}"),
    ("horizontal", "Gradient difference,\nhorizontal", "SD per voxel"),
    ("vertical", "Gradient difference,\nvertical", "SD per voxel"),
)


@dataclass(frozen=True, eq=False)
class ShownSubject:
    """One subject and what generators made of it, all in standard deviations of each acquired scan.

    Attributes:
        source: (in-plane, in-plane, slice).
        target: The acquired one.
        synthetic: By name of the run.
        affine: Index to RAS mm.
        contrasts: Of source and target.
    """

    source: np.ndarray
    target: np.ndarray
    synthetic: dict[str, np.ndarray]
    affine: np.ndarray
    contrasts: tuple[str, str]

    @cached_property
    def view(self) -> PatientView:
        """How the volume is turned for people."""
        return PatientView.of(Volume(self.target, self.affine))

    @cached_property
    def plane(self) -> Plane:
        """The plane of the slices."""
        return next(plane for plane in self.view.planes() if plane.name == self.view.order.plane)

    @cached_property
    def head(self) -> np.ndarray:
        """The head as (R, A, S)."""
        return self.view.arrange(reference_head(self.target))

    @cached_property
    def index(self) -> int:
        """The slice in the middle of the head."""
        return int(round(float(np.nonzero(self.head)[self.plane.normal].mean())))

    def picture(self, volume: np.ndarray) -> np.ndarray:
        """Return the slice of a volume that is shown, cut to the head: rows from the top, columns from the left."""
        return self._cut(self.view.arrange(volume))

    def maps(self, name: str) -> dict[str, np.ndarray]:
        """Return the maps of a generator by the names of the rows they are shown in."""
        image, target = self.view.arrange(self.synthetic[name]), self.view.arrange(self.target)
        across, up = self.plane.axes
        return {
            "error": self._cut((image - target) ** 2),
            "horizontal": self._cut(gradient_difference(image, target, across)),
            "vertical": self._cut(gradient_difference(image, target, up)),
        }

    def windows(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return what is drawn black and white: in the source, and in target and synthetic images."""
        values = (self.view.arrange(volume) for volume in (self.source, self.target))
        return tuple((float(v.min()), float(np.percentile(v[self.head], _WINDOW_PERCENTILES[1]))) for v in values)

    @property
    def aspect(self) -> float:
        """Height of a voxel over its width, as shown."""
        across, up = self.plane.axes
        return self.view.spacing_mm[up] / self.view.spacing_mm[across]

    @property
    def place(self) -> str:
        """Where the slice lies, in words."""
        centre = [0, 0, 0]
        centre[self.plane.normal] = self.index
        return f"{self.plane.name} slice at {self.view.place_in_words(self.plane, tuple(centre))}"

    def _cut(self, arranged: np.ndarray) -> np.ndarray:
        box = [slice(None)] * 3
        for axis in self.plane.axes:
            places = np.nonzero(self.head)[axis]
            margin = math.ceil(_MARGIN_MM / self.view.spacing_mm[axis])
            box[axis] = slice(max(int(places.min()) - margin, 0), int(places.max()) + 1 + margin)
        return self.plane.picture_of(arranged[tuple(box)], self.index)


def gradient_difference(image: np.ndarray, target: np.ndarray, axis: int) -> np.ndarray:
    """Return ``| |dX| - |dY| |`` along an axis, of its shape; the last voxel, without a neighbour, counts as 0."""
    difference = np.abs(np.abs(np.diff(image, axis=axis)) - np.abs(np.diff(target, axis=axis)))
    return np.pad(difference, [(0, 1 if other == axis else 0) for other in range(image.ndim)])


def draw_subject(subject: ShownSubject) -> list[bytes]:
    """Return pictures as PNG, with at most `MOST_RUNS` generators each."""
    names = list(subject.synthetic)
    maps = {name: subject.maps(name) for name in names}
    limits = {row: upper_limit(np.stack([maps[name][row] for name in names])) for row, *_ in _MAPS}
    limits["horizontal"] = limits["vertical"] = max(limits["horizontal"], limits["vertical"])
    parts = [names[start : start + MOST_RUNS] for start in range(0, len(names), MOST_RUNS)]
    return [_draw(subject, {name: maps[name] for name in part}, limits) for part in parts]


def _draw(subject: ShownSubject, maps: dict[str, dict[str, np.ndarray]], limits: dict[str, float]) -> bytes:
    source_window, window = subject.windows()
    shape = subject.picture(subject.target).shape
    grid = _Grid(columns=2 + len(maps), height_over_width=shape[0] * subject.aspect / shape[1])
    titles = [f"Source ({subject.contrasts[0]})", f"Truth ({subject.contrasts[1]})", *maps]
    images = [subject.source, subject.target, *(subject.synthetic[name] for name in maps)]
    for column, (title, image) in enumerate(zip(titles, images, strict=True)):
        axes = grid.axes(0, column)
        low, high = window if column else source_window
        axes.imshow(subject.picture(image), "gray", vmin=low, vmax=high, aspect="auto", interpolation="nearest")
        axes.set_title(title, fontsize=8.5, fontweight="bold" if column > 1 else "normal", pad=3)
        if column > 1:
            _label_synthetic(axes)
    _label_sides(grid.drawn[0], subject.plane)
    for row, (name, title, unit) in enumerate(_MAPS, start=1):
        grid.legend(row, title, unit, limits[name])
        for column, own in enumerate(maps.values(), start=2):
            axes = grid.axes(row, column)
            axes.imshow(own[name], _MAP_COLOURS, vmin=0, vmax=limits[name], aspect="auto", interpolation="nearest")
    return grid.png()


class _Grid:
    """Images of one size in rows and columns; where the maps have no source and truth, their legends stand."""

    def __init__(self, columns: int, height_over_width: float) -> None:
        self._cell = min((_WIDTH_INCHES - (columns - 1) * _GAP) / columns, _WIDEST_CELL_INCHES)
        self._left = (_WIDTH_INCHES - columns * self._cell - (columns - 1) * _GAP) / 2
        self._row = self._cell * height_over_width
        rows = 1 + len(_MAPS)
        self._height = rows * self._row + (rows - 1) * _GAP + _TOP_INCHES + _BOTTOM_INCHES
        self._figure = Figure(figsize=(_WIDTH_INCHES, self._height), dpi=_DOTS_PER_INCH, facecolor="white")
        FigureCanvasAgg(self._figure)
        self.drawn: list[Axes] = []

    def axes(self, row: int, column: int) -> Axes:
        """Return a place for an image."""
        left, bottom = self._left + column * (self._cell + _GAP), self._bottom(row)
        axes = self._place(left, bottom, self._cell, self._row)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
        self.drawn.append(axes)
        return axes

    def legend(self, row: int, title: str, unit: str, limit: float) -> None:
        """Write what a row shows, and its scale, where source and truth would be."""
        middle = self._bottom(row) + self._row / 2
        width = 2 * self._cell + _GAP
        right = self._left + width - 0.25
        x, y = right / _WIDTH_INCHES, (middle + 0.12) / self._height
        self._figure.text(x, y, title, fontsize=8.5, ha="right", va="bottom", linespacing=1.2)
        bar_width = min(1.3, width - 0.5)
        axes = self._place(right - bar_width, middle - 0.04, bar_width, 0.09)
        bar = self._figure.colorbar(
            ScalarMappable(Normalize(0, limit), _MAP_COLOURS), cax=axes, orientation="horizontal", extend="max"
        )
        bar.set_ticks((0, limit / 2, limit), labels=["0", f"{limit / 2:g}", f"{limit:g}"])
        bar.ax.tick_params(labelsize=7, length=2, pad=2)
        bar.outline.set_linewidth(0.5)
        self._figure.text(x, (middle - 0.3) / self._height, unit, fontsize=7, ha="right", va="top", color="#555555")

    def png(self) -> bytes:
        file = io.BytesIO()
        self._figure.savefig(file, format="png", metadata={"Title": SYNTHETIC_LABEL})
        return file.getvalue()

    def _bottom(self, row: int) -> float:
        return self._height - _TOP_INCHES - (row + 1) * self._row - row * _GAP

    def _place(self, left: float, bottom: float, width: float, height: float) -> Axes:
        inches = (left / _WIDTH_INCHES, bottom / self._height, width / _WIDTH_INCHES, height / self._height)
        return self._figure.add_axes(inches)


def _label_synthetic(axes: Axes) -> None:
    outline = [withStroke(linewidth=1.5, foreground="black")]
    style = {"va": "top", "color": "#ffb000", "fontsize": 4.5, "path_effects": outline, "transform": axes.transAxes}
    axes.text(0.02, 0.985, SYNTHETIC_LABEL.replace(" - ", "\n"), **style)


def _label_sides(axes: Axes, plane: Plane) -> None:
    """Say which side is which, inside the source image, where it hides only air."""
    left, right, *_ = plane.edge_labels
    for x, text in ((0.03, left), (0.97, right)):
        axes.text(x, 0.5, text, transform=axes.transAxes, color="white", fontsize=6.5, ha="center", va="center")
