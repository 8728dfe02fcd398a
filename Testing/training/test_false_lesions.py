import numpy as np
import pytest

from mrsynth_training.false_lesions import SMALLEST_ML, HealthyWhiteMatter

SHAPE, SPACING = (60, 60, 6), (1.0, 1.0, 3.0)


@pytest.fixture
def a_head():
    """White matter of 100 with a texture of 2 and a scan's noise of 2, in a frame of nothing."""
    share = np.zeros(SHAPE, np.float32)
    share[5:-5, 5:-5] = 1
    reference = (100 + 2 * np.random.default_rng(0).standard_normal(SHAPE)).astype(np.float32)
    return HealthyWhiteMatter(reference, share, SPACING, noise=2.0)


def test_a_visible_contrast_is_three_times_texture_and_noise_together(a_head):
    assert a_head.visible_contrast == pytest.approx(3 * np.hypot(0.02, 0.02), rel=0.03)


def test_a_perfect_model_makes_none_at_any_scale(a_head):
    found = a_head.false_lesions(5 * a_head.reference, "a case")
    assert (found.case, found.count, found.volume_ml) == ("a case", 0, 0)


def test_blobs_that_are_not_in_the_reference_are_counted_bright_or_dark(a_head):
    synthetic = a_head.reference.copy()
    synthetic[15:19, 15:19, 2:4] *= 1.3
    synthetic[40:45, 40:44, 3] *= 0.75
    found = a_head.false_lesions(synthetic)
    assert found.count == 2
    assert found.volume_ml == pytest.approx((4 * 4 * 2 + 5 * 4) * 0.003, rel=0.05)


def test_a_blob_that_the_reference_has_is_none(a_head):
    with_lesion = a_head.reference.copy()
    with_lesion[15:19, 15:19, 2:4] *= 1.3
    assert HealthyWhiteMatter(with_lesion, a_head.share, SPACING, 2.0).false_lesions(with_lesion).count == 0


def test_shading_specks_and_what_touches_the_border_are_none(a_head):
    x = np.linspace(0.9, 1.1, SHAPE[0], dtype=np.float32)[:, None, None]
    assert a_head.false_lesions(a_head.reference * x).count == 0
    speck = a_head.reference.copy()
    speck[30, 30, 3] *= 1.5
    assert SPACING[2] / 1000 < SMALLEST_ML and a_head.false_lesions(speck).count == 0
    border = a_head.reference.copy()
    border[5, 5:-5] *= 1.5
    assert a_head.false_lesions(border).count == 0


def test_without_white_matter_there_is_nothing_to_find(a_head):
    nothing = HealthyWhiteMatter(a_head.reference, 0 * a_head.share, SPACING, 2.0)
    found = nothing.false_lesions(2 * a_head.reference)
    assert found.count == 0 and found.contrast == np.inf
