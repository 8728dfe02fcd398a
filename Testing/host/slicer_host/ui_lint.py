"""Looks for mistakes in a .ui file that show in Slicer only late or not at all."""

import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from PySide6 import QtWidgets

from slicer_host import ui_loading
from slicer_host.qt_members import membersOf

_BUTTONS = ("QPushButton", "QToolButton", "QCheckBox", "QRadioButton", "ctkCheckBox")
_HEADERS = ("ctkCollapsibleButton", "qMRMLCollapsibleButton")
_QT_INPUTS = (
    QtWidgets.QAbstractButton,
    QtWidgets.QComboBox,
    QtWidgets.QLineEdit,
    QtWidgets.QAbstractSpinBox,
    QtWidgets.QAbstractSlider,
    QtWidgets.QAbstractItemView,
    QtWidgets.QTextEdit,
    QtWidgets.QPlainTextEdit,
)
_NO_INPUTS = ("qMRMLWidget", "qSlicerWidget", "qMRMLPlotView")


def problems(path: Path, parameterNodeClass: type) -> list[str]:
    """What is wrong with a .ui file, one sentence each; empty if nothing is.

    Args:
        path: the file.
        parameterNodeClass: the class that its SlicerParameterName properties refer to.
    """
    tree = ElementTree.parse(path).getroot()
    widgets = list(tree.iter("widget"))
    names = [widget.get("name") for widget in widgets]
    found = [f"{name}: the name is used {count} times" for name, count in Counter(names).items() if count > 1]
    for check in (_ofClass, _ofProperties, _ofWords):
        found += [f"{widget.get('name')}: {problem}" for widget in widgets for problem in check(widget)]
    found += _ofParameters(widgets, parameterNodeClass.allParameters)
    found += _ofLabels(tree, names)
    found += _ofTabs(tree, widgets)
    return found + _ofConnections(tree, widgets)


def isInput(className: str) -> bool:
    """Whether a user types, chooses or clicks in widgets of a class."""
    if className in _HEADERS or className in _NO_INPUTS:
        return False
    cls = _class(className)
    isDouble = cls is not None and not className.startswith("Q")
    return isDouble or (cls is not None and issubclass(cls, _QT_INPUTS))


def _class(className: str) -> type | None:
    if className.startswith("Q"):
        return getattr(QtWidgets, className, None)
    try:
        return ui_loading.doubleClass(className)
    except RuntimeError:
        return None


def _properties(widget: ElementTree.Element) -> dict[str, str]:
    return {p.get("name"): "".join(p.itertext()).strip() for p in widget.findall("property")}


def _ofClass(widget: ElementTree.Element) -> Iterator[str]:
    if _class(widget.get("class")) is None:
        yield f"there is no widget class {widget.get('class')}"


def _ofProperties(widget: ElementTree.Element) -> Iterator[str]:
    cls = _class(widget.get("class"))
    known = membersOf(cls()).properties if cls else {}
    for element in widget.findall("property") if cls else ():
        name = element.get("name")
        declared = name == "buddy" or name in known
        if not declared and element.get("stdset") != "0":
            yield f"{widget.get('class')} has no property {name}"


def _ofWords(widget: ElementTree.Element) -> Iterator[str]:
    if not isInput(widget.get("class")):
        return
    properties = _properties(widget)
    if not properties.get("toolTip"):
        yield "an input without a tooltip"
    # What a button says is what a screen reader says.
    said = properties.get("accessibleName") or (widget.get("class") in _BUTTONS and properties.get("text"))
    if not said:
        yield "an input without an accessible name"


def _ofParameters(widgets: list[ElementTree.Element], known: dict) -> Iterator[str]:
    used = Counter(_properties(widget).get("SlicerParameterName") for widget in widgets)
    del used[None]
    yield from (f"SlicerParameterName {name} is no parameter" for name in used if name not in known)
    yield from (f"SlicerParameterName {name} stands at {count} widgets" for name, count in used.items() if count > 1)


def _ofLabels(tree: ElementTree.Element, names: list[str]) -> Iterator[str]:
    for label in (widget for widget in tree.iter("widget") if widget.get("class") == "QLabel"):
        buddy = _properties(label).get("buddy")
        if buddy and buddy not in names:
            yield f"{label.get('name')}: its buddy {buddy} does not exist"
    for form in (layout for layout in tree.iter("layout") if layout.get("class") == "QFormLayout"):
        cells = {(item.get("row"), item.get("column")): item.find("widget") for item in form.findall("item")}
        for (row, column), label in cells.items():
            field = cells.get((row, "1"))
            isLabel = column == "0" and label is not None and label.get("class") == "QLabel"
            if isLabel and field is not None and isInput(field.get("class")) and "buddy" not in _properties(label):
                yield f"{label.get('name')}: the label of {field.get('name')} is not its buddy"


def _ofTabs(tree: ElementTree.Element, widgets: list[ElementTree.Element]) -> Iterator[str]:
    stops = [stop.text for stop in tree.iter("tabstop")]
    classes = {widget.get("name"): widget.get("class") for widget in widgets}
    yield from (f"tab stop {name} does not exist" for name in stops if name not in classes)
    yield from (f"tab stop {name} stands {count} times" for name, count in Counter(stops).items() if count > 1)
    if stops:
        missing = [name for name, className in classes.items() if isInput(className) and name not in stops]
        yield from (f"{name}: an input that the tab order leaves out" for name in missing)


def _ofConnections(tree: ElementTree.Element, widgets: list[ElementTree.Element]) -> list[str]:
    classes = {widget.get("name"): widget.get("class") for widget in widgets}
    connections = [{part.tag: part.text or "" for part in one} for one in tree.iter("connection")]
    ends = [one[end] for one in connections for end in ("sender", "receiver")]
    found = [f"a connection names {name}, which does not exist" for name in ends if name not in classes]
    reached = {one["receiver"] for one in connections if one["slot"].startswith("setMRMLScene(")}
    root = widgets[0].get("name")
    wanting = [name for name, cls in classes.items() if name != root and hasattr(_class(cls), "setMRMLScene")]
    return found + [f"{name}: it is given no scene" for name in wanting if name not in reached]
