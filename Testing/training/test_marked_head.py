import numpy as np
import pytest
import torch
from small_heads import SMALL_SLICES, small_head

from mrsynth_training.acquisition import SliceGeometry
from mrsynth_training.anatomy import LesionKind, TissueMaps, add_lesion
from mrsynth_training.marked_head import (
    APART_MM,
    LEAST_WEIGHT,
    LESIONS_A_HEAD,
    T2_LENGTHENING,
    HeadMarking,
    ScanMarks,
)
from mrsynth_training.random_fields import Randomness
from mrsynth_training.simulation import simulate
from mrsynth_training.tissue_segmentation import OUTSIDE, TISSUES

FINE_SLICES = SliceGeometry("axial", 48, 24, pixel_mm=1.5, spacing_mm=2.0, thickness_mm=2.0)


@pytest.fixture(scope="module")
def a_block():
    """Labels and tissue maps of a block of white matter as large as a brain's."""
    labels = torch.full((90, 90, 90), 2, dtype=torch.int16)
    labels[45:] = 41
    return labels, TissueMaps(*(torch.full(labels.shape, value) for value in (800.0, 80.0, 0.7, 0.0)))


def marked(labels, maps, seed):
    marking = HeadMarking(seed)
    fresh = TissueMaps(*(each.clone() for each in (maps.t1_ms, maps.t2_ms, maps.pd, maps.lesions)))
    return marking, marking(fresh, labels).numpy(), fresh


def test_a_healthy_head_is_marked_and_left_as_it_is(a_block):
    labels, maps = a_block
    marking, channels, after = marked(labels, maps, None)
    assert marking.lesions == () and torch.equal(after.t2_ms, maps.t2_ms)
    marks = ScanMarks.of(channels)
    assert (marks.white_matter == 1).all() and not marks.weight.any() and not marks.number.any()
    assert (marks.known_tissue() == TISSUES.index("WM")).all()


def test_lesions_of_all_sizes_and_many_contrasts_are_added_apart_from_one_another(a_block):
    labels, maps = a_block
    marking, channels, after = marked(labels, maps, 1)
    marks, lesions = ScanMarks.of(channels), marking.lesions
    for (low, high), count in LESIONS_A_HEAD:
        assert 1 <= sum(low <= lesion.radius_mm < high for lesion in lesions) <= count
    low, high = T2_LENGTHENING
    assert all(low <= lesion.t2_lengthening <= high for lesion in lesions)
    assert np.ptp([lesion.t2_lengthening for lesion in lesions]) > 1
    places = [np.argwhere(marks.number == lesion.number) for lesion in lesions]
    for index, place in enumerate(places):
        for other in places[index + 1 :]:
            assert np.abs(place[:, None].mean(axis=0) - other.mean(axis=0)).max() > APART_MM
    for lesion in lesions:
        core = (marks.number == lesion.number) & (marks.weight > 0.9)
        if core.any():
            found = after.t2_ms.numpy()[core] / maps.t2_ms.numpy()[core] - 1
            np.testing.assert_allclose(found, marks.weight[core] * lesion.t2_lengthening, rtol=0.1)


def test_each_voxel_of_a_lesion_knows_its_number(a_block):
    labels, maps = a_block
    marking, channels, _ = marked(labels, maps, 2)
    marks = ScanMarks.of(channels)
    assert set(np.unique(marks.number)) == {0, *(lesion.number for lesion in marking.lesions)}
    assert ((marks.number > 0) == (marks.weight > LEAST_WEIGHT)).all()


def test_one_seed_makes_the_same_lesions_and_another_seed_others(a_block):
    first, again, other = (marked(*a_block, seed)[0].lesions for seed in (3, 3, 4))
    assert first == again != other


def test_a_head_without_white_matter_gets_no_lesion():
    labels = torch.full((20, 20, 20), 3, dtype=torch.int16)
    marking, _, _ = marked(labels, TissueMaps(*(torch.ones(20, 20, 20) for _ in range(4))), 1)
    assert marking.lesions == ()


def test_tissues_follow_the_head_into_its_slices():
    pair = simulate(small_head(), 7, "ixi", FINE_SLICES, marking=HeadMarking())
    known, t2 = ScanMarks.of(pair.marks).known_tissue(), pair.t2_target
    white, grey, fluid = (float(np.median(t2[known == number])) for number in range(3))
    assert white < grey < fluid and (known == OUTSIDE).any()


def test_a_marking_changes_nothing_of_a_scan_that_it_only_follows(monkeypatch):
    monkeypatch.setattr("mrsynth_training.anatomy.LESION_CHANCE", 0.0)
    plain = simulate(small_head(), 5, "ixi", SMALL_SLICES)
    followed = simulate(small_head(), 5, "ixi", SMALL_SLICES, marking=HeadMarking())
    assert np.array_equal(plain.t2, followed.t2) and np.array_equal(plain.pd_target, followed.pd_target)
    assert plain.marks.shape == (0, 32, 32, 8) and followed.marks.shape[0] == len(TISSUES) + 3


def test_a_followed_head_has_no_lesion_of_chance(monkeypatch):
    drawn = []
    monkeypatch.setattr("mrsynth_training.anatomy.add_lesion", lambda *_: drawn.append("a lesion"))
    for seed in range(5):
        simulate(small_head(), seed, "random", SMALL_SLICES, HeadMarking())
    assert drawn == []
    for seed in range(5):
        simulate(small_head(), seed, "random", SMALL_SLICES)
    assert drawn


def test_a_lesion_of_a_kind_lies_where_it_is_allowed(a_block):
    labels, maps = a_block
    allowed = torch.zeros(labels.shape, dtype=torch.bool)
    allowed[20, 20, 20] = allowed[70, 20, 20] = True
    weight = add_lesion(maps, labels, Randomness(0), LesionKind((3.0, 3.0), (0.5, 0.5)), allowed)
    centre = np.argwhere(weight.numpy() > 0.5).mean(axis=0)
    assert min(np.abs(centre - place).max() for place in ((20, 20, 20), (70, 20, 20))) < 2


def test_no_place_means_no_lesion(a_block):
    labels, maps = a_block
    nowhere = torch.zeros(labels.shape, dtype=torch.bool)
    assert not add_lesion(maps, labels, Randomness(0), LesionKind((3.0, 3.0), (0.5, 0.5)), nowhere).any()
