import numpy as np
import pytest

from mrsynth_training.error_by_uncertainty import (
    common_scale,
    relate,
    relative_error,
    relative_uncertainty,
    scales_from_others,
)


@pytest.fixture
def an_error():
    return np.random.default_rng(0).gamma(1.0, size=1000)


def test_uncertainty_equal_to_the_error_holds_the_largest_possible_share(an_error):
    found = relate(an_error, an_error)
    assert found.worst_tenth == found.largest_possible == pytest.approx(np.sort(an_error)[-100:].sum() / an_error.sum())
    assert found.rank_correlation == pytest.approx(1)
    np.testing.assert_allclose(found.error, [part.mean() for part in np.array_split(np.sort(an_error), 10)])
    assert found.uncertainty == found.error


def test_an_uncertainty_that_knows_nothing_holds_a_tenth(an_error):
    found = relate(np.random.default_rng(1).permutation(1000).astype(float), an_error)
    assert found.worst_tenth == pytest.approx(0.1, abs=0.03) and abs(found.rank_correlation) < 0.1


def test_the_share_is_that_of_the_voxels_with_the_largest_uncertainty():
    error = np.repeat([1.0, 3.0], [90, 10])
    assert relate(np.arange(100.0), error).worst_tenth == pytest.approx(30 / 120)
    assert relate(-np.arange(100.0), error).worst_tenth == pytest.approx(10 / 120)


def test_a_constant_has_no_rank_and_no_error_no_share(an_error):
    assert relate(np.zeros(1000), an_error).rank_correlation is None
    perfect = relate(an_error, np.zeros(1000))
    assert perfect.worst_tenth == perfect.largest_possible == 0 and perfect.rank_correlation is None


def test_too_few_or_unequal_voxels_are_refused():
    for rows in ((np.zeros(9), np.zeros(9)), (np.zeros(20), np.zeros(21)), (np.zeros((4, 5)), np.zeros((4, 5)))):
        with pytest.raises(ValueError, match="expected two rows of at least 10"):
            relate(*rows)


def test_a_scans_factor_is_fitted_on_the_other_scans(an_error):
    scans = [relate(an_error / factor, an_error) for factor in (2.0, 4.0, 4.0)]
    first, second, third = scales_from_others(scans)
    assert first == pytest.approx(4) and second == third == pytest.approx(2 / (1 / 2 + 1 / 4))
    assert common_scale(scans) == pytest.approx(3 / (1 / 2 + 1 / 4 + 1 / 4))


def test_without_another_scan_or_without_uncertainty_there_is_no_factor(an_error):
    assert scales_from_others([relate(an_error, an_error)]) == [None]
    assert scales_from_others([relate(np.zeros(1000), an_error)] * 2) == [None, None]
    assert common_scale([relate(np.zeros(1000), an_error)]) is None and common_scale([]) is None


def test_the_error_does_not_depend_on_the_scale_of_either_image():
    image = np.random.default_rng(0).uniform(50, 100, (6, 6, 6)).astype(np.float32)
    np.testing.assert_allclose(relative_error(3 * image, image), 0, atol=1e-5)
    brighter = image.copy()
    brighter[0, 0, 0] += np.median(image)
    assert relative_error(brighter, image)[0, 0, 0] == pytest.approx(1, rel=0.02)


def test_an_uncertainty_is_in_the_units_of_its_error_whatever_the_scan_s():
    image = np.random.default_rng(0).uniform(50, 100, (6, 6, 6)).astype(np.float32)
    off = image + np.where(np.arange(6) < 2, np.float32(10), np.float32(0))  # whose median is nearly that of the image
    for gain in (np.float32(1), np.float32(40)):
        uncertainty = relative_uncertainty(gain * (off - image), gain * off)
        np.testing.assert_allclose(uncertainty, relative_error(gain * off, image), atol=0.05)
        assert uncertainty.max() == pytest.approx(10 / np.median(off), rel=0.1)
