import numpy as np
import pytest

from mrsynth.errors import InputError
from mrsynth.head import foreground_threshold, head_mask, robust_scale


@pytest.fixture
def a_ball():
    """A bright ball with a dark cavity inside, in noisy air."""
    grid = np.indices((32, 32, 12)) - np.array([16, 16, 6]).reshape(3, 1, 1, 1)
    radius = np.sqrt((grid**2 * np.array([1, 1, 4]).reshape(3, 1, 1, 1)).sum(axis=0))
    voxels = np.where(radius < 12, 100.0, 0.0)
    voxels[radius < 3] = 0.0
    noise = np.abs(np.random.default_rng(0).normal(0, 2, voxels.shape))
    return (voxels + noise).astype(np.float32), radius < 12


def test_the_mask_is_the_head_with_its_cavities_filled(a_ball):
    voxels, inside = a_ball
    assert np.array_equal(head_mask(voxels), inside)


def test_a_speck_of_noise_is_not_head(a_ball):
    voxels, inside = a_ball
    voxels[0, 0, 0] = 90
    assert np.array_equal(head_mask(voxels), inside)


def test_a_single_slice_keeps_brain_and_scalp_though_bone_parts_them(a_ball):
    voxels, _ = a_ball
    middle = voxels[:, :, 6:7].copy()
    radius = np.hypot(*(np.indices((32, 32)) - 16))[:, :, None]
    middle[(radius > 8) & (radius < 10)] = 0
    assert head_mask(middle)[16, 5, 0]
    assert head_mask(middle)[16, 16, 0]


def test_the_scale_is_the_median_of_tissue_and_scales_with_the_scan(a_ball):
    voxels, _ = a_ball
    assert robust_scale(voxels) == pytest.approx(100, abs=3)
    assert robust_scale(7 * voxels) == pytest.approx(7 * robust_scale(voxels), rel=1e-5)


def test_the_scale_hardly_depends_on_how_much_air_surrounds_the_head(a_ball):
    voxels, _ = a_ball
    assert robust_scale(np.pad(voxels, 8)) == pytest.approx(robust_scale(voxels), rel=0.02)


def test_a_tiny_bright_spot_still_gives_a_threshold():
    voxels = np.zeros((20, 20, 5), np.float32)
    voxels[3, 3, 3] = 50
    assert 0 < foreground_threshold(voxels) < 50


@pytest.mark.parametrize("measure", [foreground_threshold, robust_scale, head_mask])
def test_a_scan_with_nothing_above_zero_is_refused(measure):
    with pytest.raises(InputError, match="no positive intensity") as refusal:
        measure(np.zeros((8, 8, 4), np.float32))
    assert refusal.value.code == "constant"
