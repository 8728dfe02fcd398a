"""The picture of a comparison: source, synthetic, reference and their differences in three labelled planes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from mrsynth.atomic_file import replacing_file
from mrsynth.comparison import difference_volumes
from mrsynth.comparison_display import upper_limit
from mrsynth.errors import InputError
from mrsynth.head import head_mask
from mrsynth.metrics import standardize
from mrsynth.picture_layout import Column, Row, draw_figure
from mrsynth.planes import PatientView
from mrsynth.resampling import Lattice, resample_onto
from mrsynth.volume import Volume

PICTURE_SUFFIXES = (".png", ".pdf", ".svg")

_METADATA = {"Title": "SYNTHETIC - not acquired"}
_UNIT = "standard deviations"
_MARGIN_MM = 6.0
_WINDOW_PERCENTILE = 99.5


def write_comparison_picture(
    path: str | Path, source: Volume | None, synthetic: Volume, reference: Volume | None
) -> None:
    """Draw a synthetic volume beside its source and the acquired volume, through the head's centre.

    Columns are source, synthetic, reference, difference and gradient difference, as far as there is something to show;
    rows are the axial, coronal and sagittal plane, without those in which few slices would be a strip. Lengths are true
    to the patient; the patient's right is on the left. With a reference both are standardised and share one window.

    Args:
        path: A ``.png``, ``.pdf`` or ``.svg`` file; it appears complete or not at all.
        source: What the synthetic volume was made from.
        synthetic: The synthesised volume, on whose grid everything is shown.
        reference: The acquired volume.

    Raises:
        InputError: The path is of another kind, or the volumes cannot be compared (see ``difference_volumes``).
        OutputError: The file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise InputError(f"{path}: expected a picture ({', '.join(PICTURE_SUFFIXES)})", code="unsupported_format")
    view = PatientView.of(synthetic)
    on_grid = [None if v is None else resample_onto(v, Lattice.of(synthetic)).volume for v in (source, reference)]
    head = _head(next(v for v in (on_grid[1], on_grid[0], synthetic) if v is not None))
    columns = [] if on_grid[0] is None else [_source_column(on_grid[0], head)]
    columns += [_lone_column(synthetic, head)] if reference is None else _compared_columns(synthetic, reference, head)
    arranged = [column.arranged(view) for column in columns]
    _save(draw_figure(arranged, _rows(view, view.arrange(head))), path)


def _head(volume: Volume) -> np.ndarray:
    """The head's mask; everything where no head stands out of the air."""
    darkest = np.float32(np.percentile(volume.voxels, 0.5))
    try:
        return head_mask(volume.voxels - darkest)
    except InputError:
        return np.ones(volume.shape, dtype=bool)


def _rows(view: PatientView, head: np.ndarray) -> list[Row]:
    """The planes through the centre of the head, each cut to the head and a margin; ``head`` has axes (R, A, S)."""
    places = np.nonzero(head)
    centre = tuple(int(round(float(place.mean()))) for place in places)
    margins = [math.ceil(_MARGIN_MM / spacing) for spacing in view.spacing_mm]
    box = tuple(
        slice(max(int(place.min()) - margin, 0), int(place.max()) + 1 + margin)
        for place, margin in zip(places, margins, strict=True)
    )
    return [
        Row(plane, centre[plane.normal], box, view.place_in_words(plane, centre), view.spacing_mm)
        for plane in view.planes()
    ]


def _source_column(source: Volume, head: np.ndarray) -> Column:
    return Column("Source", "input", source.voxels, _window(source.voxels, head), unit="intensity")


def _lone_column(synthetic: Volume, head: np.ndarray) -> Column:
    window = _window(synthetic.voxels, head)
    return Column("Synthetic", "from the source", synthetic.voxels, window, unit="intensity", synthetic=True)


def _compared_columns(synthetic: Volume, reference: Volume, head: np.ndarray) -> list[Column]:
    """Synthetic and reference in one window, and where they differ."""
    resampled = resample_onto(reference, Lattice.of(synthetic))
    differences = difference_volumes(synthetic, reference)
    image, target = (standardize(v.voxels, resampled.covered) for v in (synthetic, resampled.volume))
    window = _window(target, head)
    difference, gradient = differences.difference.voxels, np.sqrt(differences.gradient_difference.voxels)
    spread, steepest = (upper_limit(np.abs(values[head])) for values in (difference, gradient))
    provenance = "target" if resampled.volume is reference else "target, resampled to this grid"
    return [
        Column("Synthetic", "same window as reference", image, window, unit=_UNIT, synthetic=True),
        Column("Reference", provenance, target, window, unit=_UNIT),
        Column("Difference", "synthetic \N{MINUS SIGN} reference", difference, (-spread, spread), "difference", _UNIT),
        Column(
            "Gradient difference", "edges too weak or strong", gradient, (0.0, steepest), "gradient", "SD per voxel"
        ),
    ]


def _window(voxels: np.ndarray, head: np.ndarray) -> tuple[float, float]:
    """Black is air, white the brightest tissue but for a few vessels and fat."""
    low = float(np.percentile(voxels, 0.5))
    high = float(np.percentile(voxels[head], _WINDOW_PERCENTILE))
    return (low, high) if high > low else (low, low + 1.0)


def _save(figure: Figure, path: Path) -> None:
    with replacing_file(path) as file:
        figure.savefig(file, format=path.suffix[1:].lower(), facecolor=figure.get_facecolor(), metadata=_METADATA)
