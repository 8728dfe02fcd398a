import csv
import io
import json

import numpy as np
import pytest
from scipy import ndimage

from mrsynth.comparison import (
    INTENSITY_MAP,
    LINEAR,
    SYNTHETIC,
    Comparison,
    compare_volumes,
    difference_volumes,
    reference_head,
)
from mrsynth.errors import InputError
from mrsynth.metrics import HEAD, WHOLE_VOLUME
from mrsynth.volume import Volume

AFFINE = np.diag([-1.0, 1.0, 1.0, 1.0])


@pytest.fixture
def a_reference():
    """A bright ball with some texture in dark air."""
    grid = np.indices((18, 20, 16)) - np.array([9, 10, 8]).reshape(3, 1, 1, 1)
    inside = (grid**2).sum(axis=0) < 36
    texture = ndimage.gaussian_filter(np.random.default_rng(8).standard_normal(inside.shape), 1.5)
    return Volume(np.where(inside, 100 + 150 * texture, 1 + texture), AFFINE)


@pytest.fixture
def a_synthetic(a_reference):
    return a_reference.with_voxels(ndimage.gaussian_filter(a_reference.voxels, 0.7))


@pytest.fixture
def a_source(a_reference):
    noise = np.random.default_rng(9).standard_normal(a_reference.shape)
    return a_reference.with_voxels(0.01 * a_reference.voxels**2 + 2 * noise)


def figures(comparison):
    return [value for row in comparison.to_dict()["rows"] for value in row.values() if isinstance(value, float)]


def test_a_volume_compared_with_itself_differs_in_nothing(a_reference):
    comparison = compare_volumes(a_reference, a_reference)
    for mask in (HEAD, WHOLE_VOLUME):
        assert comparison.row(SYNTHETIC, mask).mae == 0
        assert comparison.row(SYNTHETIC, mask).psnr_range == np.inf


@pytest.mark.parametrize(("scale", "offset"), [(0.01, 0.0), (7.0, 300.0), (1.0, -50.0)])
def test_figures_do_not_depend_on_the_units_of_either_volume(a_synthetic, a_reference, a_source, scale, offset):
    expected = figures(compare_volumes(a_synthetic, a_reference, a_source))
    changed = [v.with_voxels(scale * v.voxels + offset) for v in (a_synthetic, a_reference)]
    assert figures(compare_volumes(changed[0], a_reference, a_source)) == pytest.approx(expected, rel=1e-3)
    assert figures(compare_volumes(a_synthetic, changed[1], a_source)) == pytest.approx(expected, rel=1e-3)


def test_figures_do_not_depend_on_how_the_reference_is_stored(a_synthetic, a_reference):
    turned = np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 15], [0, 0, 0, 1]])
    stored_otherwise = Volume(a_reference.voxels.transpose(1, 0, 2)[:, :, ::-1], turned)
    assert figures(compare_volumes(a_synthetic, stored_otherwise)) == figures(compare_volumes(a_synthetic, a_reference))


def test_whole_volume_figures_are_those_of_numpy(a_synthetic, a_reference):
    one, other = ((v.voxels - v.voxels.mean()) / v.voxels.std() for v in (a_synthetic, a_reference))
    row = compare_volumes(a_synthetic, a_reference).row(SYNTHETIC, WHOLE_VOLUME)
    assert row.mae == pytest.approx(np.abs(one - other).mean(), rel=1e-4)
    assert row.mse == pytest.approx(((one - other) ** 2).mean(), rel=1e-4)
    assert row.psnr_range == pytest.approx(10 * np.log10(np.ptp(other) ** 2 / row.mse), abs=1e-3)


def test_the_head_leaves_out_the_air(a_reference):
    spoiled = a_reference.voxels.copy()
    spoiled[:2] += 30
    comparison = compare_volumes(a_reference.with_voxels(spoiled), a_reference)
    assert comparison.row(SYNTHETIC, HEAD).mae < 0.5 * comparison.row(SYNTHETIC, WHOLE_VOLUME).mae


def test_with_a_source_both_baselines_stand_beside_the_synthetic(a_synthetic, a_reference, a_source):
    comparison = compare_volumes(a_synthetic, a_reference, a_source)
    assert [(row.image, row.metrics.mask) for row in comparison.rows] == [
        (image, mask) for image in (SYNTHETIC, LINEAR, INTENSITY_MAP) for mask in (HEAD, WHOLE_VOLUME)
    ]
    mapped, linear = (comparison.row(name, WHOLE_VOLUME).mse for name in (INTENSITY_MAP, LINEAR))
    assert mapped < linear


def test_without_a_source_there_are_no_baselines(a_synthetic, a_reference):
    comparison = compare_volumes(a_synthetic, a_reference)
    assert {row.image for row in comparison.rows} == {SYNTHETIC} and "oracles" not in comparison.to_table()


def test_a_reference_with_a_smaller_field_of_view_is_compared_where_it_is(a_synthetic, a_reference):
    part = Volume(
        a_reference.voxels[:, :, 3:13], AFFINE @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 3], [0, 0, 0, 1]])
    )
    comparison = compare_volumes(a_synthetic, part)
    cut = Volume(a_synthetic.voxels[:, :, 3:13], part.affine)
    assert figures(comparison) == pytest.approx(figures(compare_volumes(cut, part)), rel=1e-5)
    assert comparison.warnings == ("the figures are for the 62 % of the synthetic volume that the others cover",)
    assert "Warning: the figures are for the 62 %" in comparison.to_table()
    assert "reference resampled onto it" in comparison.grid


