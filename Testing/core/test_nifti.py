"""NIfTI files are read as nibabel and ITK understand them, and written with the header frame they came with."""

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

from mrsynth.errors import InputError
from mrsynth.volume import Volume
from mrsynth.volume_reading import read_volume
from mrsynth.volume_writing import write_volume

FRAME_FIELDS = [
    *("pixdim", "xyzt_units", "sform_code", "qform_code", "dim_info", "srow_x", "srow_y", "srow_z"),
    *("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
]


@pytest.fixture
def an_oblique_affine() -> np.ndarray:
    turn = nibabel.eulerangles.euler2mat(0.3, -0.2, 0.15) @ np.diag([-1.0, 1.0, 1.0])
    return nibabel.affines.from_matvec(turn @ np.diag([0.9, 1.1, 4.0]), (80.3, -110.7, -33.1))


@pytest.fixture
def an_image(an_oblique_affine) -> nibabel.Nifti1Image:
    voxels = np.random.default_rng(0).integers(-300, 3000, (5, 6, 4)).astype(np.int16)
    return nibabel.Nifti1Image(voxels, an_oblique_affine)


def refusal(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_volume(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


def save(image, path: Path, **fields) -> Path:
    """Save an image, then set raw header fields in the file, past nibabel's own checks."""
    nibabel.save(image, path)
    content = bytearray(path.read_bytes())
    kind = type(image.header)
    header = kind(bytes(content[: kind.sizeof_hdr]), endianness=image.header.endianness, check=False)
    for name, value in fields.items():
        header[name] = value
    path.write_bytes(header.binaryblock + content[kind.sizeof_hdr :])
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_voxels_and_affine_are_those_of_nibabel(an_image, tmp_path, suffix):
    nibabel.save(an_image, tmp_path / f"x{suffix}")
    volume = read_volume(tmp_path / f"x{suffix}")
    np.testing.assert_array_equal(volume.voxels, an_image.get_fdata())
    np.testing.assert_array_equal(volume.affine, nibabel.load(tmp_path / f"x{suffix}").affine)
    assert volume.frame.format == "nifti"


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize(("sform_code", "qform_code"), [(1, 1), (2, 0), (0, 1), (4, 1), (1, 3)])
@pytest.mark.parametrize("units", [("mm", "sec"), ("unknown", "unknown")])
def test_the_header_frame_is_kept_bit_for_bit(an_image, tmp_path, suffix, sform_code, qform_code, units):
    an_image.set_sform(an_image.affine, sform_code)
    an_image.set_qform(an_image.affine, qform_code)
    an_image.header.set_xyzt_units(*units)
    an_image.header.set_dim_info(0, 1, 2)
    nibabel.save(an_image, tmp_path / "in.nii")
    volume = read_volume(tmp_path / "in.nii")
    assert (volume.frame.sform_code, volume.frame.qform_code) == (sform_code, qform_code)
    write_volume(volume, tmp_path / f"out{suffix}")
    before, after = nibabel.load(tmp_path / "in.nii"), nibabel.load(tmp_path / f"out{suffix}")
    for name in FRAME_FIELDS:
        np.testing.assert_array_equal(after.header[name], before.header[name], err_msg=name)
    np.testing.assert_array_equal(after.affine, before.affine)
    np.testing.assert_array_equal(after.get_fdata(), before.get_fdata())
    assert after.get_data_dtype() == np.float32


def test_a_qform_that_differs_from_the_sform_survives(an_image, tmp_path):
    an_image.set_sform(an_image.affine, 4)
    an_image.set_qform(np.diag([2.0, 2.0, 2.0, 1.0]), 1)
    nibabel.save(an_image, tmp_path / "in.nii")
    volume = read_volume(tmp_path / "in.nii")
    np.testing.assert_allclose(volume.affine, an_image.affine, rtol=1e-6)
    write_volume(volume, tmp_path / "out.nii")
    np.testing.assert_array_equal(nibabel.load(tmp_path / "out.nii").get_qform(), np.diag([2.0, 2, 2, 1]))


def test_the_qform_places_a_scan_without_sform(an_image, tmp_path):
    path = save(an_image, tmp_path / "x.nii", sform_code=0, qform_code=1, srow_x=(9, 9, 9, 9))
    np.testing.assert_allclose(read_volume(path).affine, an_image.get_qform(), atol=1e-5)


@pytest.mark.parametrize(("unit", "mm"), [("meter", 1000), ("micron", 0.001)])
def test_units_other_than_mm_are_converted_and_kept(an_image, tmp_path, unit, mm):
    an_image.header.set_xyzt_units(unit)
    nibabel.save(an_image, tmp_path / "in.nii")
    volume = read_volume(tmp_path / "in.nii")
    np.testing.assert_allclose(volume.affine[:3], an_image.affine[:3] * mm, rtol=1e-6)
    write_volume(volume, tmp_path / "out.nii")
    assert nibabel.load(tmp_path / "out.nii").header.get_xyzt_units()[0] == unit
    np.testing.assert_array_equal(read_volume(tmp_path / "out.nii").affine, volume.affine)


def test_an_unknown_unit_is_refused(an_image, tmp_path):
    assert refusal(save(an_image, tmp_path / "x.nii", xyzt_units=5)).code == "bad_spacing"


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "f4", "f8"])
@pytest.mark.parametrize("endianness", ["<", ">"])
def test_every_stored_type_and_byte_order_is_read(tmp_path, dtype, endianness):
    voxels = np.arange(24).reshape(2, 3, 4).astype(dtype)
    header = nibabel.Nifti1Header(endianness=endianness)
    header.set_data_dtype(dtype)
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4), header), tmp_path / "x.nii.gz")
    volume = read_volume(tmp_path / "x.nii.gz")
    np.testing.assert_array_equal(volume.voxels, voxels)
    write_volume(volume, tmp_path / "y.nii.gz")
    np.testing.assert_array_equal(read_volume(tmp_path / "y.nii.gz").affine, np.eye(4))


