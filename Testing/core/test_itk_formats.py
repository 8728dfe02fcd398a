"""NRRD and MHA files keep the scan's place in the patient, whichever way their world axes run."""

import gzip
import zlib
from itertools import permutations, product
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

from mrsynth.errors import InputError
from mrsynth.volume import Volume
from mrsynth.volume_reading import read_volume
from mrsynth.volume_writing import write_volume

NRRD = """NRRD0004
# a comment: with a colon
type: short
dimension: 3
space: {space}
sizes: 4 3 2
space directions: (0,2,0) (-1,0,0) (0,0,3)
kinds: domain domain domain
endian: little
encoding: {encoding}
space origin: (10,20,30)

"""
MHA = """ObjectType = Image
NDims = 3
BinaryData = True
BinaryDataByteOrderMSB = False
CompressedData = False
TransformMatrix = 1 0 0 0 1 0 0 0 1
Offset = 10 20 30
CenterOfRotation = 0 0 0
ElementSpacing = 1 2 3
DimSize = 4 3 2
ElementType = MET_SHORT
ElementDataFile = LOCAL
"""
VOXELS = np.arange(24, dtype="<i2")
SUFFIXES = [".nrrd", ".mha"]


@pytest.fixture
def an_oblique_affine() -> np.ndarray:
    turn = nibabel.eulerangles.euler2mat(0.3, -0.2, 0.15) @ np.diag([1.0, 1.0, -1.0])
    return nibabel.affines.from_matvec(turn @ np.diag([0.9, 1.1, 4.0]), (80.3, -110.7, -33.1))


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_volume(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value.code


def nrrd(path: Path, old: str = "", new: str = "", data: bytes = VOXELS.tobytes(), **fields) -> Path:
    header = NRRD.format(**{"space": "left-posterior-superior", "encoding": "raw"} | fields)
    assert old in header
    path.write_bytes((header.replace(old, new) if old else header).encode() + data)
    return path


def mha(path: Path, old: str = "", new: str = "", data: bytes = VOXELS.tobytes()) -> Path:
    assert old in MHA
    path.write_bytes((MHA.replace(old, new) if old else MHA).encode() + data)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("axes", list(permutations(range(3))))
def test_every_orientation_is_in_place_for_itk_and_comes_back(tmp_path, suffix, axes):
    path = tmp_path / f"x{suffix}"
    for signs in product((1, -1), repeat=3):
        affine = np.eye(4)
        affine[:3, :3] = np.eye(3)[:, axes] * signs * (0.9, 1.1, 4.0)
        affine[:3, 3] = (10, -20, 30.5)
        volume = Volume(np.random.default_rng(0).normal(size=(3, 4, 5)), affine)
        write_volume(volume, path)
        image = SimpleITK.ReadImage(str(path))
        place = np.array(image.TransformIndexToPhysicalPoint((2, 1, 4))) * (-1, -1, 1)
        np.testing.assert_allclose(place, (affine @ (2, 1, 4, 1))[:3])
        assert image[2, 1, 4] == volume.voxels[2, 1, 4]
        back = read_volume(path)
        np.testing.assert_array_equal(back.voxels, volume.voxels)
        np.testing.assert_allclose(back.affine, affine, atol=1e-12)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_oblique_or_sheared_scan_comes_back_in_place(tmp_path, suffix, an_oblique_affine):
    sheared = an_oblique_affine.copy()
    sheared[:3, 2] += (0.5, 0.1, -0.2)
    for affine in (an_oblique_affine, sheared):
        write_volume(Volume(np.ones((3, 4, 5)), affine), tmp_path / f"x{suffix}")
        np.testing.assert_allclose(read_volume(tmp_path / f"x{suffix}").affine, affine, rtol=1e-10)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "i8", "f4", "f8"])
