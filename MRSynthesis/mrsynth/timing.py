"""Echo and repetition times as a network is told them: where they are known, what contrast means follows from them."""

import math
import sys
from dataclasses import asdict, dataclass, fields
from typing import Any

from mrsynth.errors import InputError

CONDITIONS = 5

# What people call the times of a `Timing`.
NAMES = {"te_ms": "TE", "tr_ms": "TR", "target_te_ms": "target TE"}

Range = tuple[float, float]


@dataclass(frozen=True)
class Timing:
    """What is known about how a source was acquired, and what is asked for; None where nothing is.

    Attributes:
        te_ms: Echo time of the source.
        tr_ms: Repetition time of the source.
        target_te_ms: Echo time of the target; None for the model's usual one.

    Raises:
        InputError: Code ``bad_timing``, if a time is not a finite number above zero.
    """

    te_ms: float | None = None
    tr_ms: float | None = None
    target_te_ms: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not _is_time(value):
                name = NAMES[field.name]
                raise InputError(f"expected a {name} above 0 ms, found {value!r}", code="bad_timing")


@dataclass(frozen=True)
class TimingRanges:
    """The times that a network was trained on, each ``(shortest, longest)`` in ms.

    Attributes:
        te_ms: Echo times of its sources.
        tr_ms: Repetition times of its sources.
        target_te_ms: Echo times that it can be asked for.
        usual_target_te_ms: The one it is asked for unless somebody says another.

    Raises:
        InputError: Code ``bad_card``, if a range is none, or the usual target is outside its range.
    """

    te_ms: Range
    tr_ms: Range
    target_te_ms: Range
    usual_target_te_ms: float

    def __post_init__(self) -> None:
        for name in ("te_ms", "tr_ms", "target_te_ms"):
            limits = tuple(getattr(self, name))
            if not (len(limits) == 2 and all(map(_is_time, limits)) and limits[0] < limits[1]):
                raise InputError(f"expected {name} as a shortest and a longest time, found {limits}", code="bad_card")
            object.__setattr__(self, name, limits)
        low, high = self.target_te_ms
        if not (_is_time(self.usual_target_te_ms) and low <= self.usual_target_te_ms <= high):
            found = f"found {self.usual_target_te_ms}"
            raise InputError(f"expected usual_target_te_ms from {low:g} to {high:g}, {found}", code="bad_card")

    def to_dict(self) -> dict[str, Any]:
        """Return the ranges in JSON's types."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def target_te(self, timing: Timing) -> float:
        """Return the echo time that is asked for, in ms, inside what the network knows."""
        wanted = self.usual_target_te_ms if timing.target_te_ms is None else timing.target_te_ms
        return min(max(wanted, self.target_te_ms[0]), self.target_te_ms[1])

    def conditions(self, timing: Timing) -> tuple[float, ...]:
        """Return five numbers for a network: TE, whether it is known, TR, whether it is known, TE of the target.

        Times count by their logarithm, from -1 for the shortest in their range to 1 for the longest; those outside
        count as its end, and unknown ones as its middle.
        """
        source = ((timing.te_ms, self.te_ms), (timing.tr_ms, self.tr_ms))
        told = [(0.0, 0.0) if time is None else (_place(time, limits), 1.0) for time, limits in source]
        return (*told[0], *told[1], _place(self.target_te(timing), self.target_te_ms))

    def warnings(self, timing: Timing) -> tuple[str, ...]:
        """Return a sentence for each time that the network was not trained on."""
        named = {
            "the source's TE": (timing.te_ms, self.te_ms),
            "the source's TR": (timing.tr_ms, self.tr_ms),
            "the TE asked for": (timing.target_te_ms, self.target_te_ms),
        }
        return tuple(
            f"{name} of {time:g} ms lies outside the {low:g} to {high:g} ms the model was trained on: "
            "the nearest of these was used, expect a less reliable result"
            for name, (time, (low, high)) in named.items()
            if time is not None and not low <= time <= high
        )


def _place(time: float, limits: Range) -> float:
    low, high = limits
    return 2 * math.log(min(max(time, low), high) / low) / math.log(high / low) - 1


def _is_time(value: object) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 < value <= sys.float_info.max  # false for NaN, and for whole numbers too large to compute with
