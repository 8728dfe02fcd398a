"""Overlapping predictions become their weighted mean and standard deviation."""

import numpy as np
import pytest

from mrsynth.patches import PatchGrid, patch_window
from mrsynth.stitching import Mosaic

GRID = PatchGrid((7, 6, 5), (4, 3, 5), (2, 1, 5))


@pytest.fixture
def a_volume() -> np.ndarray:
    return np.random.default_rng(0).normal(1000, 1, GRID.shape).astype(np.float32)


@pytest.mark.parametrize("kind", ["mean", "smooth"])
def test_patches_cut_from_a_volume_give_the_volume_and_no_spread(a_volume, kind):
    mosaic = Mosaic(GRID.padded_shape, with_spread=True)
    for place in GRID:
        mosaic.add(place, a_volume[place], patch_window(GRID.patch, kind))
    assert mosaic.mean().dtype == np.float32
    assert np.array_equal(mosaic.mean(), a_volume)
    assert not mosaic.spread().any()


@pytest.mark.parametrize("kind", ["mean", "smooth"])
def test_mean_and_spread_are_those_of_their_textbook_formulas(kind):
    random = np.random.default_rng(1)
    window = patch_window(GRID.patch, kind)
    weight, first, second = (np.zeros(GRID.padded_shape) for _ in range(3))
    mosaic = Mosaic(GRID.padded_shape, with_spread=True)
    for place in GRID:
        prediction = random.normal(5, 2, GRID.patch).astype(np.float32)
        mosaic.add(place, prediction, window)
        weight[place] += window
        first[place] += window.astype(float) * prediction
        second[place] += window.astype(float) * prediction.astype(float) ** 2
    np.testing.assert_allclose(mosaic.mean(), first / weight, atol=1e-5)
    np.testing.assert_allclose(
        mosaic.spread(), np.sqrt(np.maximum(second / weight - (first / weight) ** 2, 0)), atol=1e-4
    )


def test_small_differences_between_large_numbers_are_not_lost():
    mosaic = Mosaic((1, 1, 1), with_spread=True)
    place = (slice(0, 1),) * 3
    for value in (10_000.0, 10_000.5, 10_001.0):
        mosaic.add(place, np.full((1, 1, 1), value, np.float32), np.ones((1, 1, 1), np.float32))
    assert mosaic.spread().item() == pytest.approx(np.std([0, 0.5, 1.0]), rel=1e-3)


def test_the_spread_must_have_been_asked_for():
    with pytest.raises(ValueError, match="with_spread=True"):
        Mosaic((1, 1, 1)).spread()
