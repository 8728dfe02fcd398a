import json
import math

import numpy as np
import pytest

from mrsynth.comparison import compare_volumes, difference_volumes
from mrsynth.metrics import HEAD, standardize
from mrsynth.slice_metrics import SMALLEST_SHARE, SliceMetrics, measure_slices
from mrsynth.volume import Volume

AFFINE = np.array([[1.0, 0, 0, -10], [0, 1, 0, -12], [0, 0, 4, 30], [0, 0, 0, 1]])


@pytest.fixture
def a_reference():
    return Volume(head(0), AFFINE)


@pytest.fixture
def a_synthetic():
    return Volume(head(1), AFFINE)


def head(seed):
    i, j, k = (index / size - 0.5 for index, size in zip(np.indices((20, 24, 9)), (20, 24, 9), strict=True))
    texture = 300 + 90 * np.sin(8 * i + seed) + 40 * j
    return (i**2 + j**2 + k**2 < 0.16) * texture + np.random.default_rng(seed).uniform(0, 9, (20, 24, 9))


def test_the_figures_are_those_of_each_slice_inside_the_head(a_synthetic, a_reference):
    image, target = (standardize(volume.voxels).astype(float) for volume in (a_synthetic, a_reference))
    inside = a_reference.voxels > 100
    for each in measure_slices(a_synthetic, a_reference).slices:
        error = (image - target)[:, :, each.index][inside[:, :, each.index]]
        assert each.mae == pytest.approx(np.abs(error).mean(), rel=1e-5)
        assert each.psnr == pytest.approx(
            20 * math.log10(np.ptp(target)) - 10 * math.log10((error**2).mean()), rel=1e-5
        )


def test_slices_weighted_by_their_head_make_the_figure_of_the_volume(a_synthetic, a_reference):
    slices = measure_slices(a_synthetic, a_reference).slices
    weights = [(a_reference.voxels[:, :, each.index] > 100).sum() for each in slices]
    mean = np.average([each.mae for each in slices], weights=weights)
    assert mean == pytest.approx(compare_volumes(a_synthetic, a_reference).row("synthetic", HEAD).mae, rel=0.02)


def test_slices_say_where_they_lie(a_synthetic, a_reference):
    measured = measure_slices(a_synthetic, a_reference)
    assert measured.direction == "S"
    assert measured.places_mm == tuple(30 + 4 * each.index for each in measured.slices)
    assert measured.slices[0].centre_mm[:2] == (-10 + 9.5, -12 + 11.5)


def test_the_order_of_slices_in_the_file_does_not_matter(a_synthetic, a_reference):
    flip = np.diag([1.0, 1, -1, 1])
    flip[2, 3] = 8
    flipped = [Volume(v.voxels[:, :, ::-1], v.affine @ flip) for v in (a_synthetic, a_reference)]
    one, other = measure_slices(a_synthetic, a_reference), measure_slices(*flipped)
    assert other.places_mm == pytest.approx(one.places_mm)
    assert [each.mae for each in other.slices] == pytest.approx([each.mae for each in one.slices])
    assert [each.index for each in other.slices] == [8 - each.index for each in one.slices]


def test_figures_by_slice_come_back_from_json(a_synthetic, a_reference):
    for volumes in ((a_synthetic, a_reference), (a_reference, a_reference)):
        measured = measure_slices(*volumes)
        text = json.dumps(measured.to_dict(), allow_nan=False)
        assert SliceMetrics.from_dict(json.loads(text)) == measured


@pytest.mark.parametrize(("axis", "letter"), [(0, "R"), (1, "A"), (2, "S")])
def test_slices_are_followed_along_their_own_direction(a_synthetic, a_reference, axis, letter):
    directions = np.eye(4)[:, [*np.roll([0, 1, 2], 2 - axis), 3]]
    volumes = [Volume(v.voxels, directions @ np.diag([1.0, 1, 4, 1])) for v in (a_synthetic, a_reference)]
    measured = measure_slices(*volumes)
    assert measured.direction == letter and np.allclose(np.diff(measured.places_mm), 4)


def test_slices_with_next_to_no_head_are_left_out(a_synthetic, a_reference):
    sizes = (a_reference.voxels > 100).sum(axis=(0, 1))
    shown = [each.index for each in measure_slices(a_synthetic, a_reference).slices]
    assert shown == list(np.flatnonzero(sizes >= max(SMALLEST_SHARE * sizes.max(), 1))) and len(shown) < len(sizes)


def test_identical_volumes_have_no_error_and_endless_psnr(a_reference):
    slices = measure_slices(a_reference, a_reference).slices
    assert {(each.mae, each.psnr) for each in slices} == {(0.0, math.inf)}


def test_a_difference_that_is_known_is_not_computed_again(a_synthetic, a_reference, monkeypatch):
    known, expected = difference_volumes(a_synthetic, a_reference).difference, measure_slices(a_synthetic, a_reference)
    monkeypatch.setattr("mrsynth.slice_metrics.difference_volumes", None)
    assert measure_slices(a_synthetic, a_reference, known) == expected


def test_a_reference_on_another_grid_is_measured_where_it_covers(a_synthetic, a_reference):
    cut = Volume(
        a_reference.voxels[:, :, 4:], AFFINE @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 4], [0, 0, 0, 1]])
    )
    assert min(each.index for each in measure_slices(a_synthetic, cut).slices) == 4
