import pytest

from mrsynth_training.paired_statistics import Summary
from mrsynth_training.study_words import number, probability, with_deviation


def test_numbers_have_their_digits_and_a_true_minus_sign():
    assert number(-0.1264, 3) == "\N{MINUS SIGN}0.126"
    assert number(None, 3) == "\N{EN DASH}"


@pytest.mark.parametrize(("p", "expected"), [(0.0004, "< 0.001"), (0.0312, "0.031"), (1.0, "1.000"), (None, "–")])
def test_probabilities_are_written_as_tables_have_them(p, expected):
    assert probability(p) == expected


def test_a_deviation_stands_in_parentheses_and_one_subject_has_none():
    assert with_deviation(Summary(3, 28.054, 3.021, 28.0), 2) == "28.05 (3.02)"
    assert with_deviation(Summary(1, 28.054, None, 28.0), 2) == "28.05"
    assert with_deviation(Summary(0, None, None, None), 2) == "\N{EN DASH}"
