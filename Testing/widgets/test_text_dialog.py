"""The window with text to read."""

import slicer_host

slicer_host.install()

import qt  # noqa: E402
from slicer_host.events import click  # noqa: E402

from MRSynthesisLib.TextDialog import TextDialog  # noqa: E402


def test_the_window_has_one_button_which_closes_it(monkeypatch):
    """PythonQt takes a button for an orientation if the constructor is given one."""
    boxes = []

    def box():
        boxes.append(original())
        return boxes[-1]

    original = qt.QDialogButtonBox
    box.Close = original.Close
    monkeypatch.setattr(qt, "QDialogButtonBox", box, raising=False)
    dialog = TextDialog(None)
    (button,) = boxes[0].buttons()
    dialog.show("A card", "words")
    assert dialog.isShown and dialog.text == "words"
    click(button)
    assert not dialog.isShown
