"""How long the event loop stands still: the gaps between the turns of a timer, apart from what is not ours."""

import time
from dataclasses import dataclass
from pathlib import Path

from PySide6 import QtCore

_SCHEDULE = Path("/proc/thread-self/schedstat")


@dataclass(frozen=True)
class Gap:
    """Between two turns of the event loop, in seconds.

    Attributes:
        wall: On the clock.
        waiting: Of these, while this thread could have run, but other programs had the processors.
        busy: Of these, while this thread ran.
    """

    wall: float
    waiting: float
    busy: float

    @property
    def own(self) -> float:
        """What remains on a machine that has nothing else to do: running, reading, or waiting for another thread."""
        return max(0.0, self.wall - self.waiting)


class Heartbeat:
    """Beats from `start` to `stop` in the thread that makes it.

    Attributes:
        gaps: Between the beats, in order.
    """

    def __init__(self, everyMs: int = 1) -> None:
        self.gaps: list[Gap] = []
        self._timer = QtCore.QTimer()
        self._timer.setTimerType(QtCore.Qt.PreciseTimer)
        self._timer.setInterval(everyMs)
        self._timer.timeout.connect(self._beat)
        self._last = _now()

    def start(self) -> None:
        """Begin; the first gap begins now."""
        self._last = _now()
        self._timer.start()

    def stop(self) -> None:
        """End with one last beat, as a thread that stands still until now was not noticed yet."""
        self._timer.stop()
        self._beat()

    @property
    def longest(self) -> list[Gap]:
        """The gaps, those first that are longest by what is our own."""
        return sorted(self.gaps, key=lambda gap: gap.own, reverse=True)

    def _beat(self) -> None:
        now = _now()
        self.gaps.append(Gap(*(after - before for before, after in zip(self._last, now, strict=True))))
        self._last = now


def _now() -> tuple[float, float, float]:
    """Clock, time this thread has waited for a processor (0 where the system does not tell), time it has run."""
    waited = int(_SCHEDULE.read_text().split()[1]) / 1e9 if _SCHEDULE.exists() else 0.0
    return time.perf_counter(), waited, time.thread_time()
