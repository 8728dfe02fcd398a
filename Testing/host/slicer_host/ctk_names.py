"""Classes of CTK that Slicer's own Python code names and this project has no use for: they are there, and no more."""

from PySide6 import QtWidgets

from slicer_host.declared import stored


class ctkCheckablePushButton(QtWidgets.QPushButton):
    """A button with a check box."""

    checkBoxControlsButtonToggleState = stored(bool, True)


class ctkDoubleSlider(QtWidgets.QWidget):
    """A slider."""


class ctkDirectoryButton(QtWidgets.QWidget):
    """A button to choose a folder."""


class ctkColorPickerButton(QtWidgets.QPushButton):
    """A button to choose a colour."""