def test_what_itk_writes_is_read(tmp_path, suffix, compressed, dtype, an_oblique_affine):
    voxels = np.random.default_rng(0).integers(0, 100, (5, 4, 3)).astype(dtype)  # k, j, i
    image = SimpleITK.GetImageFromArray(voxels)
    image.SetSpacing((0.9, 1.1, 4.0))
    lps = np.diag([-1.0, -1, 1, 1]) @ an_oblique_affine
    image.SetDirection((lps[:3, :3] / (0.9, 1.1, 4.0)).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    SimpleITK.WriteImage(image, str(tmp_path / f"x{suffix}"), compressed)
    volume = read_volume(tmp_path / f"x{suffix}")
    np.testing.assert_array_equal(volume.voxels, voxels.T)
    np.testing.assert_allclose(volume.affine, an_oblique_affine, rtol=1e-6, atol=1e-6)
    assert volume.frame.format == suffix[1:]


@pytest.mark.parametrize(
    ("space", "ras_from_space"),
    [("left-posterior-superior", (-1, -1, 1)), ("right-anterior-superior", (1, 1, 1)), ("LAS", (-1, 1, 1))],
)
def test_nrrd_world_axes_become_ras(tmp_path, space, ras_from_space):
    affine = read_volume(nrrd(tmp_path / "x.nrrd", space=space)).affine
    directions = np.array([[0, -1, 0, 10], [2, 0, 0, 20], [0, 0, 3, 30.0]])
    np.testing.assert_allclose(affine[:3], np.array(ras_from_space)[:, None] * directions)


def test_line_ends_of_windows_are_read(tmp_path):
    header = NRRD.format(space="LPS", encoding="raw").replace("\n", "\r\n")
    (tmp_path / "x.nrrd").write_bytes(header.encode() + VOXELS.tobytes())
    assert read_volume(tmp_path / "x.nrrd").shape == (4, 3, 2)


def test_text_voxels_are_read(tmp_path):
    volume = read_volume(nrrd(tmp_path / "x.nrrd", encoding="ascii", data=" ".join(map(str, VOXELS)).encode()))
    np.testing.assert_array_equal(volume.voxels.ravel(order="F"), VOXELS)


def test_a_fourth_axis_of_one_sample_is_dropped_and_of_two_refused(tmp_path):
    for count in (1, 2):
        image = SimpleITK.JoinSeries([SimpleITK.GetImageFromArray(VOXELS.reshape(2, 3, 4))] * count)
        SimpleITK.WriteImage(image, str(tmp_path / f"{count}.mha"))
    np.testing.assert_array_equal(read_volume(tmp_path / "1.mha").voxels, VOXELS.reshape(2, 3, 4).T)
    assert refusal(tmp_path / "2.mha") == "not_3d"


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("shape", "vector", "code"), [((3, 4), False, "not_3d"), ((2, 3, 4, 3), True, "not_scalar")])
def test_flat_and_colour_images_are_refused(tmp_path, suffix, shape, vector, code):
    image = SimpleITK.GetImageFromArray(np.zeros(shape, np.uint8), isVector=vector)
    SimpleITK.WriteImage(image, str(tmp_path / f"x{suffix}"))
    assert refusal(tmp_path / f"x{suffix}") == code


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("NRRD0004", "NRRX0004", "corrupt_file"),
        ("type: short", "type: shirt", "corrupt_file"),
        ("sizes: 4 3 2", "sizes: 2000 2000 2000", "too_large"),
        ("sizes: 4 3 2", "sizes: 400 300 200", "corrupt_file"),
        ("sizes: 4 3 2", "sizes: 4 0 2", "corrupt_file"),
        ("(0,2,0)", "(0,0,0)", "bad_spacing"),
        ("(0,2,0)", "(0.0, -0, 0)", "bad_spacing"),
        ("(0,2,0)", "(nan,0,0)", "corrupt_file"),
        ("(0,2,0)", "(3,0,0)", "bad_affine"),
        ("space: left-posterior-superior", "space: scanner-xyz", "bad_affine"),
        ("space: left-posterior-superior\n", "", "bad_affine"),
        ("space directions: (0,2,0) (-1,0,0) (0,0,3)", "spacings: 1 2 3", "bad_affine"),
        ("encoding", 'space units: "cm" "cm" "cm"\nencoding', "bad_spacing"),
        ("encoding", "data file: voxels.raw\nencoding", "unsupported_format"),
        ("type: short", "type: block\nblock size: 2", "corrupt_file"),
        ("\n\n", "\n", "corrupt_file"),
    ],
)
def test_a_damaged_or_unusable_nrrd_header_is_refused(tmp_path, old, new, code):
    assert refusal(nrrd(tmp_path / "x.nrrd", old, new)) == code


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("DimSize = 4 3 2", "DimSize = 2000 2000 2000", "too_large"),
        ("DimSize = 4 3 2", "DimSize = 400 300 200", "corrupt_file"),
        ("DimSize = 4 3 2", "DimSize = 4 0 2", "empty"),
        ("ElementSpacing = 1 2 3", "ElementSpacing = 1 0 3", "bad_spacing"),
        ("ElementSpacing = 1 2 3", "ElementSpacing = 1 -2 3", "bad_spacing"),
        ("ElementSpacing = 1 2 3", "ElementSpacing = 1 nan 3", "bad_spacing"),
        ("ElementSpacing = 1 2 3", "ElementSpacing = one two", "corrupt_file"),
        ("ElementSpacing = 1 2 3\n", "", "bad_spacing"),
        ("1 0 0 0 1 0 0 0 1", "1 0 0 1 0 0 0 0 1", "bad_affine"),
        ("TransformMatrix = 1 0 0 0 1 0 0 0 1\n", "", "bad_affine"),
        ("LOCAL", "voxels.raw", "unsupported_format"),
        ("ElementDataFile = LOCAL\n", "", "corrupt_file"),
        ("ElementDataFile = LOCAL\n", "XElementDataFile = LOCAL\n", "corrupt_file"),
        ("ElementType = MET_SHORT\n", "", "corrupt_file"),
        ("DimSize = 4 3 2\n", "", "corrupt_file"),
        ("MET_SHORT", "MET_SHIRT", "corrupt_file"),
        ("MET_SHORT", "MET_SHORT\nElementNumberOfChannels = 2", "not_scalar"),
        ("NDims = 3", "NDims =-3", "corrupt_file"),
        ("NDims = 3", "NDims = 300", "corrupt_file"),
        ("NDims = 3", "NDims = 2", "not_3d"),
        ("DimSize = 4 3 2", "DimSize = 4 3", "corrupt_file"),
        ("DimSize = 4 3 2", "DimSize = 4 -3 2", "corrupt_file"),
        ("DimSize = 4 3 2", "DimSize = 4 nan 2", "corrupt_file"),
        ("Offset = 10 20 30", "Offset = 10 inf 30", "bad_affine"),
        ("BinaryData = True", "BinaryData = False", "unsupported_format"),
        ("CompressedData = False", "CompressedData = True", "corrupt_file"),
        ("ElementType", "DistanceUnits = cm\nElementType", "bad_spacing"),
    ],
)
def test_a_damaged_or_unusable_mha_header_is_refused_without_a_word_on_the_terminal(tmp_path, old, new, code, capfd):
    assert refusal(mha(tmp_path / "x.mha", old, new)) == code
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("dtype", "name"), [("u1", "UCHAR"), (">i2", "SHORT"), ("i8", "LONG_LONG"), ("f8", "DOUBLE")])
def test_mha_voxels_of_any_type_and_byte_order_are_read_in_place(tmp_path, dtype, name):
    path = mha(tmp_path / "x.mha", "MET_SHORT", f"MET_{name}", VOXELS.astype(dtype).tobytes())
    if dtype.startswith(">"):
        path.write_bytes(path.read_bytes().replace(b"OrderMSB = False", b"OrderMSB = True"))
    volume, image = read_volume(path), SimpleITK.ReadImage(str(path))
    np.testing.assert_array_equal(volume.voxels, SimpleITK.GetArrayFromImage(image).T)
    place = (volume.affine @ (3, 2, 1, 1))[:3] * (-1, -1, 1)
    np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((3, 2, 1)), place)


