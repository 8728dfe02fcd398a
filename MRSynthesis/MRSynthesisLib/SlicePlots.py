"""The error of a synthetic volume slice by slice: one table and two charts in the scene."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import slicer
import vtk
from slicer import vtkMRMLPlotChartNode, vtkMRMLPlotSeriesNode, vtkMRMLScalarVolumeNode, vtkMRMLTableNode
from slicer.i18n import tr as _

from MRSynthesisLib.ComparisonNodes import findProduct, updatedProduct

if TYPE_CHECKING:
    from mrsynth.slice_metrics import SliceMetrics

_COLORS = {"Mae": (0.84, 0.37, 0.0), "Psnr": (0.0, 0.45, 0.7)}
"""Orange and blue, which nobody confuses."""


@dataclass(frozen=True)
class _Curve:
    """One figure over the slices: its name, the chart's title, and the columns of the table."""

    figure: str
    name: str
    title: str
    place: str
    values: str


@dataclass(frozen=True, eq=False)
class SlicePlots:
    """The nodes of one comparison: a chart has one vertical axis, so error and PSNR have one each."""

    table: vtkMRMLTableNode
    mae: vtkMRMLPlotChartNode
    psnr: vtkMRMLPlotChartNode

    @property
    def isWhole(self) -> bool:
        """Whether all nodes are still in the scene."""
        charts = (self.mae, self.psnr)
        return all(node.GetScene() for node in (self.table, *charts)) and all(map(_hasCurve, charts))


def chartsOf(synthetic: vtkMRMLScalarVolumeNode) -> tuple[vtkMRMLPlotChartNode, ...]:
    """The charts of an earlier comparison of this volume, error and PSNR, or none unless both are there."""
    kinds = (f"chart{figure}" for figure in _COLORS)
    charts = tuple(findProduct(synthetic, kind, "vtkMRMLPlotChartNode") for kind in kinds)
    return charts if all(charts) else ()


def updateSlicePlots(slices: SliceMetrics, synthetic: vtkMRMLScalarVolumeNode) -> SlicePlots:
    """Fill the table and charts of an earlier comparison of the volume, or new ones. Nothing is selected for a view.

    The horizontal axis is where the slices lie in the scene, which is what the slider of a slice view shows.
    """
    table = updatedProduct(synthetic, "sliceMetrics", "vtkMRMLTableNode", _("metrics by slice"))
    columns = _columns(slices, synthetic)
    modifying = table.StartModify()
    table.RemoveAllColumns()
    for title, values in columns.items():
        column = vtk.vtkDoubleArray()
        column.SetName(title)
        for value in values:
            column.InsertNextValue(value)
        table.AddColumn(column)
    table.SetUseColumnTitleAsColumnHeader(True)
    table.SetLocked(True)
    table.EndModify(modifying)
    _slice, place, mae, psnr = columns
    error = _Curve("Mae", _("error by slice"), _("Mean absolute error by slice, inside the head"), place, mae)
    decibels = _Curve("Psnr", _("PSNR by slice"), _("PSNR by slice, inside the head"), place, psnr)
    return SlicePlots(table, _chart(synthetic, error, table), _chart(synthetic, decibels, table))


def _hasCurve(chart: vtkMRMLPlotChartNode) -> bool:
    return chart.GetNumberOfPlotSeriesNodes() > 0 and chart.GetNthPlotSeriesNode(0) is not None


def _columns(slices: SliceMetrics, synthetic: vtkMRMLScalarVolumeNode) -> dict[str, list[float]]:
    """Title to values: number of the slice, its place, its error, its PSNR."""
    axis = "RAS".index(slices.direction)
    return {
        _("Slice"): [each.index for each in slices.slices],
        _("Place along {0} (mm)").format(slices.direction): [
            _inScene(synthetic, each.centre_mm)[axis] for each in slices.slices
        ],
        _("MAE (SD)"): [each.mae for each in slices.slices],
        # A slice in which nothing differs has no finite PSNR; charts leave a gap where there is no number.
        _("PSNR (dB, max-min)"): [each.psnr if math.isfinite(each.psnr) else math.nan for each in slices.slices],
    }


def _inScene(synthetic: vtkMRMLScalarVolumeNode, centreMm: tuple[float, float, float]) -> list[float]:
    """A point of the volume's own frame after its parent transforms."""
    point = [0.0, 0.0, 0.0]
    synthetic.TransformPointToWorld(centreMm, point)
    return point


def _chart(synthetic: vtkMRMLScalarVolumeNode, curve: _Curve, table: vtkMRMLTableNode) -> vtkMRMLPlotChartNode:
    series = _series(synthetic, curve, table)
    chart = updatedProduct(synthetic, f"chart{curve.figure}", "vtkMRMLPlotChartNode", curve.name)
    modifying = chart.StartModify()
    chart.SetTitle(curve.title)
    chart.SetXAxisTitle(curve.place)
    chart.SetYAxisTitle(curve.values)
    chart.SetLegendVisibility(False)
    chart.SetAndObserveNthPlotSeriesNodeID(0, series.GetID())
    chart.EndModify(modifying)
    return chart


def _series(synthetic: vtkMRMLScalarVolumeNode, curve: _Curve, table: vtkMRMLTableNode) -> vtkMRMLPlotSeriesNode:
    name = _("{0}, curve").format(curve.name)
    series = updatedProduct(synthetic, f"series{curve.figure}", "vtkMRMLPlotSeriesNode", name)
    modifying = series.StartModify()
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
    series.SetXColumnName(curve.place)
    series.SetYColumnName(curve.values)
    series.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleCircle)
    series.SetColor(*_COLORS[curve.figure])
    series.EndModify(modifying)
    return series
