"""What cannot be read ends with one line that names the path, whatever the format."""

import subprocess
import sys

import numpy as np
import pytest

from mrsynth.errors import InputError, MissingFile
from mrsynth.volume import VOLUME_SUFFIXES, Volume
from mrsynth.volume_reading import read_volume
from mrsynth.volume_writing import write_volume


@pytest.fixture
def a_volume() -> Volume:
    return Volume(np.arange(24.0).reshape(2, 3, 4), np.diag([1.0, 2.0, 3.0, 1.0]))


def refusal(path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_volume(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_missing_file_is_named(tmp_path):
    error = refusal(tmp_path / "none.nii.gz")
    assert isinstance(error, MissingFile)
    assert error.code == "missing_file"


@pytest.mark.parametrize("name", ["scan.txt", "scan", "scan.img", "scan.png", "scan.gz"])
def test_an_unknown_format_is_named_with_the_known_ones(tmp_path, name):
    (tmp_path / name).write_bytes(b"content")
    error = refusal(tmp_path / name)
    assert error.code == "unsupported_format"
    assert ".nii.gz .nii .nrrd .mha" in str(error)


@pytest.mark.parametrize("suffix", VOLUME_SUFFIXES)
def test_an_empty_file_is_refused(tmp_path, suffix):
    (tmp_path / f"x{suffix}").touch()
    assert refusal(tmp_path / f"x{suffix}").code == "empty"


@pytest.mark.parametrize("suffix", VOLUME_SUFFIXES)
@pytest.mark.parametrize("content", [b"\n", b"not a volume\n" * 100, bytes(1000), b"\x1f\x8b" + bytes(500)])
def test_a_file_with_the_wrong_magic_is_refused_quietly(tmp_path, suffix, content, capfd):
    (tmp_path / f"x{suffix}").write_bytes(content)
    assert refusal(tmp_path / f"x{suffix}").code == "corrupt_file"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", VOLUME_SUFFIXES)
def test_a_file_truncated_anywhere_is_refused(a_volume, tmp_path, suffix):
    write_volume(a_volume, tmp_path / f"whole{suffix}")
    content = (tmp_path / f"whole{suffix}").read_bytes()
    for length in range(1, len(content), 19):
        (tmp_path / f"x{suffix}").write_bytes(content[:length])
        assert refusal(tmp_path / f"x{suffix}").code in ("corrupt_file", "bad_affine", "bad_spacing")


def test_a_path_may_be_text(a_volume, tmp_path):
    write_volume(a_volume, str(tmp_path / "x.NII.GZ"))
    np.testing.assert_array_equal(read_volume(str(tmp_path / "x.NII.GZ")).voxels, a_volume.voxels)


@pytest.mark.parametrize("suffix", VOLUME_SUFFIXES)
@pytest.mark.parametrize("name", ["a b", "Schädel ü", "脳"])
def test_names_beyond_ascii_are_read_and_written(a_volume, tmp_path, suffix, name):
    write_volume(a_volume, tmp_path / f"{name}{suffix}")
    np.testing.assert_array_equal(read_volume(tmp_path / f"{name}{suffix}").voxels, a_volume.voxels)


@pytest.mark.parametrize(
    ("error", "code"), [(PermissionError(13, "Permission denied"), "unreadable"), (MemoryError(), "too_large")]
)
def test_what_the_machine_refuses_is_said_in_one_line(a_volume, tmp_path, monkeypatch, error, code):
    def fail(_path):
        raise error

    write_volume(a_volume, tmp_path / "x.nii")
    monkeypatch.setattr("mrsynth.nifti.read_nifti", fail)
    assert refusal(tmp_path / "x.nii").code == code


def test_reading_and_writing_need_no_torch():
    modules = "mrsynth.volume_reading, mrsynth.volume_writing, mrsynth.itk, mrsynth.dicom, mrsynth.contrast"
    code = f"import sys; sys.path[:] = {sys.path}; import {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
