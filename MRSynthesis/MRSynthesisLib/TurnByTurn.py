"""Several things for the main thread to do, each too short to be noticed, in as many turns of the event loop."""

from collections import deque
from collections.abc import Callable

from MRSynthesisLib.Ticker import Ticker

_BETWEEN_MS = 1
"""For what the user does meanwhile, and for views to draw themselves."""


class TurnByTurn:
    """Does what is given to it in order; never from inside ``do``. While it has nothing to do it holds nobody."""

    def __init__(self) -> None:
        self._steps: deque[Callable[[], None]] = deque()
        self._ticker: Ticker | None = None

    @property
    def isRunning(self) -> bool:
        """Whether something is still to be done."""
        return bool(self._steps)

    def do(self, *steps: Callable[[], None]) -> None:
        """Do these after what was given before. If one raises, those that follow are dropped."""
        self._steps.extend(steps)
        if self._steps and self._ticker is None:
            self._ticker = Ticker(_BETWEEN_MS, self._next)
            self._ticker.start()

    def forget(self) -> None:
        """Do nothing more."""
        self._steps.clear()
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def _next(self) -> None:
        step = self._steps.popleft()
        done = False
        try:
            step()
            done = True
        finally:
            if not done or not self._steps:
                self.forget()
