"""What became of each subject: used, or skipped for a reason that is told in a word and in a sentence."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from mrsynth.atomic_file import write_bytes

TABLE_NAME = "subjects.csv"

MISSING_PARTNER = "missing_partner"
MISSING_FILE = "missing_file"
DUPLICATE = "duplicate_subject"
OTHER_EXAMINATION = "other_examination"
OTHER_SHAPE = "other_shape"
OTHER_PLACE = "other_place"
CONSTANT = "constant"
TOO_SMALL = "too_small"
UNREADABLE = "unreadable"

REASONS = {
    MISSING_PARTNER: "only one of the two contrasts is there",
    MISSING_FILE: "a file that was named is not there",
    DUPLICATE: "the subject is there more than once",
    OTHER_EXAMINATION: "the two contrasts are of different examinations",
    OTHER_SHAPE: "the two contrasts have different numbers of voxels",
    OTHER_PLACE: "the two contrasts lie at different places or have different spacings",
    CONSTANT: "every voxel has the same value",
    TOO_SMALL: "more than half of the result would be padding along an axis",
    UNREADABLE: "a file is damaged or no 3D volume",
}


@dataclass(frozen=True)
class SubjectRecord:
    """One row of the table.

    Attributes:
        subject: Name of the subject.
        site: Where the scans were made; may be empty.
        reason: One of `REASONS` if the subject was skipped, empty if it is used.
        detail: A sentence: what was expected and what was found, or how a scan that is used was padded.
    """

    subject: str
    site: str
    reason: str = ""
    detail: str = ""

    def __post_init__(self) -> None:
        if self.reason and self.reason not in REASONS:
            raise ValueError(f"expected a reason of {sorted(REASONS)}, found {self.reason!r}")

    @property
    def used(self) -> bool:
        return not self.reason


def sorted_records(records: Iterable[SubjectRecord]) -> list[SubjectRecord]:
    """Return the records in the order of the subjects' names, whatever order they were finished in."""
    return sorted(records, key=astuple)


def write_subject_table(records: Sequence[SubjectRecord], path: Path) -> None:
    """Write the table as CSV with the columns subject, site, status, reason, detail.

    Raises:
        OutputError: If it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    subject, site, *rest = (field.name for field in fields(SubjectRecord))
    writer.writerow((subject, site, "status", *rest))
    for record in sorted_records(records):
        status = "used" if record.used else "skipped"
        writer.writerow((record.subject, record.site, status, record.reason, record.detail))
    # A path that is no valid Unicode is shown with escapes instead of stopping the table.
    write_bytes(path, text.getvalue().encode("utf-8", errors="backslashreplace"))


def summary(records: Iterable[SubjectRecord]) -> str:
    """Return one line: how many subjects are used, and how many were skipped for which reason."""
    records = list(records)
    skipped = Counter(record.reason for record in records if not record.used)
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
    used = len(records) - skipped.total()
    return f"{len(records)} subjects: {used} used, {skipped.total()} skipped" + (f" ({reasons})" if reasons else "")
