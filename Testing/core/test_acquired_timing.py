"""Where echo and repetition times come from, and which of them counts."""

import math

import pytest

from mrsynth.acquired_timing import DICOM, GIVEN, SIDECAR, UNKNOWN, AcquiredTiming, UsedTiming, series_time, used_timing
from mrsynth.timing import Timing

FROM_DICOM = AcquiredTiming(98.0, 4500.0, DICOM)


def test_times_that_can_be_are_kept_with_their_origin():
    assert AcquiredTiming.of(98, 4500.0, SIDECAR) == AcquiredTiming(98.0, 4500.0, SIDECAR)


@pytest.mark.parametrize("nonsense", [0, -3.0, math.nan, math.inf, 10**400, 70_000, True, "98", None, [98], {}])
def test_a_time_that_can_be_none_is_unknown_and_the_other_one_stays(nonsense):
    assert AcquiredTiming.of(nonsense, 4500.0, DICOM) == AcquiredTiming(None, 4500.0, DICOM)
    assert AcquiredTiming.of(98.0, nonsense, DICOM) == AcquiredTiming(98.0, None, DICOM)
    assert AcquiredTiming.of(nonsense, nonsense, DICOM) == AcquiredTiming(None, None, UNKNOWN)


def test_an_echo_beyond_the_repetition_makes_both_unknown():
    assert AcquiredTiming.of(500.0, 500.0, DICOM) == AcquiredTiming()


def test_what_was_given_counts_more_than_what_the_scan_came_with_each_time_by_itself():
    used = used_timing(Timing(te_ms=80.0, target_te_ms=15.0), FROM_DICOM)
    assert used == UsedTiming(Timing(80.0, 4500.0, 15.0), te_from=GIVEN, tr_from=DICOM)
    assert used_timing(Timing(80.0, 3000.0), FROM_DICOM) == UsedTiming(Timing(80.0, 3000.0), GIVEN, GIVEN)


def test_what_the_scan_came_with_counts_where_nothing_was_given():
    assert used_timing(Timing(), FROM_DICOM) == UsedTiming(Timing(98.0, 4500.0), DICOM, DICOM)
    assert used_timing(Timing(), AcquiredTiming(tr_ms=5.0, origin=SIDECAR)).te_from == UNKNOWN


def test_what_nobody_knows_stays_unknown():
    assert used_timing(Timing(), AcquiredTiming()) == UsedTiming(Timing(), UNKNOWN, UNKNOWN)


def test_the_slices_of_a_series_share_one_time_up_to_rounding():
    assert series_time(["98"] * 3) == 98.0
    assert series_time(["98.00", "98.3", "98.1"]) == pytest.approx(98.1)


@pytest.mark.parametrize("texts", [[], [""], ["98", ""], ["20", "98"], ["20\\98"], ["nan", "98"], ["inf"], ["soon"]])
def test_several_times_or_none_are_no_time_of_a_series(texts):
    assert series_time(texts) is None


def test_one_line_tells_the_timing_and_where_it_is_from():
    used = UsedTiming(Timing(98.0, None, 8.5), DICOM)
    assert used.line() == "TE 98 ms (DICOM), TR unknown, target TE 8.5 ms"
    assert UsedTiming(Timing(None, 4500.0), tr_from=GIVEN).line() == "TE unknown, TR 4500 ms (given)"
    assert used.to_dict() == {
        "te_ms": 98.0,
        "te_from": "DICOM",
        "tr_ms": None,
        "tr_from": "unknown",
        "target_te_ms": 8.5,
    }
