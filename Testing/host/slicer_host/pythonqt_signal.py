"""Signals as PythonQt connects them: by signature, the arguments cut to what the function takes."""

import types
from collections.abc import Callable

from PySide6 import QtCore

from slicer_host import pythonqt, uncaught
from slicer_host.qt_members import membersOf


class QtSignal:
    """`button.clicked`: called, it emits; and it can be connected without a signature."""

    def __init__(self, sender: QtCore.QObject, name: str) -> None:
        self._sender, self._name = sender, name

    def __call__(self, *arguments: object) -> None:
        for shown, known in signatures(self._sender).items():
            kinds = _parameters(known)
            if shown.partition("(")[0] == self._name and len(kinds) == len(arguments):
                overload = getattr(self._sender, self._name)[",".join(kinds)]
                overload.emit(*(pythonqt.unwrap(argument) for argument in arguments))
                return
        raise ValueError(f"Called {self._name} with wrong arguments: {arguments}")

    emit = __call__

    def connect(self, receiver: Callable) -> bool:
        return connect(self._sender, self._signature(), pythonqt.unwrap(receiver), None)

    def disconnect(self, receiver: Callable | None = None) -> bool:
        return disconnect(self._sender, self._signature(), pythonqt.unwrap(receiver), None)

    def _signature(self) -> str:
        return next(text for text in signatures(self._sender) if text.partition("(")[0] == self._name)


def signatures(sender: QtCore.QObject) -> dict[str, str]:
    """The signals of an object: how Slicer names them, and how PySide6 does.

    They differ for the doubles of this host that send MRML nodes, which PySide6 knows as PyObject only.
    """
    renamed = getattr(type(sender), "_signatures", {})
    return {renamed.get(signature, signature): signature for signature in membersOf(sender).signals}


def connect(sender: QtCore.QObject, signal: str, receiver: object, slot: str | None) -> bool:
    """Connect a signal with a function, or with a slot of another object.

    Raises:
        ValueError: there is no such signal or slot. PythonQt prints this and returns False.
    """
    signature = _known(sender, signal)
    if slot is not None:
        return bool(
            QtCore.QObject.connect(sender, QtCore.SIGNAL(signature), receiver, QtCore.SLOT(_slot(receiver, slot)))
        )
    if not callable(receiver):
        raise ValueError(f"'{signal}' is connected with {receiver!r}, which cannot be called")
    relay = guarded(receiver)
    # The sender keeps the receiver, bound methods too, as PythonQt's PythonQtSignalTarget does.
    _connections(sender).append((signature, receiver, relay))
    return bool(QtCore.QObject.connect(sender, QtCore.SIGNAL(signature), relay))


def disconnect(sender: QtCore.QObject, signal: str, receiver: object, slot: str | None) -> bool:
    """Undo one connection, or without a receiver all that Python made.

    Returns:
        Whether there was one.

    Raises:
        ValueError: there is no such signal or slot.
    """
    signature = _known(sender, signal)
    if slot is not None:
        return QtCore.QObject.disconnect(sender, QtCore.SIGNAL(signature), receiver, QtCore.SLOT(_slot(receiver, slot)))
    kept = _connections(sender)
    undone = [entry for entry in kept if entry[0] == signature and (receiver is None or entry[1] == receiver)]
    for entry in undone if receiver is None else undone[:1]:
        QtCore.QObject.disconnect(sender, QtCore.SIGNAL(signature), entry[2])
        kept.remove(entry)
    return bool(undone)


def connectionsOf(sender: QtCore.QObject) -> list[tuple[str, Callable]]:
    """Signal and receiver of every connection with a Python function, in the order in which they were made."""
    return [(signature, receiver) for signature, receiver, _relay in _connections(sender)]


def argumentCount(receiver: Callable) -> int | None:
    """How many arguments a Python function takes, defaults included; None where there is no telling or no limit."""
    bound = isinstance(receiver, types.MethodType)
    function = receiver.__func__ if bound else receiver
    if not isinstance(function, types.FunctionType) or function.__code__.co_flags & 0x04:
        return None
    return function.__code__.co_argcount - bound


def guarded(receiver: Callable) -> Callable:
    """A function for Qt to call: arguments wrapped and cut, an exception printed and kept."""
    most = argumentCount(receiver)

    def call(*arguments: object) -> None:
        try:
            receiver(*(pythonqt.wrap(argument) for argument in arguments[:most]))
        except Exception as error:  # noqa: BLE001 - whatever a slot raises ends here in PythonQt, too
            uncaught.record(error)

    return call


def _connections(sender: QtCore.QObject) -> list[tuple[str, Callable, Callable]]:
    if not hasattr(sender, "_hostConnections"):
        sender._hostConnections = []
    return sender._hostConnections


def _known(sender: QtCore.QObject, signal: str) -> str:
    signature = signatures(sender).get(_normalized(signal))
    if signature is None:
        raise ValueError(f"signal '{signal}' does not exist on {membersOf(sender).className}")
    return signature


def _slot(receiver: QtCore.QObject, slot: str) -> str:
    normalized = _normalized(slot)
    if normalized not in membersOf(receiver).methods:
        raise ValueError(f"slot '{slot}' does not exist on {membersOf(receiver).className}")
    return normalized


def _parameters(signature: str) -> list[str]:
    return [name for name in signature.partition("(")[2].rstrip(")").split(",") if name]


def _normalized(signature: str) -> str:
    return bytes(QtCore.QMetaObject.normalizedSignature(signature).data()).decode()
