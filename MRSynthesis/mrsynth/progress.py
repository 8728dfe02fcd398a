"""How far a run is, and how long it will still take."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One step of a run.

    Attributes:
        stage: What is being done, such as ``"synthesis"``.
        done: Steps of the stage that are finished.
        total: Steps of the stage, at least one.
        device: Where it runs, such as ``"cpu"`` or ``"cuda:0"``.
    """

    stage: str
    done: int
    total: int
    device: str

    def __post_init__(self) -> None:
        if self.total < 1 or not 0 <= self.done <= self.total:
            raise ValueError(f"expected 0 <= done <= total and total >= 1, found {self.done} of {self.total}")

    @property
    def fraction(self) -> float:
        return self.done / self.total


ProgressListener = Callable[[Progress], None]
CancelLook = Callable[[], bool]


def ignore(progress: Progress) -> None:
    """Take note of nothing: the listener of a run that nobody watches."""


def never() -> bool:
    """Answer that nobody asked to stop."""
    return False


class EtaClock:
    """Estimates the seconds left in a stage from the pace since the stage (or the device) last changed.

    Args:
        now: A clock in seconds that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began: tuple[str, str, int, float] | None = None

    def eta_s(self, progress: Progress) -> float | None:
        """Return the seconds left in this stage, or nothing as long as no step of it has been timed."""
        now = self._now()
        if self._began is None or self._began[:2] != (progress.stage, progress.device):
            self._began = (progress.stage, progress.device, progress.done, now)
        *_, first, began = self._began
        steps = progress.done - first
        if progress.done == progress.total:
            return 0.0
        return None if steps <= 0 else (now - began) / steps * (progress.total - progress.done)
