import numpy as np
import pytest
from head_phantom import PD, SPACING_MM, T2, image, shading, tissue_numbers
from scipy import ndimage

from mrsynth.errors import InputError
from mrsynth_training.tissue_segmentation import OUTSIDE, TISSUES, TissueModel, _most_probable, _weighted_neighbours


@pytest.fixture
def a_head():
    return tissue_numbers()


@pytest.fixture
def a_pair(a_head):
    """T2 and PD with shading."""
    return image(a_head, T2, 1) * shading(0.1), image(a_head, PD, 2) * shading(0.1)


def dice(labels, truth):
    masks = [(labels == n, truth == n) for n in range(len(TISSUES))]
    return [2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b)) for a, b in masks]


@pytest.mark.parametrize("contrast", [0, 1])
def test_tissues_of_a_shaded_head_are_found_in_either_contrast(a_head, a_pair, contrast):
    model = TissueModel.fit(a_pair[0], a_pair[contrast], a_head < 3, SPACING_MM)
    assert min(dice(model.segment(a_pair[contrast]), a_head)) > 0.85


def test_nothing_is_said_outside_the_brain(a_head, a_pair):
    labels = TissueModel.fit(*a_pair, a_head < 3, SPACING_MM).segment(a_pair[1])
    assert (labels[a_head >= 3] == OUTSIDE).all() and (labels[a_head < 3] != OUTSIDE).all()


def test_shares_means_and_deviations_are_those_of_the_tissues(a_head, a_pair):
    flat_t2, flat_pd = image(a_head, T2, 1), image(a_head, PD, 2)
    model = TissueModel.fit(flat_t2, flat_pd, a_head < 3, SPACING_MM)
    counts = np.array([np.count_nonzero(a_head == n) for n in range(3)])
    assert np.allclose(model.shares, counts / counts.sum(), atol=0.02)
    assert np.all(np.diff(model.means) > 0)
    assert np.isclose(model.shares.sum(), 1)


def test_a_method_that_is_the_same_for_all_scans_gives_a_slow_offset_the_same_tissues(a_head, a_pair):
    model = TissueModel.fit(*a_pair, a_head < 3, SPACING_MM)
    assert np.array_equal(model.segment(a_pair[1]), model.segment(a_pair[1] + 17.0))


@pytest.mark.parametrize(("doubt", "expected"), [(0.3, 0), (2.0, 1)])
def test_neighbours_outvote_a_voxel_that_is_in_doubt_but_not_one_that_is_sure(doubt, expected):
    energies = np.stack([np.full((5, 5, 5), value, np.float32) for value in (0.0, 5.0, 5.0)])
    energies[:, 2, 2, 2] = doubt, 0.0, 5.0
    labels = _most_probable(energies, np.ones((5, 5, 5), bool), (1.0, 1.0, 1.0))
    assert labels[2, 2, 2] == expected
    assert np.count_nonzero(labels) == expected


def test_neighbours_count_less_the_further_away_they_are():
    mask = np.zeros((3, 3, 3), bool)
    mask[0, 1, 1] = mask[1, 1, 2] = True
    weighted = _weighted_neighbours(mask, (1.0, 1.0, 4.0))
    assert weighted[1, 1, 1] == 1.25
    assert weighted[0, 1, 1] == 0


def test_a_brain_of_one_value_is_refused(a_head):
    flat = np.ones(a_head.shape, np.float32)
    with pytest.raises(InputError, match="found one value") as refusal:
        TissueModel.fit(flat, flat, a_head < 3, SPACING_MM)
    assert refusal.value.code == "no_brain"


def test_a_brain_without_one_of_the_tissues_is_refused(a_head):
    two = np.where(a_head == 0, 1, 2).astype(np.float32)
    with pytest.raises(InputError, match="one is missing"):
        TissueModel.fit(two, two, ndimage.binary_erosion(a_head < 3), SPACING_MM)
