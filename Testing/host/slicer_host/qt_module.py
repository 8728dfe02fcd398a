"""The modules `qt` and `ctk`: classes made when they are asked for."""

import importlib
import types
from collections.abc import Callable

from PySide6 import QtCore, QtWidgets

from slicer_host import ctk_buttons, ctk_names, ctk_values, messages, pythonqt, pythonqt_signal, qt_item, ui_loading

_SOURCES = ("QtCore", "QtGui", "QtWidgets")
_DOUBLES = (ctk_buttons, ctk_values, ctk_names)
# PySide6 returns more than the value that PythonQt returns from these: the filter chosen, or whether OK was pressed.
_FIRST_ONLY = {
    "QFileDialog": ("getOpenFileName", "getSaveFileName", "getOpenFileNames"),
    "QInputDialog": ("getText", "getItem", "getInt", "getDouble", "getMultiLineText"),
}


class QtModule(types.ModuleType):
    """`qt`: every class of Qt's core, graphics and widgets in one flat module, as in Slicer."""

    QUiLoader = pythonqt.classOf(ui_loading.UiLoader)
    QDesktopServices = messages.DesktopServices

    def __getattr__(self, name: str) -> object:
        for source in _SOURCES if not name.startswith("_") else ():
            found = getattr(importlib.import_module(f"PySide6.{source}"), name, None)
            if found is not None:
                return _offered(found)
        raise AttributeError(f"module 'qt' has no attribute '{name}'")


class CtkModule(types.ModuleType):
    """`ctk`: the classes that this host has doubles of."""

    def __getattr__(self, name: str) -> object:
        for source in _DOUBLES if name.startswith("ctk") else ():
            if hasattr(source, name):
                return pythonqt.classOf(getattr(source, name))
        raise AttributeError(f"module 'ctk' has no attribute '{name}', or this host no double of it")


def qtModule() -> types.ModuleType:
    """The module `qt`."""
    pythonqt.staticFunctions["QTimer.singleShot"] = _singleShot
    for className, names in _FIRST_ONLY.items():
        for name in names:
            pythonqt.staticFunctions[f"{className}.{name}"] = _firstOnly(className, name)
    return QtModule("qt")


def _offered(found: object) -> object:
    if isinstance(found, type) and issubclass(found, QtCore.QObject):
        return pythonqt.classOf(found)
    if isinstance(found, type) and issubclass(found, qt_item.CLASSES):
        return qt_item.ItemClass(found)
    return found


def _singleShot(milliseconds: int, receiver: Callable) -> None:
    QtCore.QTimer.singleShot(milliseconds, pythonqt_signal.guarded(receiver))


def _firstOnly(className: str, name: str) -> Callable:
    def ask(*arguments: object) -> object:
        function = getattr(getattr(QtWidgets, className), name)
        return pythonqt.wrap(function(*(pythonqt.unwrap(value) for value in arguments))[0])

    return ask
