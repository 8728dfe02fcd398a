import subprocess
import sys
from itertools import permutations, product

import numpy as np
import pytest

from mrsynth.resampling import Lattice, common_lattice, resample_onto
from mrsynth.volume import Volume

OBLIQUE = np.array([[0.96, 0.2, -0.19, -30], [-0.17, 0.97, 0.17, 12], [0.22, -0.13, 0.97, 5], [0, 0, 0, 1]])


@pytest.fixture
def a_volume():
    voxels = np.random.default_rng(6).random((5, 6, 4))
    return Volume(voxels, OBLIQUE @ np.diag([1.0, 1.2, 3.0, 1.0]))


def reordered(volume, axes, signs):
    """The same volume stored with other axes: its voxels, and the affine that keeps each in place."""
    change = np.zeros((4, 4))
    change[3, 3] = 1
    for new, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        change[axis, new] = sign
        change[axis, 3] = 0 if sign > 0 else volume.shape[axis] - 1
    flips = tuple(slice(None, None, sign) for sign in signs)
    return Volume(volume.voxels.transpose(axes)[flips], volume.affine @ change)


def test_resampling_to_its_own_grid_gives_the_volume_itself(a_volume):
    resampled = resample_onto(a_volume, Lattice.of(a_volume))
    assert resampled.volume is a_volume and resampled.covered.all()


@pytest.mark.parametrize("axes", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_a_flipped_or_permuted_grid_is_reached_exactly(a_volume, axes, signs):
    stored_otherwise = reordered(a_volume, axes, signs)
    resampled = resample_onto(stored_otherwise, Lattice.of(a_volume))
    assert np.array_equal(resampled.volume.voxels, a_volume.voxels) and resampled.covered.all()


def test_a_shift_by_whole_voxels_is_exact_and_says_what_is_covered(a_volume):
    shifted = Lattice(
        a_volume.shape, a_volume.affine @ np.array([[1, 0, 0, 2], [0, 1, 0, 0], [0, 0, 1, -1], [0, 0, 0, 1]])
    )
    resampled = resample_onto(a_volume, shifted)
    assert np.array_equal(resampled.volume.voxels[:3, :, 1:], a_volume.voxels[2:, :, :-1])
    assert resampled.covered[:3, :, 1:].all() and resampled.covered.sum() == 3 * 6 * 3
    assert (resampled.volume.voxels[~resampled.covered] == a_volume.voxels.min()).all()


def test_float32_rounding_in_a_header_does_not_make_another_grid(a_volume):
    rounded = Volume(a_volume.voxels, a_volume.affine.astype(np.float32))
    assert Lattice.of(a_volume).coincides_with(Lattice.of(rounded))


def test_a_volume_moved_by_a_tenth_of_a_voxel_is_on_another_grid(a_volume):
    moved = a_volume.affine.copy()
    moved[0, 3] += 0.1
    assert not Lattice.of(a_volume).coincides_with(Lattice(a_volume.shape, moved))


def test_a_volume_of_another_shape_is_on_another_grid(a_volume):
    shorter = (a_volume.shape[0] - 1, *a_volume.shape[1:])
    assert not Lattice.of(a_volume).coincides_with(Lattice(shorter, a_volume.affine))


def test_interpolation_between_voxels_is_linear_in_space():
    i, j, k = np.meshgrid(range(6), range(7), range(5), indexing="ij")
    ramp = Volume(2.0 * i - j + 0.5 * k, np.eye(4))
    place = np.eye(4)
    place[:3, 3] = 0.3, 0.25, 0.5
    values = resample_onto(ramp, Lattice((4, 4, 4), place)).volume.voxels
    assert np.allclose(values, (2.0 * i - j + 0.5 * k)[:4, :4, :4] + 0.6 - 0.25 + 0.25, atol=1e-5)


def test_an_oblique_grid_samples_the_same_places_in_the_patient():
    i, j, k = np.meshgrid(*[np.arange(20.0)] * 3, indexing="ij")
    ramp = Volume(i + 2 * j - k, np.eye(4))
    turned = OBLIQUE.copy()
    turned[:3, 3] = 7, 7, 7
    values = resample_onto(ramp, Lattice((4, 4, 4), turned)).volume.voxels
    places = np.einsum("ab,bijk->aijk", turned[:3, :3], np.indices((4, 4, 4))) + 7
    assert np.allclose(values, places[0] + 2 * places[1] - places[2], atol=1e-4)


def test_a_thick_slice_is_the_mean_of_the_thin_ones_in_it():
    thin = Volume(np.random.default_rng(7).random((3, 3, 9)), np.eye(4))
    thick = Lattice((3, 3, 3), np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 3, 1], [0, 0, 0, 1.0]]))
    values = resample_onto(thin, thick).volume.voxels
    assert np.allclose(values, thin.voxels.reshape(3, 3, 3, 3).mean(axis=3), atol=1e-6)


