import pytest

from mrsynth.errors import InputError, MissingFile
from mrsynth_training.pair_table import read_pair_table


@pytest.fixture
def table(tmp_path):
    """A function that writes a table; the files a and b exist beside it."""
    for name in ("a.nii", "b.nii"):
        (tmp_path / name).write_bytes(b"voxels")

    def write(text, encoding="utf-8"):
        path = tmp_path / "pairs.csv"
        path.write_text(text, encoding=encoding)
        return path

    return write


def test_pairs_come_in_the_order_of_their_subjects_with_paths_from_the_tables_folder(table, tmp_path):
    pairs, skipped = read_pair_table(
        table("site,target,subject,source\nB,b.nii,P2,a.nii\n,b.nii,P1,a.nii\n", "utf-8-sig")
    )
    assert [(pair.subject, pair.site) for pair in pairs] == [("P1", ""), ("P2", "B")] and skipped == []
    assert (pairs[0].source.path, pairs[0].target.path) == (tmp_path / "a.nii", tmp_path / "b.nii")


def test_the_site_may_be_left_out(table):
    assert read_pair_table(table("subject,source,target\nP1,a.nii,b.nii\n"))[0][0].site == ""


def test_rows_that_make_no_pair_are_skipped_with_their_reason(table):
    rows = "P1,a.nii,b.nii\nP2,a.nii,\nP3,a.nii,gone.nii\nP4,a.nii,b.nii\np4,a.nii,b.nii\nP5,a.nii\n"
    pairs, skipped = read_pair_table(table("subject,source,target\n" + rows))
    assert [pair.subject for pair in pairs] == ["P1"]
    assert {record.subject: record.reason for record in skipped} == {
        "P2": "missing_partner",
        "P3": "missing_file",
        "P4": "duplicate_subject",
        "p4": "duplicate_subject",
        "P5": "missing_partner",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject,source\nP1,a.nii\n", "expected the columns subject, source, target"),
        ("", "expected the columns"),
        ("subject,source,target\n", "expected a row for each subject"),
        ("subject,source,target\n../P1,a.nii,b.nii\n", "row 1: expected the name of a subject of letters"),
        ("subject,source,target\n,a.nii,b.nii\n", "found ''"),
    ],
)
def test_a_table_of_another_form_is_refused(table, text, message):
    with pytest.raises(InputError, match=message):
        read_pair_table(table(text))


def test_a_table_in_another_encoding_is_refused(table):
    with pytest.raises(InputError, match="UTF-8"):
        read_pair_table(table("subject,source,target\nP\u00e9,a.nii,b.nii\n", "latin-1"))


def test_a_table_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(MissingFile, match="expected a table of pairs"):
        read_pair_table(tmp_path / "pairs.csv")
