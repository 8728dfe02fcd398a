"""A synthetic volume beside the acquired one: where they differ, and the figures with those of the baselines."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mrsynth.baselines import intensity_map, linear_fit
from mrsynth.comparison_display import figures_in_words
from mrsynth.errors import InputError
from mrsynth.head import head_mask
from mrsynth.metrics import (
    HEAD,
    UNITS,
    WHOLE_VOLUME,
    Metrics,
    full_range,
    gradient_difference_map,
    measure,
    percentile_range,
    standardize,
)
from mrsynth.orientation import SliceOrder
from mrsynth.resampling import Lattice, common_lattice, resample_onto
from mrsynth.volume import Volume

SYNTHETIC = "synthetic"
LINEAR = "linear"
INTENSITY_MAP = "intensity map"
BASELINES_IN_WORDS = (
    "Baselines: linear is the source after the best scale and offset, intensity map after the best map of "
    "one intensity to another; both are oracles, fitted on this very pair"
)

_COLUMNS = ("image", "mask", "mae", "mse", "psnr_range", "psnr_percentile", "ssim", "gradient_difference")
_TITLES = ("image", "mask", "MAE", "MSE", "PSNR dB (max-min)", "PSNR dB (0.5-99.5 %)", "SSIM", "gradient diff.")
_MASK_FLOOR_PERCENTILE = 0.5
_LITTLE_OVERLAP = 0.9


@dataclass(frozen=True)
class ComparisonRow:
    """The figures of one image against the reference, inside one mask.

    Attributes:
        image: ``"synthetic"``, or the name of a baseline.
        metrics: The figures.
    """

    image: str
    metrics: Metrics

    def to_dict(self) -> dict[str, str | float | None]:
        """The row for JSON; see ``Metrics.to_dict``."""
        return {"image": self.image, **self.metrics.to_dict()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ComparisonRow:
        """What ``to_dict`` gave."""
        return cls(document["image"], Metrics.from_dict({k: v for k, v in document.items() if k != "image"}))


@dataclass(frozen=True)
class Comparison:
    """A synthetic volume measured against the acquired one, next to its baselines.

    Attributes:
        rows: One for each image and mask; the baselines are there when the source was given.
        reference_range: Maximum minus minimum of the standardised reference: the peak of ``psnr_range``.
        reference_percentile_range: Its span from the 0.5 to the 99.5 percentile: the peak of ``psnr_percentile``.
        grid: In words, the grid that the figures were measured on.
        warnings: What a reader of the figures must know.
    """

    rows: tuple[ComparisonRow, ...]
    reference_range: float
    reference_percentile_range: float
    grid: str
    warnings: tuple[str, ...] = ()

    def row(self, image: str, mask: str) -> Metrics:
        """The figures of one image inside one mask.

        Raises:
            KeyError: There is no such row.
        """
        for row in self.rows:
            if (row.image, row.metrics.mask) == (image, mask):
                return row.metrics
        raise KeyError(f"expected one of {[(r.image, r.metrics.mask) for r in self.rows]}, found {(image, mask)}")

    def to_dict(self) -> dict[str, object]:
        """The comparison as strict JSON: an infinite PSNR is the string ``"inf"``, what was not measured is null."""
        return {
            "units": UNITS,
            "baselines": BASELINES_IN_WORDS,
            "reference_range": self.reference_range,
            "reference_percentile_range": self.reference_percentile_range,
            "grid": self.grid,
            "warnings": list(self.warnings),
            "rows": [row.to_dict() for row in self.rows],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Comparison:
        """What ``to_dict`` gave; more than that in the document does no harm.

        Raises:
            KeyError: Something is missing.
        """
        return cls(
            rows=tuple(ComparisonRow.from_dict(row) for row in document["rows"]),
            reference_range=document["reference_range"],
            reference_percentile_range=document["reference_percentile_range"],
            grid=document["grid"],
            warnings=tuple(document["warnings"]),
        )

    def to_csv(self) -> str:
        """The rows as CSV with a header line; an infinite PSNR is ``inf``, what was not measured is empty."""
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row.to_dict() for row in self.rows)
        return text.getvalue()

    def to_table(self) -> str:
        """The rows in aligned columns for a terminal, with what the figures mean below them."""
        cells = [_TITLES, *(_formatted(row) for row in self.rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(_TITLES))]
        lines = ["  ".join(_aligned(c, row[c], widths[c]) for c in range(len(widths))).rstrip() for row in cells]
        lines.insert(1, "  ".join("-" * width for width in widths))
        notes = [
            f"Units: {UNITS}, synthetic and reference each by its own. Measured on {self.grid}.",
            f"PSNR peaks: {self.reference_range:.2f} (max-min), {self.reference_percentile_range:.2f} (0.5-99.5 %).",
        ]
        if any(row.image != SYNTHETIC for row in self.rows):
            notes.append(BASELINES_IN_WORDS + ".")
        return "\n".join([*lines, "", *notes, *(f"Warning: {warning}." for warning in self.warnings)]) + "\n"


@dataclass(frozen=True, eq=False)
class Differences:
    """Where a synthetic volume differs from the reference, on the synthetic volume's grid.

    Attributes:
        difference: Standardised synthetic minus standardised reference, in standard deviations of the whole volume.
        gradient_difference: ``(|dX| - |dY|)^2`` summed over the two in-plane axes, in squared units of the above.
    """

    difference: Volume
    gradient_difference: Volume


def compare_volumes(synthetic: Volume, reference: Volume, source: Volume | None = None) -> Comparison:
    """Measure a synthetic volume against the acquired one, inside the head and over the whole volume.

    Volumes on one grid are compared voxel by voxel. Otherwise they are compared where they overlap, on the finest grid
    on which both have the same resolution (see ``common_lattice``). The head is found in the reference.

    Args:
        synthetic: The synthesised volume; its slices say which axes are in-plane.
        reference: The acquired volume of the same contrast.
        source: What the synthetic volume was made from; with it the baselines are measured too. They are fitted to the
            standardised reference over the whole volume and not standardised again, which gives them their best.

    Raises:
        InputError: Code ``no_overlap``, if the volumes lie apart; ``constant``, if one of them has one value.
    """
    aligned = _aligned_stacks(synthetic, reference, source)
    target = standardize(aligned.reference, aligned.covered)
    estimates = {SYNTHETIC: standardize(aligned.synthetic, aligned.covered)}
    if aligned.source is not None:
        estimates[LINEAR] = linear_fit(aligned.source, target, aligned.covered)
        estimates[INTENSITY_MAP] = intensity_map(aligned.source, target, aligned.covered)
    masks = {HEAD: reference_head(target) & aligned.covered, WHOLE_VOLUME: aligned.covered}
    rows = [ComparisonRow(name, row) for name, image in estimates.items() for row in measure(image, target, masks)]
    return Comparison(
        rows=tuple(rows),
        reference_range=full_range(target),
        reference_percentile_range=percentile_range(target),
        grid=aligned.grid,
        warnings=aligned.warnings,
    )


def difference_volumes(synthetic: Volume, reference: Volume) -> Differences:
    """Subtract the reference from a synthetic volume, both standardised over the voxels they share.

    Args:
        synthetic: The synthesised volume; its slices say which axes are in-plane.
        reference: The acquired volume; brought onto the synthetic volume's grid if it lies on another. Where it has no
            value both results are zero.

    Raises:
        InputError: Code ``no_overlap``, if the volumes lie apart; ``constant``, if one of them has one value.
    """
    resampled = resample_onto(reference, Lattice.of(synthetic))
    _require_overlap(resampled.covered)
    covered = resampled.covered
    image = standardize(synthetic.voxels, covered)
    target = np.where(covered, standardize(resampled.volume.voxels, covered), image)
    order = SliceOrder.of(synthetic)
    gradient = gradient_difference_map(order.to_stack(image), order.to_stack(target))
    gradient = np.where(covered, order.from_stack(gradient), np.float32(0))
    return Differences(synthetic.with_voxels(image - target), synthetic.with_voxels(gradient))


@dataclass(frozen=True, eq=False)
class _AlignedStacks:
    """Volumes on one grid as stacks (in-plane, in-plane, slice), cut to where all of them have values."""

    synthetic: np.ndarray
    reference: np.ndarray
    source: np.ndarray | None
    covered: np.ndarray
    grid: str
    warnings: tuple[str, ...]


def _aligned_stacks(synthetic: Volume, reference: Volume, source: Volume | None) -> _AlignedStacks:
    lattice = common_lattice(synthetic, reference)
    resampled = [resample_onto(v, lattice) for v in (synthetic, reference, source) if v is not None]
    covered = np.logical_and.reduce([r.covered for r in resampled])
    _require_overlap(covered)
    box = _bounding_box(covered)
    order = SliceOrder.of(synthetic)
    stacks = [order.to_stack(r.volume.voxels[box]) for r in resampled]
    return _AlignedStacks(
        synthetic=stacks[0],
        reference=stacks[1],
        source=stacks[2] if source is not None else None,
        covered=order.to_stack(covered[box]),
        grid=_grid_in_words(lattice, synthetic, reference),
        warnings=_overlap_warnings(covered, resampled[0].covered),
    )


def _bounding_box(covered: np.ndarray) -> tuple[slice, ...]:
    seen = [np.flatnonzero(covered.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    return tuple(slice(int(places[0]), int(places[-1]) + 1) for places in seen)


def _require_overlap(covered: np.ndarray) -> None:
    if not covered.any():
        raise InputError(
            "expected a reference of the same head, found one that lies elsewhere: no voxel is shared", "no_overlap"
        )


def _overlap_warnings(covered: np.ndarray, own: np.ndarray) -> tuple[str, ...]:
    share = np.count_nonzero(covered) / np.count_nonzero(own)
    if share >= _LITTLE_OVERLAP:
        return ()
    return (f"the figures are for the {100 * share:.0f} % of the synthetic volume that the others cover",)


def _grid_in_words(lattice: Lattice, synthetic: Volume, reference: Volume) -> str:
    size = " x ".join(f"{spacing:.3g}" for spacing in lattice.spacing_mm) + " mm"
    if not lattice.coincides_with(Lattice.of(synthetic)):
        return f"a common grid of {size}, as the volumes are thick in different directions"
    if lattice.coincides_with(Lattice.of(reference)):
        return f"the grid of both volumes ({size})"
    return f"the synthetic volume's grid ({size}), the reference resampled onto it"


def reference_head(reference: np.ndarray) -> np.ndarray:
    """The head in a reference of any offset: air is brought to zero first, as ``head_mask`` expects it there.

    Args:
        reference: Intensities of an acquired scan, any shape with three axes.

    Returns:
        Boolean array of the same shape.
    """
    return head_mask(reference - np.float32(np.percentile(reference, _MASK_FLOOR_PERCENTILE)))


def _formatted(row: ComparisonRow) -> tuple[str, ...]:
    return (row.image, row.metrics.mask, *figures_in_words(row.metrics))


def _aligned(column: int, text: str, width: int) -> str:
    return text.ljust(width) if column < 2 else text.rjust(width)
