"""Python classes derived from classes of Qt, whose methods Qt calls as its virtual functions."""

from collections.abc import Callable

from PySide6 import QtCore

from slicer_host import pythonqt


def isPythonSubclass(cls: type) -> bool:
    """Whether a class was derived in Python from one of Qt: only these may have attributes of their own."""
    return cls.__base__ is not pythonqt.QtObject


def overriding(cls: type) -> type:
    """A class of PySide6 whose virtual functions are the methods of a Python subclass."""
    written = {
        name for base in cls.__mro__ if base is not object and "qtClass" not in vars(base) for name in vars(base)
    }
    overridden = {
        name: _virtual(name) for name in written if pythonqt.isQtMethod(pythonqt.attributeOf(cls.qtClass, name))
    }
    return type(cls.__name__, (cls.qtClass,), {**overridden, "__module__": "derived in Python"})


def _virtual(name: str) -> Callable:
    def call(self: QtCore.QObject, *arguments: object) -> object:
        return pythonqt.unwrap(getattr(pythonqt.wrap(self), name)(*(pythonqt.wrap(argument) for argument in arguments)))

    return call
