"""Qt properties for the doubles of CTK's and Slicer's widgets, declared in one line each."""

import weakref
from collections.abc import Callable

import shiboken6
from PySide6 import QtCore


def stored(kind: object, default: object, apply: Callable | None = None) -> QtCore.Property:
    """A property that remembers its value, and hands it on where it shows.

    Args:
        kind: the type as Qt knows it.
        default: the value of a new widget.
        apply: called with the widget and a new value.
    """
    key = object()

    def read(self: QtCore.QObject) -> object:
        return self.__dict__.get("_stored", {}).get(key, default)

    def write(self: QtCore.QObject, value: object) -> None:
        self.__dict__.setdefault("_stored", {})[key] = value
        if apply:
            apply(self, value)

    return QtCore.Property(kind, read, write)


def shown(kind: object, part: str, name: str) -> QtCore.Property:
    """A property that is one of a part of the widget: `shown(float, "_spin", "value")`."""

    def read(self: QtCore.QObject) -> object:
        return getattr(self, part).property(name)

    def write(self: QtCore.QObject, value: object) -> None:
        getattr(self, part).setProperty(name, value)

    return QtCore.Property(kind, read, write)


def weakly(method: Callable) -> Callable:
    """A widget's method for an observer of MRML, which neither keeps the widget alive nor calls it afterwards."""
    reference = weakref.WeakMethod(method)

    def call(*arguments: object) -> None:
        alive = reference()
        if alive and shiboken6.isValid(alive.__self__):
            alive(*arguments)

    return call
