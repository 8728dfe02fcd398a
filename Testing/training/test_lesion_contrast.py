import math

import numpy as np
import pytest

from mrsynth_training.evaluation import NETWORK
from mrsynth_training.lesion_contrast import (
    SIZES,
    VISIBLE_CNR,
    Contrast,
    LesionResult,
    measured_places,
    share_kept,
    visible_lesions,
)
from mrsynth_training.marked_head import PlacedLesion, ScanMarks

SPACING = (1.0, 1.0, 4.0)
SHAPE = (48, 48, 7)
LESIONS = (PlacedLesion(1, 4.0, 1.0), PlacedLesion(2, 2.0, 0.3))


@pytest.fixture
def a_scan():
    """White matter with two lesions, the second half as strong as the first, and a rim of something else."""
    i, j, k = np.indices(SHAPE) * np.array(SPACING).reshape(3, 1, 1, 1)
    weight, number = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.int16)
    for lesion, centre in zip(LESIONS, ((14, 14, 12), (34, 34, 12)), strict=True):
        inside = (i - centre[0]) ** 2 + (j - centre[1]) ** 2 + (k - centre[2]) ** 2 <= lesion.radius_mm**2
        weight[inside], number[inside] = 1, lesion.number
    white = np.zeros(SHAPE, np.float32)
    white[2:-2, 2:-2] = 1
    marks = ScanMarks(np.stack([white, 1 - white, 0 * white]), white, weight, number)
    return marks


def image_of(marks, contrasts, texture=0.0):
    """White matter of 100 with lesions of given contrasts; texture has this standard deviation."""
    random = np.random.default_rng(0)
    image = 100 + texture * random.standard_normal(SHAPE)
    for number, contrast in contrasts.items():
        image[marks.number == number] *= 1 + contrast
    return image.astype(np.float32)


def places_of(marks):
    return measured_places(marks, LESIONS, SPACING)


def test_contrast_is_the_lesions_mean_over_the_rings_minus_one_and_noise_the_rings_deviation(a_scan):
    first, second = places_of(a_scan)
    image = image_of(a_scan, {1: 0.4, 2: -0.2}, texture=5.0)
    assert first.contrast(image).contrast == pytest.approx(0.4, abs=0.02)
    assert second.contrast(image).contrast == pytest.approx(-0.2, abs=0.03)
    assert first.contrast(image).noise == pytest.approx(0.05, abs=0.005)
    assert first.contrast(image).cnr == pytest.approx(0.4 / 0.05, rel=0.12)
    assert first.contrast(7 * image).contrast == pytest.approx(first.contrast(image).contrast)


def test_noise_that_a_reference_lacks_is_added_to_its_texture(a_scan):
    (place, _), image = places_of(a_scan), image_of(a_scan, {1: 0.4}, texture=3.0)
    texture = place.contrast(image).noise
    assert place.contrast(image, noise=4.0).noise == pytest.approx(math.hypot(texture, 0.04), rel=1e-3)


