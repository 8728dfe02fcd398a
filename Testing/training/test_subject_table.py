import csv

import pytest

from mrsynth.errors import OutputError
from mrsynth_training.subject_table import REASONS, SubjectRecord, summary, write_subject_table

RECORDS = [SubjectRecord("P2", "Guys", "constant", "all, alas, 7"), SubjectRecord("P1", "HH")]


def test_the_table_has_a_row_for_each_subject_in_the_order_of_names(tmp_path):
    write_subject_table(RECORDS, tmp_path / "subjects.csv")
    with open(tmp_path / "subjects.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["subject"] for row in rows] == ["P1", "P2"]
    assert rows[1] == {
        "subject": "P2",
        "site": "Guys",
        "status": "skipped",
        "reason": "constant",
        "detail": "all, alas, 7",
    }
    assert rows[0]["status"] == "used"


def test_a_path_that_is_no_text_does_not_stop_the_table(tmp_path):
    write_subject_table([SubjectRecord("P1", "", "unreadable", "caf\udce9.nii")], tmp_path / "subjects.csv")
    assert "\\udce9" in (tmp_path / "subjects.csv").read_text()


def test_the_summary_counts_reasons():
    assert summary([*RECORDS, SubjectRecord("P3", "", "constant")]) == "3 subjects: 1 used, 2 skipped (2 constant)"
    assert summary([]) == "0 subjects: 0 used, 0 skipped"


def test_every_reason_is_explained_and_another_is_refused():
    assert all(REASONS.values())
    with pytest.raises(ValueError, match="expected a reason"):
        SubjectRecord("P1", "", "tired")


def test_a_table_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        write_subject_table(RECORDS, tmp_path / "file" / "subjects.csv")
