"""A function on a thread of its own, whose end is told on the main thread: for files, never for Qt or the scene."""

import threading
from collections.abc import Callable
from typing import Any

import qt

_LOOK_EVERY_MS = 5
_TURN_S = 0.01
"""How long a look lasts. Slicer's event loop holds Python's lock while it waits, so a thread gets on only while the
main thread lets go of it: two thirds of the time, in pieces that nobody notices."""


class BackgroundTask:
    """Runs one function that touches neither Qt nor the scene, and hands over what came of it.

    Args:
        function: What to do, on another thread.
        finished: Called on the main thread with the result and None, or with None and the exception; never after
            ``abandon``, never from inside ``start``.
    """

    def __init__(self, function: Callable[[], Any], finished: Callable[[Any, Exception | None], None]) -> None:
        self._function, self._finished = function, finished
        self._result: Any = None
        self._error: Exception | None = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._timer = qt.QTimer()
        self._timer.setInterval(_LOOK_EVERY_MS)
        self._timer.connect("timeout()", self._look)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()
        self._timer.start()

    def abandon(self) -> None:
        """Forget the outcome; the thread ends by itself."""
        self._abandoned = True
        self._timer.stop()

    def join(self, seconds: float) -> None:
        """Wait for the thread, before its files are removed; for the end of the application only."""
        self._thread.join(seconds)

    def _work(self) -> None:
        try:
            self._result = self._function()
        except Exception as error:  # noqa: BLE001 (whatever it is, the main thread has to hear of it)
            self._error = error

    def _look(self) -> None:
        if self._abandoned:
            return
        self._thread.join(_TURN_S)
        if self._thread.is_alive():
            return
        self._timer.stop()
        self._finished(self._result, self._error)
