"""Models, packages and devices in the panel."""

import json

import slicer_host
from model_examples import make_model
from panel_clicks import PATIENCE_S, a_scan
from slicer_host import messages
from slicer_host.events import wait_until

import slicer.packaging  # isort: skip (the host is there once slicer_host is)


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
