"""Models, packages and devices in the panel."""

import json
import shutil
import sys
from pathlib import Path

import psutil
import pytest
import slicer_host
from job_witness import remaining
from model_examples import make_model
from panel_clicks import PATIENCE_S, a_scan
from slicer_host import messages
from slicer_host.events import wait_until

from PySide6 import QtWidgets  # isort: skip
import slicer.packaging  # isort: skip (the host is there once slicer_host is)

from MRSynthesisLib import ModelsSection, SelfCheck
from MRSynthesisLib.WorkerLaunch import WorkerLaunch, commandLaunch


def test_a_card_is_one_click_away(a_panel):
    a_panel.ui.sourceSelector.setCurrentNode(a_scan("Head T2"))
    slicer_host.click(a_panel.ui.modelCardButton)
    assert a_panel.dialog.isShown
    for words in ("Intended use", "Licence", "Figures", "linear"):
        assert words in a_panel.dialog.text


def test_missing_packages_are_told_and_installed_on_a_click(a_panel):
    slicer.packaging.pretendedMissing.update({"jsonschema"})
    a_panel._refreshModels()
    assert a_panel.ui.setupFrame.isVisibleTo(a_panel.parent) and "jsonschema" in a_panel.ui.setupLabel.text
    assert a_panel.ui.modelComboBox.count == 0
    slicer.packaging.outcome = "decline"
    a_panel.setupSection._onInstall()
    assert a_panel.ui.modelComboBox.count == 0
    slicer.packaging.outcome = "install"
    a_panel.parent.show()
    slicer_host.click(a_panel.ui.setupButton)
    assert not a_panel.ui.setupFrame.isVisibleTo(a_panel.parent)
    assert a_panel.models.find("t2-to-pd") is not None


def test_a_model_is_added_from_a_file(a_panel, tmp_path):
    make_model(tmp_path / "elsewhere", name="mine", title="My model")
    a_panel.modelsSection.addModel(str(tmp_path / "elsewhere" / "mine"))
    assert not a_panel.ui.addFileButton.enabled
    wait_until(lambda: a_panel.ui.addFileButton.enabled, PATIENCE_S)
    assert "My model" in a_panel.ui.modelsStatusLabel.text
    assert a_panel.models.find("mine") is not None


def test_the_buttons_ask_for_a_file_or_an_address_and_take_no_answer_for_none(a_panel, tmp_path, monkeypatch):
    make_model(tmp_path / "elsewhere", name="mine", title="My model")
    chosen, added, asked = "", [], []
    monkeypatch.setattr(QtWidgets.QFileDialog, "getOpenFileName", lambda *_: (chosen, ""))
    monkeypatch.setattr(QtWidgets.QInputDialog, "getText", lambda *_: (chosen, bool(chosen)))
    monkeypatch.setattr(a_panel.modelsSection, "addModel", added.append)
    monkeypatch.setattr(a_panel.modelsSection, "askForCard", asked.append)
    a_panel.ui.modelsCollapsibleButton.collapsed = False
    a_panel.parent.show()
    for chosen in ("", "https://example.org/card.json"):  # noqa: B007 (the dialogs see it)
        slicer_host.click(a_panel.ui.addFileButton)
        slicer_host.click(a_panel.ui.addAddressButton)
    assert added == asked == ["https://example.org/card.json"]


def test_the_folder_of_models_is_made_and_opened_or_its_place_is_told(a_panel, tmp_path, monkeypatch):
    folder = tmp_path / "models of mine"
    a_panel.models.userFolder = str(folder)
    a_panel.ui.modelsCollapsibleButton.collapsed = False
    a_panel.parent.show()
    slicer_host.click(a_panel.ui.openFolderButton)
    assert folder.is_dir() and len(messages.openedUrls) == 1 and messages.openedUrls[0].endswith("models of mine")
    monkeypatch.setattr(messages.DesktopServices, "openUrl", lambda url: False)
    slicer_host.click(a_panel.ui.openFolderButton)
    assert str(folder) in a_panel.ui.modelsStatusLabel.text


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


LINGERING = """
import pathlib, sys, time
(pathlib.Path(sys.argv[1]) / ".mine.x.part" / "new").mkdir(parents=True)
time.sleep(120)
"""


@pytest.fixture
def a_slow_command(a_panel, monkeypatch):
    """A command that has begun a model in the user's folder, and goes on for long."""
    folder = Path(a_panel.models.userFolder)
    launch = WorkerLaunch(sys.executable, ("-c", LINGERING, str(folder)), commandLaunch(()).environment)
    for module in (ModelsSection, SelfCheck):
        monkeypatch.setattr(module, "commandLaunch", lambda arguments: launch)
    return folder / ".mine.x.part"


def test_adding_a_model_can_be_cancelled_and_leaves_nothing(a_panel, a_slow_command, tmp_path):
    ui, others = a_panel.ui, a_slow_command.with_name(".theirs.y.part")
    others.mkdir(parents=True)
    before = set(psutil.Process().children(recursive=True))
    ui.modelsCollapsibleButton.collapsed = False
    assert not ui.cancelModelButton.isVisibleTo(a_panel.parent)
    a_panel.modelsSection.addModel(str(tmp_path))
    assert ui.cancelModelButton.isVisibleTo(a_panel.parent)
    wait_until(lambda: (a_slow_command / "new").exists())
    slicer_host.click(ui.cancelModelButton)
    assert ui.modelsStatusLabel.text == "Cancelling..." and not ui.cancelModelButton.enabled
    wait_until(lambda: ui.addFileButton.enabled)
    assert ui.modelsStatusLabel.text == "Cancelled." and not ui.cancelModelButton.isVisibleTo(a_panel.parent)
    assert not a_slow_command.exists() and others.exists() and remaining(before) == []


def test_fetching_a_card_can_be_cancelled(a_panel, a_slow_command):
    messages.answer(True)
    a_panel.ui.modelsCollapsibleButton.collapsed = False
    a_panel.modelsSection.askForCard("https://example.org/card.json")
    wait_until(lambda: (a_slow_command / "new").exists())
    slicer_host.click(a_panel.ui.cancelModelButton)
    wait_until(lambda: a_panel.ui.addAddressButton.enabled)
    assert a_panel.ui.modelsStatusLabel.text == "Cancelled." and len(messages.shown) == 1
    shutil.rmtree(a_slow_command)


def test_a_check_of_the_devices_can_be_cancelled(a_panel, a_slow_command):
    button = a_panel.ui.selfCheckButton
    words = button.text
    button.click()
    assert (button.text, button.enabled) == ("Cancel", True)
    wait_until(lambda: (a_slow_command / "new").exists())
    button.click()
    assert not button.enabled
    wait_until(lambda: button.enabled)
    assert button.text == words and not a_panel.dialog.isShown
    shutil.rmtree(a_slow_command)


def test_the_devices_are_checked_on_a_click(a_panel):
    a_panel.ui.selfCheckButton.click()
    wait_until(lambda: a_panel.dialog.isShown, PATIENCE_S)
    assert "torch" in a_panel.dialog.text.lower()