@pytest.mark.parametrize(("slope", "intercept"), [(2.5, -100), (0.001, 0), (1, 7), (0, 5), (float("nan"), 0)])
def test_slope_and_intercept_are_applied_as_nibabel_does(an_image, tmp_path, slope, intercept):
    path = save(an_image, tmp_path / "x.nii", scl_slope=slope, scl_inter=intercept)
    volume = read_volume(path)
    np.testing.assert_allclose(volume.voxels, nibabel.load(path).get_fdata(), rtol=1e-6)
    write_volume(volume, tmp_path / "y.nii")
    np.testing.assert_array_equal(nibabel.load(tmp_path / "y.nii").get_fdata(), volume.voxels)


def test_nifti_2_is_read_and_written_as_nifti_2(an_image, tmp_path):
    nibabel.save(nibabel.Nifti2Image(an_image.get_fdata(), an_image.affine), tmp_path / "in.nii.gz")
    volume = read_volume(tmp_path / "in.nii.gz")
    np.testing.assert_array_equal(volume.affine, an_image.affine)
    write_volume(volume, tmp_path / "out.nii.gz")
    after = nibabel.load(tmp_path / "out.nii.gz")
    assert isinstance(after, nibabel.Nifti2Image)
    np.testing.assert_array_equal(after.affine, an_image.affine)


def test_compression_is_recognised_by_content_and_not_by_name(an_image, tmp_path):
    nibabel.save(an_image, tmp_path / "x.nii")
    (tmp_path / "y.nii.gz").write_bytes((tmp_path / "x.nii").read_bytes())
    (tmp_path / "z.nii").write_bytes(gzip.compress((tmp_path / "x.nii").read_bytes()))
    for name in ("y.nii.gz", "z.nii"):
        np.testing.assert_array_equal(read_volume(tmp_path / name).voxels, an_image.get_fdata())


def test_what_follows_the_voxels_is_passed_over(an_image, tmp_path):
    nibabel.save(an_image, tmp_path / "x.nii")
    (tmp_path / "y.nii.gz").write_bytes(gzip.compress((tmp_path / "x.nii").read_bytes() + b"more"))
    np.testing.assert_array_equal(read_volume(tmp_path / "y.nii.gz").voxels, an_image.get_fdata())


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_the_voxels_read_may_be_written_to(tmp_path, suffix):
    nibabel.save(nibabel.Nifti1Image(np.ones((2, 3, 4), np.float32), np.eye(4)), tmp_path / f"x{suffix}")
    assert read_volume(tmp_path / f"x{suffix}").voxels.flags.writeable


