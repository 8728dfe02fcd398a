"""Which scans of a folder are cases, what belongs to them, and what their results are called."""

import pytest
import slicer_host

slicer_host.install()

from mrsynth.errors import InputError, MissingFile  # noqa: E402
from MRSynthesisLib.BatchCases import BatchPlan, scanName, slicerSuffix  # noqa: E402


@pytest.fixture
def a_folder(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    return folder


def casesIn(folder, *names, referenceSuffix=""):
    for name in names:
        (folder / name).write_bytes(b"a scan")
    return BatchPlan(folder, folder.parent / "out", "PD", ".nii.gz", referenceSuffix).cases()


def named(cases):
    return [(case.source.name, case.reference and case.reference.name, case.output.name) for case in cases]


def test_every_scan_is_a_case_and_nothing_else(a_folder):
    cases = casesIn(a_folder, "b.nii.gz", "a.MGZ", "c.mhd", "c.raw", "notes.txt", ".hidden.nii", ".hidden.mgz")
    assert [case.source.name for case in cases] == ["a.MGZ", "b.nii.gz", "c.mhd"]


def test_scans_that_slicer_alone_reads_are_enough(a_folder):
    assert named(casesIn(a_folder, "x.hdr", "x.img")) == [("x.hdr", None, "x-synthetic-PD.nii.gz")]


def test_an_acquired_image_belongs_to_the_scan_of_its_name(a_folder):
    names = ("a_T2.nii", "a_PD.nii", "b.nii", "b_PD.mgz", "c_T2.nii", "c_T2_PD.nrrd", "d_T2.nii")
    found = {source: reference for source, reference, _ in named(casesIn(a_folder, *names, referenceSuffix="_PD"))}
    assert found == {"a_T2.nii": "a_PD.nii", "b.nii": "b_PD.mgz", "c_T2.nii": "c_T2_PD.nrrd", "d_T2.nii": None}


def test_without_a_suffix_every_image_is_a_scan(a_folder):
    assert [case.reference for case in casesIn(a_folder, "a_T2.nii", "a_PD.nii")] == [None, None]


def test_scans_of_one_name_get_results_of_their_own(a_folder):
    outputs = [case.output.name for case in casesIn(a_folder, "x.nii", "X.mgz", "y.nii")]
    assert outputs == ["X.mgz-synthetic-PD.nii.gz", "x.nii-synthetic-PD.nii.gz", "y-synthetic-PD.nii.gz"]


def test_a_folder_named_like_a_file_is_none(a_folder):
    (a_folder / "x.mgz").mkdir()
    assert slicerSuffix(a_folder / "x.mgz") == "" and scanName(a_folder / "x.mgz") == "x.mgz"


def test_a_folder_without_scans_is_refused(a_folder):
    for folder, words in ((a_folder, "expected volumes"), (a_folder / "none", "none of this name")):
        with pytest.raises(MissingFile, match=words):
            casesIn(folder)
    with pytest.raises(MissingFile, match="reference images only"):
        casesIn(a_folder, "a_PD.nii", referenceSuffix="_PD")


def test_a_folder_that_cannot_be_read_is_told(a_folder, monkeypatch):
    def refused(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(a_folder), "iterdir", refused)
    with pytest.raises(InputError, match="readable folder"):
        casesIn(a_folder)
