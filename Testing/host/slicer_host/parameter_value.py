"""How one parameter stands in a vtkMRMLScriptedModuleNode."""

import enum
import logging
import pathlib
import types
import typing
from dataclasses import dataclass

import slicer

from slicer_host.parameter_rules import Default, FloatRange, Validator

_PATHS = (pathlib.Path, pathlib.PurePath, pathlib.PosixPath, pathlib.WindowsPath)


@dataclass(frozen=True)
class Parameter:
    """One annotated attribute of a parameter node class."""

    name: str
    annotated: object
    kind: type
    rules: tuple[Validator, ...]
    default: Default

    @property
    def isNode(self) -> bool:
        return issubclass(self.kind, slicer.vtkMRMLNode)

    def write(self, node: object, value: object) -> None:
        """Set the value.

        Raises:
            ValueError: it is None for a parameter that is no node, or breaks a rule.
            TypeError: it is of another type.
        """
        self._check(value)
        if self.isNode:
            # Slicer marks a node parameter as known by an empty text, and keeps the node as a reference.
            node.SetParameter(self.name, "")
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
        else:
            node.SetParameter(self.name, self._text(value))

    def read(self, node: object) -> object:
        """The value; the default is written where there is none yet."""
        if not node.HasParameter(self.name):
            self.write(node, self.default.value)
        return node.GetNodeReference(self.name) if self.isNode else self._value(node.GetParameter(self.name))

    def _check(self, value: object) -> None:
        if value is None and not self.isNode:
            raise ValueError("Value must not be None")
        fitting = (int, float) if self.kind is float else self.kind
        if value is not None and not isinstance(value, fitting):
            raise TypeError(f"Value must be of type '{self.kind}', is type '{type(value)}' value '{value}'")
        for rule in self.rules:
            rule.validate(value)

    def _text(self, value: object) -> str:
        if isinstance(value, FloatRange):
            return f"{value.minimum} {value.maximum}"
        return value.name if isinstance(value, enum.Enum) else str(value)

    def _value(self, text: str) -> object:
        if self.kind is bool:
            return text == "True"
        if self.kind is FloatRange:
            return FloatRange(*(float(part) for part in text.split()))
        if issubclass(self.kind, enum.Enum) and text not in self.kind.__members__:
            raise ValueError(f"Found {text!r} in parameter node but it is not a name in {self.kind!r}")
        return self.kind[text] if issubclass(self.kind, enum.Enum) else self.kind(text)


def parameters(cls: type) -> dict[str, Parameter]:
    """The parameters that a class declares, in order.

    Raises:
        Exception: a parameter of a type that is not kept, as Slicer does.
    """
    return {name: _parameter(cls, name, hint) for name, hint in typing.get_type_hints(cls, include_extras=True).items()}


def _parameter(cls: type, name: str, hint: object) -> Parameter:
    kind, *annotations = typing.get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
    kind = _kind(kind)
    if not _isKept(kind):
        raise Exception(f"Unable to create serializer for {cls} member {name}")
    defaults = [a for a in annotations if isinstance(a, Default)]
    rules = tuple(a for a in annotations if isinstance(a, Validator))
    unused = [a for a in annotations if a not in defaults and a not in rules]
    if unused:
        logging.warning("Unused annotations: %s", unused)
    stated = Default(getattr(cls, name)) if hasattr(cls, name) else None
    return Parameter(name, hint, kind, rules, stated or (defaults[0] if defaults else _naturalDefault(kind)))


def _kind(hint: object) -> object:
    """A node type, also where it is written as `vtkMRMLVolumeNode | None`."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        others = [argument for argument in typing.get_args(hint) if argument is not type(None)]
        if len(others) == 1 and isinstance(others[0], type) and issubclass(others[0], slicer.vtkMRMLNode):
            return others[0]
    return hint


def _isKept(kind: object) -> bool:
    kept = (int, float, str, bool, FloatRange, *_PATHS)
    return isinstance(kind, type) and (kind in kept or issubclass(kind, (enum.Enum, slicer.vtkMRMLNode)))


def _naturalDefault(kind: type) -> Default:
    if issubclass(kind, slicer.vtkMRMLNode):
        return Default(None)
    return Default(next(iter(kind)) if issubclass(kind, enum.Enum) else kind())
