"""The rules of PythonQt: each is what PythonQtInstanceWrapper.cpp does, or is stricter where that prints only."""

import functools
import gc

import ctk
import pytest
import qt
import slicer
from slicer_host import uncaught


@pytest.fixture
def a_button():
    return qt.QPushButton("Go")


def test_a_property_is_an_attribute(a_button):
    a_button.text = "Stop"
    a_button.enabled = False
    assert (a_button.text, a_button.enabled, a_button.isEnabled()) == ("Stop", False, False)


def test_a_property_that_is_called_like_a_method_fails(a_button):
    with pytest.raises(TypeError, match="not callable"):
        a_button.text()


def test_a_property_of_an_enumeration_can_be_read(a_button):
    assert a_button.focusPolicy == qt.Qt.StrongFocus


@pytest.mark.parametrize("name", ["txt", "setTxt", "clickedd", "Text", "_private"])
def test_what_qt_does_not_know_cannot_be_read(a_button, name):
    with pytest.raises(AttributeError):
        getattr(a_button, name)


@pytest.mark.parametrize(
    ("name", "value"),
    [("toolTipp", "a"), ("setText", print), ("clicked", print), ("width", 3), ("text", None), ("iconSize", "big")],
)
def test_what_qt_does_not_know_or_take_cannot_be_set(a_button, name, value):
    with pytest.raises(AttributeError):
        setattr(a_button, name, value)


def test_anything_but_none_becomes_a_text(a_button):
    a_button.text = 5
    assert a_button.text == "5"


def test_a_dynamic_property_is_an_attribute_once_it_is_set(a_button):
    with pytest.raises(AttributeError):
        a_button.role = "start"
    a_button.setProperty("role", "start")
    a_button.role = "end"
    assert (a_button.role, a_button.property("role"), a_button.property("nothing")) == ("end", "end", None)


def test_a_child_is_found_by_its_name_as_an_attribute():
    parent = qt.QWidget()
    child = qt.QLabel("x", parent)
    child.name = "caption"
    assert parent.caption == child
    assert (child.name, child.objectName, child.className()) == ("caption", "caption", "QLabel")


@pytest.mark.parametrize("call", [lambda: qt.QPushButton(text="a"), lambda: qt.QPushButton().setText(text="a")])
def test_keyword_arguments_are_refused(call):
    with pytest.raises(ValueError, match="keyword arguments"):
        call()


def test_the_same_widget_is_equal_however_it_was_found(a_button):
    parent = qt.QWidget()
    layout = qt.QVBoxLayout(parent)
    layout.addWidget(a_button)
    assert parent.findChild(qt.QPushButton) == a_button == layout.itemAt(0).widget()
    assert a_button.parent() == parent != a_button
    assert {a_button: 1}[parent.children()[1]] == 1
    assert a_button != 3 and layout.itemAt(0) != a_button


def test_children_come_as_tuples_by_class_or_name_of_class():
    parent = qt.QWidget()
    labels = (qt.QLabel("a", parent), qt.QLabel("b", parent))
    labels[1].objectName = "second"
    assert parent.findChildren("QLabel") == parent.findChildren(qt.QLabel) == labels
    assert parent.findChildren(qt.QLabel, "second") == labels[1:]
    assert parent.findChild(qt.QPushButton) is None


def test_a_name_is_looked_for_at_any_depth_for_one_child_but_not_for_all():
    parent = qt.QWidget()
    frame = qt.QFrame(parent)
    label = qt.QLabel("a", frame)
    label.objectName = "deep"
    assert parent.findChild("QLabel", "deep") == label
    assert parent.findChildren("QLabel") == (label,)
    assert parent.findChildren("QLabel", "deep") == ()


def test_classes_do_not_inherit_from_each_other(a_button):
    assert isinstance(a_button, qt.QPushButton)
    assert not isinstance(a_button, qt.QWidget)
    assert a_button.inherits("QWidget")


def test_an_object_without_parent_goes_with_its_last_reference():
    ticks = []
    timer = qt.QTimer()
    timer.connect("timeout()", lambda: ticks.append(1))
    timer.start(0)
    del timer
    gc.collect()
    for _ in range(5):
        slicer.app.processEvents()
    assert ticks == []


def test_a_destroyed_widget_is_false_and_none_and_cannot_be_used():
    parent = qt.QWidget()
    child = qt.QLabel("a", parent)
    assert child
    del parent
    gc.collect()
    assert not child
    assert child == None  # noqa: E711 - PythonQt compares a destroyed object so
    with pytest.raises(ValueError, match="destroyed"):
        _ = child.text


def test_a_python_subclass_overrides_and_has_attributes_of_its_own():
    class Closing(qt.QWidget):
        def __init__(self, parent=None):
            qt.QWidget.__init__(self, parent)
            self.closed = 0

        def closeEvent(self, event):
            self.closed += 1
            qt.QWidget.closeEvent(self, event)

    widget = Closing()
    widget.show()
    widget.close()
    assert (widget.closed, widget.visible) == (1, False)