def test_an_mha_header_may_name_its_fields_in_any_order_and_in_metaimages_other_words(tmp_path):
    header, end = MHA.replace("NDims = 3\n", ""), "NDims = 3\nElementDataFile"
    header = header.replace("ElementDataFile", end).replace("TransformMatrix", "Rotation").replace("Offset", "Origin")
    (tmp_path / "x.mha").write_bytes(header.encode() + VOXELS.tobytes())
    np.testing.assert_array_equal(read_volume(tmp_path / "x.mha").affine, read_volume(mha(tmp_path / "y.mha")).affine)


@pytest.mark.parametrize("lost", [1, 10, 47])
def test_truncated_plain_voxels_are_refused_without_a_word_on_the_terminal(tmp_path, lost, capfd):
    assert refusal(nrrd(tmp_path / "x.nrrd", data=VOXELS.tobytes()[:-lost])) == "corrupt_file"
    assert refusal(mha(tmp_path / "x.mha", data=VOXELS.tobytes()[:-lost])) == "corrupt_file"
    assert capfd.readouterr() == ("", "")


def with_flipped_bits(content: bytes, position: int) -> bytes:
    damaged = bytearray(content)
    damaged[position] ^= 0x55
    return bytes(damaged)


@pytest.mark.parametrize("position", [0, 2, 12, 30, -6, -2])
def test_compressed_voxels_with_flipped_bits_are_refused(tmp_path, position):
    data = with_flipped_bits(gzip.compress(VOXELS.tobytes()), position)
    assert refusal(nrrd(tmp_path / "x.nrrd", encoding="gzip", data=data)) == "corrupt_file"
    data = with_flipped_bits(zlib.compress(VOXELS.tobytes()), position)
    compression = f"CompressedData = True\nCompressedDataSize = {len(data)}"
    assert refusal(mha(tmp_path / "x.mha", "CompressedData = False", compression, data)) == "corrupt_file"


