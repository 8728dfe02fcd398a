"""Several ways to do the same work, timed in turns: a machine that is busy for a while slows all of them."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """One way to do the work.

    Attributes:
        name: In the table.
        run: Does it once.
        units: How many of what is counted (patches, say) that is.
        is_reference: Whether the fastest of these is what the others are compared with.
    """

    name: str
    run: Callable[[], object]
    units: int = 1
    is_reference: bool = False


@dataclass(frozen=True)
class Timing:
    """Seconds for one unit: on the clock, and of all processors, in which waiting for other programs does not count."""

    wall: float
    processor: float


@dataclass(frozen=True)
class Row:
    """What was measured for one way: medians over the rounds.

    Attributes:
        name: Of the work.
        timing: Seconds for one unit.
        times_faster: Than the reference, on the clock: the median of the rounds' ratios.
        times_less_work: The same of the processors' time.
    """

    name: str
    timing: Timing
    times_faster: float
    times_less_work: float


def in_turns(works: Sequence[Work], rounds: int) -> dict[str, list[Timing]]:
    """Run each work once without looking, then all of them in turns."""
    for work in works:
        work.run()
    timings: dict[str, list[Timing]] = {work.name: [] for work in works}
    for _ in range(rounds):
        for work in works:
            timings[work.name].append(_timed(work))
    return timings


def compared(works: Sequence[Work], timings: dict[str, list[Timing]]) -> list[Row]:
    """Return a row for each work, next to the reference that needed the least processor time."""
    references = [work.name for work in works if work.is_reference]
    best = min(references, key=lambda name: statistics.median(timing.processor for timing in timings[name]))
    return [_row(work.name, timings[work.name], timings[best]) for work in works]


def _timed(work: Work) -> Timing:
    wall, processor = time.perf_counter(), time.process_time()
    work.run()
    return Timing((time.perf_counter() - wall) / work.units, (time.process_time() - processor) / work.units)


def _row(name: str, timings: Sequence[Timing], reference: Sequence[Timing]) -> Row:
    pairs = list(zip(reference, timings, strict=True))
    return Row(
        name,
        Timing(statistics.median(t.wall for t in timings), statistics.median(t.processor for t in timings)),
        statistics.median(r.wall / t.wall for r, t in pairs),
        statistics.median(r.processor / t.processor for r, t in pairs),
    )
