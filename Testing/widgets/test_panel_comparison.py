"""A result in the panel: layouts, links, blend, differences, figures and the report."""

import numpy as np
import pytest
import slicer_host
from panel_clicks import PATIENCE_S, a_scan, choose, synthesize
from slicer_host import messages
from slicer_host.events import wait_until

import slicer  # isort: skip (the host is there once slicer_host is)
import slicer.util  # isort: skip


@pytest.fixture
def a_shown_pair(a_panel, a_measured_pair):
    """A synthetic volume beside its source and a reference, measured and shown as after a synthesis."""
    a_panel.compare.showResult()
    wait_until(lambda: a_panel.ui.sideBySideButton.checked)
    return a_measured_pair


def test_a_result_is_shown_compared_and_measured(a_panel):
    ui = a_panel.ui
    choose(a_panel, a_scan("Ball T2"), a_scan("Ball PD", "PD"))
    a_result = synthesize(a_panel)
    wait_until(lambda: ui.reportButton.enabled and ui.sideBySideButton.checked, PATIENCE_S)
    assert ui.statusLabel.text.endswith("is ready.") and not ui.progressBar.visible
    composite = slicer.app.layoutManager().sliceWidget("MRSynthesisSynthetic").sliceLogic().GetSliceCompositeNode()
    assert ui.sideBySideButton.checked and composite.GetBackgroundVolumeID() == a_result.GetID()
    table = slicer.util.getNodesByClass("vtkMRMLTableNode")
    assert any(node.GetAttribute("MRSynthesis.Kind") == "metrics" for node in table)
    difference = next(
        n for n in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if n.GetName().endswith(" difference")
    )
    synthetic, reference = (
        slicer.util.arrayFromVolume(n).astype(np.float64) for n in (a_result, ui.referenceSelector.currentNode())
    )
    expected = (synthetic - synthetic.mean()) / synthetic.std() - (reference - reference.mean()) / reference.std()
    np.testing.assert_allclose(slicer.util.arrayFromVolume(difference), expected, atol=1e-5)


def test_every_layout_is_one_click_away_and_leave_goes_back(a_panel, a_shown_pair):
    ui, manager = a_panel.ui, slicer.app.layoutManager()
    layouts = set()
    for button in (ui.sideBySideButton, ui.differenceButton, ui.gradientDifferenceButton, ui.sixViewsButton):
        slicer_host.click(button)
        layouts.add(manager.layout)
        assert button.checked
    assert len(layouts) == 4
    slicer_host.click(ui.leaveButton)
    assert manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    assert not ui.sixViewsButton.checked and not ui.flickerButton.enabled


def test_scrolling_one_linked_view_scrolls_all(a_panel, a_shown_pair):
    slicer_host.click(a_panel.ui.sixViewsButton)
    manager = slicer.app.layoutManager()
    views = [
        manager.sliceWidget(name).sliceLogic() for name in manager.sliceViewNames() if name.startswith("MRSynthesis")
    ]
    views[0].StartSliceNodeInteraction(slicer.vtkMRMLSliceNode.SliceToRASFlag)
    views[0].SetSliceOffset(8.0)
    views[0].EndSliceNodeInteraction()
    assert [view.GetSliceOffset() for view in views] == pytest.approx([8.0] * len(views))


def test_flicker_and_blend_change_what_the_synthetic_view_shows(a_panel, a_shown_pair):
    ui = a_panel.ui
    slicer_host.click(ui.flickerButton)
    assert "Shown: " in ui.flickerButton.toolTip
    ui.blendSlider.value = 0.5
    composite = slicer.app.layoutManager().sliceWidget("MRSynthesisSynthetic").sliceLogic().GetSliceCompositeNode()
    assert composite.GetForegroundOpacity() == pytest.approx(0.5)


def test_the_range_of_the_difference_follows_the_slider(a_panel, a_shown_pair):
    a_panel.ui.rangeSlider.value = 2.5
    node = next(
        n
        for n in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        if n.GetAttribute("MRSynthesis.Kind") == "difference"
    )
    display = node.GetScalarVolumeDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx((-2.5, 2.5))


def test_a_report_is_written_and_replaced_only_after_a_yes(a_panel, a_shown_pair, tmp_path):
    report = a_panel.compare.report
    report.write(tmp_path / "report")
    wait_until(lambda: not report.isRunning, PATIENCE_S)
    page = tmp_path / "report" / "report.html"
    assert page.is_file() and page.as_uri() in a_panel.ui.compareStatusLabel.text
    first = page.read_bytes()
    page.write_bytes(b"mine")
    messages.answer(False)
    report.write(tmp_path / "report")
    wait_until(lambda: not report.isRunning, PATIENCE_S)
    assert page.read_bytes() == b"mine"
    messages.answer(True)
    report.write(tmp_path / "report")
    wait_until(lambda: not report.isRunning and page.read_bytes() != b"mine", PATIENCE_S)
    assert len(page.read_bytes()) == pytest.approx(len(first), rel=0.01)


def test_closing_the_scene_empties_the_panel(a_panel, a_shown_pair):
    slicer.mrmlScene.Clear(False)
    assert a_panel.ui.sourceSelector.currentNode() is None
    assert not a_panel.ui.synthesizeButton.enabled and not a_panel.ui.sixViewsButton.enabled
