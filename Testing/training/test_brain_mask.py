import numpy as np
import pytest
from head_phantom import PD, SHAPE, SPACING_MM, image, shading, tissue_numbers

from mrsynth.errors import InputError
from mrsynth_training.brain_mask import brain_mask


def dice(one, other):
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


@pytest.fixture
def a_head():
    return tissue_numbers()


@pytest.mark.parametrize("scale", [1.0, 40.0])
@pytest.mark.parametrize("offset", [0.0, -300.0])
def test_the_brain_is_what_lies_within_the_skull_whatever_scale_and_offset(a_head, scale, offset):
    brain = brain_mask(scale * image(a_head, PD) + offset, SPACING_MM)
    assert dice(brain, a_head < 3) > 0.98
    assert not (brain & (a_head > 3)).any()


def test_shading_and_a_ventricle_do_not_leave_holes(a_head):
    pd = image(a_head, (60, 75, 20, 8, 80)) * shading()
    brain = brain_mask(pd, SPACING_MM)
    assert brain[15:17, 15:17, 5:7].all()


def test_a_thin_link_across_the_skull_does_not_bring_the_scalp_along(a_head):
    linked = a_head.copy()
    linked[15:17, 16:, 5:7] = np.where(a_head[15:17, 16:, 5:7] == 3, 4, a_head[15:17, 16:, 5:7])
    brain = brain_mask(image(linked, PD), SPACING_MM)
    assert np.count_nonzero(brain & (a_head == 4)) < 0.02 * np.count_nonzero(a_head < 3)


def test_a_scan_without_a_thick_piece_of_tissue_has_no_brain(a_head):
    with pytest.raises(InputError, match="expected a brain.*none thicker than 24 mm") as refusal:
        brain_mask(image(a_head, PD), (1.0, 1.0, 1.0))
    assert refusal.value.code == "no_brain"


def test_a_scan_of_one_value_has_no_brain():
    with pytest.raises(InputError):
        brain_mask(np.zeros(SHAPE, np.float32), SPACING_MM)