def test_header_extensions_are_passed_over(an_image, tmp_path):
    an_image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"a note"))
    nibabel.save(an_image, tmp_path / "x.nii.gz")
    np.testing.assert_array_equal(read_volume(tmp_path / "x.nii.gz").voxels, an_image.get_fdata())


def test_one_time_point_is_a_volume_and_two_are_not(an_image, tmp_path):
    voxels = an_image.get_fdata()[..., None]
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / "one.nii")
    np.testing.assert_array_equal(read_volume(tmp_path / "one.nii").voxels, voxels[..., 0])
    nibabel.save(nibabel.Nifti1Image(np.repeat(voxels, 2, axis=3), np.eye(4)), tmp_path / "two.nii")
    assert refusal(tmp_path / "two.nii").code == "not_3d"


def test_another_affine_replaces_the_frame(an_image, tmp_path):
    nibabel.save(an_image, tmp_path / "in.nii")
    volume = read_volume(tmp_path / "in.nii")
    moved = Volume(volume.voxels, np.diag([1.0, 2.0, 3.0, 1.0]), volume.frame)
    write_volume(moved, tmp_path / "out.nii")
    after = nibabel.load(tmp_path / "out.nii")
    np.testing.assert_array_equal(after.affine, moved.affine)
    np.testing.assert_allclose(after.get_qform(), moved.affine, atol=1e-6)


def test_a_volume_from_memory_is_in_place_for_nibabel_and_itk(an_oblique_affine, tmp_path):
    volume = Volume(np.random.default_rng(1).normal(size=(5, 6, 4)), an_oblique_affine)
    write_volume(volume, tmp_path / "x.nii.gz")
    header = nibabel.load(tmp_path / "x.nii.gz").header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)
    assert header.get_xyzt_units()[0] == "mm"
    np.testing.assert_allclose(header.get_qform(), an_oblique_affine, atol=1e-5)
    image = SimpleITK.ReadImage(str(tmp_path / "x.nii.gz"))
    place = np.array(image.TransformIndexToPhysicalPoint((4, 2, 3))) * (-1, -1, 1)
    np.testing.assert_allclose(place, (an_oblique_affine @ (4, 2, 3, 1))[:3], atol=1e-4)
    assert image[4, 2, 3] == volume.voxels[4, 2, 3]


def test_a_sheared_volume_gets_no_qform(tmp_path):
    sheared = np.array([[1, 0.2, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    write_volume(Volume(np.ones((2, 2, 2)), sheared), tmp_path / "x.nii")
    header = nibabel.load(tmp_path / "x.nii").header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 0)
    np.testing.assert_allclose(read_volume(tmp_path / "x.nii").affine, sheared, rtol=1e-6)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"sform_code": 0, "qform_code": 0}, "bad_affine"),
        ({"srow_x": (0, 0, 0, 0), "srow_y": (1, 1, 1, 0), "srow_z": (1, 2, 3, 0)}, "bad_affine"),
        ({"srow_x": (1, 0, np.nan, 0)}, "bad_affine"),
        ({"srow_x": (np.inf, 0, 0, 0)}, "bad_affine"),
        ({"vox_offset": np.nan}, "corrupt_file"),
        ({"vox_offset": -np.inf}, "corrupt_file"),
        ({"vox_offset": 1e30}, "corrupt_file"),
        ({"srow_x": (0, 1, 0, 0), "srow_y": (0, 0, 0, 0), "srow_z": (0, 0, 1, 0)}, "bad_spacing"),
        ({"sform_code": 0, "qform_code": 1, "quatern_b": 5}, "bad_affine"),
        ({"sform_code": 0, "qform_code": 1, "pixdim": (1, -1, 1, 1, 0, 0, 0, 0)}, "bad_affine"),
        ({"pixdim": (1, 1, 1, 0, 0, 0, 0, 0)}, "bad_spacing"),
        ({"pixdim": (1, 1, np.nan, 1, 0, 0, 0, 0)}, "bad_spacing"),
        ({"dim": (3, 2000, 2000, 2000, 1, 1, 1, 1)}, "too_large"),
        ({"dim": (3, 500, 500, 500, 1, 1, 1, 1)}, "corrupt_file"),
        ({"dim": (3, 5, -6, 4, 1, 1, 1, 1)}, "corrupt_file"),
        ({"dim": (300, 5, 6, 4, 1, 1, 1, 1)}, "corrupt_file"),
        ({"dim": (3, 5, 0, 4, 1, 1, 1, 1)}, "empty"),
        ({"dim": (2, 5, 6, 1, 1, 1, 1, 1)}, "not_3d"),
        ({"dim": (5, 5, 2, 2, 1, 3, 1, 1)}, "not_3d"),
        ({"datatype": 12345}, "corrupt_file"),
        ({"datatype": 128, "dim": (3, 5, 2, 4, 1, 1, 1, 1)}, "not_scalar"),
        ({"datatype": 32, "dim": (3, 1, 1, 1, 1, 1, 1, 1)}, "not_scalar"),
        ({"scl_slope": 2, "scl_inter": np.nan}, "corrupt_file"),
        ({"magic": b"n+7"}, "corrupt_file"),
        ({"magic": b"abc"}, "corrupt_file"),
        ({"magic": b"ni1"}, "unsupported_format"),
        ({"sizeof_hdr": 349}, "corrupt_file"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True], ids=["nii", "gz"])
