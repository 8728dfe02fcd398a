"""Echo and repetition time of a scan: what was given, what its header or sidecar says, and which of it counts.

Of a header nothing else is taken than these two numbers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

from mrsynth.timing import Timing

GIVEN, DICOM, SIDECAR, UNKNOWN = "given", "DICOM", "sidecar", "unknown"

LONGEST_TE_MS, LONGEST_TR_MS = 2000.0, 60_000.0
"""What is longer stands there in another unit, or is no time of a scan of a head."""

_ROUNDING = 0.01
"""By this share the times of one series may differ, as scanners round; more are several echoes."""


@dataclass(frozen=True)
class AcquiredTiming:
    """What a scan's header or sidecar says about its timing.

    Attributes:
        te_ms: Echo time, None if it is unknown.
        tr_ms: Repetition time, None if it is unknown.
        origin: ``DICOM`` or ``SIDECAR``; ``UNKNOWN`` if neither time is known.
    """

    te_ms: float | None = None
    tr_ms: float | None = None
    origin: str = UNKNOWN

    @classmethod
    def of(cls, te_ms: Any, tr_ms: Any, origin: str) -> "AcquiredTiming":
        """Return what was found, less what can be no time: not a number, not above zero, too long, TE beyond TR."""
        te_ms, tr_ms = _plausible(te_ms, LONGEST_TE_MS), _plausible(tr_ms, LONGEST_TR_MS)
        if te_ms is not None and tr_ms is not None and te_ms >= tr_ms:
            te_ms = tr_ms = None
        return cls(te_ms, tr_ms, UNKNOWN if te_ms is None and tr_ms is None else origin)


@dataclass(frozen=True)
class UsedTiming:
    """The timing that a synthesis went by.

    Attributes:
        timing: Of the source, and of the target.
        te_from: Where the source's echo time is from: ``GIVEN``, ``DICOM``, ``SIDECAR`` or ``UNKNOWN``.
        tr_from: The same of its repetition time.
    """

    timing: Timing
    te_from: str = UNKNOWN
    tr_from: str = UNKNOWN

    def to_dict(self) -> dict[str, Any]:
        """Return the timing as a JSON document."""
        timing = self.timing
        return {
            "te_ms": timing.te_ms,
            "te_from": self.te_from,
            "tr_ms": timing.tr_ms,
            "tr_from": self.tr_from,
            "target_te_ms": timing.target_te_ms,
        }

    def line(self) -> str:
        """Return the timing in words: ``TE 100 ms (DICOM), TR unknown, target TE 8 ms``."""
        te, tr = _told(self.timing.te_ms, self.te_from), _told(self.timing.tr_ms, self.tr_from)
        target = self.timing.target_te_ms
        return f"TE {te}, TR {tr}" + ("" if target is None else f", target TE {target:g} ms")


def used_timing(given: Timing, acquired: AcquiredTiming) -> UsedTiming:
    """Return what counts: a time that was given, else the one the scan came with."""
    te_ms, te_from = _first(given.te_ms, acquired.te_ms, acquired.origin)
    tr_ms, tr_from = _first(given.tr_ms, acquired.tr_ms, acquired.origin)
    return UsedTiming(Timing(te_ms, tr_ms, given.target_te_ms), te_from, tr_from)


def series_time(texts: Iterable[str]) -> float | None:
    """Return the one time that the slices of a series share, in their unit; None if there is none, or several."""
    try:
        times = [float(text) for text in texts]
    except ValueError:
        return None
    return median(times) if times and max(times) - min(times) <= _ROUNDING * min(times) else None


def _plausible(time: Any, longest: float) -> float | None:
    is_number = isinstance(time, (int, float)) and not isinstance(time, bool)
    return float(time) if is_number and 0 < time <= longest else None


def _first(given: float | None, acquired: float | None, origin: str) -> tuple[float | None, str]:
    if given is not None:
        return given, GIVEN
    return acquired, UNKNOWN if acquired is None else origin


def _told(time: float | None, origin: str) -> str:
    return UNKNOWN if time is None else f"{time:g} ms ({origin})"
