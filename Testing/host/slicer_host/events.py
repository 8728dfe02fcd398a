"""Lets a test wait and click as a user would."""

import time
from collections.abc import Callable

from PySide6 import QtCore, QtWidgets

from slicer_host import pythonqt, uncaught

PATIENCE_S = 300.0
"""Long enough for a busy machine: it costs nothing but where a test fails."""


def wait_until(condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    """Run the event loop until the condition holds.

    Raises:
        TimeoutError: it did not hold in time.
        Exception: whatever a slot raised meanwhile.
    """
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{condition} did not become true within {timeout_s} s")
        QtWidgets.QApplication.processEvents(QtCore.QEventLoop.AllEvents, 20)
        # Deleted objects go when control returns to the event loop, which a nested processEvents never does.
        QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)
        uncaught.raiseFirst()
        time.sleep(0.001)
    uncaught.raiseFirst()


def click(button: object) -> None:
    """Press a button as a user can: it must be there and enabled.

    Raises:
        ValueError: nobody could click this button.
        Exception: whatever a slot raised.
    """
    target = pythonqt.unwrap(button)
    # A window that was never shown may be clicked in: tests need not show it.
    window = target.window()
    closed = window.isHidden() and window.testAttribute(QtCore.Qt.WA_WState_ExplicitShowHide)
    shown = not closed and (target is window or target.isVisibleTo(window))
    for state, fits in (("disabled", target.isEnabled()), ("hidden", shown)):
        if not fits:
            raise ValueError(f"{target.objectName()} cannot be clicked: it is {state}")
    target.click()
    uncaught.raiseFirst()
