"""Qt classes that are no QObject but hold widgets: items of trees, lists, tables and layouts."""

from collections.abc import Callable

from PySide6 import QtWidgets

from slicer_host import pythonqt

CLASSES = (QtWidgets.QTreeWidgetItem, QtWidgets.QListWidgetItem, QtWidgets.QTableWidgetItem, QtWidgets.QLayoutItem)


class QtItem:
    """One item as Python sees it in Slicer: it has methods only."""

    def __init__(self, raw: object) -> None:
        self.__dict__["_object"] = raw

    def __getattr__(self, name: str) -> Callable:
        raw = self.__dict__["_object"]
        if not pythonqt.isQtMethod(pythonqt.attributeOf(type(raw), name)):
            raise AttributeError(f"{type(raw).__name__} has no attribute named '{name}'")
        return pythonqt.positionalOnly(getattr(raw, name), name)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"'{name}' does not exist on {type(self.__dict__['_object']).__name__}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QtItem) and self.__dict__["_object"] is other.__dict__["_object"]

    def __hash__(self) -> int:
        return hash(id(self.__dict__["_object"]))


class ItemClass:
    """The class of such items, to be called and to read enumeration values from."""

    def __init__(self, qtClass: type) -> None:
        self._qtClass = qtClass

    def __call__(self, *arguments: object) -> QtItem:
        return QtItem(self._qtClass(*(pythonqt.unwrap(argument) for argument in arguments)))

    def __getattr__(self, name: str) -> object:
        return getattr(self._qtClass, name)
