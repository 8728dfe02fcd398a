"""The doubles of CTK's widgets."""

import ctk
import pytest
import qt
import slicer
import slicer_host


def heard(widget, signal):
    got = []
    widget.connect(signal, lambda *values: got.append(values))
    return got


@pytest.fixture
def a_section():
    section = ctk.ctkCollapsibleButton()
    layout = qt.QVBoxLayout(section)
    for name in ("shown", "hidden"):
        label = qt.QLabel(name)
        label.objectName = name
        layout.addWidget(label)
    section.hidden.setVisible(False)
    return section


def test_a_collapsed_section_hides_what_is_in_it(a_section):
    got = heard(a_section, "contentsCollapsed(bool)")
    a_section.collapsed = True
    assert a_section.findChild("QLabel", "shown").isHidden()
    a_section.collapsed = False
    assert not a_section.findChild("QLabel", "shown").isHidden()
    assert got == [(True,), (False,)]


def test_what_was_hidden_before_a_section_collapsed_stays_hidden(a_section):
    a_section.collapsed = True
    a_section.collapsed = False
    assert a_section.findChild("QLabel", "hidden").isHidden()


def test_what_is_hidden_or_shown_in_a_collapsed_section_is_so_when_it_opens(a_section):
    a_section.collapsed = True
    a_section.shown.visible, a_section.hidden.visible = False, True
    assert a_section.hidden.isHidden()
    a_section.collapsed = False
    assert (a_section.shown.isHidden(), a_section.hidden.isHidden()) == (True, False)


def test_what_is_put_into_a_collapsed_section_is_seen_when_it_opens(a_section):
    a_section.collapsed = True
    late = qt.QLabel("late")
    a_section.layout().addWidget(late)
    a_section.show()
    slicer.app.processEvents()
    assert not late.visible
    a_section.collapsed = False
    assert late.visible and not a_section.hidden.visible


def test_a_section_is_checked_while_it_is_open(a_section):
    a_section.setChecked(False)
    assert (a_section.collapsed, a_section.checked) == (True, False)


def test_nothing_in_a_collapsed_section_can_be_clicked():
    section = ctk.ctkCollapsibleButton()
    button = qt.QPushButton("Go")
    qt.QVBoxLayout(section).addWidget(button)
    section.collapsed = True
    with pytest.raises(ValueError, match="hidden"):
        slicer_host.click(button)


def test_a_section_is_drawn_collapsed_and_open(a_section):
    a_section.text = "Compare"
    a_section.show()
    open_ = a_section.grab().height()
    a_section.collapsed = True
    assert a_section.sizeHint.height() < open_


def test_a_slider_says_its_new_value_once():
    slider = ctk.ctkSliderWidget()
    slider.minimum, slider.maximum, slider.decimals = -1.0, 1.0, 3
    got = heard(slider, "valueChanged(double)")
    slider.value = 0.125
    slider.setValue(0.125)
    assert (slider.value, got) == (0.125, [(0.125,)])


def test_a_slider_keeps_its_value_within_its_limits():
    slider = ctk.ctkSliderWidget()
    slider.maximum = 2
    slider.value = 3
    assert slider.value == 2


def test_what_is_no_slot_of_a_slider_cannot_be_called():
    with pytest.raises(AttributeError):
        ctk.ctkSliderWidget().setMinimum(0)


@pytest.mark.parametrize("name", ["ctkRangeWidget", "ctkDoubleRangeSlider"])
def test_a_range_keeps_two_ordered_values_within_its_limits(name):
    widget = getattr(ctk, name)()
    widget.setRange(0, 10)
    got = heard(widget, "valuesChanged(double,double)")
    widget.setValues(8, 2)
    assert (widget.minimumValue, widget.maximumValue, got) == (2, 8, [(2, 8)])
    widget.minimumValue = 9
    assert (widget.minimumValue, widget.maximumValue) == (9, 9)
    widget.maximumValue = 20
    assert widget.maximumValue == 10
    assert widget.grab().width() > 0


def test_a_path_edit_says_every_new_path():
    edit = ctk.ctkPathLineEdit()
    got = heard(edit, "currentPathChanged(QString)")
    edit.currentPath = "/data/scan.nrrd"
    edit.setCurrentPath("/data/other.nrrd")
    assert got == [("/data/scan.nrrd",), ("/data/other.nrrd",)]
    assert edit.comboBox().currentText == "/data/other.nrrd"


@pytest.mark.parametrize(("filters", "expected"), [(1, "/a/folder"), (2, "/a/file")])
def test_a_path_edit_looks_for_what_its_filters_say(monkeypatch, filters, expected):
    from PySide6 import QtWidgets

    monkeypatch.setattr(QtWidgets.QFileDialog, "getOpenFileName", lambda *_: ("/a/file", ""))
    monkeypatch.setattr(QtWidgets.QFileDialog, "getExistingDirectory", lambda *_: "/a/folder")
    edit = ctk.ctkPathLineEdit()
    edit.filters = filters
    edit.browse()
    assert edit.currentPath == expected


def test_a_message_box_takes_what_slicer_sets():
    box = ctk.ctkMessageBox()
    box.text, box.dontShowAgainSettingsKey = "Done", "Key"
    assert (box.text, box.dontShowAgainSettingsKey) == ("Done", "Key")
