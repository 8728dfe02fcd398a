"""A double of slicer.app; names after Slicer's qSlicerCoreApplication.h and qSlicerApplication.h."""

import tempfile
from collections.abc import Callable

from PySide6 import QtCore, QtWidgets


class ModuleManager(QtCore.QObject):
    """What slicer.app.moduleManager() returns."""

    moduleAboutToBeUnloaded = QtCore.Signal(str)
    moduleLoaded = QtCore.Signal(str)

    def __init__(self, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._modules = {}

    def module(self, name: str) -> QtCore.QObject | None:
        return self._modules.get(name)


class qSlicerApplication(QtWidgets.QApplication):
    """The application object; settings and temporary files lie in a folder that goes with it."""

    startupCompleted = QtCore.Signal()

    def __init__(self) -> None:
        super().__init__(["Slicer"])
        self.setApplicationName("Slicer")
        self._folder = tempfile.TemporaryDirectory(prefix="slicer-host-")
        self._settings = QtCore.QSettings(f"{self._folder.name}/Slicer.ini", QtCore.QSettings.IniFormat, self)
        self._modules = ModuleManager(self)
        self._testing = False
        # Filled by who has them: the application logic, and the layout manager with its views.
        self._logic: object | None = None
        self._layoutManager: Callable[[], object | None] = lambda: None
        for format_ in (QtCore.QSettings.NativeFormat, QtCore.QSettings.IniFormat):
            QtCore.QSettings.setPath(format_, QtCore.QSettings.UserScope, self._folder.name)

    def mrmlScene(self) -> object:
        import slicer

        return slicer.mrmlScene

    def applicationLogic(self) -> object | None:
        return self._logic

    def layoutManager(self) -> object | None:
        return self._layoutManager()

    def moduleManager(self) -> ModuleManager:
        return self._modules

    def moduleLogic(self, name: str) -> object | None:
        return None

    def settings(self) -> QtCore.QSettings:
        return self._settings

    def userSettings(self) -> QtCore.QSettings:
        return self._settings

    def revisionUserSettings(self) -> QtCore.QSettings:
        return self._settings

    def testingEnabled(self) -> bool:
        return self._testing

    def startupEnvironment(self) -> QtCore.QProcessEnvironment:
        return QtCore.QProcessEnvironment.systemEnvironment()

    def translate(self, context: str, text: str) -> str:
        return text

    def moduleDocumentationUrl(self, name: str) -> str:
        return f"{self.documentationBaseUrl}/user_guide/modules/{name.lower()}.html"

    def restart(self) -> None:
        raise RuntimeError("the application would start anew")

    temporaryPath = QtCore.Property(str, lambda self: self._folder.name)
    slicerHome = QtCore.Property(str, lambda self: self._folder.name)
    documentationBaseUrl = QtCore.Property(str, lambda self: "https://slicer.readthedocs.io/en/latest")
    majorVersion = QtCore.Property(int, lambda self: 5)
    minorVersion = QtCore.Property(int, lambda self: 12)
    mainApplicationName = QtCore.Property(str, lambda self: "Slicer")
