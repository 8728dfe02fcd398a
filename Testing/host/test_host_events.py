"""Waiting and clicking as a user would."""

import pytest
import qt
import slicer_host
from slicer_host import events


def test_waiting_ends_when_the_condition_holds():
    got = []
    qt.QTimer.singleShot(5, lambda: got.append(1))
    events.wait_until(lambda: bool(got))


def test_waiting_in_vain_ends_too():
    with pytest.raises(TimeoutError):
        events.wait_until(lambda: False, 0.02)


def test_waiting_raises_what_a_slot_raised():
    qt.QTimer.singleShot(0, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        events.wait_until(lambda: False, 1)


def test_waiting_raises_what_an_observer_of_mrml_raised(a_volume, capsys):
    a_volume.AddObserver("ModifiedEvent", lambda *_: 1 / 0)
    a_volume.Modified()
    with pytest.raises(ZeroDivisionError):
        events.wait_until(lambda: True)
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_waiting_lets_deleted_objects_go():
    widget = qt.QWidget()
    widget.deleteLater()
    events.wait_until(lambda: not widget)


def test_a_click_raises_what_its_slot_raised():
    button = qt.QPushButton()
    button.connect("clicked()", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        slicer_host.click(button)


@pytest.mark.parametrize("state", ["enabled", "visible"])
def test_what_no_user_can_click_is_not_clicked(state):
    button = qt.QPushButton()
    setattr(button, state, False)
    with pytest.raises(ValueError, match="cannot be clicked"):
        slicer_host.click(button)
