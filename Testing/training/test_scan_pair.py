import numpy as np
import pytest
from ixi_examples import AFFINE, SHAPE, scan_voxels, write_scan

from mrsynth.errors import InputError
from mrsynth_training.scan_file import ScanFile
from mrsynth_training.scan_pair import ScanPair


@pytest.fixture
def pair_with(tmp_path):
    """A function that returns a pair whose target has the voxels and affine that are given."""

    def write(voxels, affine=AFFINE):
        source = write_scan(tmp_path / "source.nii", scan_voxels(1))
        return ScanPair("P1", "", ScanFile(source), ScanFile(write_scan(tmp_path / "target.nii", voxels, affine)))

    return write


def moved(mm):
    affine = AFFINE.copy()
    affine[1, 3] += mm
    return affine


def test_source_and_target_are_read_in_this_order(pair_with):
    source, target = pair_with(scan_voxels(2)).read()
    np.testing.assert_array_equal(source.voxels, scan_voxels(1))
    np.testing.assert_array_equal(target.voxels, scan_voxels(2))


def test_grids_that_differ_by_rounding_agree(pair_with):
    assert pair_with(scan_voxels(2), moved(0.001)).read()


@pytest.mark.parametrize(
    ("voxels", "affine", "code"),
    [
        (scan_voxels(2, (20, 24, 12)), AFFINE, "other_shape"),
        (scan_voxels(2), moved(0.1), "other_place"),
        (scan_voxels(2), AFFINE * [[1], [1], [1.02], [1]], "other_place"),
        (np.full(SHAPE, 5, np.int16), AFFINE, "constant"),
    ],
)
def test_scans_that_do_not_fit_together_are_refused_naming_the_target(pair_with, voxels, affine, code):
    with pytest.raises(InputError, match="target.nii: expected") as caught:
        pair_with(voxels, affine).read()
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["", "../P1", "a/b", ".hidden", "P 1", "x" * 101])
def test_a_name_that_is_no_part_of_a_file_name_is_refused(name, tmp_path):
    with pytest.raises(InputError, match="expected the name of a subject"):
        ScanPair(name, "", ScanFile(tmp_path), ScanFile(tmp_path))