def test_a_subclass_that_forgot_its_constructor_says_so():
    class Forgetful(qt.QWidget):
        def __init__(self):
            self.late = 1

    with pytest.raises(AttributeError, match="__init__"):
        Forgetful()


def test_enumerations_are_integers():
    assert qt.QProcess.NotRunning == 0
    assert qt.Qt.AlignLeft | qt.Qt.AlignTop == 33
    label = qt.QLabel()
    label.setAlignment(qt.Qt.AlignRight | qt.Qt.AlignTop)
    assert label.alignment == 34


def test_an_unknown_class_or_module_member_is_refused():
    with pytest.raises(AttributeError, match="QButton"):
        _ = qt.QButton
    with pytest.raises(AttributeError, match="ctkNothing"):
        _ = ctk.ctkNothing
    with pytest.raises(AttributeError, match="PushMe"):
        _ = qt.QPushButton.PushMe


def test_lists_of_text_come_as_tuples_and_bytes_as_a_byte_array():
    process = qt.QProcess()
    process.setArguments(["-c", "x"])
    assert process.arguments() == ("-c", "x")
    assert qt.QByteArray(b"abc").data() == b"abc"


def test_tree_items_have_methods_only_and_are_found_again():
    tree = qt.QTreeWidget()
    item = qt.QTreeWidgetItem(tree, ["a"])
    assert tree.topLevelItem(0) == item != qt.QTreeWidgetItem()
    assert item.text(0) == "a"
    with pytest.raises(AttributeError):
        _ = item.label
    with pytest.raises(AttributeError):
        item.text = "b"


@pytest.mark.parametrize("signal", ["clicked()", "clicked(bool)", "clicked( bool )"])
def test_a_signal_is_connected_and_disconnected_by_its_signature(a_button, signal):
    clicks = []

    def count():
        clicks.append(1)

    assert a_button.connect(signal, count)
    a_button.click()
    assert a_button.disconnect(signal, count)
    a_button.click()
    assert clicks == [1]
    assert not a_button.disconnect(signal, count)


@pytest.mark.parametrize("signal", ["clickd(bool)", "clicked(int)", "text", "setText(QString)"])
def test_a_signal_that_does_not_exist_is_refused(a_button, signal):
    for call in (a_button.connect, a_button.disconnect):
        with pytest.raises(ValueError, match="does not exist"):
            call(signal, print)


def test_only_what_can_be_called_is_connected(a_button):
    with pytest.raises(ValueError, match="cannot be called"):
        a_button.connect("clicked()", None)


def test_a_signal_can_be_connected_with_a_slot_by_name():
    box, label = qt.QLineEdit(), qt.QLabel()
    box.connect("textChanged(QString)", label, "setText(QString)")
    box.text = "new"
    assert label.text == "new"
    assert box.disconnect("textChanged(QString)", label, "setText(QString)")
    with pytest.raises(ValueError, match="slot"):
        box.connect("textChanged(QString)", label, "setTexts(QString)")


def test_a_signal_is_an_attribute_that_connects_and_emits(a_button):
    got = []
    a_button.clicked.connect(got.append)
    a_button.clicked(True)
    a_button.clicked.emit(False)
    a_button.clicked.disconnect(got.append)
    a_button.clicked(True)
    assert got == [True, False]
    with pytest.raises(ValueError, match="wrong arguments"):
        a_button.clicked(1, 2)


def test_arguments_are_cut_to_what_a_function_takes_defaults_included():
    got, label = [], qt.QSpinBox()
    label.connect("valueChanged(int)", lambda: got.append("none"))
    label.connect("valueChanged(int)", lambda kept="default": got.append(kept))
    label.connect("valueChanged(int)", lambda *all_: got.append(all_))
    label.connect("valueChanged(int)", functools.partial(got.append))
    label.value = 7
    assert got == ["none", 7, (7,), 7]


def test_an_exception_in_a_slot_ends_there_and_is_kept(a_button, capsys):
    a_button.connect("clicked()", lambda: 1 / 0)
    a_button.click()
    assert [type(error) for error in uncaught.taken()] == [ZeroDivisionError]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_static_functions_return_what_pythonqt_returns(monkeypatch):
    from PySide6 import QtWidgets

    monkeypatch.setattr(QtWidgets.QFileDialog, "getOpenFileName", lambda *_: ("scan.nrrd", "*.nrrd"))
    assert qt.QFileDialog.getOpenFileName(None, "Open") == "scan.nrrd"


def test_a_single_shot_calls_a_function_from_the_event_loop():
    from slicer_host.events import wait_until

    got = []
    qt.QTimer.singleShot(0, lambda: got.append(1))
    assert got == []
    wait_until(lambda: got == [1])
    timer = qt.QTimer()
    timer.singleShot = True
    assert timer.singleShot is True


def test_a_dialog_runs_until_it_is_accepted():
    dialog = qt.QDialog()
    qt.QTimer.singleShot(0, dialog.accept)
    assert dialog.exec_() == qt.QDialog.Accepted
