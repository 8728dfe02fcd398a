"""Doubles of the module object and of the widget that a scripted module's Python widget lives in."""

from PySide6 import QtCore, QtGui, QtWidgets

from slicer_host import pythonqt
from slicer_host.declared import stored
from slicer_host.mrml_widgets import qMRMLWidget


class qSlicerScriptedLoadableModule(QtCore.QObject):
    """What is `parent` in ScriptedLoadableModule.__init__; properties of Base/QTGUI/qSlicerScriptedLoadableModule.h."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__()
        self._name, self._path, self._widget, self._makeWidget = name, path, None, None

    def widgetRepresentation(self) -> QtWidgets.QWidget | None:
        if self._widget is None and self.widgetRepresentationCreationEnabled and self._makeWidget:
            self._widget = self._makeWidget()
        return self._widget

    def mrmlScene(self) -> object:
        import slicer

        return slicer.mrmlScene

    def logic(self) -> None:
        return None

    name = QtCore.Property(str, lambda self: self._name)
    path = QtCore.Property(str, lambda self: self._path)
    isInstalled = QtCore.Property(bool, lambda self: False)
    title = stored(str, "")
    categories = stored("QStringList", [])
    contributors = stored("QStringList", [])
    dependencies = stored("QStringList", [])
    associatedNodeTypes = stored("QStringList", [])
    helpText = stored(str, "")
    acknowledgementText = stored(str, "")
    icon = stored(QtGui.QIcon, QtGui.QIcon())
    hidden = stored(bool, False)
    index = stored(int, -1)
    widgetRepresentationCreationEnabled = stored(bool, True)


class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """What is `parent` in ScriptedLoadableModuleWidget.__init__."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name, self._python, self._entered = name, None, False
        QtWidgets.QVBoxLayout(self)
        self.setObjectName(f"{name}ModuleWidget")

    def self(self) -> object:
        return self._python

    def reload(self) -> None:
        """Make the Python widget anew from the module that is in sys.modules now."""
        import sys

        import slicer

        self._python = getattr(sys.modules[self._name], f"{self._name}Widget")(pythonqt.wrap(self))
        setattr(slicer.modules, f"{self._name}Widget", self._python)
        self._python.setup()

    def enter(self) -> None:
        self._entered = True
        if hasattr(self._python, "enter"):
            self._python.enter()

    def exit(self) -> None:
        self._entered = False
        if hasattr(self._python, "exit"):
            self._python.exit()

    isEntered = QtCore.Property(bool, lambda self: self._entered)
    moduleName = QtCore.Property(str, lambda self: self._name)
