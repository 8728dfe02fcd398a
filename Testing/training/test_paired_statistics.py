import math

import numpy as np
import pytest
from scipy import stats

from mrsynth_training.paired_statistics import holm, paired_difference, smallest_p, summarize

FIRST = [28.1, 27.0, 30.2, 29.5, 26.6, 31.0, 28.8]
SECOND = [27.3, 26.8, 29.0, 29.9, 25.1, 30.2, 28.0]


def test_a_paired_difference_equals_scipys_tests():
    found, differences = paired_difference(FIRST, SECOND), np.subtract(FIRST, SECOND)
    interval = stats.ttest_rel(FIRST, SECOND).confidence_interval(0.95)
    assert found.subjects == 7 and found.mean == pytest.approx(differences.mean())
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.p == stats.wilcoxon(FIRST, SECOND).pvalue


def test_wilcoxons_p_is_that_of_counting_all_signs():
    ranks = stats.rankdata(np.abs(np.subtract(FIRST, SECOND)))
    observed = ranks[np.subtract(FIRST, SECOND) > 0].sum()
    sums = [sum(r for r, bit in zip(ranks, f"{n:07b}", strict=True) if bit == "1") for n in range(2**7)]
    tail = sum(total >= observed for total in sums) / 2**7
    assert paired_difference(FIRST, SECOND).p == pytest.approx(2 * tail)


def test_swapping_the_methods_turns_the_sign_and_leaves_p():
    one, other = paired_difference(FIRST, SECOND), paired_difference(SECOND, FIRST)
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low))
    assert one.p == other.p


def test_methods_that_never_differ_have_a_p_of_one():
    found = paired_difference(FIRST, FIRST)
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_one_subject_has_a_difference_but_no_interval_and_no_test():
    found = paired_difference([2.0], [1.5])
    assert (found.subjects, found.mean, found.low, found.high, found.p) == (1, 0.5, None, None, None)


def test_subjects_that_could_not_be_measured_are_left_out_of_both():
    found = paired_difference([1.0, None, math.inf, 4.0], [0.5, 1.0, 1.0, 3.0])
    assert found.subjects == 2 and found.mean == pytest.approx(0.75)
    assert paired_difference([None], [1.0]).mean is None


def test_different_numbers_of_subjects_are_refused():
    with pytest.raises(ValueError):
        paired_difference([1.0], [1.0, 2.0])


def test_holm_multiplies_the_smallest_p_by_all_and_the_next_by_one_less():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, None, 0.7]) == [1.0, None, 1.0]
    assert holm([]) == [] and holm([0.2]) == [0.2]


def test_the_smallest_p_is_reached_when_every_subject_agrees():
    for count in (2, 5, 8):
        first = list(range(1, count + 1))
        assert paired_difference(first, [0] * count).p == pytest.approx(smallest_p(count))
    assert smallest_p(1) == 1


def test_a_summary_has_the_samples_deviation():
    found = summarize(FIRST)
    assert (found.subjects, found.mean) == (7, pytest.approx(np.mean(FIRST)))
    assert found.deviation == pytest.approx(np.std(FIRST, ddof=1)) and found.median == 28.8
    assert summarize([3.0]).deviation is None
    assert summarize([3.0, None]).mean is None and summarize([]).mean is None
