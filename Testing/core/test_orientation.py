"""Scans of every orientation reach the networks in one order and come back in place."""

from itertools import permutations, product

import numpy as np
import pytest

from mrsynth.grid import interleaved_stacks
from mrsynth.orientation import SliceOrder
from mrsynth.volume import Volume

ORIENTATIONS = [(axes, signs) for axes in permutations(range(3)) for signs in product((1, -1), repeat=3)]
TILTS = {"straight": (0, 0, 0), "oblique": (10, -15, 20), "doubly oblique": (35, 30, -25), "diagonal": (45, 0, 0)}


def turned_by(degrees) -> np.ndarray:
    x, y, z = np.deg2rad(degrees)
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def a_scan(axes, signs, tilt=(0, 0, 0), spacing_mm=(0.9, 1.0, 4.0), shape=(5, 6, 7)) -> Volume:
    """A scan whose axis n runs along direction axes[n] (0 R, 1 A, 2 S), forwards or backwards, before the tilt."""
    affine = np.eye(4)
    affine[:3, :3] = turned_by(tilt)[:, axes] * signs * spacing_mm
    affine[:3, 3] = (-30, 40, 12.5)
    return Volume(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), affine)


def stack_affine(volume: Volume, order: SliceOrder) -> np.ndarray:
    """Where the stack's voxels are, derived independently: by following three neighbours through the reordering."""
    indices = np.moveaxis(np.indices(volume.shape), 0, -1)
    i, j, k = (order.to_stack(indices[..., axis]) for axis in range(3))
    place = lambda s: (volume.affine @ (i[s], j[s], k[s], 1))[:3]  # noqa: E731
    origin = place((0, 0, 0))
    return np.stack([place((1, 0, 0)) - origin, place((0, 1, 0)) - origin, place((0, 0, 1)) - origin], axis=1)


@pytest.mark.parametrize("tilt", TILTS.values(), ids=TILTS)
@pytest.mark.parametrize(("axes", "signs"), ORIENTATIONS)
def test_a_network_that_returns_its_input_returns_the_scan(axes, signs, tilt):
    volume = a_scan(axes, signs, tilt)
    order = SliceOrder.of(volume)
    stack = order.to_stack(volume.voxels)
    synthesised = np.full_like(stack, np.nan)
    for interleaved in interleaved_stacks(stack.shape, (2, 1, 3)):
        synthesised[interleaved] = stack[interleaved].copy()
    np.testing.assert_array_equal(order.from_stack(synthesised), volume.voxels)


@pytest.mark.parametrize(("axes", "signs"), ORIENTATIONS)
def test_stacks_run_right_front_and_up_with_the_slices_last(axes, signs):
    volume = a_scan(axes, signs)
    order = SliceOrder.of(volume)
    assert order.plane == {0: "sagittal", 1: "coronal", 2: "axial"}[axes[2]]
    directions = stack_affine(volume, order)
    expected = [direction for direction in range(3) if direction != axes[2]] + [axes[2]]
    np.testing.assert_array_equal(np.argmax(np.abs(directions), axis=0), expected)
    assert directions[expected, range(3)].min() > 0
    np.testing.assert_allclose(np.linalg.norm(directions, axis=0), order.stack_spacing_mm)
    assert order.stack_spacing_mm[2] == pytest.approx(4.0)


@pytest.mark.parametrize("tilt", [TILTS["oblique"], (20, 20, 20)])
@pytest.mark.parametrize(("axes", "signs"), ORIENTATIONS)
def test_an_oblique_scan_is_ordered_as_the_straight_one_it_is_nearest_to(axes, signs, tilt):
    straight, oblique = SliceOrder.of(a_scan(axes, signs)), SliceOrder.of(a_scan(axes, signs, tilt))
    assert (oblique.axes, oblique.flipped, oblique.plane) == (straight.axes, straight.flipped, straight.plane)


def test_stacks_of_all_orientations_of_one_head_are_the_same_array():
    head = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)  # R, A, S
    for axes, signs in ORIENTATIONS:
        scanned = head.transpose(axes)[tuple(slice(None, None, sign) for sign in signs)]
        affine = np.eye(4)
        affine[:3, :3] = np.eye(3)[:, axes] * signs * np.array((1.0, 1.1, 5.0))[list(axes)]
        volume = Volume(scanned, affine)
        np.testing.assert_array_equal(SliceOrder.of(volume).to_stack(volume.voxels), head)


@pytest.mark.parametrize("degrees", [44.999999, 45, 45.000001])
def test_no_direction_is_used_twice_in_a_scan_turned_by_half_a_right_angle(degrees):
    for turn in product((0, degrees), repeat=3):
        order = SliceOrder.of(a_scan((0, 1, 2), (1, 1, 1), turn))
        assert sorted(order.axes) == [0, 1, 2]


@pytest.mark.parametrize(
    ("spacing_mm", "plane"),
    [
        ((1, 1, 1), "axial"),
        ((1.05, 1, 1), "axial"),
        ((1, 1.09, 1), "axial"),
        ((1, 1.2, 1), "coronal"),
        ((1.2, 1, 1.1), "axial"),
        ((1.3, 1, 1.1), "sagittal"),
        ((0.94, 0.94, 1.25), "axial"),
    ],
)
def test_near_ties_of_the_spacing_are_taken_for_axial(spacing_mm, plane):
    assert SliceOrder.of(a_scan((0, 1, 2), (1, 1, 1), spacing_mm=spacing_mm)).plane == plane


def test_a_single_slice_lies_in_plane_whatever_its_thickness():
    order = SliceOrder.of(a_scan((0, 1, 2), (1, 1, 1), spacing_mm=(1, 1, 5), shape=(6, 1, 7)))
    assert order.plane == "coronal"
    assert order.axes == (0, 2, 1)


def test_reordering_does_not_copy():
    volume = a_scan((2, 0, 1), (-1, 1, -1))
    order = SliceOrder.of(volume)
    assert np.shares_memory(order.to_stack(volume.voxels), volume.voxels)
    assert np.shares_memory(order.from_stack(order.to_stack(volume.voxels)), volume.voxels)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4, 1)])
def test_only_an_array_of_three_axes_can_be_reordered(shape):
    order = SliceOrder.of(a_scan((0, 1, 2), (1, 1, 1)))
    for reorder in (order.to_stack, order.from_stack):
        with pytest.raises(ValueError, match="3 axes"):
            reorder(np.zeros(shape))
