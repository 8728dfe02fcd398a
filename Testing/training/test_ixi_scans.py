import shutil

import pytest
from ixi_examples import BROKEN, GOOD, pack, scan_voxels, write_broken_subjects, write_good_ixi, write_scan
from ixi_examples import write_subject_scans as write_subject

from mrsynth.errors import InputError, MissingFile
from mrsynth_training.ixi_scans import find_ixi, find_scans

SUBJECTS = sorted(name[:6] for name in GOOD)


@pytest.fixture
def ixi(tmp_path):
    return write_good_ixi(tmp_path / "IXI")


def test_t2_and_pd_are_paired_by_subject(ixi):
    pairs, skipped = find_ixi(ixi)
    assert [pair.subject for pair in pairs] == SUBJECTS and skipped == []
    assert (pairs[0].site, pairs[0].source.path.name) == ("Guys", "IXI002-Guys-0828-T2.nii.gz")
    assert all(pair.source.path.name.replace("-T2", "-PD") == pair.target.path.name for pair in pairs)


def test_archives_give_the_same_pairs_as_folders(ixi):
    for contrast in ("T2", "PD"):
        pack(ixi, contrast, ixi / f"IXI-{contrast}.tar")
    pairs, skipped = find_ixi(ixi)
    assert [pair.subject for pair in pairs] == SUBJECTS and skipped == []
    assert all(pair.source.member and pair.target.member for pair in pairs)


def test_an_archive_and_a_folder_pair_up(ixi):
    pack(ixi, "PD", ixi / "IXI-PD.tar")
    assert [pair.subject for pair in find_ixi(ixi)[0]] == SUBJECTS


def test_loose_files_are_taken_compressed_or_not(tmp_path):
    write_scan(tmp_path / "IXI002-Guys-0828-T2.nii", scan_voxels(1))
    write_scan(tmp_path / "IXI002-Guys-0828-PD.nii.gz", scan_voxels(2))
    assert [pair.subject for pair in find_ixi(tmp_path)[0]] == ["IXI002"]


def test_a_scan_that_is_unpacked_beside_its_archive_is_no_duplicate(ixi, tmp_path):
    shutil.copytree(ixi / "IXI-T2", tmp_path / "copy" / "IXI-T2")
    pack(tmp_path / "copy", "T2", ixi / "IXI-T2.tar")
    pairs, skipped = find_ixi(ixi)
    assert len(pairs) == len(GOOD) and skipped == []
    assert not any(pair.source.member for pair in pairs)


def test_subjects_that_make_no_pair_are_told_with_their_reason(ixi):
    pairs, skipped = find_ixi(write_broken_subjects(ixi))
    reasons = {record.subject: record.reason for record in skipped}
    assert reasons == {name: BROKEN[name] for name in ("IXI101", "IXI106", "IXI107")}
    assert "expected PD as well" in next(record.detail for record in skipped if record.subject == "IXI101")
    assert len(pairs) == len(GOOD) + 4  # what is wrong with the others shows when they are read


def test_the_same_name_twice_among_files_is_a_duplicate(ixi):
    write_subject(ixi / "again", GOOD[0])
    assert [(record.subject, record.reason) for record in find_ixi(ixi)[1]] == [("IXI002", "duplicate_subject")]


def test_other_files_and_hidden_ones_are_passed_over(ixi):
    write_scan(ixi / "IXI-T1" / "IXI002-Guys-0828-T1.nii.gz", scan_voxels(1))
    write_scan(ixi / ".trash" / "IXI900-Guys-0828-T2.nii.gz", scan_voxels(1))
    (ixi / "IXI-T2" / "._IXI900-Guys-0828-T2.nii.gz").write_bytes(b"from a Mac")
    (ixi / "IXI.xls").write_bytes(b"ages")
    assert len(find_scans(ixi)) == 2 * len(GOOD)


def test_a_wrong_folder_says_what_was_expected(tmp_path):
    with pytest.raises(MissingFile, match="expected a folder with IXI in it"):
        find_ixi(tmp_path / "none")
    write_scan(tmp_path / "scan.nii", scan_voxels(1))
    with pytest.raises(InputError, match="expected IXI-T2.tar and IXI-PD.tar or files such as .* table of pairs"):
        find_ixi(tmp_path)


def test_a_truncated_archive_stops_the_search(ixi):
    archive = pack(ixi, "T2", ixi / "IXI-T2.tar")
    archive.write_bytes(archive.read_bytes()[:-20_000])
    with pytest.raises(InputError, match="truncated") as caught:
        find_ixi(ixi)
    assert caught.value.code == "corrupt_file"
