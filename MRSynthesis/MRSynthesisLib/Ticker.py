"""A function called again and again from Qt's event loop, by a timer that holds nobody once it was stopped."""

from collections.abc import Callable

import qt
import slicer


class Ticker:
    """Calls a function at intervals, from ``start`` to ``stop``; it goes once.

    A connected timer keeps the function, and with it the object whose method it is, in a way that Python's collector
    cannot see: an object with such a timer is freed only if the two are parted. Slicer's ``QTimer.singleShot`` never
    parts them.

    Args:
        everyMs: The interval in milliseconds.
        function: What to call, on the main thread.
    """

    def __init__(self, everyMs: int, function: Callable[[], None]) -> None:
        self._everyMs, self._function = everyMs, function
        self._timer: qt.QTimer | None = None

    def start(self) -> None:
        """Begin; the first call comes after one interval."""
        # With a parent it is not deleted with its wrapper, which may happen while it is telling.
        self._timer = qt.QTimer(slicer.app.moduleManager())
        self._timer.setInterval(self._everyMs)
        self._timer.connect("timeout()", self._function)
        self._timer.start()

    def stop(self) -> None:
        """End, and let go of the function; also from inside it, and more than once."""
        timer, function = self._timer, self._function
        self._timer = self._function = None
        if timer:  # neither None nor destroyed
            timer.stop()
            timer.disconnect("timeout()", function)
            timer.deleteLater()
