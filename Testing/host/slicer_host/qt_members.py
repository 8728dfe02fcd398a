"""What QMetaObject says of a class: its properties, signals and slots."""

from dataclasses import dataclass

from PySide6 import QtCore


@dataclass(frozen=True)
class QtProperty:
    """One declared property."""

    name: str
    typeName: str
    isWritable: bool


@dataclass(frozen=True)
class QtMembers:
    """The members of one class, inherited ones included; signals and methods as signatures."""

    className: str
    properties: dict[str, QtProperty]
    signals: tuple[str, ...]
    methods: frozenset[str]


_known: dict[type, QtMembers] = {}


def membersOf(target: QtCore.QObject) -> QtMembers:
    """The members of an object's class.

    They are read once a class: PySide6 takes its QMetaObject for gone when an object that it was asked of is deleted.
    """
    if type(target) not in _known:
        _known[type(target)] = _read(target)
    return _known[type(target)]


def _read(target: QtCore.QObject) -> QtMembers:
    meta = target.metaObject()
    properties = [meta.property(index) for index in range(meta.propertyCount())]
    methods = [meta.method(index) for index in range(meta.methodCount())]
    signatures = [bytes(method.methodSignature().data()).decode() for method in methods]
    kinds = [method.methodType() for method in methods]
    return QtMembers(
        meta.className(),
        {p.name(): QtProperty(p.name(), p.typeName(), p.isWritable()) for p in properties},
        tuple(text for text, kind in zip(signatures, kinds, strict=True) if kind == QtCore.QMetaMethod.Signal),
        frozenset(signatures),
    )