def test_the_ring_is_white_matter_around_the_lesion_without_the_other_lesion(a_scan):
    for place, other in zip(places_of(a_scan), (2, 1), strict=True):
        numbers, white = a_scan.number[place.box], a_scan.white_matter[place.box]
        assert (numbers[place.core] == place.lesion.number).all()
        assert not (place.ring & ((numbers == other) | (numbers == place.lesion.number) | (white < 1))).any()
        assert 0.5 * math.pi * 12**2 < place.ring[:, :, place.ring.shape[2] // 2].sum() < math.pi * 15**2


def test_a_lesion_that_the_slices_miss_or_that_has_no_white_matter_around_is_not_measured(a_scan):
    faint = ScanMarks(a_scan.tissues, a_scan.white_matter, 0.05 * a_scan.weight, a_scan.number)
    assert places_of(faint) == []
    bare = ScanMarks(a_scan.tissues, np.where(a_scan.number > 0, a_scan.white_matter, 0), a_scan.weight, a_scan.number)
    assert places_of(bare) == []
    assert [place.lesion.number for place in measured_places(a_scan, (*LESIONS, PlacedLesion(3, 2, 1)), SPACING)] == [
        1,
        2,
    ]
    assert measured_places(a_scan, (), SPACING) == []


def results_of(marks, reference, synthetic, noise=2.0):
    return [
        LesionResult("a case", place.lesion, place.contrast(reference), place.contrast(reference, noise), found)
        for place in places_of(marks)
        for found in [{NETWORK: place.contrast(synthetic)}]
    ]


def test_a_perfect_model_keeps_all_lesions_and_one_that_returns_smooth_white_matter_none(a_scan):
    reference = image_of(a_scan, {1: 0.4, 2: 0.2}, texture=1.0)
    visible = visible_lesions(results_of(a_scan, reference, 3 * reference))
    assert len(visible) == 2 and share_kept(visible, NETWORK) == 1
    smooth = np.full(SHAPE, 100, np.float32)
    assert share_kept(visible_lesions(results_of(a_scan, reference, smooth)), NETWORK) == 0


@pytest.mark.parametrize(("share", "kept"), [(0.45, 0), (0.55, 1), (1.8, 1), (-1.0, 0)])
def test_a_lesion_is_kept_from_half_of_the_reference_contrast_on_if_its_sign_is_right(a_scan, share, kept):
    reference, synthetic = (image_of(a_scan, {1: 0.4 * s, 2: -0.2 * s}) for s in (1.0, share))
    assert share_kept(visible_lesions(results_of(a_scan, reference, synthetic)), NETWORK) == kept


def test_a_lesion_of_little_contrast_may_still_be_visible(a_scan):
    reference, synthetic = image_of(a_scan, {1: 0.4, 2: 0.4}, 1.0), image_of(a_scan, {1: 0.1, 2: -0.4}, 1.0)
    weak, dark = visible_lesions(results_of(a_scan, reference, synthetic))
    assert weak.still_visible(NETWORK) and not weak.kept(NETWORK)
    assert weak.contrast_ratio(NETWORK) == pytest.approx(0.25, abs=0.01)
    assert not dark.still_visible(NETWORK) and dark.contrast_ratio(NETWORK) == pytest.approx(-1, abs=0.01)


def test_a_lesion_that_the_reference_hardly_shows_does_not_count(a_scan):
    reference = image_of(a_scan, {1: 0.4, 2: 0.05})
    visible = visible_lesions(results_of(a_scan, reference, reference, noise=2.0))  # 0.05 / 0.02 < 3
    assert [each.lesion.number for each in visible] == [1]
    assert share_kept([], NETWORK) is None


def test_lesions_are_told_by_size(a_scan):
    reference = image_of(a_scan, {1: 0.4, 2: 0.4})
    results = results_of(a_scan, reference, image_of(a_scan, {1: 0.4, 2: 0.0}))
    assert [len(visible_lesions(results, size)) for size in SIZES] == [1, 1, 0]
    assert [share_kept(visible_lesions(results, size), NETWORK) for size in SIZES] == [0, 1, None]


def test_without_noise_any_contrast_is_visible_and_none_is_none():
    assert Contrast(0.1, 0.0).cnr == math.inf and Contrast(-0.1, 0.0).cnr == -math.inf
    assert Contrast(0.0, 0.0).cnr == 0 and not Contrast(0.0, 0.0).visible
    assert Contrast(VISIBLE_CNR, 1.0).visible and Contrast(-VISIBLE_CNR, 1.0).visible


def test_a_ring_without_signal_has_no_contrast(a_scan):
    place, _ = places_of(a_scan)
    assert place.contrast(np.zeros(SHAPE, np.float32)).cnr == 0


def test_nothing_is_kept_of_no_contrast():
    nothing = Contrast(0.0, 1.0)
    result = LesionResult("a case", LESIONS[0], nothing, nothing, {NETWORK: Contrast(0.3, 0.01)})
    assert not result.kept(NETWORK) and not result.still_visible(NETWORK)
