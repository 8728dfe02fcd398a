"""Exceptions that left a slot or an observer: PythonQt and VTK print them and go on, a test must not."""

import sys
import traceback

_pending: list[Exception] = []


def record(error: Exception) -> None:
    """Print the error as PythonQt does, and keep it for the test that spins the event loop."""
    traceback.print_exception(error)
    _pending.append(error)


def watch() -> None:
    """Keep what VTK and PySide6 only print, which both do through sys.excepthook."""
    before = sys.excepthook

    def keep(kind: type, error: BaseException, trace: object) -> None:
        before(kind, error, trace)
        if isinstance(error, Exception):
            _pending.append(error)

    sys.excepthook = keep


def taken() -> list[Exception]:
    """The errors since the last call."""
    errors = list(_pending)
    _pending.clear()
    return errors


def raiseFirst() -> None:
    """Raise the first error that left a slot, if there was one."""
    errors = taken()
    if errors:
        raise errors[0]
