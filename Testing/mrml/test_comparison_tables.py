"""Figures of a comparison as nodes of a real MRML scene: the table, and the charts by slice."""

import math
from dataclasses import replace

import numpy as np
import pytest
from compared_nodes import DIRECTIONS, SHAPE_KJI, addSynthetic, addVolume, headVoxels
from volume_nodes import ijkToRas, linear, nodeIds, slicer

from MRSynthesisLib.ComparisonMeasurement import measureCompared, takeCompared
from MRSynthesisLib.ComparisonTables import metricsTableOf, updateMetricsTable
from MRSynthesisLib.SlicePlots import chartsOf, updateSlicePlots


@pytest.fixture
def a_measurement(a_synthetic, a_reference):
    return measureCompared(takeCompared(a_synthetic, a_reference))


def rowsOf(table):
    return [
        [table.GetCellText(r, c) for c in range(table.GetNumberOfColumns())] for r in range(table.GetNumberOfRows())
    ]


def columnOf(table, title):
    return [table.GetTable().GetColumnByName(title).GetValue(row) for row in range(table.GetNumberOfRows())]


def test_the_table_has_the_figures_of_the_command_line(a_synthetic, a_measurement):
    table = updateMetricsTable(a_measurement.comparison, a_synthetic)
    images = ["Synthetic", "Source, rescaled", "Source, mapped"]
    rows = rowsOf(table)
    assert [row[:2] for row in rows] == [[image, mask] for image in images for mask in ("Head", "Whole volume")]
    lines = a_measurement.comparison.to_table().splitlines()[2:8]
    assert [row[2:] for row in rows] == [line.split()[-6:] for line in lines]
    assert table.GetName() == "T2 synthetic PD metrics" and table.GetNumberOfColumns() == 8


def test_every_column_says_what_it_means(a_synthetic, a_measurement):
    table = updateMetricsTable(a_measurement.comparison, a_synthetic)
    titles = [table.GetColumnName(column) for column in range(table.GetNumberOfColumns())]
    assert len(set(titles)) == 8 and all(table.GetColumnDescription(title) for title in titles)
    peaks = [table.GetColumnDescription(title) for title in titles if "PSNR" in title]
    assert f"{a_measurement.comparison.reference_range:.2f}" in peaks[0]
    assert f"{a_measurement.comparison.reference_percentile_range:.2f}" in peaks[1]


def test_the_units_of_a_column_stand_below_its_name(a_synthetic, a_measurement):
    table = updateMetricsTable(a_measurement.comparison, a_synthetic)
    assert table.GetColumnTitle("PSNR dB (max-min)") == "PSNR dB\n(max-min)" and table.GetColumnTitle("SSIM") == "SSIM"


def test_the_tables_description_says_grid_baselines_and_warnings(a_synthetic, a_measurement):
    comparison = replace(a_measurement.comparison, warnings=("half of it is missing",))
    described = updateMetricsTable(comparison, a_synthetic).GetDescription()
    assert comparison.grid in described and "know the answer" in described and "Half of it is missing." in described
    alone = replace(comparison, rows=tuple(row for row in comparison.rows if row.image == "synthetic"))
    assert "know the answer" not in updateMetricsTable(alone, a_synthetic).GetDescription()


def test_what_was_not_measured_is_a_dash(a_synthetic, a_measurement):
    row = a_measurement.comparison.rows[0]
    unmeasured = replace(row, metrics=replace(row.metrics, ssim=None, psnr_percentile=None, psnr_range=math.inf))
    table = updateMetricsTable(replace(a_measurement.comparison, rows=(unmeasured,)), a_synthetic)
    assert [rowsOf(table)[0][column] for column in (4, 5, 6)] == ["inf", "-", "-"]


def test_a_second_comparison_fills_the_same_nodes(a_scene, a_synthetic, a_measurement):
    table, plots = (
        updateMetricsTable(a_measurement.comparison, a_synthetic),
        updateSlicePlots(a_measurement.slices, a_synthetic),
    )
    before = nodeIds(a_scene)
    fewer = replace(a_measurement.comparison, rows=a_measurement.comparison.rows[:2])
    assert updateMetricsTable(fewer, a_synthetic) is table and len(rowsOf(table)) == 2
    again = updateSlicePlots(a_measurement.slices, a_synthetic)
    assert (again.table, again.mae, again.psnr) == (plots.table, plots.mae, plots.psnr)
    assert nodeIds(a_scene) == before
    assert plots.mae.GetNumberOfPlotSeriesNodes() == 1


def test_another_synthetic_volume_has_a_table_of_its_own(a_synthetic, a_measurement):
    other = addSynthetic(addVolume(headVoxels(4), "T2 of another"), headVoxels(5))
    tables = [updateMetricsTable(a_measurement.comparison, node) for node in (a_synthetic, other)]
    assert tables[0] is not tables[1] and [metricsTableOf(node) for node in (a_synthetic, other)] == tables


