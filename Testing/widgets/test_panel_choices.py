"""What is chosen in the panel: what it means, and that the scene remembers it."""

from model_examples import TINY_UNET, make_model
from panel_clicks import a_scan, choose

import qt  # isort: skip (the host is there once panel_clicks is)
import slicer_host  # isort: skip
import slicer  # isort: skip

from mrsynth.models.card import DISAGREEMENT, EXPECTED_ERROR
from mrsynth.presets import preset_text
from MRSynthesisLib.RunRequest import RunRequest


def test_choices_are_kept_in_the_scene(a_panel, tmp_path):
    scan = a_scan("Ball T2")
    choose(a_panel, scan)
    a_panel.ui.uncertaintyCheckBox.checked = True
    a_panel.ui.modeComboBox.setCurrentText("Draft: a quick look")
    node = a_panel.logic.getParameterNode().parameterNode
    saved = {name: node.GetParameter(name) for name in node.GetParameterNames()}
    assert {"makeUncertainty", "mode", "modelName"} <= set(saved)
    a_panel.exit()
    a_panel.ui.uncertaintyCheckBox.checked = False
    a_panel.enter()
    assert a_panel.ui.uncertaintyCheckBox.checked and a_panel.ui.modeComboBox.currentText == "Draft: a quick look"
    assert a_panel.ui.sourceSelector.currentNode() is scan


def test_what_is_chosen_is_what_a_run_is_asked_for(a_panel, monkeypatch):
    requests = []
    monkeypatch.setattr(a_panel.logic, "startSynthesis", lambda request, listener: requests.append(request))
    scan, reference = a_scan("Ball T2"), a_scan("Ball PD", "PD")
    output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Output")
    choose(a_panel, scan)
    slicer_host.click(a_panel.ui.synthesizeButton)
    assert requests.pop() == RunRequest(scan, "same")
    choose(a_panel, scan, reference)
    ui = a_panel.ui
    ui.outputSelector.setCurrentNode(output)
    ui.deviceComboBox.setCurrentText("CPU")
    ui.modeComboBox.setCurrentText("Standard")
    ui.uncertaintyCheckBox.checked = ui.keepFilesCheckBox.checked = True
    slicer_host.click(ui.synthesizeButton)
    chosen = {"device": "cpu", "mode": "standard", "makeUncertainty": True, "keepFiles": True}
    assert requests.pop() == RunRequest(scan, "same", reference, output, **chosen)


def test_the_models_that_fit_the_contrast_are_offered(a_panel):
    def offered():
        combo = a_panel.ui.modelComboBox
        cards = [a_panel.models.find(combo.itemData(index)).card for index in range(combo.count)]
        return {card.name for card in cards}, {card.source_contrast for card in cards}

    a_panel.ui.sourceSelector.setCurrentNode(a_scan("Ball T2"))
    names, contrasts = offered()
    assert {"same", "t2-to-pd"} <= names and contrasts == {"T2"}
    a_panel.ui.contrastComboBox.setCurrentText("PD")
    names, contrasts = offered()
    assert "pd-to-t2" in names and contrasts == {"PD"}


def test_the_default_model_of_a_contrast_is_chosen_though_others_ship_that_take_it(a_panel):
    a_panel.ui.sourceSelector.setCurrentNode(a_scan("Ball T2"))
    combo = a_panel.ui.modelComboBox
    for contrast, default, other in (("PD", "pd-to-t2", "g4-residual-pd-to-t2"), ("T2", "t2-to-pd", "g4")):
        a_panel.ui.contrastComboBox.setCurrentText(contrast)
        offered = [combo.itemData(index) for index in range(combo.count)]
        assert combo.itemData(combo.currentIndex) == default and other in offered


def test_a_preset_tells_what_was_measured_for_it_with_the_model(a_panel):
    choose(a_panel, a_scan("Ball T2"), model="t2-to-pd")
    combo = a_panel.ui.modeComboBox
    tips = [combo.itemData(index, qt.Qt.ToolTipRole) for index in range(combo.count)]
    card = a_panel.models.find("t2-to-pd").card
    assert tips == [
        preset_text("standard", card.inference),
        "This model takes a scan as a whole: the same as Standard.",
        preset_text("standard", card.inference),
        preset_text("draft", card.inference),
    ]
    assert combo.toolTip == tips[0] and "224 x 224 x 32" in tips[0]
    combo.setCurrentText("Draft: a quick look")
    assert combo.toolTip == tips[3]
    a_panel.ui.sourceSelector.setCurrentNode(None)
    a_panel.models.models = ()
    a_panel.synthesize.update()
    assert "depends on the model" in combo.toolTip


def test_the_uncertainty_volume_is_explained_by_what_the_model_makes_of_it(a_panel, tmp_path):
    check = a_panel.ui.uncertaintyCheckBox
    estimating = {"name": "residual-unet", "configuration": {**TINY_UNET, "estimates_error": True}}
    make_model(tmp_path / "models", name="estimating", network=estimating)
    a_panel.models.refresh()
    choose(a_panel, a_scan("Ball T2"), model="same")
    assert DISAGREEMENT in check.toolTip and check.toolTip.endswith("Takes longer.")
    choose(a_panel, a_scan("Ball T2"), model="estimating")
    assert EXPECTED_ERROR in check.toolTip and "longer" not in check.toolTip
    a_panel.models.models = ()
    a_panel.synthesize.update()
    assert "depends on the model" in check.toolTip


def test_choices_of_earlier_and_later_versions_open_as_what_they_mean_today(a_panel):
    node = a_panel.logic.getParameterNode().parameterNode
    for saved, shown in {"SMOOTH": "Standard", "HASTY": "As the model's card says"}.items():
        a_panel.exit()
        node.SetParameter("mode", saved)
        a_panel.enter()
        assert a_panel.ui.modeComboBox.currentText == shown
    assert a_panel.logic.getParameterNode().mode.jobValue() is None


def test_a_scene_that_is_loaded_brings_its_choices_back(a_panel):
    choose(a_panel, a_scan("Ball T2"), a_scan("Ball PD", "PD"))
    a_panel.ui.uncertaintyCheckBox.checked = True
    scene = slicer.mrmlScene
    scene.SetSaveToXMLString(1)
    scene.Commit()
    scene.SetSaveToXMLString(0)  # the scene is that of all tests
    saved = scene.GetSceneXMLString()
    scene.Clear(False)
    assert not a_panel.ui.uncertaintyCheckBox.checked and a_panel.ui.sourceSelector.currentNode() is None
    scene.SetLoadFromXMLString(1)
    scene.SetSceneXMLString(saved)
    scene.Import()
    scene.SetLoadFromXMLString(0)
    ui = a_panel.ui
    names = [each.currentNode().GetName() for each in (ui.sourceSelector, ui.referenceSelector)]
    assert names == ["Ball T2", "Ball PD"] and ui.uncertaintyCheckBox.checked
    assert ui.modelComboBox.itemData(ui.modelComboBox.currentIndex) == "same"