def test_scans_thick_in_two_directions_are_compared_at_one_resolution():
    blurred = ndimage.gaussian_filter(np.random.default_rng(10).random((30, 30, 30)), 6)
    blurred *= 1000
    axial = Volume(blurred[:, :, 2::5], np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 5, 2], [0, 0, 0, 1.0]]))
    sagittal = Volume(blurred[2::5], np.array([[5, 0, 0, 2], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))
    comparison = compare_volumes(axial, sagittal)
    assert "5 x 1 x 5 mm, as the volumes are thick in different directions" in comparison.grid
    assert comparison.row(SYNTHETIC, WHOLE_VOLUME).mae < 0.05


def test_volumes_that_lie_apart_are_refused(a_synthetic, a_reference):
    elsewhere = a_reference.affine.copy()
    elsewhere[0, 3] = 500
    for compare in (compare_volumes, difference_volumes):
        with pytest.raises(InputError, match="no voxel is shared") as refusal:
            compare(a_synthetic, Volume(a_reference.voxels, elsewhere))
        assert refusal.value.code == "no_overlap"


def test_a_constant_synthetic_volume_is_refused(a_reference):
    with pytest.raises(InputError, match="every voxel is 3"):
        compare_volumes(a_reference.with_voxels(np.full(a_reference.shape, 3.0)), a_reference)


def test_a_single_slice_is_compared(a_synthetic, a_reference):
    slices = [Volume(v.voxels[:, :, 8:9], AFFINE) for v in (a_synthetic, a_reference)]
    assert 0 < compare_volumes(*slices).row(SYNTHETIC, HEAD).ssim < 1


def test_the_dictionary_is_strict_json(a_reference, a_source):
    comparison = compare_volumes(a_reference, a_reference, a_source)
    read = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert read["rows"][0]["psnr_range"] == "inf" and Comparison.from_dict(read) == comparison
    assert set(read) == {
        "units", "baselines", "reference_range", "reference_percentile_range", "grid", "warnings", "rows"
    }  # fmt: skip


def test_the_csv_holds_the_rows(a_synthetic, a_reference, a_source):
    comparison = compare_volumes(a_synthetic, a_reference, a_source)
    read = list(csv.DictReader(io.StringIO(comparison.to_csv())))
    assert [row["image"] for row in read] == [row.image for row in comparison.rows]
    assert float(read[0]["mae"]) == pytest.approx(comparison.rows[0].metrics.mae)


def test_what_was_not_measured_is_empty_in_csv_and_a_dash_in_the_table():
    small = Volume(np.arange(24.0).reshape(4, 3, 2), np.eye(4))
    comparison = compare_volumes(small.with_voxels(small.voxels[::-1]), small)
    assert next(csv.DictReader(io.StringIO(comparison.to_csv())))["ssim"] == ""
    assert "-" in comparison.to_table().splitlines()[2].split()


def test_the_table_is_aligned_and_says_what_its_figures_mean(a_synthetic, a_reference, a_source):
    comparison = compare_volumes(a_synthetic, a_reference, a_source)
    table = comparison.to_table()
    lines = table.splitlines()
    assert len({len(line) for line in lines[:8]}) == 1 and max(len(line) for line in lines[:8]) <= 110
    for words in ("standard deviations", "max-min", "0.5-99.5", "oracles", "the grid of both volumes (1 x 1 x 1 mm)"):
        assert words in table


def test_an_unknown_row_is_refused_with_those_there_are(a_synthetic, a_reference):
    with pytest.raises(KeyError, match="synthetic.*found.*linear"):
        compare_volumes(a_synthetic, a_reference).row(LINEAR, HEAD)


def test_the_difference_is_that_of_numpy(a_synthetic, a_reference):
    one, other = (v.voxels.astype(np.float64) for v in (a_synthetic, a_reference))
    expected = (one - one.mean()) / one.std() - (other - other.mean()) / other.std()
    assert np.allclose(difference_volumes(a_synthetic, a_reference).difference.voxels, expected, atol=1e-6)


def test_a_constant_offset_makes_no_difference(a_reference):
    differences = difference_volumes(a_reference.with_voxels(a_reference.voxels + 64), a_reference)
    assert np.abs(differences.difference.voxels).max() < 1e-5
    assert differences.gradient_difference.voxels.max() < 1e-9


def test_the_gradient_difference_looks_along_the_planes_of_the_slices(a_reference):
    coronal = np.array([[1, 0, 0, 0], [0, 4, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    reference = Volume(a_reference.voxels, coronal)
    one, other = (
        (v - v.mean()) / v.std() for v in (a_reference.voxels**2, a_reference.voxels.astype(np.float64))
    )  # fmt: skip
    expected = np.zeros(reference.shape)
    for axis, inner in ((0, np.s_[:-1]), (2, np.s_[:, :, :-1])):
        expected[inner] += (np.abs(np.diff(one, axis=axis)) - np.abs(np.diff(other, axis=axis))) ** 2
    measured = difference_volumes(reference.with_voxels(reference.voxels**2), reference).gradient_difference
    assert np.allclose(measured.voxels, expected, atol=1e-4)


def test_differences_lie_on_the_synthetic_grid_and_are_zero_where_there_is_no_reference(a_synthetic, a_reference):
    part = Volume(
        a_reference.voxels[:, :, 3:13], AFFINE @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 3], [0, 0, 0, 1]])
    )
    differences = difference_volumes(a_synthetic, part)
    for volume in (differences.difference, differences.gradient_difference):
        assert np.array_equal(volume.affine, a_synthetic.affine) and volume.shape == a_synthetic.shape
        assert not volume.voxels[:, :, :3].any() and volume.voxels[:, :, 3:13].any()


def test_the_head_is_found_whatever_the_references_offset():
    voxels = np.zeros((20, 20, 4), np.float32)
    voxels[5:15, 5:15] = 3.0
    assert np.array_equal(reference_head(voxels - 7), voxels > 0)
