"""A folder with one DICOM series becomes a volume in place; anything less certain is refused."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from dicom_examples import SERIES_UID, write_series

from mrsynth.acquired_timing import DICOM, AcquiredTiming
from mrsynth.errors import InputError
from mrsynth.volume_reading import read_volume


@pytest.fixture
def some_voxels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 1000, (6, 5, 4)).astype(np.int16)


@pytest.fixture
def an_oblique_affine() -> np.ndarray:
    cos, sin = np.cos(0.3), np.sin(0.3)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ np.diag([-1.0, -1.5, 5.0])
    affine[:3, 3] = (10, 20, -30)
    return affine


def refusal(folder: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_volume(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_series_is_in_place_with_its_slices_in_order(tmp_path, some_voxels, an_oblique_affine):
    write_series(tmp_path / "series", some_voxels, an_oblique_affine)
    (tmp_path / "series" / "notes.txt").write_text("not an image")
    volume = read_volume(tmp_path / "series")
    np.testing.assert_array_equal(volume.voxels, some_voxels)
    np.testing.assert_allclose(volume.affine, an_oblique_affine, atol=1e-5)
    assert volume.frame.format == "dicom"


def test_a_sagittal_series_is_in_place(tmp_path, some_voxels, an_oblique_affine):
    turned = an_oblique_affine.copy()
    turned[:3, :3] = an_oblique_affine[:3, [1, 2, 0]]
    write_series(tmp_path / "series", some_voxels, turned)
    volume = read_volume(tmp_path / "series")
    marked = np.argwhere(volume.voxels == some_voxels[2, 3, 1])
    places = {tuple(np.round((volume.affine @ (*index, 1))[:3], 3)) for index in marked}
    assert tuple(np.round((turned @ (2, 3, 1, 1))[:3], 3)) in places


def test_a_tilted_gantry_gives_the_sheared_place_of_its_slices(tmp_path, some_voxels, an_oblique_affine):
    tilted = an_oblique_affine.copy()
    tilted[:3, 2] += (0, 1.5, 0)
    write_series(tmp_path / "series", some_voxels, tilted)
    np.testing.assert_allclose(read_volume(tmp_path / "series").affine, tilted, atol=1e-5)


def test_a_single_slice_is_a_volume(tmp_path, some_voxels, an_oblique_affine):
    write_series(tmp_path / "series", some_voxels[:, :, :1], an_oblique_affine)
    volume = read_volume(tmp_path / "series")
    np.testing.assert_array_equal(volume.voxels, some_voxels[:, :, :1])
    np.testing.assert_allclose(volume.affine[:, [0, 1, 3]], an_oblique_affine[:, [0, 1, 3]], atol=1e-5)


def test_two_series_in_one_folder_are_listed(tmp_path, some_voxels, an_oblique_affine):
    write_series(tmp_path / "both", some_voxels, an_oblique_affine, series=SERIES_UID + "1", prefix="a")
    write_series(tmp_path / "both", some_voxels[:, :, :3], an_oblique_affine, series=SERIES_UID + "2", prefix="b")
    error = refusal(tmp_path / "both")
    assert error.code == "several_series"
    assert f"{SERIES_UID}1 (4 files); {SERIES_UID}2 (3 files)" in str(error)


def test_two_echoes_in_one_series_are_named(tmp_path, some_voxels, an_oblique_affine):
    write_series(tmp_path / "echoes", some_voxels, an_oblique_affine, echo_time="20", prefix="a")
    write_series(tmp_path / "echoes", some_voxels, an_oblique_affine, echo_time="100", prefix="b")
    error = refusal(tmp_path / "echoes")
    assert error.code == "several_series"
    assert "20, 100" in str(error)


def test_a_missing_slice_is_noticed(tmp_path, some_voxels, an_oblique_affine):
    write_series(tmp_path / "gap", some_voxels, an_oblique_affine, left_out=(1,))
    assert refusal(tmp_path / "gap").code == "bad_spacing"


def test_slices_of_several_orientations_are_refused(tmp_path, some_voxels, an_oblique_affine):
    other = an_oblique_affine.copy()
    other[:3, :3] = an_oblique_affine[:3, [1, 0, 2]]
    write_series(tmp_path / "localizer", some_voxels, an_oblique_affine, prefix="a")
    write_series(tmp_path / "localizer", some_voxels, other, prefix="b")
    assert refusal(tmp_path / "localizer").code == "bad_affine"


def test_slices_of_several_sizes_are_refused(tmp_path, some_voxels, an_oblique_affine):
    write_series(tmp_path / "sizes", some_voxels, an_oblique_affine, prefix="a", left_out=(0, 1))
    write_series(tmp_path / "sizes", some_voxels[:4], an_oblique_affine, prefix="b", left_out=(2, 3))
    assert refusal(tmp_path / "sizes").code == "not_3d"


def test_a_damaged_slice_at_the_end_is_noticed(tmp_path, some_voxels, an_oblique_affine):
    write_series(tmp_path / "damaged", some_voxels, an_oblique_affine)
    path = tmp_path / "damaged" / "image0"
    path.write_bytes(path.read_bytes()[:-30])
    error = refusal(tmp_path / "damaged")
    assert error.code == "corrupt_file"
    assert "image0" in str(error)


@pytest.mark.parametrize("slices", [1, 4])
def test_slices_without_a_position_are_refused(tmp_path, some_voxels, an_oblique_affine, monkeypatch, slices):
    write_series(tmp_path / "series", some_voxels[:, :, :slices], an_oblique_affine)
    monkeypatch.setattr("mrsynth.dicom._IMAGE_POSITION", "0020|9999")
    assert refusal(tmp_path / "series").code == "bad_affine"


def test_a_colour_series_is_refused(tmp_path):
    (tmp_path / "colour").mkdir()
    image = SimpleITK.GetImageFromArray(np.zeros((1, 4, 4, 3), np.uint8), isVector=True)
    SimpleITK.WriteImage(image, str(tmp_path / "colour" / "image.dcm"))
    assert refusal(tmp_path / "colour").code == "not_scalar"


@pytest.mark.parametrize("content", [None, b"", b"hello"])
def test_a_folder_without_dicom_is_refused_quietly(tmp_path, content, capfd):
    if content is not None:
        (tmp_path / "x.txt").write_bytes(content)
    assert refusal(tmp_path).code == "unsupported_format"
    assert capfd.readouterr() == ("", "")


def test_a_series_comes_with_its_echo_and_repetition_time(tmp_path, some_voxels, an_oblique_affine):
    write_series(tmp_path / "series", some_voxels, an_oblique_affine, echo_time="98.5", repetition_time="3800")
    assert read_volume(tmp_path / "series").timing == AcquiredTiming(98.5, 3800.0, DICOM)


def test_a_sidecar_beside_a_series_does_not_count(tmp_path, some_voxels, an_oblique_affine):
    write_series(tmp_path / "series", some_voxels, an_oblique_affine)
    (tmp_path / "series.json").write_text('{"EchoTime": 0.02}')
    assert read_volume(tmp_path / "series").timing.te_ms == 100.0


def test_times_that_differ_within_a_series_are_unknown(tmp_path, some_voxels, an_oblique_affine):
    write_series(tmp_path / "series", some_voxels, an_oblique_affine, left_out=(0, 1), echo_time="20")
    write_series(tmp_path / "series", some_voxels, an_oblique_affine, left_out=(2, 3), echo_time="100")
    assert read_volume(tmp_path / "series").timing == AcquiredTiming(None, 4500.0, DICOM)


@pytest.mark.parametrize("nonsense", ["0", "-5", "", "999999"])
def test_nonsense_in_place_of_a_time_is_unknown(tmp_path, some_voxels, an_oblique_affine, nonsense):
    write_series(tmp_path / "series", some_voxels, an_oblique_affine, echo_time=nonsense, repetition_time=nonsense)
    assert read_volume(tmp_path / "series").timing == AcquiredTiming()