def test_an_even_number_of_thin_slices_is_averaged_about_its_centre():
    thin = Volume(np.arange(12.0).reshape(1, 1, 12), np.eye(4))
    thick = Lattice((1, 1, 2), np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 4, 3.5], [0, 0, 0, 1.0]]))
    assert np.allclose(resample_onto(thin, thick).volume.voxels, [[[3.5, 7.5]]])


def test_what_lies_outside_the_volume_is_not_covered(a_volume):
    elsewhere = a_volume.affine.copy()
    elsewhere[:3, 3] += 1000.3
    assert not resample_onto(a_volume, Lattice(a_volume.shape, elsewhere)).covered.any()


def test_scans_of_equal_resolution_are_compared_on_the_grid_of_the_first(a_volume):
    moved = a_volume.affine.copy()
    moved[:3, 3] += 0.4
    assert common_lattice(a_volume, Volume(a_volume.voxels, moved)).coincides_with(Lattice.of(a_volume))


def test_scans_thick_in_two_directions_meet_where_both_are_thick():
    axial = Volume(np.zeros((24, 24, 4)), np.diag([-1.0, 1, 6, 1]))
    sagittal = Volume(np.zeros((4, 24, 24)), np.array([[-6.0, 0, 0, -2], [0, 1, 0, 0], [0, 0, 1, -3], [0, 0, 0, 1]]))
    lattice = common_lattice(axial, sagittal)
    assert lattice.shape == (4, 24, 4)
    assert np.allclose(lattice.affine, [[-6, 0, 0, -2], [0, 1, 0, 0], [0, 0, 6, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize("slices", [3, 4])
def test_the_common_grid_takes_the_places_of_the_thicker_slices(slices):
    fine = Volume(np.zeros((4, 4, 20)), np.eye(4))
    coarse = Volume(np.zeros((4, 4, slices)), np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 5, 2.0], [0, 0, 0, 1]]))
    lattice = common_lattice(fine, coarse)
    assert lattice.spacing_mm[2] == pytest.approx(5) and lattice.affine[2, 3] == pytest.approx(2)
    assert lattice.shape == (4, 4, 4)


def test_a_single_slice_that_no_thicker_slice_is_centred_in_keeps_its_grid():
    one_slice = Volume(np.zeros((4, 4, 1)), np.eye(4))
    thick = Volume(np.zeros((4, 4, 2)), np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 6, 3.0], [0, 0, 0, 1]]))
    assert common_lattice(one_slice, thick).coincides_with(Lattice.of(one_slice))


@pytest.mark.parametrize("shape", [(2, 2), (2, 2, 0)])
def test_a_lattice_without_places_is_refused(shape):
    with pytest.raises(ValueError, match="three numbers above 0"):
        Lattice(shape, np.eye(4))


def test_simpleitk_is_needed_for_interpolation_alone(a_volume, monkeypatch):
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    resample_onto(a_volume, Lattice(a_volume.shape, a_volume.affine @ np.diag([1, -1, 1, 1])))
    with pytest.raises(ImportError):
        resample_onto(a_volume, Lattice(a_volume.shape, a_volume.affine @ np.diag([1.5, 1, 1, 1])))


def test_simulation_and_training_load_without_simpleitk():
    modules = ("pair_cache", "trainer", "simulated_subjects", "epoch_trainer", "run_recording")
    names = ", ".join(f"mrsynth_training.{module}" for module in modules)
    code = f"import sys; sys.path[:] = {sys.path}; sys.modules['SimpleITK'] = None; import {names}"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
