"""An output's name belongs to a whole file or to nothing new."""

import errno
import gzip
import os
import sys

import numpy as np
import pytest

from mrsynth.atomic_file import remove_partial_files, replacing_file
from mrsynth.errors import InputError, OutputError
from mrsynth.volume import VOLUME_SUFFIXES, Volume, is_volume_path
from mrsynth.volume_reading import read_volume
from mrsynth.volume_writing import write_volume


@pytest.fixture
def a_volume() -> Volume:
    return Volume(np.random.default_rng(0).normal(size=(40, 30, 20)), np.diag([1.0, 2.0, 3.0, 1.0]))


@pytest.mark.parametrize("suffix", VOLUME_SUFFIXES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_what_is_written_is_read_back_exactly(a_volume, tmp_path, suffix, order):
    volume = a_volume.with_voxels(np.array(a_volume.voxels, order=order)[::-1])
    write_volume(volume, tmp_path / f"x{suffix}")
    back = read_volume(tmp_path / f"x{suffix}")
    np.testing.assert_array_equal(back.voxels, volume.voxels)
    np.testing.assert_array_equal(back.affine, volume.affine)
    assert [path.name for path in tmp_path.iterdir()] == [f"x{suffix}"]


@pytest.mark.parametrize("suffix", VOLUME_SUFFIXES)
def test_equal_volumes_are_equal_files(a_volume, tmp_path, suffix):
    write_volume(a_volume, tmp_path / f"x{suffix}")
    write_volume(a_volume, tmp_path / f"y{suffix}")
    assert (tmp_path / f"x{suffix}").read_bytes() == (tmp_path / f"y{suffix}").read_bytes()


def test_an_output_beside_the_current_folder_needs_no_directory(a_volume, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_volume(a_volume, "x.nii")
    assert (tmp_path / "x.nii").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions follow the umask on POSIX only")
def test_an_output_has_the_permissions_of_any_new_file(a_volume, tmp_path):
    (tmp_path / "plain").touch()
    write_volume(a_volume, tmp_path / "x.nii")
    assert (tmp_path / "x.nii").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("name", ["x.txt", "x", "x.nii.bz2", "x.img"])
def test_an_unknown_output_format_is_refused_before_anything_is_written(a_volume, tmp_path, name):
    with pytest.raises(InputError, match=r"\.nii\.gz") as caught:
        write_volume(a_volume, tmp_path / name)
    assert caught.value.code == "unsupported_format"
    assert list(tmp_path.iterdir()) == []


def refused_output(volume, path) -> str:
    with pytest.raises(OutputError) as caught:
        write_volume(volume, path)
    assert str(caught.value).startswith(f"{path}: ")
    return caught.value.code


def test_a_folder_that_does_not_exist_is_unwritable(a_volume, tmp_path):
    assert refused_output(a_volume, tmp_path / "none" / "x.nii") == "output_unwritable"


def test_a_file_in_the_place_of_the_folder_is_unwritable(a_volume, tmp_path):
    (tmp_path / "file").touch()
    assert refused_output(a_volume, tmp_path / "file" / "x.nii") == "output_unwritable"


def test_a_folder_in_the_place_of_the_output_is_unwritable_and_stays(a_volume, tmp_path):
    (tmp_path / "x.nii").mkdir()
    assert refused_output(a_volume, tmp_path / "x.nii") == "output_unwritable"
    assert [path.name for path in tmp_path.iterdir()] == ["x.nii"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root and Windows may write to any folder")
def test_a_folder_without_permission_is_unwritable(a_volume, tmp_path):
    tmp_path.chmod(0o500)
    assert refused_output(a_volume, tmp_path / "x.nii") == "output_unwritable"


@pytest.mark.parametrize("suffix", VOLUME_SUFFIXES)
@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EACCES, "output_unwritable"),
        (errno.EROFS, "output_unwritable"),
    ],
)
def test_a_failure_at_any_step_leaves_the_old_output_alone(a_volume, tmp_path, monkeypatch, suffix, step, number, code):
    def fail(*_arguments, **_keywords):
        raise OSError(number, os.strerror(number))

    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"old")
    with monkeypatch.context() as patched:
        if step == "open":
            patched.setattr("builtins.open", fail)
        else:
            patched.setattr(os, step, fail)
        assert refused_output(a_volume, path) == code
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on the size of files is a POSIX thing")
@pytest.mark.parametrize("suffix", VOLUME_SUFFIXES)
@pytest.mark.parametrize("room", [0, 100, 5000, 60000])
def test_a_file_system_that_really_refuses_more_bytes_is_reported_as_full(a_volume, tmp_path, suffix, room):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        code = refused_output(a_volume, tmp_path / f"x{suffix}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == "disk_full"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_an_interruption_leaves_nothing(tmp_path, error):
    with pytest.raises(error), replacing_file(tmp_path / "x.nii") as file:
        file.write(b"half")
        (unfinished,) = tmp_path.iterdir()
        assert not is_volume_path(unfinished)
        raise error
    assert list(tmp_path.iterdir()) == []


def test_what_killed_processes_left_of_files_is_removed_and_nothing_else(tmp_path):
    for name in (".0123.partial", "kept.partial", ".kept", "volume.nii"):
        (tmp_path / name).touch()
    remove_partial_files(tmp_path)
    remove_partial_files(tmp_path / "none")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".kept", "kept.partial", "volume.nii"]


def test_a_compressed_file_is_about_as_small_as_gzip_makes_it_and_the_same_inside(tmp_path):
    rng = np.random.default_rng(0)
    head = np.where(rng.random((40, 40, 12)) > 0.5, rng.uniform(50, 60, (40, 40, 12)), 0)
    head[:10] = 0
    volume = Volume(head.astype(np.float32), np.eye(4))
    write_volume(volume, tmp_path / "x.nii.gz")
    write_volume(volume, tmp_path / "x.nii")
    plain, compressed = (tmp_path / "x.nii").read_bytes(), (tmp_path / "x.nii.gz").read_bytes()
    assert gzip.decompress(compressed) == plain
    assert len(compressed) < 1.05 * len(gzip.compress(plain, 1))
    assert compressed[4:8] == bytes(4)  # no time
