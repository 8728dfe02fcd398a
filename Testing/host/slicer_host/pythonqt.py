"""PythonQt's rules over PySide6: what a Qt object looks like to Python in Slicer.

A Qt property is an attribute, everything else is a method, nothing takes keyword arguments, and nothing that Qt does
not know can be read or set: the rules of PythonQtInstanceWrapper.cpp. What PythonQt only prints, this raises.
"""

import weakref
from collections.abc import Callable

import shiboken6
from PySide6 import QtCore

from slicer_host import pythonqt_signal, qt_item, qt_property, qt_subclass
from slicer_host.qt_members import membersOf

# Static functions that PySide6 has in another form, by "class.name".
staticFunctions: dict[str, Callable] = {}
_classes: dict[type, type] = {}


def _wrapped(target: QtCore.QObject) -> "QtObject":
    reference = getattr(target, "_hostWrapper", None)
    existing = reference() if reference else None
    if existing is None:
        known = next(base for base in type(target).__mro__ if base.__module__.startswith(("PySide6", "slicer_host")))
        cls = classOf(known)
        existing = cls.__new__(cls)
        existing.__dict__["_object"] = target
        target._hostWrapper = weakref.ref(existing)
    return existing


def wrap(value: object) -> object:
    """What PythonQt hands to Python for a value of Qt: objects wrapped, lists as tuples."""
    if isinstance(value, QtCore.QObject):
        return _wrapped(value)
    if type(value) in (list, tuple):
        return tuple(wrap(item) for item in value)
    if isinstance(value, qt_item.CLASSES):
        return qt_item.QtItem(value)
    return value


def unwrap(value: object) -> object:
    """What PySide6 takes for a value of Slicer's Python."""
    if isinstance(value, (QtObject, qt_item.QtItem)):
        return value.__dict__["_object"]
    if type(value) in (list, tuple):
        return [unwrap(item) for item in value]
    if isinstance(value, QtClass):
        return value.qtClass
    return value


def classOf(qtClass: type) -> type:
    """The Python class that stands for a class of PySide6, or of this host, derived from QObject.

    All are derived from QtObject and none from another: `isinstance(button, qt.QWidget)` is false in PythonQt, too.
    """
    if qtClass not in _classes:
        _classes[qtClass] = QtClass(qtClass.__name__, (QtObject,), {"qtClass": qtClass, "__module__": "qt"})
    return _classes[qtClass]


def attributeOf(qtClass: type, name: str) -> object | None:
    """What the class itself offers under a name; what a class of this host keeps to itself does not count."""
    return None if name.startswith("_") else getattr(qtClass, name, None)


def isQtMethod(attribute: object) -> bool:
    """Whether this is a function of a class, not an enumeration, a nested class or a signal."""
    return callable(attribute) and not isinstance(attribute, (type, QtCore.Signal))


def positionalOnly(function: Callable, name: str) -> Callable:
    """The function between both worlds; PythonQt's slots take no keyword arguments."""

    def call(*arguments: object, **keywords: object) -> object:
        if keywords:
            raise ValueError(f"Called {name} with keyword arguments, but called slot does not support kwargs.")
        return wrap(function(*(unwrap(argument) for argument in arguments)))

    call.__name__ = name
    return call


class QtClass(type):
    """The type of the classes: enumeration values, static functions and unbound methods are read from the class."""

    def __getattr__(cls, name: str) -> object:
        if f"{cls.qtClass.__name__}.{name}" in staticFunctions:
            return staticFunctions[f"{cls.qtClass.__name__}.{name}"]
        attribute = attributeOf(cls.qtClass, name)
        if attribute is None:
            raise AttributeError(f"{cls.__name__} has no attribute named '{name}'")
        if isinstance(attribute, type) and issubclass(attribute, QtCore.QObject):
            return classOf(attribute)
        return positionalOnly(attribute, name) if isQtMethod(attribute) else attribute


