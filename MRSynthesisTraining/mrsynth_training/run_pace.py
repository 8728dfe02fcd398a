"""What a run tells after each mini-batch, and how fast it goes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mrsynth.progress import EtaClock, Progress
from mrsynth_training.epoch_tables import Row


@dataclass(frozen=True)
class EpochStatus:
    """Where a run stands after a mini-batch.

    Attributes:
        progress: Mini-batches done of all that the schedule has.
        losses: Of this mini-batch, by name.
        patches_per_second: Since the run was started or resumed, validation included.
        eta_s: Seconds left at this pace, if the run does not end early; None before there is a pace.
        best: Row of the best epoch so far, see `epoch_tables`; None before the first is done.
    """

    progress: Progress
    losses: Mapping[str, float]
    patches_per_second: float
    eta_s: float | None
    best: Row | None


StatusListener = Callable[[EpochStatus], None]


def ignore_status(status: EpochStatus) -> None:
    """Take note of nothing: the listener of a run that nobody watches."""


class RunPace:
    """Measures how fast a run goes since it was started or resumed.

    Args:
        first: Where it stood then.
        batch_size: Patches a mini-batch.
        now: A clock in seconds that never goes back.
    """

    def __init__(self, first: Progress, batch_size: int, now: Callable[[], float] = time.monotonic) -> None:
        self._first, self._batch_size, self._now, self._began = first, batch_size, now, now()
        self._clock = EtaClock(now)
        self._clock.eta_s(first)

    def status(self, progress: Progress, losses: Mapping[str, float], best: Row | None) -> EpochStatus:
        """Return the status after a mini-batch."""
        patches = (progress.done - self._first.done) * self._batch_size
        rate = patches / max(self._now() - self._began, 1e-9)
        return EpochStatus(progress, losses, rate, self._clock.eta_s(progress), best)
