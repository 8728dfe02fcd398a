import json
import math

import numpy as np
import pytest
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

from mrsynth.errors import InputError
from mrsynth.metrics import gradient_difference_map, measure, percentile_range, psnr, ssim_map, standardize


@pytest.fixture
def a_pair():
    random = np.random.default_rng(1)
    reference = standardize(random.random((12, 11, 10)))
    return standardize(reference + 0.3 * random.random(reference.shape)), reference


def everywhere(array):
    return {"whole volume": np.ones(array.shape, dtype=bool)}


def test_standardised_voxels_have_zero_mean_and_unit_deviation():
    voxels = standardize(np.array([[[1.0, 3.0, 5.0]]]))
    assert np.allclose(voxels, np.array([[[-1, 0, 1]]]) * math.sqrt(3 / 2), atol=1e-6)


def test_statistics_are_taken_within_the_covered_voxels():
    voxels = np.array([[[1.0, 3.0, 99.0]]])
    assert np.allclose(standardize(voxels, np.array([[[True, True, False]]]))[0, 0, :2], [-1, 1])


def test_a_constant_volume_cannot_be_standardised():
    with pytest.raises(InputError, match="every voxel is 4") as refusal:
        standardize(np.full((2, 2, 2), 4.0))
    assert refusal.value.code == "constant"


def test_figures_are_those_computed_by_hand():
    image, reference = np.array([[[1.0], [2.0]], [[3.0], [4.0]]]), np.array([[[1.0], [1.0]], [[1.0], [5.0]]])
    (figures,) = measure(image, reference, everywhere(image))
    assert figures.mae == pytest.approx(1.0)
    assert figures.mse == pytest.approx((0 + 1 + 4 + 1) / 4)
    assert figures.psnr_range == pytest.approx(10 * math.log10(16 / 1.5))
    # Steps along the first axis: 2, 2 against 0, 4; along the second: 1, 1 against 0, 4.
    assert figures.gradient_difference == pytest.approx((4 + 4 + 1 + 9) / 4)
    assert figures.ssim is None


def test_figures_inside_a_mask_leave_out_the_rest():
    image, reference = np.array([[[1.0], [2.0]], [[3.0], [4.0]]]), np.array([[[1.0], [1.0]], [[1.0], [5.0]]])
    mask = np.array([[[True], [False]], [[True], [False]]])
    (figures,) = measure(image, reference, {"head": mask})
    assert (figures.mask, figures.mae, figures.mse) == ("head", 1.0, 2.0)
    assert figures.gradient_difference == pytest.approx(4.0)
    assert figures.psnr_range == pytest.approx(10 * math.log10(16 / 2)), "the peak is that of the whole volume"


def test_a_mask_without_neighbours_has_no_gradient_difference():
    image = np.arange(4.0).reshape(2, 2, 1)
    mask = np.array([[[True], [False]], [[False], [True]]])
    assert measure(image, image[::-1], {"head": mask})[0].gradient_difference == 0


def test_figures_agree_with_scikit_image(a_pair):
    image, reference = a_pair
    (figures,) = measure(image, reference, everywhere(image))
    peak = float(np.ptp(reference))
    assert figures.mse == pytest.approx(mean_squared_error(image, reference), rel=1e-5)
    assert figures.psnr_range == pytest.approx(peak_signal_noise_ratio(reference, image, data_range=peak), abs=1e-4)
    span = percentile_range(reference)
    assert figures.psnr_percentile == pytest.approx(
        peak_signal_noise_ratio(reference, image, data_range=span), abs=1e-4
    )
    assert figures.ssim == pytest.approx(structural_similarity(image, reference, data_range=peak), abs=1e-4)


@pytest.mark.parametrize("thin", [0, 1, 2])
def test_a_thin_volume_has_the_mean_ssim_of_its_slices(thin):
    random = np.random.default_rng(2)
    shape = [9, 10, 11]
    shape[thin] = 3
    image, reference = random.random((2, *shape)).astype(np.float32)
    (figures,) = measure(image, reference, everywhere(image))
    peak = float(np.ptp(reference))
    pairs = zip(np.moveaxis(image, thin, 0), np.moveaxis(reference, thin, 0), strict=True)
    slices = [structural_similarity(one, other, data_range=peak) for one, other in pairs]
    assert figures.ssim == pytest.approx(np.mean(slices), abs=1e-4)


def test_the_ssim_map_is_empty_where_the_window_leaves_the_volume(a_pair):
    similarity = ssim_map(*a_pair, 5.0)
    assert np.isnan(similarity[:3]).all() and np.isfinite(similarity[3:-3, 3:-3, 3:-3]).all()


def test_ssim_is_not_measured_in_a_mask_at_the_very_edge(a_pair):
    mask = np.zeros(a_pair[0].shape, dtype=bool)
    mask[0] = True
    assert measure(*a_pair, {"head": mask})[0].ssim is None


def test_identical_volumes_differ_in_nothing(a_pair):
    (figures,) = measure(a_pair[1], a_pair[1], everywhere(a_pair[1]))
    assert (figures.mae, figures.mse, figures.gradient_difference) == (0, 0, 0)
    assert figures.psnr_range == figures.psnr_percentile == math.inf
    assert figures.ssim == pytest.approx(1)


def test_an_infinite_psnr_is_a_word_in_strict_json(a_pair):
    (figures,) = measure(a_pair[1], a_pair[1], everywhere(a_pair[1]))
    text = json.dumps(figures.to_dict(), allow_nan=False)
    assert json.loads(text)["psnr_range"] == "inf"


def test_psnr_without_a_peak_is_not_measured():
    assert psnr(0.5, 0.0) is None


def test_gradient_difference_ignores_a_constant_offset_and_the_sign_of_an_edge():
    reference = np.random.default_rng(3).integers(0, 9, (5, 6, 4)).astype(np.float32)
    assert not gradient_difference_map(reference + 7, reference).any()
    assert not gradient_difference_map(-reference, reference).any()


def test_gradient_difference_map_is_that_computed_by_hand():
    image, reference = np.array([[[1.0], [2.0]], [[3.0], [4.0]]]), np.array([[[1.0], [1.0]], [[1.0], [5.0]]])
    assert gradient_difference_map(image, reference)[..., 0].tolist() == [[4 + 1, 4], [9, 0]]


def test_gradient_difference_does_not_look_across_slices():
    reference = np.zeros((3, 3, 2), dtype=np.float32)
    image = reference.copy()
    image[..., 1] = 5
    assert not gradient_difference_map(image, reference).any()


def test_a_reference_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"reference of shape \(2, 2, 2\).*found \(2, 2, 3\)"):
        measure(np.zeros((2, 2, 2)), np.zeros((2, 2, 3)), {})


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="expected head of shape"):
        measure(np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), {"head": np.ones((1, 2, 2), dtype=bool)})


def test_an_empty_mask_is_refused():
    with pytest.raises(ValueError, match="found none in head"):
        measure(np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), {"head": np.zeros((2, 2, 2), dtype=bool)})