def test_a_table_that_is_given_is_filled(a_scene, a_synthetic, a_measurement):
    mine = a_scene.AddNewNodeByClass("vtkMRMLTableNode", "mine")
    assert updateMetricsTable(a_measurement.comparison, a_synthetic, mine) is mine
    assert mine.GetName() == "mine" and metricsTableOf(a_synthetic) is mine


def test_without_a_comparison_there_is_no_table(a_synthetic):
    assert metricsTableOf(a_synthetic) is None


def test_the_table_by_slice_holds_number_place_error_and_psnr(a_synthetic, a_measurement):
    table, slices = updateSlicePlots(a_measurement.slices, a_synthetic).table, a_measurement.slices.slices
    assert columnOf(table, "Slice") == [each.index for each in slices]
    origin = ijkToRas(a_synthetic)[2, 3]
    places = [origin + DIRECTIONS[2, 2] * each.index for each in slices]
    assert columnOf(table, "Place along S (mm)") == pytest.approx(places)
    assert columnOf(table, "MAE (SD)") == [each.mae for each in slices]
    assert columnOf(table, "PSNR (dB, max-min)") == [each.psnr for each in slices]


def test_places_are_those_that_the_slice_views_show(a_synthetic, a_measurement):
    move = np.eye(4)
    move[2, 3] = 100
    a_synthetic.SetAndObserveTransformNodeID(linear(move).GetID())
    moved = columnOf(updateSlicePlots(a_measurement.slices, a_synthetic).table, "Place along S (mm)")
    assert moved == pytest.approx([place + 100 for place in a_measurement.slices.places_mm])


def test_a_slice_in_which_nothing_differs_leaves_a_gap(a_synthetic, a_measurement):
    slices = a_measurement.slices.slices
    perfect = replace(a_measurement.slices, slices=(replace(slices[0], psnr=math.inf), *slices[1:]))
    values = columnOf(updateSlicePlots(perfect, a_synthetic).table, "PSNR (dB, max-min)")
    assert math.isnan(values[0]) and not any(math.isnan(value) for value in values[1:])


def test_charts_draw_their_column_and_name_axes_and_units(a_synthetic, a_measurement):
    plots = updateSlicePlots(a_measurement.slices, a_synthetic)
    for chart, column in ((plots.mae, "MAE (SD)"), (plots.psnr, "PSNR (dB, max-min)")):
        series = chart.GetNthPlotSeriesNode(0)
        assert series.GetTableNode() is plots.table
        assert (series.GetXColumnName(), series.GetYColumnName()) == ("Place along S (mm)", column)
        assert (chart.GetXAxisTitle(), chart.GetYAxisTitle()) == ("Place along S (mm)", column)
        assert "by slice" in chart.GetTitle()
    assert len({plots.mae.GetName(), plots.psnr.GetName()}) == 2


def test_nothing_is_selected_for_a_view(a_scene, a_synthetic, a_measurement):
    selection = a_scene.AddNewNodeByClass("vtkMRMLSelectionNode")
    updateMetricsTable(a_measurement.comparison, a_synthetic)
    updateSlicePlots(a_measurement.slices, a_synthetic)
    assert selection.GetActiveTableID() is None and selection.GetActivePlotChartID() is None
    assert SHAPE_KJI[0] >= len(a_measurement.slices.slices)


def test_nodes_are_found_again_after_the_scene_was_saved_and_loaded(a_scene, a_synthetic, a_measurement, tmp_path):
    updateMetricsTable(a_measurement.comparison, a_synthetic)
    expected = rowsOf(metricsTableOf(a_synthetic))
    updateSlicePlots(a_measurement.slices, a_synthetic)
    logic = slicer.vtkMRMLApplicationLogic()
    logic.SetMRMLScene(a_scene)
    (tmp_path / "saved").mkdir()
    assert logic.SaveSceneToSlicerDataBundleDirectory(str(tmp_path / "saved"), None)
    a_scene.Clear()
    a_scene.SetURL(str(next((tmp_path / "saved").glob("*.mrml"))))
    assert a_scene.Connect()
    loaded, before = slicer.util.getNode("T2 synthetic PD"), nodeIds(a_scene)
    assert rowsOf(metricsTableOf(loaded)) == expected
    plots = updateSlicePlots(a_measurement.slices, loaded)
    assert nodeIds(a_scene) == before and plots.mae.GetNthPlotSeriesNode(0).GetTableNode() is plots.table


def test_charts_are_found_again_only_where_both_are_there_and_whole(a_scene, a_synthetic, a_measurement):
    assert chartsOf(a_synthetic) == ()
    plots = updateSlicePlots(a_measurement.slices, a_synthetic)
    assert chartsOf(a_synthetic) == (plots.mae, plots.psnr) and plots.isWhole
    a_scene.RemoveNode(plots.psnr.GetNthPlotSeriesNode(0))
    assert not plots.isWhole
    plots = updateSlicePlots(a_measurement.slices, a_synthetic)
    assert plots.isWhole
    a_scene.RemoveNode(plots.mae)
    assert chartsOf(a_synthetic) == () and not plots.isWhole
