"""Loads .ui files: Qt's own loader, with this host's doubles for CTK's and Slicer's classes."""

import xml.etree.ElementTree as ElementTree

from PySide6 import QtCore, QtUiTools, QtWidgets

from slicer_host import ctk_buttons, ctk_values, mrml_widgets, node_combo_box

_SOURCES = (ctk_buttons, ctk_values, mrml_widgets, node_combo_box)


def doubleClass(name: str) -> type | None:
    """The double of a class of CTK or Slicer, or None if it is a class of Qt."""
    if name.startswith("Q"):
        return None
    for source in _SOURCES:
        if isinstance(getattr(source, name, None), type):
            return getattr(source, name)
    raise RuntimeError(f"the .ui file has a widget of class {name}, of which this host has no double")


class UiLoader(QtUiTools.QUiLoader):
    """qt.QUiLoader."""

    def createWidget(
        self, className: str, parent: QtWidgets.QWidget | None = None, name: str = ""
    ) -> QtWidgets.QWidget:
        double = doubleClass(className)
        if double is None:
            return super().createWidget(className, parent, name)
        widget = double(parent)
        widget.setObjectName(name)
        return widget

    def load(self, device: QtCore.QIODevice, parent: QtWidgets.QWidget | None = None) -> QtWidgets.QWidget:
        tree = ElementTree.fromstring(bytes(device.readAll().data()))
        # Qt's loader knows neither enumerations of the doubles nor slots that take a scene, so these come afterwards.
        properties, connections = _takenProperties(tree), _takenConnections(tree)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(tree))
        buffer.open(QtCore.QIODevice.ReadOnly)
        root = super().load(buffer, parent)
        if root is None:
            raise RuntimeError(f"the .ui file cannot be read: {self.errorString()}")
        for name, values in properties.items():
            widget = _named(root, name)
            for key, value in values.items():
                if not widget.setProperty(key, value):
                    raise RuntimeError(
                        f"{type(widget).__name__} {name} has no property {key}, or it does not take {value!r}"
                    )
        for sender, signal, receiver, slot in connections:
            getattr(_named(root, sender), signal).connect(getattr(_named(root, receiver), slot))
        return root


def _named(root: QtWidgets.QWidget, name: str) -> QtWidgets.QWidget:
    found = root if root.objectName() == name else root.findChild(QtWidgets.QWidget, name)
    if found is None:
        raise RuntimeError(f"the .ui file connects {name}, which it does not have")
    return found


def _takenProperties(tree: ElementTree.Element) -> dict[str, dict[str, object]]:
    taken = {}
    for widget in tree.iter("widget"):
        double = doubleClass(widget.get("class"))
        own = [p for p in widget.findall("property") if double and _isOwn(double, p.get("name"))]
        for element in own:
            taken.setdefault(widget.get("name"), {})[element.get("name")] = _value(element[0], double)
            widget.remove(element)
    return taken


def _isOwn(double: type, name: str) -> bool:
    return isinstance(getattr(double, name, None), QtCore.Property)


def _value(element: ElementTree.Element, double: type) -> object:
    text = element.text or ""
    match element.tag:
        case "bool":
            return text == "true"
        case "number" | "double":
            return float(text) if element.tag == "double" else int(text)
        case "stringlist":
            return [item.text or "" for item in element.findall("string")]
        case "enum" | "set":
            flags = [flag.rpartition("::")[2] for flag in text.split("|") if flag]
            return sum(int(getattr(double, flag, None) or getattr(QtCore.Qt, flag, 0)) for flag in flags)
        case _:
            return text


def _takenConnections(tree: ElementTree.Element) -> list[tuple[str, str, str, str]]:
    taken = []
    for group in tree.findall("connections"):
        for connection in list(group):
            parts = [connection.findtext(tag, "") for tag in ("sender", "signal", "receiver", "slot")]
            if "vtkMRML" in parts[1]:
                taken.append((parts[0], parts[1].partition("(")[0], parts[2], parts[3].partition("(")[0]))
                group.remove(connection)
    return taken
