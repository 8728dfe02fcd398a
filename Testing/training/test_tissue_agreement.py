import numpy as np
import pytest
from head_phantom import PD, SPACING_MM, T2, blurred, image, tissue_numbers

from mrsynth_training.tissue_agreement import TissueReference
from mrsynth_training.tissue_segmentation import TISSUES


@pytest.fixture
def a_pair():
    numbers = tissue_numbers()
    return {"T2": image(numbers, T2, 1), "PD": image(numbers, PD, 2)}


@pytest.fixture(params=["T2", "PD"])
def a_reference(a_pair, request):
    return TissueReference(a_pair, request.param, SPACING_MM), a_pair[request.param]


def test_a_scan_agrees_with_itself_entirely(a_reference):
    reference, target = a_reference
    found = reference.agreement(target)
    assert [each.tissue for each in found] == list(TISSUES)
    assert all(each.dice == 1 and each.acquired_ml == each.synthetic_ml > 0 for each in found)


def test_dice_and_volumes_are_those_of_the_two_segmentations(a_reference):
    reference, target = a_reference
    synthetic = blurred(target)
    labels = reference.model.segment(synthetic)
    for number, each in enumerate(reference.agreement(synthetic)):
        one, other = labels == number, reference.labels == number
        assert each.dice == pytest.approx(2 * (one & other).sum() / (one.sum() + other.sum()))
        assert each.acquired_ml == pytest.approx(other.sum() * 6 * 6 * 14 / 1000)
        assert each.synthetic_ml == pytest.approx(one.sum() * 6 * 6 * 14 / 1000)


def test_a_displaced_scan_agrees_less(a_reference):
    reference, target = a_reference
    near, far = (reference.agreement(np.roll(target, shift, axis=0)) for shift in (1, 3))
    assert all(1 > one.dice > other.dice for one, other in zip(near, far, strict=True))


def test_a_tissue_that_neither_scan_shows_has_no_coefficient(a_reference):
    reference, _ = a_reference
    nothing = np.zeros(reference.labels.shape, bool)
    assert reference._agreement("WM", nothing, nothing).dice is None
