""".ui files: how they load, and what the lint finds in them."""

import pytest
import slicer
from example_module import PANEL
from slicer_host import ui_lint


class Known:
    allParameters = {"volume": None, "level": None}


def written(tmp_path, text):
    path = tmp_path / "Panel.ui"
    path.write_text(text, encoding="utf-8")
    return path


def test_widgets_come_with_the_properties_of_the_file(tmp_path, a_volume):
    root = slicer.util.loadUI(str(written(tmp_path, PANEL)))
    ui = slicer.util.childWidgetVariables(root)
    assert ui.volumeSelector.nodeTypes == ("vtkMRMLScalarVolumeNode",)
    assert (ui.levelSlider.decimals, ui.levelSlider.maximum, ui.folderEdit.filters) == (1, 5.5, 0x11)
    assert ui.levelSlider.property("SlicerParameterName") == "level"
    assert ui.volumeLabel.buddy() == ui.volumeSelector
    assert ui.section.text == "Count" and root.className() == "qMRMLWidget"


def test_the_scene_reaches_what_the_file_connects(tmp_path, a_scene, a_volume):
    root = slicer.util.loadUI(str(written(tmp_path, PANEL)))
    selector = root.findChild(slicer.qMRMLNodeComboBox)
    assert selector.nodeCount() == 0
    root.setMRMLScene(a_scene)
    assert selector.nodeCount() == 1


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"QPushButton" name', '"ctkNothing" name', "no double"),
        ('"decimals"><number>1</number>', '"decimals"><string>many</string>', "does not take"),
        ("<receiver>volumeSelector", "<receiver>nobody", "does not have"),
        ("</ui>", "", "no element|not well-formed|unclosed"),
    ],
)
def test_a_file_that_cannot_be_right_does_not_load(tmp_path, old, new, complaint):
    with pytest.raises((RuntimeError, SyntaxError), match=complaint):
        slicer.util.loadUI(str(written(tmp_path, PANEL.replace(old, new))))


def test_lint_finds_nothing_in_a_good_file(tmp_path):
    assert ui_lint.problems(written(tmp_path, PANEL), Known) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('name="countLabel"', 'name="countButton"', "countButton: the name is used 2 times"),
        ('"QPushButton" name', '"QPressButton" name', "countButton: there is no widget class QPressButton"),
        ('"maximum"', '"maximal"', "levelSlider: ctkSliderWidget has no property maximal"),
        ("Count the voxels", "", "countButton: an input without a tooltip"),
        ("<string>Folder</string></property>\n   <", "<string/></property>\n   <", "without an accessible name"),
        ("<string>level</string>", "<string>levels</string>", "SlicerParameterName levels is no parameter"),
        ("<string>level</string>", "<string>volume</string>", "SlicerParameterName volume stands at 2 widgets"),
        ("<cstring>levelSlider", "<cstring>nobody", "levelLabel: its buddy nobody does not exist"),
        (
            '<property name="buddy"><cstring>levelSlider</cstring></property>',
            "",
            "levelLabel: the label of levelSlider",
        ),
        ("<tabstop>countButton</tabstop>", "", "countButton: an input that the tab order leaves out"),
        ("<tabstop>countButton", "<tabstop>nobody", "tab stop nobody does not exist"),
        ("<tabstop>countButton", "<tabstop>levelSlider", "tab stop levelSlider stands 2 times"),
        ("<receiver>volumeSelector", "<receiver>nobody", "a connection names nobody, which does not exist"),
        ("<slot>setMRMLScene", "<slot>setScene", "volumeSelector: it is given no scene"),
    ],
)
def test_lint_finds_each_mistake(tmp_path, old, new, problem):
    assert old in PANEL
    found = ui_lint.problems(written(tmp_path, PANEL.replace(old, new)), Known)
    assert any(problem in text for text in found), found
