import numpy as np
import pytest

from mrsynth.errors import InputError
from mrsynth.normalization import build_normalizer


@pytest.fixture
def a_scan():
    random = np.random.default_rng(0)
    voxels = np.abs(random.normal(0, 5, (24, 24, 8)))
    voxels[6:18, 6:18] += random.uniform(200, 400, (12, 12, 8))
    return voxels.astype(np.float32)


def test_robust_normalisation_puts_the_median_of_tissue_at_one(a_scan):
    normalized, scale = build_normalizer({"kind": "robust", "target_to_source": 2.0}).normalize(a_scan)
    assert np.median(normalized[6:18, 6:18]) == pytest.approx(1, abs=1e-3)
    assert (scale.offset, scale.floor) == (0, 0)


def test_restoring_an_unchanged_robust_volume_gives_the_scan_times_the_contrasts_ratio(a_scan):
    normalizer = build_normalizer({"kind": "robust", "target_to_source": 2.0})
    normalized, scale = normalizer.normalize(a_scan)
    np.testing.assert_allclose(normalizer.restore(normalized, scale), 2 * a_scan, rtol=1e-5)


def test_a_scan_with_negative_air_keeps_its_floor(a_scan):
    normalizer = build_normalizer({"kind": "robust", "target_to_source": 1.0})
    shifted = a_scan - 50
    normalized, scale = normalizer.normalize(shifted)
    assert scale.floor == pytest.approx(-50, abs=1)
    np.testing.assert_allclose(normalizer.restore(normalized, scale), shifted, atol=1e-3)


def test_what_a_network_sees_does_not_depend_on_the_scanners_gain(a_scan):
    normalizer = build_normalizer({"kind": "robust", "target_to_source": 1.0})
    np.testing.assert_allclose(normalizer.normalize(13 * a_scan)[0], normalizer.normalize(a_scan)[0], rtol=1e-5)


def test_z_scores_have_zero_mean_and_unit_deviation(a_scan):
    normalized, _ = build_normalizer({"kind": "zscore", "target_mean": 0.5, "target_std": 0.8}).normalize(a_scan)
    assert normalized.mean(dtype=np.float64) == pytest.approx(0, abs=1e-5)
    assert normalized.std(dtype=np.float64) == pytest.approx(1, abs=1e-5)


def test_a_restored_z_score_has_the_trained_mean_and_deviation_on_the_sources_scale(a_scan):
    normalizer = build_normalizer({"kind": "zscore", "target_mean": 0.5, "target_std": 0.8})
    normalized, scale = normalizer.normalize(a_scan)
    restored = normalizer.restore(normalized, scale)
    assert restored.mean(dtype=np.float64) == pytest.approx(0.5 * scale.tissue, rel=1e-4)
    assert restored.std(dtype=np.float64) == pytest.approx(0.8 * scale.tissue, rel=1e-4)


@pytest.mark.parametrize(
    "kind", [{"kind": "robust", "target_to_source": 3.0}, {"kind": "zscore", "target_mean": 1.0, "target_std": 2.0}]
)
def test_a_difference_is_restored_without_an_offset(a_scan, kind):
    normalizer = build_normalizer(kind)
    _, scale = normalizer.normalize(a_scan)
    zero, one = np.zeros((2, 2, 2), np.float32), np.ones((2, 2, 2), np.float32)
    assert not normalizer.restore_difference(zero, scale).any()
    expected = normalizer.restore(one, scale) - normalizer.restore(zero, scale)
    np.testing.assert_allclose(normalizer.restore_difference(one, scale), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "kind", [{"kind": "robust", "target_to_source": 3.0}, {"kind": "zscore", "target_mean": 1.0, "target_std": 2.0}]
)
def test_brighter_targets_are_restored_brighter_in_proportion_and_sources_are_seen_as_ever(a_scan, kind):
    normalizer = build_normalizer(kind)
    brighter = normalizer.brightened(1.7)
    normalized, scale = normalizer.normalize(a_scan)
    np.testing.assert_array_equal(brighter.normalize(a_scan)[0], normalized)
    found, expected = brighter.restore(normalized, scale), 1.7 * normalizer.restore(normalized, scale)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)
    assert normalizer.brightened(1.0) == normalizer


def test_a_constant_scan_has_no_z_score():
    with pytest.raises(InputError) as refusal:
        build_normalizer({"kind": "zscore", "target_mean": 0.0, "target_std": 1.0}).normalize(
            np.ones((4, 4, 4), np.float32)
        )
    assert refusal.value.code == "constant"


@pytest.mark.parametrize(
    "normalization",
    [
        {},
        {"kind": "minmax"},
        {"kind": "robust"},
        {"kind": "robust", "target_to_source": 0},
        {"kind": "zscore", "target_mean": 0.0, "target_std": -1.0},
        {"kind": "robust", "target_to_source": 1.0, "extra": 2},
    ],
)
def test_an_unknown_or_incomplete_normalisation_is_a_bad_card(normalization):
    with pytest.raises(InputError) as refusal:
        build_normalizer(normalization)
    assert refusal.value.code == "bad_card"


@pytest.mark.parametrize(
    ("spacing_mm", "extent_mm", "middle"),
    [
        ((1.0, 1.0, 4.0), (12.0, 12.0, 32.0), np.s_[6:18, 6:18, :]),
        ((1.0, 2.0, 4.0), (13.0, 20.0, 4.0), np.s_[5:18, 7:17, 3:4]),
        ((1.0, 1.0, 4.0), (100.0, 24.0, 100.0), np.s_[:, :, :]),
        ((1.0, 1.0, 4.0), (23.6, 0.1, 20.0), np.s_[:, 11:12, 1:6]),
    ],
)
def test_z_scores_are_taken_over_the_middle_that_counts(a_scan, spacing_mm, extent_mm, middle):
    whole = {"kind": "zscore", "target_mean": 0.5, "target_std": 0.8}
    normalized, scale = build_normalizer(whole | {"extent_mm": extent_mm}).normalize(a_scan, spacing_mm)
    expected, expected_scale = build_normalizer(whole).normalize(a_scan[middle])
    np.testing.assert_array_equal(normalized[middle], expected)
    assert scale == expected_scale and normalized.shape == a_scan.shape


@pytest.mark.parametrize("extent_mm", [[], [1.0, 2.0], [1.0, 0.0, 2.0]])
def test_an_extent_that_is_none_is_a_bad_card(extent_mm):
    with pytest.raises(InputError, match="an extent of three lengths above 0 mm") as refusal:
        build_normalizer({"kind": "zscore", "target_mean": 0.0, "target_std": 1.0, "extent_mm": extent_mm})
    assert refusal.value.code == "bad_card"
