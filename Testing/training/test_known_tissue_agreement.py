import numpy as np
import pytest

from mrsynth.errors import InputError
from mrsynth_training.known_tissue_agreement import (
    PAIRS,
    REFERENCE_KNOWN,
    SYNTHETIC_KNOWN,
    SYNTHETIC_REFERENCE,
    KnownReference,
)
from mrsynth_training.marked_head import ScanMarks
from mrsynth_training.tissue_agreement import dice
from mrsynth_training.tissue_segmentation import TISSUES

SHAPE, SPACING = (48, 48, 10), (1.0, 1.0, 3.0)


@pytest.fixture(scope="module")
def a_brain():
    """White matter in a mantle of grey matter around fluid; its PD with a little texture, and what is known."""
    radius = np.hypot(*(np.indices(SHAPE)[:2] - 23.5))
    tissue = np.select([radius < 6, radius < 14, radius < 20], [2, 0, 1], -1)
    marks = ScanMarks(np.stack([tissue == n for n in range(3)]).astype(np.float32), 0 * radius, 0 * radius, 0 * tissue)
    image = np.array((70, 84, 97, 0))[tissue] + np.random.default_rng(0).standard_normal(SHAPE)
    return image.astype(np.float32), marks


def test_a_perfect_model_agrees_with_the_reference_and_both_with_what_is_known(a_brain):
    pd, marks = a_brain
    found = KnownReference(pd, marks, SPACING).agreement(4 * pd + 10, "a case")
    assert found.case == "a case" and set(found.dice) == {(pair, tissue) for pair in PAIRS for tissue in TISSUES}
    for tissue in TISSUES:
        assert found.dice[SYNTHETIC_REFERENCE, tissue] == 1
        assert found.dice[SYNTHETIC_KNOWN, tissue] == found.dice[REFERENCE_KNOWN, tissue] > 0.9


def test_tissue_that_a_model_moves_lowers_its_agreement_alone(a_brain):
    pd, marks = a_brain
    reference = KnownReference(pd, marks, SPACING)
    perfect, moved = (reference.agreement(image).dice for image in (pd, np.roll(pd, 3, axis=0)))
    for tissue in TISSUES:
        assert moved[SYNTHETIC_REFERENCE, tissue] < 0.9
        assert moved[SYNTHETIC_KNOWN, tissue] < perfect[SYNTHETIC_KNOWN, tissue]
        assert moved[REFERENCE_KNOWN, tissue] == perfect[REFERENCE_KNOWN, tissue]


def test_slices_without_a_brain_are_refused(a_brain):
    pd, marks = a_brain
    nothing = ScanMarks(0 * marks.tissues, marks.white_matter, marks.weight, marks.number)
    with pytest.raises(InputError, match="expected a brain in the slices, found none"):
        KnownReference(pd, nothing, SPACING)


def test_dice_is_twice_what_is_shared_over_both():
    first, second = np.array([1, 1, 1, 0, 0], bool), np.array([0, 1, 1, 1, 0], bool)
    assert dice(first, second) == pytest.approx(4 / 6)
    assert dice(first, ~first) == 0 and dice(first, first) == 1
    assert dice(first & False, second & False) is None
