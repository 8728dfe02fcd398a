import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsynth.errors import InputError
from mrsynth_training.stratification import proportional_counts, stratified_counts

REPORT = (250, 35, 70)


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (355, REPORT),
        (600, REPORT),
        (71, (50, 7, 14)),
        (36, (25, 4, 7)),
        (12, (9, 1, 2)),
        (4, (2, 1, 1)),
        (3, (1, 1, 1)),
    ],
)
def test_parts_have_the_reports_numbers_or_its_proportions(total, expected):
    assert proportional_counts(total, REPORT) == expected


@given(st.integers(3, 400))
def test_fewer_subjects_are_all_used_and_no_part_is_empty(total):
    counts = proportional_counts(total, REPORT)
    assert sum(counts) == min(total, 355) and min(counts) >= 1
    if 20 < total < 355:
        assert all(abs(count - total * weight / 355) < 1 for count, weight in zip(counts, REPORT, strict=True))


def test_fewer_subjects_than_parts_are_refused():
    with pytest.raises(InputError, match="expected at least 3 subjects, .* found 2"):
        proportional_counts(2, REPORT)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=12), st.lists(st.integers(0, 100), min_size=1, max_size=4))
@settings(deadline=None, max_examples=60)
def test_a_table_keeps_its_margins_and_is_within_one_of_proportion(sites, parts):
    parts = [*parts[:-1], 0]
    total = sum(sites)
    parts = [part * total // max(sum(parts), 1) for part in parts]
    parts[-1] = total - sum(parts[:-1])
    counts = stratified_counts(sites, parts, seed=3)
    assert counts.sum(axis=1).tolist() == sites and counts.sum(axis=0).tolist() == parts
    assert np.abs(counts - np.outer(sites, parts) / total).max() < 1


def test_a_table_follows_from_its_seed():
    tables = [stratified_counts([1, 1, 1, 1], [2, 1, 1], seed).tolist() for seed in (0, 0, *range(20))]
    assert tables[0] == tables[1]
    assert len({str(table) for table in tables}) > 1


def test_parts_that_do_not_add_up_to_the_sites_are_refused():
    with pytest.raises(ValueError, match="expected parts of 3 subjects"):
        stratified_counts([1, 2], [1, 1], seed=0)
