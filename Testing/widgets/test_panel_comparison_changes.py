"""A comparison in the panel while volumes move, nodes go, layouts change and modules are left and opened again."""

import gc
import weakref

import numpy as np
import pytest
import slicer_host
from compared_pair import choose_pair
from panel_clicks import PATIENCE_S, a_scan, choose, of_kind, synthesize
from slicer_host.events import wait_until

import slicer  # isort: skip (the host is there once slicer_host is)
import slicer.packaging  # isort: skip
import slicer.util  # isort: skip
import vtk  # isort: skip

from MRSynthesisLib import MeasuredComparison
from MRSynthesisLib.CompareSection import CompareSection
from MRSynthesisLib.ComparisonLayouts import PLOT_VIEWS, isComparisonInFront, layoutIdentifier, plotsInFront
from MRSynthesisLib.DifferenceDisplay import setSymmetricRange, symmetricRange
from MRSynthesisLib.SyntheticNode import KINDS, isSynthetic, kindOf

FOUR_UP = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
PLAIN, RICH = 0, 1


def figures():
    tables = slicer.util.getNodesByClass("vtkMRMLTableNode")
    table = next(node for node in tables if node.GetAttribute("MRSynthesis.Kind") == "metrics")
    return [table.GetCellText(row, column) for row in range(table.GetNumberOfRows()) for column in range(2, 8)]


def layout_node():
    return slicer.app.layoutManager().layoutLogic().GetLayoutNode()


def moved_by(millimetres):
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, millimetres)
    return matrix


def test_a_reference_that_is_moved_is_measured_again(a_panel, a_measured_pair):
    _synthetic, reference = a_measured_pair
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    seen = [figures()]

    def move(step):
        step()
        wait_until(lambda: figures() != seen[-1] and a_panel.ui.reportButton.enabled, PATIENCE_S)
        seen.append(figures())

    transform.SetMatrixTransformToParent(moved_by(7))
    move(lambda: reference.SetAndObserveTransformNodeID(transform.GetID()))
    move(lambda: transform.SetMatrixTransformToParent(moved_by(14)))
    move(lambda: transform.SetMatrixTransformToParent(moved_by(0)))
    assert seen[3] == seen[0]

    def shift_grid():
        ijkToRas = vtk.vtkMatrix4x4()
        reference.GetIJKToRASMatrix(ijkToRas)
        ijkToRas.SetElement(1, 3, ijkToRas.GetElement(1, 3) + 7)
        reference.SetIJKToRASMatrix(ijkToRas)

    move(shift_grid)


def test_a_difference_or_a_table_that_is_deleted_comes_back_without_being_measured_again(
    a_panel, a_measured_pair, monkeypatch
):
    monkeypatch.setattr(MeasuredComparison, "ComparisonRun", lambda *told: pytest.fail("measured again"))
    expected, voxels = figures(), slicer.util.arrayFromVolume(of_kind("difference")).copy()
    for node in (of_kind("difference"), *slicer.util.getNodesByClass("vtkMRMLTableNode")):
        slicer.mrmlScene.RemoveNode(node)
    measured = a_panel.compare._measured
    wait_until(lambda: measured.products is not None and measured.products.isWhole, PATIENCE_S)
    assert figures() == expected and a_panel.ui.slicePlotButton.enabled
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(of_kind("difference")), voxels)


def test_the_table_is_there_with_all_its_rows_once_there_are_figures(a_panel, a_pair):
    view = a_panel.ui.metricsTableView
    assert not view.isVisibleTo(a_panel.parent)
    choose_pair(a_panel, *a_pair)
    wait_until(lambda: a_panel.ui.reportButton.enabled, PATIENCE_S)
    assert view.isVisibleTo(a_panel.parent) and view.model().rowCount() == 6
    tall = view.height
    assert tall >= 6 * view.rowHeight(0) + view.horizontalHeader().sizeHint.height()
    slicer.mrmlScene.RemoveNode(slicer.util.getNode("Ball T2"))  # and with it the baselines
    wait_until(lambda: view.model().rowCount() == 2 and a_panel.ui.reportButton.enabled, PATIENCE_S)
    assert view.height == tall - 4 * view.rowHeight(0)
    a_panel._state.comparedVolume = None
    assert not view.isVisibleTo(a_panel.parent)


def test_a_volume_that_is_deleted_takes_its_figures_along(a_panel, a_measured_pair):
    slicer.mrmlScene.RemoveNode(a_measured_pair[0])
    wait_until(lambda: not a_panel.ui.reportButton.enabled, PATIENCE_S)
    assert not a_panel.ui.slicePlotButton.enabled


