"""Stacks of any size are cut into what the network can take."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsynth.errors import InputError
from mrsynth.tiling import LARGEST_TILE_VOXELS, LEAST_TILE, OVERLAP, Tiling, pad_stack, tiling_of_card

SHAPE = st.tuples(*[st.integers(1, 400)] * 3)
PAPER = {"mode": "paper", "patch": [32, 32, 32], "stride": [8, 8, 8], "smooth_stride": [16, 16, 16]}
WHOLE = {"mode": "smooth", "patch": None, "stride": None, "smooth_stride": None}
MULTIPLE = (8, 8, 2)


@pytest.fixture
def a_whole_tiling() -> Tiling:
    return tiling_of_card(WHOLE, None, MULTIPLE)


def test_paper_mode_is_the_card_s_stride_and_a_plain_mean():
    assert tiling_of_card(PAPER, "paper", (1, 1, 1)) == Tiling((32, 32, 32), (8, 8, 8), "mean")


@pytest.mark.parametrize("word", ["standard", "smooth"])
def test_the_standard_preset_is_the_card_s_smooth_stride_and_a_smooth_window(word):
    assert tiling_of_card(PAPER, word, (1, 1, 1)) == Tiling((32, 32, 32), (16, 16, 16), "smooth")


def test_a_thinned_standard_preset_takes_a_third_of_the_patches():
    card = {**PAPER, "smooth_stride": [8, 8, 8], "window": "mean", "thinning": 3}
    grids = [tiling_of_card(card, preset, (1, 1, 1)).grid((224, 224, 32)) for preset in ("paper", "standard", "draft")]
    assert [len(grid) for grid in grids] == [625, 209, 81]


def test_only_the_standard_preset_of_a_card_that_asks_for_it_looks_at_the_mirror_image():
    card = {**WHOLE, "mirrored": True}
    assert [tiling_of_card(card, preset, MULTIPLE).mirrored for preset in ("standard", "draft")] == [True, False]


def test_a_draft_has_patches_that_overlap_by_a_quarter():
    assert tiling_of_card(PAPER, "draft", (1, 1, 1)) == Tiling((32, 32, 32), (24, 24, 24), "smooth")
    assert tiling_of_card({**PAPER, "patch": [32, 32, 1]}, "draft", (1, 1, 1)).stride == (24, 24, 1)


@pytest.mark.parametrize("preset", ["paper", "standard", "draft"])
def test_a_whole_stack_is_whole_by_any_preset(preset):
    assert tiling_of_card(WHOLE, preset, MULTIPLE).patch is None


def test_without_a_smooth_stride_smooth_mode_keeps_the_card_s_stride():
    assert tiling_of_card({**PAPER, "smooth_stride": None}, "smooth", (1, 1, 1)).stride == (8, 8, 8)


def test_without_a_mode_the_card_s_own_is_taken():
    assert tiling_of_card(PAPER, None, (1, 1, 1)).window == "mean"
    assert tiling_of_card({**PAPER, "mode": "smooth"}, None, (1, 1, 1)).window == "smooth"


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match=r"expected a preset of \['paper', 'standard', .*\], found 'fast'"):
        tiling_of_card(PAPER, "fast", (1, 1, 1))


def test_a_patch_that_the_network_cannot_halve_is_refused():
    with pytest.raises(InputError, match=r"multiples of \(8, 8, 2\), found \(32, 32, 5\)") as caught:
        tiling_of_card({**PAPER, "patch": [32, 32, 5]}, None, MULTIPLE)
    assert caught.value.code == "bad_card"


def test_a_patch_without_a_stride_is_refused():
    with pytest.raises(InputError, match="expected a stride for the patch") as caught:
        tiling_of_card({**PAPER, "stride": None}, "paper", (1, 1, 1))
    assert caught.value.code == "bad_card"


@settings(max_examples=60, deadline=None)
@given(SHAPE)
def test_whole_stacks_are_cut_only_as_far_as_memory_needs_and_the_network_s_own_grid_stays_in_place(shape):
    grid = tiling_of_card(WHOLE, None, MULTIPLE).grid(shape)
    assert np.prod(grid.patch) <= LARGEST_TILE_VOXELS
    overlaps = np.subtract(grid.patch, grid.stride)[np.not_equal(grid.patch, grid.padded_shape)]
    assert all(overlaps >= min(OVERLAP))
    assert (len(grid) == 1) == (np.prod(grid.padded_shape) <= LARGEST_TILE_VOXELS)
    assert all(size >= least for size, least in zip(grid.patch, LEAST_TILE, strict=True))
    assert all(padded >= size for padded, size in zip(grid.padded_shape, shape, strict=True))
    for sizes in (grid.padded_shape, grid.patch, *zip(*grid.axis_starts, strict=False)):
        assert not any(np.mod(sizes, MULTIPLE))


@pytest.mark.parametrize("shape", [(224, 224, 32), (256, 256, 28)])
def test_usual_scans_go_through_in_one_pass(a_whole_tiling, shape):
    grid = a_whole_tiling.grid(shape)
    assert grid.patch == grid.padded_shape == shape


@pytest.mark.parametrize("shape, tile", [((256, 256, 130), (256, 256, 40)), ((512, 512, 40), (280, 280, 32))])
def test_large_scans_are_cut_across_the_slices_first_and_overlap(a_whole_tiling, shape, tile):
    grid = a_whole_tiling.grid(shape)
    assert grid.patch == tile
    assert all(s < p for s, p, size in zip(grid.stride, tile, grid.padded_shape, strict=True) if p < size)


def test_a_whole_stack_is_looked_at_again_in_overlapping_tiles(a_whole_tiling):
    grid = a_whole_tiling.second_look((224, 224, 32))
    assert grid.patch == (112, 112, 32)
    assert grid.padded_shape == (224, 224, 32)
    assert len(grid) > 4


def test_there_is_no_second_look_where_patches_overlap_or_the_stack_is_small(a_whole_tiling):
    assert a_whole_tiling.second_look((256, 256, 130)) is None
    assert a_whole_tiling.second_look((20, 20, 1)) is None
    assert tiling_of_card(PAPER, None, (1, 1, 1)).second_look((224, 224, 32)) is None


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(1, 6)] * 3), st.tuples(*[st.integers(0, 9)] * 3))
def test_a_padded_stack_holds_the_stack_and_repeats_its_edges(shape, more):
    stack = np.random.default_rng(0).random(shape, dtype=np.float32)
    target = tuple(size + extra for size, extra in zip(shape, more, strict=True))
    padded, where = pad_stack(stack, target)
    assert padded.shape == target
    assert padded.flags.c_contiguous
    assert np.array_equal(padded[where], stack)
    assert np.isin(padded, stack).all()
    assert padded[0, 0, 0] == stack[0, 0, 0]
    assert padded[-1, -1, -1] == stack[-1, -1, -1]


def test_tiles_are_as_few_as_the_limit_allows(a_whole_tiling):
    grid = a_whole_tiling.grid((256, 256, 130))
    assert len(grid) == 4
    assert 256 * 256 * (130 + 2 * OVERLAP[2]) / 3 > LARGEST_TILE_VOXELS


@pytest.mark.parametrize(
    ("most", "tile"),
    [(64 * 1024, (96, 64, 32)), (220_000, (104, 64, 32)), (400_000, (152, 64, 32)), (10**9, (256, 64, 40))],
)
def test_a_limit_on_tiles_holds_in_plane_too_as_far_as_they_are_worth_it(a_whole_tiling, most, tile):
    shape = (250, 64, 40)
    grid = replace(a_whole_tiling, tile_voxels=most).grid(shape)
    assert grid.patch == tile
