"""A window with text to read beside the panel: a model's card, a log, a self-check."""

import qt
from slicer.i18n import tr as _

_WIDTH, _HEIGHT = 860, 640


class TextDialog:
    """Shows one text at a time in one window, which does not block the application.

    Args:
        parent: The panel's top widget.
    """

    def __init__(self, parent: qt.QWidget) -> None:
        self._dialog = qt.QDialog(parent)
        self._dialog.resize(_WIDTH, _HEIGHT)
        self._text = qt.QPlainTextEdit()
        self._text.readOnly = True
        self._text.setLineWrapMode(qt.QPlainTextEdit.NoWrap)
        self._text.font = qt.QFontDatabase.systemFont(qt.QFontDatabase.FixedFont)
        self._text.toolTip = _("Text to read and to copy.")
        self._text.accessibleName = _("Text")
        buttons = qt.QDialogButtonBox()
        # Not in the constructor, of which PythonQt takes the one for an orientation.
        buttons.setStandardButtons(qt.QDialogButtonBox.Close)
        buttons.connect("rejected()", self._dialog.hide)
        layout = qt.QVBoxLayout(self._dialog)
        layout.addWidget(self._text)
        layout.addWidget(buttons)

    @property
    def text(self) -> str:
        """What is shown."""
        return self._text.plainText

    @property
    def isShown(self) -> bool:
        """Whether the window is open."""
        return self._dialog.visible

    def show(self, title: str, text: str) -> None:
        """Open the window with a text, or put it in place of what it shows."""
        self._dialog.windowTitle = title
        self._text.plainText = text
        self._dialog.show()
        self._dialog.raise_()

    def close(self) -> None:
        """Close the window."""
        self._dialog.hide()
