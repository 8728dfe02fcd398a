import itertools

import numpy as np
import pytest

from mrsynth.errors import InputError, MissingFile
from mrsynth.orientation import SliceOrder
from mrsynth.volume import Volume
from mrsynth_training.acquisition import PLANES, SliceGeometry
from mrsynth_training.evaluation_cases import (
    KINDS,
    EvaluationCase,
    real_cases,
    simulated_cases,
    stack_affine,
    unseen_heads,
)


@pytest.fixture(scope="module")
def a_head(label_maps):
    return [sorted(label_maps.glob("*.nii.gz"))[2]]


def test_heads_are_told_by_name_whatever_their_place(label_maps):
    maps = sorted(label_maps.glob("*.nii.gz"))
    assert unseen_heads([maps[2], maps[0], maps[1]], {"head_1", "head_2"}) == [maps[2]]


def test_heads_that_were_all_trained_on_are_refused(label_maps):
    with pytest.raises(InputError, match="expected heads that were not trained on, found none among 3"):
        unseen_heads(sorted(label_maps.glob("*.nii.gz")), {"head_1", "head_2", "head_3"})


@pytest.mark.parametrize("kind", KINDS)
def test_a_simulated_case_is_a_healthy_head_and_the_same_head_with_lesions(a_head, kind):
    (case,) = simulated_cases(a_head, kind, 1, 500)
    assert case.group == f"simulated, {kind}" and case.name == f"head_3, {kind.split()[0]}, scan 1"
    assert case.volumes is case.healthy.volumes and case.healthy.lesions == () and case.lesioned.lesions
    assert not case.healthy.marks.weight.any() and case.lesioned.marks.weight.max() > 0.5
    without = case.lesioned.marks.weight == 0
    for contrast in ("T2", "PD"):
        healthy, lesioned = (scan.targets[contrast].voxels for scan in (case.healthy, case.lesioned))
        untouched = without & np.isclose(healthy, lesioned, rtol=1e-4)
        assert untouched.sum() > 0.8 * without.sum()  # but for the blur around lesions, strong in some wide scans
        assert not np.allclose(healthy, lesioned, rtol=1e-3)


def test_scans_of_every_kind_differ(a_head):
    scans = [next(simulated_cases(a_head, kind, 1, 500)).volumes["T2"].voxels for kind in KINDS]
    assert all(not np.allclose(first, second) for first, second in itertools.combinations(scans, 2))


def test_scans_of_a_head_differ(a_head):
    first, second = simulated_cases(a_head, "ixi protocol", 2, 500)
    assert not np.allclose(first.volumes["T2"].voxels, second.volumes["T2"].voxels)


@pytest.mark.parametrize("plane", PLANES)
def test_a_simulated_stack_knows_its_place(plane):
    affine = stack_affine(SliceGeometry(plane, 8, 3, pixel_mm=2.0, spacing_mm=5.0, thickness_mm=4.0))
    volume = Volume(np.ones((8, 8, 3), np.float32), affine)
    assert volume.spacing_mm == (2.0, 2.0, 5.0)
    np.testing.assert_allclose(affine @ [3.5, 3.5, 1, 1], [0, 0, 0, 1])


@pytest.mark.parametrize("plane", PLANES)
def test_a_network_sees_a_simulated_stack_as_it_was_trained(plane):
    slices = SliceGeometry(plane, 8, 3, pixel_mm=2.0, spacing_mm=5.0, thickness_mm=4.0)
    order = SliceOrder.of(Volume(np.ones((8, 8, 3), np.float32), stack_affine(slices)))
    stack = np.arange(8 * 8 * 3).reshape(8, 8, 3)
    assert order.plane == plane
    assert np.array_equal(order.to_stack(stack), stack)


def test_real_pairs_are_read_from_beside_their_table(real_pairs):
    (case,) = real_cases(real_pairs)
    assert isinstance(case, EvaluationCase) and case.name == "a real head" and case.healthy is None
    assert case.volumes["PD"].shape == case.volumes["T2"].shape == (24, 24, 6)


def test_a_table_that_is_missing_or_lacks_a_column_is_refused(tmp_path):
    with pytest.raises(MissingFile):
        list(real_cases(tmp_path / "none.csv"))
    (tmp_path / "bad.csv").write_text("name,T2\n")
    with pytest.raises(InputError, match="expected the columns name, T2, PD"):
        list(real_cases(tmp_path / "bad.csv"))
