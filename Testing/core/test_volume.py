"""A volume is refused when it is not a finite 3D scalar image with a place, and keeps its grid otherwise."""

from dataclasses import replace

import numpy as np
import pytest

from mrsynth.acquired_timing import AcquiredTiming
from mrsynth.errors import InputError
from mrsynth.volume import Volume, is_volume_path, require_variation, volume_stem, volume_suffix


@pytest.fixture
def a_volume() -> Volume:
    return Volume(np.arange(24.0).reshape(2, 3, 4), np.diag([1.0, 2.0, 3.0, 1.0]))


def refusal(voxels, affine) -> str:
    with pytest.raises(InputError) as caught:
        Volume(np.asarray(voxels), affine)
    return caught.value.code


@pytest.mark.parametrize("dtype", [bool, "i1", "u2", ">i2", "i8", ">f4", "f8"])
def test_every_real_type_becomes_float32(dtype):
    voxels = np.array([0, 1, 1, 0, 1, 0, 0, 1]).reshape(2, 2, 2)
    volume = Volume(voxels.astype(dtype), np.eye(4))
    assert volume.voxels.dtype == np.float32
    assert volume.voxels.dtype.isnative
    np.testing.assert_array_equal(volume.voxels, voxels)


def test_spacing_is_the_length_of_the_affines_columns():
    turned = np.array([[0.0, -2.0, 0.0, 5.0], [3.0, 0.0, 0.0, 6.0], [0.0, 0.0, 1.5, 7.0], [0.0, 0.0, 0.0, 1.0]])
    assert Volume(np.zeros((2, 2, 2)), turned).spacing_mm == (3.0, 2.0, 1.5)


def test_the_same_grid_takes_other_voxels(a_volume):
    other = a_volume.with_voxels(np.ones(a_volume.shape))
    assert other.voxels.sum() == 24
    assert other.frame is a_volume.frame
    np.testing.assert_array_equal(other.affine, a_volume.affine)


def test_of_other_voxels_no_timing_is_known(a_volume):
    acquired = replace(a_volume, timing=AcquiredTiming(98.0, 4500.0, "DICOM"))
    assert acquired.with_voxels(np.ones(a_volume.shape)).timing == AcquiredTiming()


def test_voxels_of_another_shape_do_not_fit_the_grid(a_volume):
    with pytest.raises(ValueError, match=r"\(2, 3, 4\).*\(2, 3, 5\)"):
        a_volume.with_voxels(np.ones((2, 3, 5)))


def test_the_affine_belongs_to_the_volume_alone(a_volume):
    with pytest.raises(ValueError, match="read-only"):
        a_volume.affine[0, 0] = 9
    given = np.eye(4)
    volume = Volume(np.zeros((1, 1, 1)), given)
    given[0, 0] = 9
    assert volume.spacing_mm[0] == 1


@pytest.mark.parametrize("shape", [(3,), (3, 3), (3, 3, 3, 2), (3, 3, 3, 1)])
def test_only_three_axes_make_a_volume(shape):
    assert refusal(np.zeros(shape), np.eye(4)) == "not_3d"


@pytest.mark.parametrize("dtype", ["c8", "U1", [("R", "u1"), ("G", "u1"), ("B", "u1")]])
def test_only_real_numbers_make_a_volume(dtype):
    assert refusal(np.zeros((2, 2, 2), dtype), np.eye(4)) == "not_scalar"


def test_an_empty_volume_is_refused():
    assert refusal(np.zeros((2, 0, 2)), np.eye(4)) == "empty"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_voxel_that_float32_cannot_hold_is_refused(value):
    voxels = np.zeros((2, 2, 2))
    voxels[1, 0, 1] = value
    assert refusal(voxels, np.eye(4)) == "not_finite"


@pytest.mark.parametrize(
    ("affine", "code"),
    [
        (np.eye(3), "bad_affine"),
        (np.diag([1, np.nan, 1, 1]), "bad_affine"),
        (np.diag([1, np.inf, 1, 1]), "bad_affine"),
        (np.diag([1.0, 1, 1, 2]), "bad_affine"),
        (np.array([[1.0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "bad_affine"),
        (np.diag([1.0, 0, 1, 1]), "bad_spacing"),
    ],
)
def test_an_affine_that_places_nothing_is_refused(affine, code):
    assert refusal(np.zeros((2, 2, 2)), affine) == code


def test_a_tiny_spacing_is_not_taken_for_a_singular_affine():
    assert Volume(np.zeros((2, 2, 2)), np.diag([1e-3, 1e-3, 1e-3, 1])).spacing_mm == (1e-3, 1e-3, 1e-3)


def test_a_constant_volume_is_refused_with_its_path(a_volume):
    require_variation(a_volume, "scan.nii")
    with pytest.raises(InputError, match=r"flat\.nii.*every voxel is 7") as caught:
        require_variation(a_volume.with_voxels(np.full(a_volume.shape, 7)), "flat.nii")
    assert caught.value.code == "constant"


@pytest.mark.parametrize(
    ("path", "suffix", "stem"),
    [
        ("a/IXI002-T2.nii.gz", ".nii.gz", "IXI002-T2"),
        ("X.NII.GZ", ".nii.gz", "X"),
        ("x.y.nii", ".nii", "x.y"),
        ("x.nrrd", ".nrrd", "x"),
        ("x.mha", ".mha", "x"),
        ("x.tar.gz", "", "x.tar"),
        ("x", "", "x"),
    ],
)
def test_a_name_splits_into_stem_and_format(path, suffix, stem):
    assert (volume_suffix(path), volume_stem(path), is_volume_path(path)) == (suffix, stem, bool(suffix))


def test_a_hidden_file_is_not_a_volume():
    assert not is_volume_path("folder/.x.nii.gz")
