import numpy as np
import pytest

from mrsynth.baselines import intensity_map, linear_fit
from mrsynth.errors import InputError


@pytest.fixture
def a_source():
    return np.random.default_rng(4).random((8, 9, 7)).astype(np.float32)


@pytest.mark.parametrize("slope", [3.0, -0.5])
def test_a_linear_change_of_contrast_is_undone(a_source, slope):
    assert np.allclose(linear_fit(a_source, slope * a_source + 2), slope * a_source + 2, atol=1e-5)


def test_the_linear_fit_is_numpys(a_source):
    reference = np.sin(5 * a_source)
    expected = np.polyval(np.polyfit(a_source.ravel(), reference.ravel(), 1), a_source)
    assert np.allclose(linear_fit(a_source, reference), expected, atol=1e-5)


def test_the_map_follows_a_contrast_that_is_not_monotone(a_source):
    reference = (a_source - 0.5) ** 2
    assert np.abs(intensity_map(a_source, reference) - reference).max() < 0.01


def test_the_map_of_few_grey_levels_is_their_conditional_mean():
    source, reference = np.array([0, 0, 0, 1, 1, 2.0]), np.array([1, 2, 3, 8, 10, 4.0])
    assert intensity_map(source, reference).tolist() == [2, 2, 2, 9, 9, 4]


def test_the_map_fits_at_least_as_well_as_the_line(a_source):
    reference = np.sqrt(a_source) + 0.1 * np.random.default_rng(5).random(a_source.shape)
    errors = [np.mean((fit(a_source, reference) - reference) ** 2) for fit in (intensity_map, linear_fit)]
    assert errors[0] < errors[1]


@pytest.mark.parametrize("fit", [linear_fit, intensity_map])
def test_voxels_outside_the_fit_do_not_count(a_source, fit):
    within = np.zeros(a_source.shape, dtype=bool)
    within[:4] = True
    reference = np.where(within, 2 * a_source, -50)
    assert np.allclose(fit(a_source, reference, within)[:4], 2 * a_source[:4], atol=0.02)


@pytest.mark.parametrize("fit", [linear_fit, intensity_map])
def test_a_constant_source_is_refused(fit):
    with pytest.raises(InputError, match="every voxel is 1") as refusal:
        fit(np.ones((2, 2, 2)), np.zeros((2, 2, 2)))
    assert refusal.value.code == "constant"


@pytest.mark.parametrize("fit", [linear_fit, intensity_map])
def test_a_reference_of_another_shape_is_refused_by_a_baseline(fit):
    with pytest.raises(ValueError, match=r"shape \(2, 2, 2\).*found \(2, 2, 1\)"):
        fit(np.zeros((2, 2, 2)), np.zeros((2, 2, 1)))
