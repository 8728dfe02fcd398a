"""The figures of a comparison as a table in the scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLTableNode
from slicer.i18n import tr as _

from MRSynthesisLib.ComparisonNodes import findProduct, markProduct, updatedProduct

if TYPE_CHECKING:
    from mrsynth.comparison import Comparison

_KIND = "metrics"


def updateMetricsTable(
    comparison: Comparison, synthetic: vtkMRMLScalarVolumeNode, tableNode: vtkMRMLTableNode | None = None
) -> vtkMRMLTableNode:
    """Write a comparison into a table node, with the digits that the command line shows.

    There is a row for each image (synthetic and baselines) and mask (head and whole volume).

    Args:
        comparison: The figures.
        synthetic: The volume that they are of.
        tableNode: The table to fill; by default that of an earlier comparison of the volume, else a new one.
    """
    if tableNode is None:
        tableNode = updatedProduct(synthetic, _KIND, "vtkMRMLTableNode", _("metrics"))
    markProduct(tableNode, synthetic, _KIND)
    modifying = tableNode.StartModify()
    tableNode.RemoveAllColumns()
    for (name, meaning), cells in zip(_columns(comparison), _cells(comparison), strict=True):
        column = vtk.vtkStringArray()
        column.SetName(name)
        for cell in cells:
            column.InsertNextValue(cell)
        tableNode.AddColumn(column)
        tableNode.SetColumnDescription(name, meaning)
        tableNode.SetColumnTitle(name, name.replace(" (", "\n("))  # in two lines it is as narrow as its figures
    tableNode.SetUseColumnTitleAsColumnHeader(True)
    tableNode.SetLocked(True)
    tableNode.SetDescription(_description(comparison))
    tableNode.EndModify(modifying)
    return tableNode


def metricsTableOf(synthetic: vtkMRMLScalarVolumeNode) -> vtkMRMLTableNode | None:
    """The table of an earlier comparison of this volume, if it is still there."""
    return findProduct(synthetic, _KIND, "vtkMRMLTableNode")


def _cells(comparison: Comparison) -> list[tuple[str, ...]]:
    """The table's columns, each from top to bottom."""
    from mrsynth.comparison_display import figures_in_words

    images = {"synthetic": _("Synthetic"), "linear": _("Source, rescaled"), "intensity map": _("Source, mapped")}
    masks = {"head": _("Head"), "whole volume": _("Whole volume")}
    rows = [(images[row.image], masks[row.metrics.mask], *figures_in_words(row.metrics)) for row in comparison.rows]
    return list(zip(*rows, strict=True))


def _columns(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """Name and meaning of each column."""
    peak = _("Peak signal-to-noise ratio in dB, higher is better; the peak is {0:.2f}, {1}")
    full = peak.format(comparison.reference_range, _("the reference's maximum minus its minimum"))
    percentile = peak.format(comparison.reference_percentile_range, _("the reference's 0.5 to 99.5 percentile span"))
    return (
        (_("Image"), _("The synthetic volume, or the source: rescaled, or mapped, to fit the reference best")),
        (_("Inside"), _("Where the figures were measured; the head is found in the reference")),
        (_("MAE (SD)"), _("Mean absolute error in standard deviations of the volume, lower is better")),
        (_("MSE (SD²)"), _("Mean squared error in squared standard deviations, lower is better")),
        (_("PSNR dB (max-min)"), full),
        (_("PSNR dB (0.5-99.5 %)"), percentile),
        (_("SSIM"), _("Structural similarity, 1 for identical images")),
        (_("Gradient diff. (SD²)"), _("Mean squared difference of in-plane gradient magnitudes, lower is better")),
    )


def _description(comparison: Comparison) -> str:
    lines = [_("Measured on {0}, each volume in its own standard deviations.").format(comparison.grid)]
    if len({row.image for row in comparison.rows}) > 1:
        lines.append(_("Both baselines were fitted to this very reference: they know the answer."))
    return " ".join([*lines, *(f"{warning[:1].upper()}{warning[1:]}." for warning in comparison.warnings)])