def test_a_synthesis_is_undone_by_deleting_its_nodes(a_panel):
    scans = a_scan("Ball T2"), a_scan("Ball PD", "PD")
    before = [slicer.util.arrayFromVolume(scan).copy() for scan in scans]
    choose(a_panel, *scans)
    a_panel.ui.uncertaintyCheckBox.checked = True
    synthesize(a_panel)
    wait_until(lambda: a_panel.ui.reportButton.enabled, PATIENCE_S)
    made = [node for node in slicer.util.getNodesByClass("vtkMRMLVolumeNode") if isSynthetic(node)]
    assert {kindOf(node) for node in made} == set(KINDS)
    for node in made:
        slicer.mrmlScene.RemoveNode(node)
    wait_until(lambda: not a_panel.ui.reportButton.enabled, PATIENCE_S)
    assert set(slicer.util.getNodesByClass("vtkMRMLVolumeNode")) == set(scans)
    for scan, voxels in zip(scans, before, strict=True):
        assert np.array_equal(slicer.util.arrayFromVolume(scan), voxels)
    assert synthesize(a_panel).GetName().startswith("Ball T2 synthetic PD")


def test_the_range_that_fits_the_data_and_the_one_set_in_a_view_stay(a_panel, a_measured_pair):
    ui, difference = a_panel.ui, of_kind("difference")
    fitting = symmetricRange(difference)
    assert ui.rangeSlider.value == pytest.approx(fitting, abs=0.006) and fitting != pytest.approx(1.5)
    setSymmetricRange(difference, 0.87)
    wait_until(lambda: ui.rangeSlider.value == pytest.approx(0.87), PATIENCE_S)
    slicer_host.click(ui.differenceButton)
    ui.blendSlider.value = 0.25
    a_panel.exit()
    a_panel.enter()
    assert symmetricRange(difference) == pytest.approx(0.87)
    steepest = symmetricRange(of_kind("gradientDifference"))
    ui.rangeSlider.value = 1.74
    assert symmetricRange(difference) == pytest.approx(1.74)
    assert symmetricRange(of_kind("gradientDifference")) == pytest.approx(4 * steepest)


def test_who_comes_back_to_the_module_finds_what_was_measured(a_panel, a_measured_pair, monkeypatch):
    monkeypatch.setattr(MeasuredComparison, "takeCompared", lambda *pair: pytest.fail("measured again"))
    a_panel.exit()
    assert not a_panel.ui.reportButton.enabled
    a_panel.enter()
    assert a_panel.ui.reportButton.enabled and a_panel.ui.metricsTableView.mrmlTableNode() is not None


def test_the_closing_of_the_scene_drops_what_was_measured(a_panel, a_measured_pair):
    copies = weakref.ref(a_panel.compare._measured.products.compared)
    a_panel.exit()
    slicer.mrmlScene.Clear(False)
    gc.collect()
    assert a_panel.compare._measured.products is None and copies() is None


def test_what_cannot_be_compared_is_taken_from_the_scene_once_and_said_for_as_long_as_it_lasts(
    a_panel, a_pair, monkeypatch
):
    synthetic, reference = a_pair
    taken = []
    take = MeasuredComparison.takeCompared
    monkeypatch.setattr(MeasuredComparison, "takeCompared", lambda *pair: (taken.append(pair), take(*pair))[1])
    bent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    warp = slicer.vtkOrientedBSplineTransform()
    coefficients = vtk.vtkImageData()
    coefficients.SetDimensions(5, 5, 5)
    coefficients.SetSpacing(100, 100, 100)
    coefficients.AllocateScalars(vtk.VTK_DOUBLE, 3)
    coefficients.GetPointData().GetScalars().Fill(3)
    warp.SetCoefficientData(coefficients)
    bent.SetAndObserveTransformToParent(warp)
    reference.SetAndObserveTransformNodeID(bent.GetID())
    choose_pair(a_panel, synthetic, reference)
    for _look in range(3):
        a_panel.compare.update()
    assert len(taken) == 1
    assert "non-linear" in a_panel.ui.compareStatusLabel.text and not a_panel.ui.reportButton.enabled
    reference.SetAndObserveTransformNodeID(None)
    wait_until(lambda: a_panel.ui.reportButton.enabled, PATIENCE_S)
    assert "non-linear" not in a_panel.ui.compareStatusLabel.text


def test_the_status_shows_names_as_they_are(a_panel, a_pair):
    synthetic, reference = a_pair
    label = a_panel.ui.compareStatusLabel
    reference.SetName("<b>T2</b> & more")
    slicer.util.arrayFromVolume(reference)[:] = 1
    slicer.util.arrayFromVolumeModified(reference)
    choose_pair(a_panel, synthetic, reference)
    wait_until(lambda: label.text not in ("", "Measuring..."), PATIENCE_S)
    assert label.textFormat == PLAIN


