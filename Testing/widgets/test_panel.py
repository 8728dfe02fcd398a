"""The panel, clicked through in the test host."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import slicer_host
from job_examples import a_ball
from model_examples import make_model
from slicer_host import messages, ui_lint
from slicer_host.events import wait_until

import slicer  # isort: skip (the host is there once slicer_host is)
import slicer.util  # isort: skip

PROJECT = Path(__file__).resolve().parents[2]
UI = PROJECT / "MRSynthesis" / "Resources" / "UI" / "MRSynthesis.ui"
PATIENCE_S = 180
INPUTS = ("QPushButton", "QToolButton", "QComboBox", "QCheckBox", "qMRMLNodeComboBox", "ctkSliderWidget", "QTreeWidget")


def a_scan(name, contrast="T2"):
    ball = a_ball(contrast)
    return slicer.util.addVolumeFromArray(ball.voxels.transpose().copy(), ijkToRAS=ball.affine, name=name)


def choose(panel, source, reference=None, model="same"):
    panel.ui.sourceSelector.setCurrentNode(source)
    panel.ui.referenceSelector.setCurrentNode(reference)
    combo = panel.ui.modelComboBox
    combo.currentIndex = [combo.itemData(index) for index in range(combo.count)].index(model)


def synthesize(panel):
    slicer_host.click(panel.ui.synthesizeButton)
    wait_until(lambda: not panel.logic.isRunning, PATIENCE_S)
    return panel.ui.comparedSelector.currentNode()


@pytest.fixture
def a_result(a_panel):
    """A synthetic volume beside its source and a reference, measured."""
    choose(a_panel, a_scan("Ball T2"), a_scan("Ball PD", "PD"))
    result = synthesize(a_panel)
    wait_until(lambda: a_panel.ui.reportButton.enabled, PATIENCE_S)
    return result


def test_opening_the_panel_imports_no_torch():
    code = (
        "import sys; sys.path[:0] = ['Testing/host', 'MRSynthesis']; import slicer_host; slicer_host.install();"
        "from pathlib import Path; slicer_host.loadModule(Path('MRSynthesis/MRSynthesis.py'));"
        "print(sorted(set(sys.modules) & {'torch', 'skimage', 'matplotlib', 'nibabel'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_ui_file_passes_its_lint(a_panel):
    from MRSynthesisLib.PanelState import PanelState

    assert ui_lint.problems(UI, PanelState) == []


def test_every_input_has_a_tooltip_and_an_accessible_name(a_panel):
    widgets = [getattr(a_panel.ui, name) for name in vars(a_panel.ui)]
    inputs = [each for each in widgets if any(each.inherits(kind) for kind in INPUTS)]
    assert len(inputs) > 20
    assert [each.objectName for each in inputs if not (each.toolTip and each.accessibleName)] == []


def test_without_a_scan_the_button_says_what_to_do(a_panel):
    assert not a_panel.ui.synthesizeButton.enabled
    assert "load a T2- or PD-weighted scan" in a_panel.ui.synthesizeButton.toolTip


@pytest.mark.parametrize(
    ("name", "found", "button"),
    [
        ("IXI002-Guys-0828-T2", "by its name", "Synthesize PD"),
        ("pdw_tse", "by its name", "Synthesize T2"),
        ("series 4", "guessed from its intensities", "Synthesize PD"),
    ],
)
def test_the_contrast_is_found_and_the_button_says_what_will_be_made(a_panel, name, found, button):
    a_panel.ui.sourceSelector.setCurrentNode(a_scan(name, "T2"))
    assert found in a_panel.ui.contrastFoundLabel.text
    assert a_panel.ui.synthesizeButton.text == button


def test_a_scan_that_is_renamed_gets_the_contrast_of_its_new_name(a_panel):
    scan = a_scan("Head T2")
    a_panel.ui.sourceSelector.setCurrentNode(scan)
    scan.SetName("Head PD")
    assert a_panel.ui.synthesizeButton.text == "Synthesize T2"


def test_the_user_may_correct_the_contrast(a_panel):
    a_panel.ui.sourceSelector.setCurrentNode(a_scan("Head T2"))
    a_panel.ui.contrastComboBox.setCurrentText("PD")
    assert a_panel.ui.synthesizeButton.text == "Synthesize T2"
    assert a_panel.ui.contrastFoundLabel.text == ""


def test_a_reference_that_is_the_source_is_refused_before_a_run(a_panel):
    scan = a_scan("Head T2")
    choose(a_panel, scan, scan)
    assert not a_panel.ui.synthesizeButton.enabled and "itself" in a_panel.ui.synthesizeButton.toolTip


def test_an_acquired_volume_is_no_output(a_panel):
    choose(a_panel, a_scan("Head T2"), reference := a_scan("Head PD", "PD"))
    a_panel.ui.outputSelector.setCurrentNode(reference)
    assert not a_panel.ui.synthesizeButton.enabled and "replace an acquired" in a_panel.ui.synthesizeButton.toolTip


def test_a_result_is_shown_compared_and_measured(a_panel, a_result):
    ui = a_panel.ui
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


def test_every_layout_is_one_click_away_and_leave_goes_back(a_panel, a_result):
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


def test_scrolling_one_linked_view_scrolls_all(a_panel, a_result):
    slicer_host.click(a_panel.ui.sixViewsButton)
    manager = slicer.app.layoutManager()
    views = [
        manager.sliceWidget(name).sliceLogic() for name in manager.sliceViewNames() if name.startswith("MRSynthesis")
    ]
    views[0].StartSliceNodeInteraction(slicer.vtkMRMLSliceNode.SliceToRASFlag)
    views[0].SetSliceOffset(8.0)
    views[0].EndSliceNodeInteraction()
    assert [view.GetSliceOffset() for view in views] == pytest.approx([8.0] * len(views))


def test_flicker_and_blend_change_what_the_synthetic_view_shows(a_panel, a_result):
    ui = a_panel.ui
    slicer_host.click(ui.flickerButton)
    assert "Shown: " in ui.flickerButton.toolTip
    ui.blendSlider.value = 0.5
    composite = slicer.app.layoutManager().sliceWidget("MRSynthesisSynthetic").sliceLogic().GetSliceCompositeNode()
    assert composite.GetForegroundOpacity() == pytest.approx(0.5)


def test_the_range_of_the_difference_follows_the_slider(a_panel, a_result):
    a_panel.ui.rangeSlider.value = 2.5
    node = next(
        n
        for n in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        if n.GetAttribute("MRSynthesis.Kind") == "difference"
    )
    display = node.GetScalarVolumeDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx((-2.5, 2.5))


def test_a_report_is_written_and_replaced_only_after_a_yes(a_panel, a_result, tmp_path):
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


def test_a_card_is_one_click_away(a_panel):
    a_panel.ui.sourceSelector.setCurrentNode(a_scan("Head T2"))
    slicer_host.click(a_panel.ui.modelCardButton)
    assert a_panel.dialog.isShown
    for words in ("Intended use", "Licence", "Figures", "linear"):
        assert words in a_panel.dialog.text


def test_a_failed_run_is_told_by_the_volumes_name_and_its_log_is_one_click_away(a_panel):
    scan = a_scan("Empty T2")
    slicer.util.updateVolumeFromArray(scan, np.zeros((8, 18, 20), np.float32))
    choose(a_panel, scan)
    synthesize(a_panel)
    assert a_panel.ui.statusLabel.text.startswith("Empty T2: expected")
    assert "#b3261e" in a_panel.ui.statusLabel.styleSheet
    slicer_host.click(a_panel.ui.logButton)
    assert "every voxel is 0" in a_panel.dialog.text


def test_a_second_run_is_refused_while_one_goes_on(a_panel):
    from MRSynthesisLib.RunRequest import RunListener, RunRequest

    scan = a_scan("Ball T2")
    choose(a_panel, scan)
    slicer_host.click(a_panel.ui.synthesizeButton)
    with pytest.raises(RuntimeError, match="goes on already"):
        a_panel.logic.startSynthesis(RunRequest(scan, "same"), RunListener())
    a_panel.logic.stopAtOnce()


def test_choices_are_kept_in_the_scene(a_panel, tmp_path):
    scan = a_scan("Ball T2")
    choose(a_panel, scan)
    a_panel.ui.uncertaintyCheckBox.checked = True
    a_panel.ui.modeComboBox.setCurrentText("Paper")
    node = a_panel.logic.getParameterNode().parameterNode
    saved = {name: node.GetParameter(name) for name in node.GetParameterNames()}
    assert {"makeUncertainty", "mode", "modelName"} <= set(saved)
    a_panel.exit()
    a_panel.ui.uncertaintyCheckBox.checked = False
    a_panel.enter()
    assert a_panel.ui.uncertaintyCheckBox.checked and a_panel.ui.modeComboBox.currentText == "Paper"
    assert a_panel.ui.sourceSelector.currentNode() is scan


def test_closing_the_scene_empties_the_panel(a_panel, a_result):
    slicer.mrmlScene.Clear(False)
    assert a_panel.ui.sourceSelector.currentNode() is None
    assert not a_panel.ui.synthesizeButton.enabled and not a_panel.ui.sixViewsButton.enabled


def test_missing_packages_are_told_and_installed_on_a_click(a_panel):
    slicer.packaging.pretendedMissing.update({"jsonschema"})
    a_panel._refreshModels()
    assert a_panel.ui.setupFrame.isVisibleTo(a_panel.parent) and "jsonschema" in a_panel.ui.setupLabel.text
    assert a_panel.ui.modelComboBox.count == 0
    slicer.packaging.outcome = "decline"
    a_panel.setupSection._onInstall()
    assert a_panel.ui.modelComboBox.count == 0
    slicer.packaging.outcome = "install"
    slicer_host.click(a_panel.ui.setupButton) if a_panel.ui.setupButton.visible else a_panel.setupSection._onInstall()
    assert not a_panel.ui.setupFrame.isVisibleTo(a_panel.parent)
    assert a_panel.models.find("t2-to-pd") is not None


def test_a_model_is_added_from_a_file(a_panel, tmp_path):
    make_model(tmp_path / "elsewhere", name="mine", title="My model")
    a_panel.modelsSection.addModel(str(tmp_path / "elsewhere" / "mine"))
    assert not a_panel.ui.addFileButton.enabled
    wait_until(lambda: a_panel.ui.addFileButton.enabled, PATIENCE_S)
    assert "My model" in a_panel.ui.modelsStatusLabel.text
    assert a_panel.models.find("mine") is not None


def test_a_model_from_an_address_is_asked_about_twice_and_verified(a_panel, tmp_path):
    make_model(tmp_path / "far", name="remote", title="A remote model")
    card = tmp_path / "far" / "remote" / "card.json"
    weights = card.with_name("weights.safetensors")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"url": weights.as_uri()}))
    messages.answer(True, True)
    a_panel.modelsSection.askForCard(card.as_uri())
    wait_until(lambda: a_panel.models.find("remote") is not None, PATIENCE_S)
    first, second = messages.shown[-2:]
    assert card.as_uri() in first.text
    assert "Licence" in second.text and json.loads(card.read_text())["sha256"] in second.text


def test_a_declined_download_leaves_nothing(a_panel, tmp_path):
    messages.answer(False)
    a_panel.modelsSection.askForCard("https://example.org/card.json")
    assert a_panel.ui.addAddressButton.enabled and a_panel.models.find("remote") is None


def test_a_model_that_is_none_is_told(a_panel, tmp_path):
    a_panel.modelsSection.addModel(str(tmp_path / "nowhere" / "card.json"))
    wait_until(lambda: a_panel.ui.addFileButton.enabled, PATIENCE_S)
    assert "expected" in a_panel.ui.modelsStatusLabel.text


def test_the_devices_are_checked_on_a_click(a_panel):
    a_panel.ui.selfCheckButton.click()
    wait_until(lambda: a_panel.dialog.isShown, PATIENCE_S)
    assert "torch" in a_panel.dialog.text.lower()


def test_reloading_the_module_during_a_run_leaves_no_process(a_panel):
    import psutil

    choose(a_panel, a_scan("Ball T2"))
    slicer_host.click(a_panel.ui.synthesizeButton)
    wait_until(lambda: psutil.Process().children(), PATIENCE_S)
    a_panel.cleanup()
    wait_until(lambda: not [p for p in psutil.Process().children(recursive=True) if p.status() != "zombie"], PATIENCE_S)
    assert a_panel.Observations == []


def test_the_tests_of_the_application_pass_here_too(a_panel):
    from MRSynthesisLib.PanelTest import PanelTest

    PanelTest("test_a_click_makes_a_volume_that_lies_on_its_source").debug()
