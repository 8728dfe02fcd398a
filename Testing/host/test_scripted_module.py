"""A scripted module as Slicer loads, enters, reloads and unloads it.

With SLICER_HOST_PYTHON naming Slicer's Base/Python/slicer, these tests run against Slicer's own base classes.
"""

import importlib
import sys

import numpy as np
import pytest
import qt
import slicer
import slicer_host
from example_module import writeModule
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer_host import messages, module_loading, pythonqt, pythonqt_signal
from slicer_host.__main__ import main


@pytest.fixture
def a_module_file(tmp_path):
    path = writeModule(tmp_path)
    yield path
    if hasattr(slicer.modules, "voxelcount"):
        module_loading.unloadModule("VoxelCount")
    sys.path[:] = [entry for entry in sys.path if entry != str(tmp_path)]


@pytest.fixture
def a_panel(a_module_file):
    return slicer_host.loadModule(a_module_file)


@pytest.fixture
def a_counted_volume():
    return slicer.util.addVolumeFromArray(np.arange(8.0).reshape(2, 2, 2), name="Cube")


def test_a_loaded_module_is_known_to_slicer(a_panel, a_module_file):
    module = slicer.modules.voxelcount
    assert (module.title, module.name, module.path) == ("Voxel count", "VoxelCount", str(a_module_file))
    assert module.categories == ("Examples",)
    assert module.widgetRepresentation().self() is a_panel is slicer.modules.VoxelCountWidget
    assert slicer.util.getModuleWidget("VoxelCount") is a_panel
    assert slicer.util.getModuleLogic("VoxelCount") is a_panel.logic
    assert slicer.util.modulePath("VoxelCount") == str(a_module_file)
    assert [source.sampleName for source in slicer.modules.sampleDataSources["Examples"]] == ["Ones"]


def test_a_module_object_takes_nothing_that_slicer_does_not_know(a_panel):
    with pytest.raises(AttributeError):
        slicer.modules.voxelcount.titel = "typing error"


def test_a_user_chooses_and_clicks(a_panel, a_counted_volume):
    assert not a_panel.ui.countButton.enabled
    a_panel.ui.volumeSelector.setCurrentNode(a_counted_volume)
    a_panel.ui.levelSlider.value = 5
    slicer_host.click(a_panel.ui.countButton)
    assert a_panel.ui.countLabel.text == "2"
    assert a_panel.state.volume is a_counted_volume


def test_an_error_is_shown_and_reaches_the_test(a_panel, a_scene):
    a_panel.state.volume = a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    with pytest.raises(Exception, match="GetDimensions"):
        slicer_host.click(a_panel.ui.countButton)
    assert [message.level for message in messages.shown] == ["error"]
    assert messages.shown[0].text.startswith("Counting failed.")
    assert not slicer.app.overrideCursor()


def test_choices_come_back_with_the_module(a_panel, a_counted_volume):
    a_panel.ui.volumeSelector.setCurrentNode(a_counted_volume)
    a_panel.parent.exit()
    assert a_panel.state is None
    module_loading.showModule("VoxelCount")
    assert a_panel.ui.volumeSelector.currentNode() is a_counted_volume
    assert a_panel.events == ["enter", "exit", "enter"]


def test_a_closed_scene_leaves_a_panel_with_defaults(a_panel, a_counted_volume, a_scene):
    a_panel.ui.volumeSelector.setCurrentNode(a_counted_volume)
    a_panel.ui.levelSlider.value = 5
    a_scene.Clear(0)
    assert (a_panel.ui.volumeSelector.currentNode(), a_panel.ui.countButton.enabled) == (None, False)
    assert a_panel.state.level == a_panel.ui.levelSlider.value


def test_a_saved_scene_brings_the_choices_back(a_panel, a_counted_volume, a_scene):
    a_panel.ui.volumeSelector.setCurrentNode(a_counted_volume)
    a_panel.ui.levelSlider.value = 5
    a_scene.SetSaveToXMLString(1)
    a_scene.Commit()
    text = a_scene.GetSceneXMLString()
    a_scene.SetSaveToXMLString(0)  # the scene is that of all tests
    a_scene.Clear(0)
    a_scene.SetLoadFromXMLString(1)
    a_scene.SetSceneXMLString(text)
    a_scene.Import()
    a_scene.SetLoadFromXMLString(0)
    a_panel.attach(a_panel.logic.getParameterNode())
    assert a_panel.ui.levelSlider.value == 5
    assert a_panel.ui.volumeSelector.currentNode().GetName() == "Cube"