def test_a_damaged_or_unusable_header_is_refused(an_image, tmp_path, fields, code, compressed):
    path = save(an_image, tmp_path / "x.nii", **fields)
    if compressed:
        (tmp_path / "x.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
        path = tmp_path / "x.nii.gz"
    assert refusal(path).code == code


def test_nothing_is_allocated_for_a_large_header_on_a_small_file(an_image, tmp_path, monkeypatch):
    path = save(an_image, tmp_path / "x.nii", dim=(3, 800, 800, 800, 1, 1, 1, 1))
    (tmp_path / "x.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
    monkeypatch.setattr("mrsynth.nifti.np.frombuffer", lambda *_: pytest.fail("voxels were asked for"))
    monkeypatch.setattr("mrsynth.nifti.bytearray", lambda _: pytest.fail("room was made"), raising=False)
    for name in ("x.nii", "x.nii.gz"):
        assert refusal(tmp_path / name).code == "corrupt_file"


@pytest.mark.parametrize("lost", [1, 4, 9, 100, 300])
def test_a_truncated_gz_is_refused_even_if_only_its_checksum_is_missing(an_image, tmp_path, lost):
    nibabel.save(an_image, tmp_path / "x.nii.gz")
    (tmp_path / "y.nii.gz").write_bytes((tmp_path / "x.nii.gz").read_bytes()[:-lost])
    assert refusal(tmp_path / "y.nii.gz").code == "corrupt_file"


def test_a_gz_with_flipped_bits_is_refused(an_image, tmp_path):
    nibabel.save(an_image, tmp_path / "x.nii.gz")
    content = bytearray((tmp_path / "x.nii.gz").read_bytes())
    for position in range(12, len(content), 23):
        damaged = bytearray(content)
        damaged[position] ^= 0x10
        (tmp_path / "y.nii.gz").write_bytes(damaged)
        assert refusal(tmp_path / "y.nii.gz").code == "corrupt_file"


def test_a_gz_that_ends_before_its_voxels_is_refused(an_image, tmp_path):
    nibabel.save(an_image, tmp_path / "x.nii")
    content = (tmp_path / "x.nii").read_bytes()
    for length in (3, 200, 348, 400):
        (tmp_path / "y.nii.gz").write_bytes(gzip.compress(content[:length]))
        assert refusal(tmp_path / "y.nii.gz").code == "corrupt_file"


@pytest.mark.parametrize("length", [1, 3, 100, 348, 352, 500])
def test_a_truncated_nii_is_refused(an_image, tmp_path, length):
    nibabel.save(an_image, tmp_path / "x.nii")
    (tmp_path / "y.nii").write_bytes((tmp_path / "x.nii").read_bytes()[:length])
    assert refusal(tmp_path / "y.nii").code == "corrupt_file"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_voxels_that_are_no_numbers_are_refused(tmp_path, value):
    voxels = np.ones((2, 3, 4), np.float32)
    voxels[0, 1, 2] = value
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / "x.nii")
    error = refusal(tmp_path / "x.nii")
    assert error.code == "not_finite"
    assert "1 NaN or infinite of 24" in str(error)
