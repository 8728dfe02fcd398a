import numpy as np
import pytest

from mrsynth.comparison import compare_volumes
from mrsynth.comparison_display import (
    DIFFERENCE_COLOURS,
    GRADIENT_COLOURS,
    colour_table,
    figures_in_words,
    upper_limit,
)
from mrsynth.metrics import Metrics
from mrsynth.volume import Volume


def luminance(colours):
    return colours @ (0.2126, 0.7152, 0.0722)


def test_a_colour_table_runs_through_its_stops():
    table = colour_table(("#000000", "#ff0080", "#ffffff"), 5)
    np.testing.assert_allclose(table[[0, 2, 4]] * 255, [(0, 0, 0), (255, 0, 128), (255, 255, 255)])
    np.testing.assert_allclose(table[1], (table[0] + table[2]) / 2)


def test_a_table_of_one_colour_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        colour_table(GRADIENT_COLOURS, 1)


def test_differences_grow_brighter_from_black_both_ways_and_differ_in_hue():
    table = colour_table(DIFFERENCE_COLOURS, 255)
    assert not table[127].any()
    assert (np.diff(luminance(table[127:])) > 0).all() and (np.diff(luminance(table[:128])) < 0).all()
    assert (table[:120, 2] > table[:120, 0]).all() and (table[135:, 0] > table[135:, 2]).all()


def test_gradient_differences_grow_brighter_from_black():
    table = colour_table(GRADIENT_COLOURS, 256)
    assert not table[0].any() and (np.diff(luminance(table)) > 0).all()


@pytest.mark.parametrize(
    ("largest", "limit"), [(0.0, 0.01), (0.93, 1.0), (1.0, 1.0), (1.2, 1.5), (31.0, 50.0), (80.0, 100.0)]
)
def test_the_limit_is_the_next_round_number(largest, limit):
    assert upper_limit(np.full(50, largest)) == pytest.approx(limit)


def test_a_few_large_values_do_not_set_the_limit():
    assert upper_limit(np.append(np.full(999, 0.4), 50.0)) == pytest.approx(0.5)


def test_figures_have_the_digits_of_the_table():
    rng = np.random.default_rng(5)
    volumes = [Volume(rng.random((12, 12, 9)) + (np.indices((12, 12, 9))[0] > 4), np.eye(4)) for _ in range(2)]
    comparison = compare_volumes(*volumes)
    lines = comparison.to_table().splitlines()[2:4]
    assert [list(figures_in_words(row.metrics)) for row in comparison.rows] == [line.split()[-6:] for line in lines]


def test_what_was_not_measured_is_a_dash():
    assert figures_in_words(Metrics("head", 0, 0, 1.5, None, None, 0)) == (
        "0.0000",
        "0.0000",
        "1.50",
        "-",
        "-",
        "0.00000",
    )
