import io
import tarfile

import pytest
from ixi_examples import pack, write_subject_scans

from mrsynth.errors import InputError
from mrsynth_training.ixi_archive import list_members

HOSTILE = ("../outside.nii", "/absolute.nii.gz")


@pytest.fixture
def an_archive(tmp_path):
    """An archive of two scans."""
    for name in ("IXI002-Guys-0828", "IXI012-HH-1211"):
        write_subject_scans(tmp_path, name)
    return pack(tmp_path, "T2", tmp_path / "IXI-T2.tar")


def refusal(archive):
    with pytest.raises(InputError) as caught:
        list_members(archive)
    assert caught.value.code == "corrupt_file" and str(archive) in str(caught.value)
    return str(caught.value)


def test_members_are_listed_with_the_place_of_their_bytes(an_archive):
    members = list_members(an_archive)
    assert [member.member for member in members] == ["IXI002-Guys-0828-T2.nii.gz", "IXI012-HH-1211-T2.nii.gz"]
    data = an_archive.read_bytes()
    for member in members:
        assert data[member.offset : member.offset + 2] == b"\x1f\x8b"
        assert data[member.offset :][: member.size_bytes].rstrip(b"\0")


def test_an_archive_cut_anywhere_is_truncated_and_not_a_shorter_one(an_archive):
    data, members = an_archive.read_bytes(), list_members(an_archive)
    end_of_first = members[1].offset - tarfile.BLOCKSIZE
    end_of_last = -(-(members[1].offset + members[1].size_bytes) // 512) * 512
    for length in (members[0].offset + 10, end_of_first, end_of_first + 100, end_of_last - 10, end_of_last):
        an_archive.write_bytes(data[:length])
        assert "truncated or damaged" in refusal(an_archive), length


def test_a_damaged_header_in_the_middle_does_not_end_the_archive_quietly(an_archive):
    data, second = bytearray(an_archive.read_bytes()), list_members(an_archive)[1]
    data[second.offset - 512 : second.offset - 400] = b"x" * 112
    an_archive.write_bytes(data)
    assert "truncated or damaged" in refusal(an_archive)


def test_an_empty_file_or_another_format_is_no_archive(tmp_path):
    for content in (b"", b"<html>not found</html>" * 100):
        (tmp_path / "IXI-T2.tar").write_bytes(content)
        refusal(tmp_path / "IXI-T2.tar")


def test_an_archive_that_cannot_be_opened_is_unreadable(tmp_path):
    with pytest.raises(InputError) as caught:
        list_members(tmp_path)
    assert caught.value.code == "unreadable"


def test_hostile_names_are_only_names_and_links_are_passed_over(tmp_path, monkeypatch):
    archive = tmp_path / "inside" / "IXI-T2.tar"
    archive.parent.mkdir()
    with tarfile.open(archive, "w") as tar:
        for name in HOSTILE:
            entry = tarfile.TarInfo(name)
            entry.size = 3
            tar.addfile(entry, io.BytesIO(b"abc"))
        link = tarfile.TarInfo("link.nii")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    members = list_members(archive)
    assert [member.member for member in members] == list(HOSTILE)
    for member in members:
        with pytest.raises(InputError):
            member.read()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["IXI-T2.tar", "inside"]
