"""Patches cover their stack, whatever the sizes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsynth.patches import PatchGrid, patch_starts, patch_window

AXIS = st.integers(1, 9).flatmap(lambda patch: st.tuples(st.integers(1, 20), st.just(patch), st.integers(1, patch)))


@settings(max_examples=60, deadline=None)
@given(st.tuples(AXIS, AXIS, AXIS))
def test_every_voxel_of_the_padded_stack_is_in_a_patch(axes):
    grid = PatchGrid(*zip(*axes, strict=True))
    seen = np.zeros(grid.padded_shape, int)
    places = list(grid)
    for place in places:
        assert seen[place].shape == grid.patch
        seen[place] += 1
    assert seen.min() >= 1
    assert seen.sum() == len(places) * np.prod(grid.patch)
    assert len(grid) == len(places) == len(set(map(str, places)))


THINNED = st.tuples(st.integers(1, 30), st.integers(1, 3), st.integers(0, 2))


@settings(max_examples=150, deadline=None)
@given(st.tuples(THINNED, THINNED, THINNED), st.integers(2, 4))
def test_every_voxel_stays_in_a_patch_when_the_patches_are_thinned_out(axes, thinning):
    shape, strides, more = zip(*axes, strict=True)
    patch = tuple(thinning * stride + extra for stride, extra in zip(strides, more, strict=True))
    grid, whole = PatchGrid(shape, patch, strides, thinning), set(map(str, PatchGrid(shape, patch, strides)))
    seen = np.zeros(grid.padded_shape, bool)
    for place in grid:
        seen[place] = True
    assert seen.all()
    assert len(grid) == len(list(grid)) and set(map(str, grid)) <= whole


def test_thinned_patches_are_a_share_of_all_and_overlap_evenly_inside():
    grid = PatchGrid((224, 224, 32), (32, 32, 32), (8, 8, 8), thinning=3)
    assert len(grid) == 209
    counts = np.zeros(grid.padded_shape, int)
    for place in grid:
        counts[place] += 1
    assert set(np.unique(counts[32:-32, 32:-32])) == {5, 6}


@pytest.mark.parametrize("thinning", [0, 5])
def test_a_thinning_that_would_leave_gaps_is_refused(thinning):
    with pytest.raises(ValueError, match=f"expected a thinning that leaves no gaps .*found {thinning}"):
        PatchGrid((64, 64, 32), (32, 32, 32), (8, 8, 8), thinning)


@settings(max_examples=60, deadline=None)
@given(AXIS)
def test_the_first_patch_begins_and_the_last_one_ends_with_the_axis(axis):
    size, patch, stride = axis
    size = max(size, patch)
    starts = patch_starts(size, patch, stride)
    assert starts[0] == 0
    assert starts[-1] + patch == size
    assert all(0 < step <= stride for step in np.diff(starts))


def test_the_report_s_volume_has_625_patches():
    grid = PatchGrid((224, 224, 32), (32, 32, 32), (8, 8, 8))
    assert [len(starts) for starts in grid.axis_starts] == [25, 25, 1]
    assert len(grid) == 625


def test_an_axis_shorter_than_the_patch_is_taken_as_long_as_the_patch():
    grid = PatchGrid((40, 32, 1), (32, 32, 32), (8, 8, 8))
    assert grid.padded_shape == (40, 32, 32)
    assert len(grid) == 2


@pytest.mark.parametrize("size, patch, stride", [(4, 5, 1), (4, 0, 1)])
def test_a_patch_that_does_not_fit_is_refused(size, patch, stride):
    with pytest.raises(ValueError, match=f"expected a patch of 1 to 4 voxels, found {patch}"):
        patch_starts(size, patch, stride)


@pytest.mark.parametrize("stride", [0, 4])
def test_a_stride_that_would_leave_voxels_out_is_refused(stride):
    with pytest.raises(ValueError, match=f"expected a stride of 1 to 3 voxels .*found {stride}"):
        patch_starts(10, 3, stride)
    with pytest.raises(ValueError, match="expected strides from 1 to the patch"):
        PatchGrid((10, 10, 10), (3, 3, 3), (3, 3, stride))


def test_a_grid_needs_three_axes():
    with pytest.raises(ValueError, match="expected three axes"):
        PatchGrid((10, 10), (3, 3), (1, 1))


def test_a_grid_needs_voxels():
    with pytest.raises(ValueError, match=r"expected a stack with voxels, found shape \(4, 0, 4\)"):
        PatchGrid((4, 0, 4), (2, 2, 2), (1, 1, 1))


def test_the_mean_window_weighs_all_voxels_the_same():
    assert (patch_window((3, 4, 5), "mean") == np.ones((3, 4, 5), np.float32)).all()


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(1, 33)] * 3))
def test_the_smooth_window_is_positive_symmetric_and_falls_from_its_centre(patch):
    window = patch_window(patch, "smooth")
    assert window.shape == patch
    assert window.dtype == np.float32
    assert 0 < window.min() <= window.max() <= 1
    np.testing.assert_allclose(window, window[::-1, ::-1, ::-1], rtol=1e-5)
    assert (np.diff(window[: (patch[0] + 1) // 2], axis=0) > 0).all()


def test_smooth_windows_half_a_patch_apart_add_up_to_one():
    window = patch_window((8, 1, 1), "smooth")[:, 0, 0]
    np.testing.assert_allclose(window[:4] + window[4:], 1, rtol=1e-6)


def test_an_unknown_window_is_refused():
    with pytest.raises(ValueError, match="expected a window of .*found 'hann'"):
        patch_window((2, 2, 2), "hann")
