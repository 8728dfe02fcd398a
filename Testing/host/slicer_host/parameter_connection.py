"""Which widgets show which types of parameters, and how: as in Slicer's guiConnectors.py."""

import enum
import pathlib
import typing
from collections.abc import Callable
from dataclasses import dataclass

import ctk
import qt
import slicer

from slicer_host.parameter_rules import (
    Choice,
    Decimals,
    Default,
    FloatRange,
    Maximum,
    Minimum,
    RangeBounds,
    SingleStep,
    WithinRange,
)
from slicer_host.parameter_value import Parameter

_SPIN_BOXES = (
    qt.QDoubleSpinBox,
    ctk.ctkSliderWidget,
    slicer.qMRMLSliderWidget,
    ctk.ctkDoubleSpinBox,
    slicer.qMRMLSpinBox,
)
_RANGES = (ctk.ctkRangeWidget, ctk.ctkDoubleRangeSlider, slicer.qMRMLRangeWidget)
_MUST_BE_BOUNDED = (qt.QSlider, ctk.ctkSliderWidget, slicer.qMRMLSliderWidget)
_COMBO_BOXES = (qt.QComboBox, ctk.ctkComboBox)


@dataclass
class GuiConnector:
    """One widget with one parameter."""

    shownBy: object
    signal: str
    read: Callable[[], object]
    write: Callable[[object], None]
    _callback: Callable[[], None] | None = None

    def widget(self) -> object:
        return self.shownBy

    def onChanged(self, callback: Callable[[], None] | None) -> None:
        """Have the callback called on changes; None ends that."""
        if self._callback and self.signal:
            self.shownBy.disconnect(self.signal, self._changed)
        self._callback = callback
        if callback and self.signal:
            self.shownBy.connect(self.signal, self._changed)

    def _changed(self) -> None:
        if self._callback:
            self._callback()


def createGuiConnector(widget: object, parameter: Parameter) -> GuiConnector:
    """Connect a widget, prepared for the parameter's limits and choices.

    Raises:
        RuntimeError: Slicer connects no such pair, or needs limits or choices that are not stated.
    """
    kind, cls = parameter.kind, type(widget)
    annotations = getattr(parameter.annotated, "__metadata__", ())
    if parameter.isNode and cls is slicer.qMRMLNodeComboBox:
        widget.nodeTypes = (kind().GetClassName(),)
        return GuiConnector(widget, "currentNodeChanged(vtkMRMLNode*)", widget.currentNode, widget.setCurrentNode)
    if kind is bool and cls in (qt.QCheckBox, ctk.ctkCheckBox, qt.QPushButton):
        if cls is qt.QPushButton:
            widget.checkable = True
        return _ofProperty(widget, "checked", "toggled(bool)")
    if cls in _COMBO_BOXES and (kind in (int, float, str, bool) or issubclass(kind, enum.Enum)):
        return _ofChoices(widget, kind, _first(annotations, Choice))
    if (kind is int and cls in (qt.QSlider, qt.QSpinBox)) or (kind in (int, float) and cls in _SPIN_BOXES):
        return _ofNumber(widget, kind, annotations)
    if kind is str and cls in (qt.QLineEdit, qt.QLabel):
        return _ofProperty(widget, "text", "textChanged(QString)" if cls is qt.QLineEdit else "")
    if kind is str and cls is qt.QTextEdit:
        return GuiConnector(widget, "textChanged()", widget.toPlainText, widget.setPlainText)
    if issubclass(kind, pathlib.PurePath) and cls is ctk.ctkPathLineEdit:
        write = _setter(widget, "currentPath", str)
        return GuiConnector(widget, "currentPathChanged(QString)", lambda: kind(widget.currentPath), write)
    if kind is FloatRange and cls in _RANGES:
        return _ofRange(widget, _first(annotations, RangeBounds), _first(annotations, Default))
    raise RuntimeError(
        f"Unable to create GUI connector from datatype '{parameter.annotated}' to widget type '{cls.__name__}'"
    )


def _first(annotations: typing.Iterable, kind: type) -> object | None:
    return next((annotation for annotation in annotations if isinstance(annotation, kind)), None)


def _setter(widget: object, name: str, convert: Callable = lambda value: value) -> Callable[[object], None]:
    def write(value: object) -> None:
        if getattr(widget, name) != convert(value):
            setattr(widget, name, convert(value))

    return write


def _ofProperty(widget: object, name: str, signal: str) -> GuiConnector:
    return GuiConnector(widget, signal, lambda: getattr(widget, name), _setter(widget, name))


def _ofNumber(widget: object, kind: type, annotations: typing.Iterable) -> GuiConnector:
    within, low, high = (_first(annotations, rule) for rule in (WithinRange, Minimum, Maximum))
    if type(widget) in _MUST_BE_BOUNDED and not within and not (low and high):
        raise RuntimeError(f"Cannot have a connection to {type(widget).__name__} where the number is unbounded.")
    decimals = 0 if kind is int else getattr(_first(annotations, Decimals), "value", None)
    if decimals is not None and type(widget) in _SPIN_BOXES:
        widget.decimals = decimals
    if _first(annotations, SingleStep):
        widget.singleStep = _first(annotations, SingleStep).value
    widest = (-(2**31), 2**31 - 1) if type(widget) in (qt.QSlider, qt.QSpinBox) else (float("-inf"), float("inf"))
    widget.minimum = (within or low).minimum if within or low else widest[0]
    widget.maximum = (within or high).maximum if within or high else widest[1]
    signal = "valueChanged(int)" if type(widget) in (qt.QSlider, qt.QSpinBox) else "valueChanged(double)"
    return GuiConnector(widget, signal, lambda: kind(widget.value), _setter(widget, "value"))


def _ofChoices(widget: object, kind: type, choice: Choice | None) -> GuiConnector:
    if choice is None and not issubclass(kind, enum.Enum):
        raise RuntimeError("ComboBoxToStringableConnector requires the Choice annotation to be used.")
    choices = list(choice.choices) if choice else list(kind)
    # Whatever the .ui file lists is replaced.
    widget.clear()
    for value in choices:
        widget.addItem(_label(value))

    def write(value: object) -> None:
        widget.currentIndex = choices.index(value)

    return GuiConnector(widget, "currentIndexChanged(int)", lambda: choices[widget.currentIndex], write)


def _label(value: object) -> str:
    if isinstance(value, enum.Enum):
        return value.label() if hasattr(value, "label") else value.name
    return str(value)


def _ofRange(widget: object, bounds: RangeBounds | None, default: Default | None) -> GuiConnector:
    if bounds is None:
        raise RuntimeError(
            "Cannot have a connection to a range widget where the float is unbounded. Add a RangeBounds annotation."
        )
    if default is None:
        raise RuntimeError("A range needs a Default annotation: Slicer 5.12 fails without one.")
    widget.setRange(bounds.minimum, bounds.maximum)

    def write(value: FloatRange) -> None:
        widget.setValues(value.minimum, value.maximum)

    def read() -> FloatRange:
        return FloatRange(widget.minimumValue, widget.maximumValue)

    return GuiConnector(widget, "valuesChanged(double,double)", read, write)
