"""A scan finer than a network was trained on is taken apart into interleaved stacks that miss and repeat nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsynth.errors import InputError
from mrsynth.grid import Grid, interleaved_stacks

axes = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 11)), min_size=3, max_size=3)


@pytest.fixture
def the_papers_grid() -> Grid:
    return Grid((0.8, 1.1), (3.0, 4.5))


@settings(max_examples=60, deadline=None)
@given(axes)
def test_every_voxel_lies_in_exactly_one_stack(sizes_and_strides):
    shape, strides = zip(*sizes_and_strides, strict=True)
    visits = np.zeros(shape, int)
    for stack in interleaved_stacks(shape, strides):
        assert visits[stack].size > 0
        visits[stack] += 1
    assert (visits == 1).all()


def test_an_ixi_scan_makes_three_stacks_of_the_papers_spacing(the_papers_grid):
    strides = the_papers_grid.strides((0.9375, 0.9375, 1.25))
    assert strides == (1, 1, 3)
    stacks = list(interleaved_stacks((256, 256, 130), strides))
    assert [stack[2].start for stack in stacks] == [0, 1, 2]
    assert the_papers_grid.warnings((0.9375, 0.9375, 1.25)) == ()


@pytest.mark.parametrize(
    ("stack_spacing_mm", "strides"),
    [
        ((0.94, 0.94, 3.75), (1, 1, 1)),
        ((0.47, 0.47, 5.0), (2, 2, 1)),
        ((0.5, 1.0, 1.0), (2, 1, 4)),
        ((2.0, 2.0, 6.0), (1, 1, 1)),
        ((0.8, 0.8, 3.0), (1, 1, 1)),
        ((np.float32(0.8) * (1 - 1e-6), 0.8, 3.0), (1, 1, 1)),
        ((0.94, 0.94, 2.5), (1, 1, 1)),
        ((0.94, 0.94, 0.1), (1, 1, 37)),
    ],
)
def test_an_axis_is_strided_to_the_middle_of_the_range_and_only_if_it_is_finer(
    the_papers_grid, stack_spacing_mm, strides
):
    assert the_papers_grid.strides(stack_spacing_mm) == strides


@pytest.mark.parametrize("stack_spacing_mm", [(0.00094, 0.94, 3.75), (0.94, 0.94, 0.00375)])
def test_a_spacing_that_no_scan_of_a_head_has_is_refused(the_papers_grid, stack_spacing_mm):
    with pytest.raises(InputError, match="expected a spacing of at least .* mm, found") as caught:
        the_papers_grid.strides(stack_spacing_mm)
    assert caught.value.code == "bad_spacing"


def test_of_two_equally_near_strides_the_smaller_is_taken():
    assert Grid((1.5, 1.5), (2.5, 2.5)).strides((1.0, 1.0, 1.0)) == (1, 1, 2)


def test_a_spacing_inside_the_range_brings_no_warning(the_papers_grid):
    assert the_papers_grid.warnings((0.47, 1.0, 3.0)) == ()
    assert the_papers_grid.warnings((0.8 * (1 - 1e-6), 1.1 * (1 + 1e-6), 4.5)) == ()


def test_a_spacing_outside_the_range_is_named_with_the_range(the_papers_grid):
    in_plane, slices = the_papers_grid.warnings((2.0, 2.0, 6.0))
    assert "in-plane spacing 2 mm:" in in_plane
    assert "0.8 to 1.1 mm" in in_plane
    assert "slice spacing 6 mm" in slices
    assert "3 to 4.5 mm" in slices


def test_a_spacing_that_no_stride_brings_into_the_range_is_named_as_it_is_seen():
    (warning,) = Grid((0.9, 1.0), (1, 2)).warnings((0.7, 0.95, 1.0))
    assert warning.startswith("in-plane spacing 0.7 mm:")
    (warning,) = Grid((1.0, 1.1), (1, 2)).warnings((0.6, 1.0, 1.0))
    assert "0.6 mm (1.2 mm in each of 2 interleaved stacks)" in warning


@pytest.mark.parametrize("limits", [(0, 1), (2, 1), (1,), (1, float("inf")), (float("nan"), 1)])
def test_a_range_runs_from_a_positive_spacing_upwards(limits):
    with pytest.raises(ValueError, match="slice_spacing_mm"):
        Grid((1, 1), limits)


@pytest.mark.parametrize("strides", [(1, 1), (1, 0, 1)])
def test_every_axis_has_a_stride_of_one_or_more(strides):
    with pytest.raises(ValueError, match="stride"):
        list(interleaved_stacks((4, 4, 4), strides))