def test_only_the_link_to_the_report_is_more_than_plain_text(a_panel, a_measured_pair, tmp_path):
    a_panel.compare.report.write(tmp_path / "a & b")
    assert a_panel.ui.compareStatusLabel.textFormat == PLAIN
    wait_until(lambda: not a_panel.compare.report.isRunning, PATIENCE_S)
    assert a_panel.ui.compareStatusLabel.textFormat == RICH
    assert "a &amp; b" in a_panel.ui.compareStatusLabel.text and "a & b" not in a_panel.ui.compareStatusLabel.text
    a_panel._state.comparedReference = None
    assert a_panel.ui.compareStatusLabel.textFormat == PLAIN


def test_where_packages_are_missing_the_panel_says_so_instead_of_measuring(a_panel, a_pair):
    slicer.packaging.pretendedMissing.add("scikit-image")
    choose_pair(a_panel, *a_pair)
    assert a_panel.ui.compareStatusLabel.text == "Install the packages above to measure."
    assert not a_panel.compare._measured.isRunning
    slicer.packaging.reset()
    a_panel.compare.update()
    wait_until(lambda: a_panel.ui.reportButton.enabled, PATIENCE_S)


def test_plots_stand_under_the_images_and_the_comparison_goes_on(a_panel, a_measured_pair):
    ui, manager = a_panel.ui, slicer.app.layoutManager()
    assert not ui.slicePlotButton.checked
    slicer_host.click(ui.differenceButton)
    slicer_host.click(ui.slicePlotButton)
    assert plotsInFront(layout_node()) and ui.slicePlotButton.checked and ui.differenceButton.checked
    views = [slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLPlotViewNode") for tag in PLOT_VIEWS]
    plots = a_panel.compare._measured.products.plots
    assert [view.GetPlotChartNode() for view in views] == [plots.mae, plots.psnr]
    ui.blendSlider.value = 0.5
    composite = manager.sliceWidget("MRSynthesisSynthetic").sliceLogic().GetSliceCompositeNode()
    assert composite.GetForegroundOpacity() == pytest.approx(0.5)
    slicer_host.click(ui.sixViewsButton)
    assert plotsInFront(layout_node()) and ui.sixViewsButton.checked
    slicer_host.click(ui.slicePlotButton)
    assert isComparisonInFront(layout_node()) and not plotsInFront(layout_node())
    slicer_host.click(ui.slicePlotButton)
    slicer_host.click(ui.leaveButton)
    assert manager.layout == FOUR_UP and not ui.slicePlotButton.checked
    slicer_host.click(ui.slicePlotButton)
    assert plotsInFront(layout_node()) and ui.sideBySideButton.checked


def test_another_layout_is_noticed(a_panel, a_measured_pair):
    ui, manager = a_panel.ui, slicer.app.layoutManager()
    slicer_host.click(ui.sideBySideButton)
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    wait_until(lambda: not ui.leaveButton.enabled, PATIENCE_S)
    assert not ui.sideBySideButton.checked and not ui.flickerButton.enabled and not ui.blendSlider.enabled
    slicer_host.click(ui.sideBySideButton)
    assert isComparisonInFront(layout_node()) and ui.sideBySideButton.checked


def test_a_comparison_that_a_scene_was_saved_in_is_whole_again(a_panel, a_measured_pair):
    """A scene that was loaded has the layout and the panel's choices; nobody has filled the views yet."""
    a_panel.compare.close()
    a_panel._state.layoutName, a_panel._state.blend = "Difference", 0.25
    slicer.app.layoutManager().setLayout(layoutIdentifier(layout_node(), "Difference", True, hasPlots=True))
    section = CompareSection(a_panel.ui)
    section.setState(a_panel._state)
    composite = slicer.app.layoutManager().sliceWidget("MRSynthesisSynthetic").sliceLogic().GetSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == a_measured_pair[0].GetID()
    assert composite.GetForegroundOpacity() == pytest.approx(0.25)
    assert a_panel.ui.differenceButton.checked and a_panel.ui.leaveButton.enabled and plotsInFront(layout_node())
    section.close()
    assert slicer.app.layoutManager().layout == FOUR_UP


def test_the_orientation_in_the_panel_turns_all_views(a_panel, a_measured_pair):
    slicer_host.click(a_panel.ui.sideBySideButton)
    node = slicer.app.layoutManager().sliceWidget("MRSynthesisSynthetic").sliceLogic().GetSliceNode()
    acquired = node.GetOrientation()
    combo = a_panel.ui.orientationComboBox
    combo.currentIndex = combo.findText("Coronal")
    assert node.GetOrientation() == "Coronal" != acquired
    slicer_host.click(a_panel.ui.leaveButton)
    slicer_host.click(a_panel.ui.differenceButton)
    assert node.GetOrientation() == "Coronal"
    combo.currentIndex = combo.findText("As acquired")
    assert node.GetOrientation() == acquired
