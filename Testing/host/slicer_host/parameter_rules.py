"""What may stand in the annotations of a parameter: its default and what values it takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


class Default:
    """The value of a parameter that was not set, or what makes it."""

    def __init__(self, value: object = None, *, generator: Callable[[], object] | None = None) -> None:
        self._value, self._generator = value, generator

    @property
    def value(self) -> object:
        return self._generator() if self._generator else self._value


@dataclass(frozen=True)
class Decimals:
    """How many decimals a spin box or slider shows."""

    value: int


@dataclass(frozen=True)
class SingleStep:
    """The step of a spin box or slider."""

    value: float


class Validator:
    """A rule for the values of a parameter."""

    def validate(self, value: Any) -> None:
        """Raise ValueError if the value does not fit."""
        if not self.fits(value):
            raise ValueError(f"expected a value that fits {self}, found {value!r}")

    def fits(self, value: Any) -> bool:
        """Whether a value fits."""
        raise NotImplementedError


class NotNone(Validator):
    """Any value but None."""

    def fits(self, value: Any) -> bool:
        return value is not None


@dataclass(frozen=True)
class WithinRange(Validator):
    """Limits, both included."""

    minimum: float
    maximum: float

    def fits(self, value: Any) -> bool:
        return self.minimum <= value <= self.maximum


@dataclass(frozen=True)
class Minimum(Validator):
    """A lower limit."""

    minimum: float

    def fits(self, value: Any) -> bool:
        return value >= self.minimum


@dataclass(frozen=True)
class Maximum(Validator):
    """An upper limit."""

    maximum: float

    def fits(self, value: Any) -> bool:
        return value <= self.maximum


@dataclass(frozen=True)
class Choice(Validator):
    """One of some values."""

    choices: Sequence[object]

    def fits(self, value: Any) -> bool:
        return value in self.choices


@dataclass(frozen=True)
class Exclude(Validator):
    """None of some values."""

    excludedValues: Sequence[object]

    def fits(self, value: Any) -> bool:
        return value not in self.excludedValues


@dataclass(frozen=True)
class RangeBounds(Validator):
    """Limits of a range."""

    minimum: float
    maximum: float

    def fits(self, value: Any) -> bool:
        return self.minimum <= value.minimum and value.maximum <= self.maximum


class FloatRange:
    """Two numbers, the smaller first."""

    def __init__(self, minimum: float = 0, maximum: float = 0) -> None:
        if not minimum <= maximum:
            raise ValueError(f"FloatRange must have minimum <= maximum: {minimum} <= {maximum}")
        self.minimum, self.maximum = float(minimum), float(maximum)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FloatRange) and (self.minimum, self.maximum) == (other.minimum, other.maximum)

    def __hash__(self) -> int:
        return hash((self.minimum, self.maximum))
