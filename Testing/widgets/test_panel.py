"""The panel, clicked through in the test host."""

import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np
import psutil
import pytest
import slicer_host
from job_witness import remaining
from panel_clicks import PATIENCE_S, a_scan, choose, synthesize
from slicer_host import module_loading, pythonqt, ui_lint
from slicer_host.events import wait_until

import slicer.packaging  # isort: skip (the host is there once slicer_host is)
import slicer.util  # isort: skip

PROJECT = Path(__file__).resolve().parents[2]
MODULE = PROJECT / "MRSynthesis" / "MRSynthesis.py"
UI = PROJECT / "MRSynthesis" / "Resources" / "UI" / "MRSynthesis.ui"
IN_APPLICATION = (
    "test_a_click_makes_a_volume_that_lies_on_its_source",
    "test_a_later_click_cancels_and_leaves_the_scene_as_it_was",
    "test_a_left_handed_source_stays_where_it_is",
    "test_a_reference_brings_differences_and_figures",
    "test_the_worker_of_a_synthesis_does_the_next_one_too",
)
INPUTS = (
    "QPushButton",
    "QToolButton",
    "QComboBox",
    "QCheckBox",
    "qMRMLNodeComboBox",
    "ctkSliderWidget",
    "QTreeWidget",
    "QDoubleSpinBox",
)


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


def test_reloading_the_module_during_a_run_leaves_no_process_and_a_panel_that_works(a_panel):
    choose(a_panel, a_scan("Ball T2"))
    slicer_host.click(a_panel.ui.synthesizeButton)
    wait_until(lambda: psutil.Process().children(), PATIENCE_S)
    a_panel.onReload()
    wait_until(lambda: not [p for p in psutil.Process().children(recursive=True) if p.status() != "zombie"], PATIENCE_S)
    assert a_panel.Observations == []
    anew = slicer.modules.mrsynthesis.widgetRepresentation().self()
    assert anew is not a_panel
    choose(anew, a_scan("Ball T2"))
    assert synthesize(anew).GetName() == "Ball T2 synthetic PD"


def test_the_end_of_the_application_ends_the_warnings_in_the_views(a_panel):
    """They listen to every node: what went on doing so would do it for every module that was ever loaded."""
    module = pythonqt.unwrap(slicer.modules.mrsynthesis)._python
    annotation = module._annotation
    assert annotation.Observations != []
    module_loading.unloadModule(MODULE.stem)
    assert annotation.Observations == [] and module._annotation is None
    slicer_host.loadModule(MODULE)


@pytest.mark.parametrize("missing", [False, True])
def test_reload_and_test_runs_them_all_or_says_why_it_cannot(a_panel, monkeypatch, missing):
    from MRSynthesisLib.PanelTest import PanelTest

    told, ran = [], []
    for name in IN_APPLICATION:
        monkeypatch.setattr(PanelTest, name, lambda self, name=name: ran.append(name))
    test = sys.modules[MODULE.stem].MRSynthesisTest()
    monkeypatch.setattr(test, "delayDisplay", told.append)
    if missing:
        slicer.packaging.pretendedMissing.add("nibabel")
    test.runTest()
    assert ran == ([] if missing else sorted(IN_APPLICATION))
    expected = "Nothing was tested: the packages that a synthesis needs are not installed." if missing else "All tests"
    assert told[-1].startswith(expected)


@pytest.mark.parametrize("moment", ["while it writes", "while it synthesises", "while it compares"])
def test_the_end_of_the_application_leaves_neither_process_nor_file(a_panel, tmp_path, monkeypatch, moment):
    from MRSynthesisLib import RunFolder

    temporary, make = tmp_path / "temporary", RunFolder.tempfile.mkdtemp
    temporary.mkdir()
    monkeypatch.setattr(RunFolder.tempfile, "mkdtemp", lambda prefix, dir: make(prefix=prefix, dir=temporary))
    before = set(psutil.Process().children(recursive=True))
    choose(a_panel, a_scan("Ball T2"), a_scan("Ball PD", "PD"))
    slicer_host.click(a_panel.ui.synthesizeButton)
    if moment == "while it synthesises":
        wait_until(lambda: set(psutil.Process().children()) - before)
    elif moment == "while it compares":
        wait_until(lambda: a_panel.compare._measured.isRunning)
    pythonqt.unwrap(slicer.app).aboutToQuit.emit()
    assert not a_panel.compare._measured.isRunning and list(temporary.iterdir()) == []
    assert remaining(before) == []


@pytest.mark.parametrize("name", IN_APPLICATION)
def test_the_tests_of_the_application_pass_here_too(a_panel, name):
    from MRSynthesisLib.PanelTest import PanelTest

    PanelTest(name).debug()


def test_every_test_of_the_application_is_among_them(a_panel):
    from MRSynthesisLib.PanelTest import PanelTest

    assert set(IN_APPLICATION) == set(unittest.defaultTestLoader.getTestCaseNames(PanelTest))


def test_a_run_that_ends_in_another_module_is_offered_on_return(a_panel):
    choose(a_panel, a_scan("Ball T2"))
    slicer_host.click(a_panel.ui.synthesizeButton)
    a_panel.exit()
    wait_until(lambda: not a_panel.logic.isRunning, PATIENCE_S)
    a_panel.enter()
    assert a_panel.ui.comparedSelector.currentNode().GetName() == "Ball T2 synthetic PD"


def test_the_next_scan_is_not_compared_with_the_reference_of_the_last(a_panel):
    choose(a_panel, a_scan("Ball T2"), a_scan("Ball PD", "PD"))
    synthesize(a_panel)
    choose(a_panel, a_scan("Other T2"))
    synthesize(a_panel)
    assert a_panel.ui.comparedReferenceSelector.currentNode() is None


def test_a_difference_is_no_source(a_panel):
    scan = a_scan("Ball T2")
    scan.SetAttribute("MRSynthesis.Kind", "difference")
    a_panel.ui.sourceSelector.setCurrentNode(scan)
    assert not a_panel.ui.synthesizeButton.enabled and "Choose a scan" in a_panel.ui.synthesizeButton.toolTip


def test_the_log_can_be_read_while_the_run_goes_on(a_panel):
    choose(a_panel, a_scan("Ball T2"))
    slicer_host.click(a_panel.ui.synthesizeButton)
    slicer_host.click(a_panel.ui.logButton)
    assert a_panel.dialog.isShown
    a_panel.logic.stopAtOnce()


@pytest.mark.parametrize(
    ("total", "maximum", "words"), [(4, 1000, "Synthesizing, 50 %, about 7 s left"), (1, 0, "Synthesizing")]
)
def test_progress_has_a_percentage_where_there_is_a_measure(a_panel, total, maximum, words):
    from MRSynthesisLib.BackgroundJob import JobProgress

    a_panel.synthesize._onProgress(JobProgress("synthesis", total // 2, total, 7.2 if total > 1 else None, "cpu"))
    assert a_panel.ui.progressBar.maximum == maximum and a_panel.ui.statusLabel.text == words
