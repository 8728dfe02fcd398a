import errno
from pathlib import Path

import numpy as np
import pytest
from ixi_examples import pack, scan_voxels, write_scan, write_subject_scans

from mrsynth.errors import InputError, MissingFile, OutputError
from mrsynth_training.ixi_archive import list_members
from mrsynth_training.scan_file import ScanFile


@pytest.fixture
def a_member(tmp_path):
    """A scan inside an archive."""
    write_subject_scans(tmp_path, "IXI002-Guys-0828")
    return list_members(pack(tmp_path, "T2", tmp_path / "IXI-T2.tar"))[0]


def test_a_member_reads_as_the_file_it_was(a_member):
    np.testing.assert_array_equal(a_member.read().voxels, scan_voxels(2))


def test_a_file_reads_as_it_is(tmp_path):
    np.testing.assert_array_equal(
        ScanFile(write_scan(tmp_path / "x.nii", scan_voxels(5))).read().voxels, scan_voxels(5)
    )


def test_a_damaged_member_is_named_by_archive_and_member(a_member):
    data = bytearray(a_member.path.read_bytes())
    data[a_member.offset + 200 : a_member.offset + 300] = bytes(100)
    a_member.path.write_bytes(data)
    with pytest.raises(InputError, match=r"IXI-T2.tar: IXI002-Guys-0828-T2.nii.gz: expected an intact gzip") as caught:
        a_member.read()
    assert caught.value.code == "corrupt_file"


def test_an_archive_that_ends_inside_a_member_is_damaged(a_member):
    a_member.path.write_bytes(a_member.path.read_bytes()[: a_member.offset + 100])
    with pytest.raises(InputError, match="the archive ends after 100"):
        a_member.read()


def test_an_archive_that_is_gone_or_unreadable_is_told(a_member, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", refuse)
        with pytest.raises(InputError, match="Permission denied") as caught:
            a_member.read()
        assert caught.value.code == "unreadable"
    a_member.path.unlink()
    with pytest.raises(MissingFile, match="expected an archive"):
        a_member.read()


def test_no_room_for_a_member_is_a_full_disk_and_no_fault_of_the_scan(a_member, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(OutputError) as caught:
        a_member.read()
    assert caught.value.code == "disk_full"


def test_a_fingerprint_changes_with_the_file(tmp_path):
    scan = ScanFile(write_scan(tmp_path / "x.nii", scan_voxels(5)))
    before = scan.fingerprint()
    assert scan.fingerprint() == before
    write_scan(scan.path, scan_voxels(5, (21, 24, 13)))
    assert scan.fingerprint() != before


def test_a_fingerprint_of_a_member_changes_with_its_archive(a_member):
    before = a_member.fingerprint()
    with open(a_member.path, "ab") as archive:
        archive.write(bytes(512))
    assert a_member.fingerprint() != before


def test_a_fingerprint_of_a_dicom_folder_changes_with_its_files(tmp_path):
    (tmp_path / "1.dcm").write_bytes(b"a slice")
    before = ScanFile(tmp_path).fingerprint()
    assert ScanFile(tmp_path).fingerprint() == before
    (tmp_path / "2.dcm").write_bytes(b"another")
    assert ScanFile(tmp_path).fingerprint() != before


def test_what_is_not_there_has_no_fingerprint(tmp_path):
    with pytest.raises(MissingFile, match="expected a scan"):
        ScanFile(tmp_path / "none.nii").fingerprint()
