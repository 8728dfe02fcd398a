"""Pairs of scans that somebody lists in a table: how a hospital trains on its own."""

import csv
from collections import Counter
from pathlib import Path

from mrsynth.errors import InputError, MissingFile
from mrsynth_training.plain_name import require_plain_name
from mrsynth_training.scan_file import ScanFile
from mrsynth_training.scan_pair import ScanPair
from mrsynth_training.subject_table import DUPLICATE, MISSING_FILE, MISSING_PARTNER, SubjectRecord

REQUIRED_COLUMNS = ("subject", "source", "target")
SITE = "site"


def read_pair_table(table: Path) -> tuple[list[ScanPair], list[SubjectRecord]]:
    """Read a CSV table with the columns subject, source, target and, if there are several, site.

    Sources and targets are volume files or folders with one DICOM series; relative paths start from the table's folder.

    Returns:
        The pairs in the order of the subjects' names, and the subjects that make no pair.

    Raises:
        MissingFile: If there is no table.
        InputError: If it is no CSV table in UTF-8, lacks a column or every row, or names a subject that cannot be part
            of a file name.
    """
    if not table.is_file():
        raise MissingFile(f"{table}: expected a table of pairs, found none")
    rows = _rows(table)
    # Some file systems do not tell "a" from "A".
    counts = Counter(row["subject"].casefold() for row in rows)
    pairs, skipped = [], {}
    for row in sorted(rows, key=lambda row: row["subject"]):
        found = _pair(row, table.parent, counts[row["subject"].casefold()])
        if isinstance(found, ScanPair):
            pairs.append(found)
        else:
            skipped[found.subject] = found
    return pairs, list(skipped.values())


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        with open(table, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            missing = [column for column in REQUIRED_COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                columns = ", ".join(REQUIRED_COLUMNS)
                raise InputError(f"{table}: expected the columns {columns}, found {reader.fieldnames}")
            rows = [{name: row.get(name, "").strip() for name in (*REQUIRED_COLUMNS, SITE)} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: expected a CSV table in UTF-8, found: {error}", "corrupt_file") from error
    if not rows:
        raise InputError(f"{table}: expected a row for each subject, found none")
    for number, row in enumerate(rows, start=1):
        try:
            require_plain_name(row["subject"], "the name of a subject")
        except InputError as error:
            raise InputError(f"{table}, row {number}: {error}") from error
    return rows


def _pair(row: dict[str, str], folder: Path, rows: int) -> ScanPair | SubjectRecord:
    """Return the pair of one row, or why it is none; ``rows`` is how many there are of this subject."""
    subject, site = row["subject"], row[SITE]
    if rows > 1:
        return SubjectRecord(subject, site, DUPLICATE, f"expected one row of this subject, found {rows}")
    for role in ("source", "target"):
        if not row[role]:
            return SubjectRecord(subject, site, MISSING_PARTNER, f"expected a {role}, found an empty cell")
        if not (folder / row[role]).exists():
            return SubjectRecord(subject, site, MISSING_FILE, f"{folder / row[role]}: expected a scan, found nothing")
    return ScanPair(subject, site, ScanFile(folder / row["source"]), ScanFile(folder / row["target"]))
