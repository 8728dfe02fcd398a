"""Times as a network is told them: where each lies in its range, whether it is known, and which echo is asked for."""

import dataclasses
import math

import pytest

from mrsynth.errors import InputError
from mrsynth.timing import CONDITIONS, NAMES, Timing, TimingRanges

RANGES = TimingRanges((60.0, 130.0), (1800.0, 10000.0), (6.0, 35.0), 8.0)


@pytest.mark.parametrize(("name", "place"), [("te_ms", 0), ("tr_ms", 2), ("target_te_ms", 4)])
def test_a_time_counts_by_its_logarithm_from_one_end_of_its_range_to_the_other(name, place):
    low, high = getattr(RANGES, name)
    times = (low / 2, low, math.sqrt(low * high), high, 2 * high)
    told = [RANGES.conditions(Timing(**{name: time})) for time in times]
    assert [each[place] for each in told] == pytest.approx([-1, -1, 0, 1, 1])
    assert all(len(each) == CONDITIONS for each in told)


def test_a_time_that_is_not_known_is_told_apart_from_one_in_the_middle_of_its_range():
    middle = Timing(math.sqrt(60 * 130), math.sqrt(1800 * 10000))
    assert RANGES.conditions(Timing())[:4] == (0.0, 0.0, 0.0, 0.0)
    assert RANGES.conditions(middle)[:4] == pytest.approx((0.0, 1.0, 0.0, 1.0))


def test_the_usual_echo_is_asked_for_unless_another_is():
    assert RANGES.conditions(Timing()) == RANGES.conditions(Timing(target_te_ms=8.0))
    assert RANGES.target_te(Timing(target_te_ms=30.0)) == 30.0


@pytest.mark.parametrize("value", [0, -8.0, math.nan, math.inf, 10**400, True, "98"])
@pytest.mark.parametrize(("field", "name"), NAMES.items())
def test_what_is_no_time_is_refused_by_the_name_that_people_use(field, name, value):
    with pytest.raises(InputError, match=f"^expected a {name} above 0 ms, found {value!r}$") as refused:
        Timing(**{field: value})
    assert refused.value.code == "bad_timing"


def test_every_time_has_a_name():
    assert list(NAMES) == [field.name for field in dataclasses.fields(Timing)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"te_ms": (60.0, 60.0)}, "expected te_ms as a shortest and a longest time"),
        ({"tr_ms": (1800.0,)}, "expected tr_ms as a shortest and a longest time"),
        ({"target_te_ms": (0.0, 35.0)}, "expected target_te_ms as a shortest and a longest time"),
        ({"usual_target_te_ms": 36.0}, "expected usual_target_te_ms from 6 to 35, found 36"),
    ],
)
def test_ranges_that_are_none_are_refused(change, message):
    with pytest.raises(InputError, match=message) as refused:
        dataclasses.replace(RANGES, **change)
    assert refused.value.code == "bad_card"