class QtObject(metaclass=QtClass):
    """One Qt object as Python sees it in Slicer."""

    qtClass: type = QtCore.QObject

    def __init__(self, *arguments: object, **keywords: object) -> None:
        if keywords:
            raise ValueError(
                f"Called {type(self).__name__} with keyword arguments, but called slot does not support kwargs."
            )
        derived = qt_subclass.isPythonSubclass(type(self))
        qtClass = qt_subclass.overriding(type(self)) if derived else self.qtClass
        made = qtClass(*(unwrap(argument) for argument in arguments))
        self.__dict__["_object"] = made
        # A Python subclass has attributes to keep while the Qt object lives; a plain wrapper is made anew when needed.
        made._hostWrapper = (lambda: self) if derived else weakref.ref(self)

    def __getattr__(self, name: str) -> object:
        target = _living(self, name)
        known = membersOf(target).properties
        # `name` is PythonQt's other word for objectName, unless a class has a property of that name.
        name = "objectName" if name == "name" and name not in known else name
        if name in known:
            return wrap(qt_property.read(target, name))
        attribute = attributeOf(type(target), name)
        if isinstance(attribute, QtCore.Signal):
            return pythonqt_signal.QtSignal(target, name)
        if attribute is not None:
            return positionalOnly(getattr(target, name), name) if isQtMethod(attribute) else getattr(type(self), name)
        if name in qt_property.dynamicNames(target):
            return wrap(target.property(name))
        for child in target.children():
            if child.objectName() == name:
                return wrap(child)
        raise AttributeError(f"{membersOf(target).className} has no attribute named '{name}'")

    def __setattr__(self, name: str, value: object) -> None:
        target = _living(self, name)
        known = membersOf(target).properties
        declared = known.get(name) or (known["objectName"] if name == "name" else None)
        if declared:
            qt_property.write(target, declared, unwrap(value))
        elif name in qt_property.dynamicNames(target):
            target.setProperty(name, unwrap(value))
        elif attributeOf(type(target), name) is not None:
            raise AttributeError(f"Slot '{name}' can not be overwritten on {type(self).__name__} object")
        elif qt_subclass.isPythonSubclass(type(self)):
            object.__setattr__(self, name, value)
        else:
            raise AttributeError(
                f"'{name}' does not exist on {type(self).__name__} and new attributes on C++ objects are not allowed"
            )

    def __eq__(self, other: object) -> bool:
        if other is None:
            return not bool(self)
        return isinstance(other, QtObject) and self.__dict__.get("_object") is other.__dict__.get("_object")

    def __hash__(self) -> int:
        return hash(id(self.__dict__.get("_object")))

    def __bool__(self) -> bool:
        return shiboken6.isValid(self.__dict__["_object"])

    def __repr__(self) -> str:
        return f"{type(self).__name__} ({self.objectName if self else 'destroyed'})"

    def className(self) -> str:
        return membersOf(_living(self, "className")).className

    def connect(self, signal: str, receiver: Callable, slot: str | None = None) -> bool:
        return pythonqt_signal.connect(_living(self, "connect"), signal, unwrap(receiver), slot)

    def disconnect(self, signal: str, receiver: Callable | None = None, slot: str | None = None) -> bool:
        return pythonqt_signal.disconnect(_living(self, "disconnect"), signal, unwrap(receiver), slot)

    def findChild(self, kind: object, name: str = "") -> object | None:
        return wrap(qt_property.firstDescendant(_living(self, "findChild"), _className(kind), name))

    def findChildren(self, kind: object, name: str = "") -> tuple:
        return wrap(qt_property.descendants(_living(self, "findChildren"), _className(kind), name))

    def property(self, name: str) -> object:
        return wrap(_living(self, "property").property(name))

    def exec_(self, *arguments: object) -> object:
        return wrap(_living(self, "exec_").exec(*(unwrap(argument) for argument in arguments)))


def _className(kind: object) -> str:
    return kind if isinstance(kind, str) else unwrap(kind).__name__


def _living(wrapper: QtObject, name: str) -> QtCore.QObject:
    target = wrapper.__dict__.get("_object")
    if target is None:
        raise AttributeError(f"{type(wrapper).__name__}.__init__ was not called before '{name}'")
    if not shiboken6.isValid(target):
        raise ValueError(f"Trying to access '{name}' of a destroyed {type(wrapper).__name__} object")
    return target
