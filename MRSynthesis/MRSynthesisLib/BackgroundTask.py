"""A function on a thread of its own, whose end is told on the main thread: for files, never for Qt or the scene."""

import gc
import threading
from collections.abc import Callable
from typing import Any

from MRSynthesisLib.Ticker import Ticker

_LOOK_EVERY_MS = 5
_TURN_S = 0.01
"""How long a look lasts. Slicer's event loop holds Python's lock while it waits, so a thread gets on only while the
main thread lets go of it: two thirds of the time, in pieces that nobody notices."""


class _Outcome:
    """What came of the function."""

    result: Any = None
    error: Exception | None = None


class _Collector:
    """Python's collector, at rest while a thread of ours runs; used on the main thread only.

    It runs on whichever thread happens to make the next object, and what it frees may be a circle of widgets or nodes,
    which only the main thread may end.
    """

    def __init__(self) -> None:
        self._threads = 0
        self._wasEnabled = False

    def rest(self) -> None:
        """A thread begins."""
        if self._threads == 0:
            self._wasEnabled = gc.isenabled()
            gc.disable()
        self._threads += 1

    def goOn(self) -> None:
        """A thread has ended."""
        self._threads -= 1
        if self._threads == 0 and self._wasEnabled:
            gc.enable()


_collector = _Collector()


class BackgroundTask:
    """Runs one function that touches neither Qt nor the scene, and hands over what came of it.

    It lives, with what it holds, until the thread has ended, so that whatever is freed then is freed on the main
    thread. Afterwards it holds nothing.

    Args:
        function: What to do, on another thread.
        finished: Called on the main thread with the result and None, or with None and the exception; never after
            ``abandon``, never from inside ``start``.
    """

    def __init__(self, function: Callable[[], Any], finished: Callable[[Any, Exception | None], None]) -> None:
        self._function, self._finished = function, finished
        self._outcome = _Outcome()
        self._thread = threading.Thread(target=_work, args=(function, self._outcome), daemon=True)
        self._ticker = Ticker(_LOOK_EVERY_MS, self._look)

    def start(self) -> None:
        """Begin; returns at once."""
        _collector.rest()
        self._thread.start()
        self._ticker.start()

    def abandon(self) -> None:
        """Forget the outcome; the thread ends by itself."""
        self._finished = None

    def join(self, seconds: float = 1.0) -> None:
        """Wait for the thread, before its files are removed; for the end of the application only."""
        self._thread.join(seconds)

    def _look(self) -> None:
        self._thread.join(_TURN_S)
        if self._thread.is_alive():
            return
        self._ticker.stop()
        _collector.goOn()
        finished, result, error = self._finished, self._outcome.result, self._outcome.error
        self._function = self._finished = None
        # An error remembers where it was caught, and there the outcome: a circle, if that went on holding the error.
        self._outcome.result = self._outcome.error = None
        if finished is not None:
            finished(result, error)


def _work(function: Callable[[], Any], outcome: _Outcome) -> None:
    """On the thread; it knows nothing of the task, lest the task be freed here."""
    try:
        outcome.result = function()
    except Exception as error:  # noqa: BLE001 (whatever it is, the main thread has to hear of it)
        outcome.error = error