@pytest.mark.parametrize("data", [VOXELS[:20], np.append(VOXELS, VOXELS)], ids=["too few", "too many"])
def test_compressed_voxels_of_another_number_are_refused(tmp_path, data):
    assert refusal(nrrd(tmp_path / "x.nrrd", encoding="gzip", data=gzip.compress(data.tobytes()))) == "corrupt_file"
    compressed = mha(
        tmp_path / "x.mha", "CompressedData = False", "CompressedData = True", zlib.compress(data.tobytes())
    )
    assert refusal(compressed) == "corrupt_file"


def test_truncated_compressed_voxels_are_refused(tmp_path):
    data = gzip.compress(VOXELS.tobytes())[:-1]
    assert refusal(nrrd(tmp_path / "x.nrrd", encoding="gzip", data=data)) == "corrupt_file"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_voxels_that_are_no_numbers_are_refused(tmp_path, suffix):
    for value in (np.nan, np.inf, 1e300):
        image = SimpleITK.GetImageFromArray(np.full((2, 3, 4), value))
        SimpleITK.WriteImage(image, str(tmp_path / f"x{suffix}"))
        assert refusal(tmp_path / f"x{suffix}") == "not_finite"


def test_itks_own_warnings_are_as_they_were_afterwards(tmp_path):
    shown = SimpleITK.ProcessObject.GetGlobalWarningDisplay()
    read_volume(nrrd(tmp_path / "x.nrrd"))
    assert SimpleITK.ProcessObject.GetGlobalWarningDisplay() == shown