def test_a_reloaded_module_has_a_new_panel_from_the_changed_file(a_panel, a_module_file):
    source = a_module_file.read_text(encoding="utf-8").replace("= 2.5", "= 1.5")
    a_module_file.write_text(source, encoding="utf-8")
    a_panel.onReload()
    new = slicer.modules.VoxelCountWidget
    assert new is not a_panel and slicer.modules.voxelcount.widgetRepresentation().self() is new
    assert a_panel.events == ["enter", "cleanup"]
    assert new.state.default("level").value == 1.5


def test_a_kept_package_is_the_same_after_a_module_has_dropped_it(tmp_path, monkeypatch):
    package = tmp_path / "keptexample"
    package.mkdir()
    for name in ("__init__", "first", "second"):
        (package / f"{name}.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    before = importlib.import_module("keptexample.first")
    with module_loading.keptPackages("keptexample"):
        for name in ("keptexample", "keptexample.first"):
            del sys.modules[name]
        anew = importlib.import_module("keptexample.first")
        importlib.import_module("keptexample.second")
    assert importlib.import_module("keptexample.first") is before is not anew
    assert sys.modules["keptexample"].first is before and "keptexample.second" not in sys.modules
    with module_loading.keptPackages("keptexample"):
        second = importlib.import_module("keptexample.second")
    assert sys.modules.pop("keptexample.second") is second
    del sys.modules["keptexample"], sys.modules["keptexample.first"]


def test_an_unloaded_module_is_left_and_cleaned_up(a_panel):
    module_loading.unloadModule("VoxelCount")
    assert a_panel.events == ["enter", "exit", "cleanup"]
    assert not hasattr(slicer.modules, "voxelcount")


def test_the_application_wakes_no_module_that_has_gone(a_module_file):
    """Each module that is loaded hears of a start; what one has left connected would add up from test to test."""
    before = pythonqt_signal.connectionsOf(pythonqt.unwrap(slicer.app))
    slicer_host.loadModule(a_module_file)
    during = pythonqt_signal.connectionsOf(pythonqt.unwrap(slicer.app))
    module_loading.unloadModule("VoxelCount")
    assert len(during) == len(before) + 1
    assert pythonqt_signal.connectionsOf(pythonqt.unwrap(slicer.app)) == before


def test_a_module_that_goes_hears_of_the_end_of_the_application_first(a_panel):
    slicer.app.connect("aboutToQuit()", lambda: a_panel.events.append("quit"))
    module_loading.unloadModule("VoxelCount")
    slicer.app.disconnect("aboutToQuit()")
    assert a_panel.events == ["enter", "quit", "exit", "cleanup"]


def test_a_module_runs_its_own_tests(a_panel):
    slicer.selfTests["VoxelCount"](msec=10)


def test_a_widget_without_parent_makes_its_own():
    class AloneWidget(ScriptedLoadableModuleWidget):
        def setup(self):
            self.layout.addWidget(qt.QLabel("alone"))

    alone = AloneWidget()
    assert (alone.moduleName, alone.parent.className()) == ("Alone", "qMRMLWidget")
    assert alone.parent.visible and alone.parent.mrmlScene() is slicer.mrmlScene
    assert alone.parent.findChild("QLabel").text == "alone"
    alone.parent.close()


def test_a_missing_module_file_is_said(tmp_path):
    with pytest.raises(RuntimeError, match="expected a module file"):
        slicer_host.loadModule(tmp_path / "Nothing.py")


def test_the_command_draws_a_panel(a_module_file, tmp_path):
    assert main([str(a_module_file), "--shot", str(tmp_path / "shots" / "panel.png")]) == 0
    assert (tmp_path / "shots" / "panel.png").stat().st_size > 1000
    assert not hasattr(slicer.modules, "voxelcount")
