"""The table of a batch: a row for each case, with figures where there was an acquired image to compare with."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mrsynth.atomic_file import write_bytes
from MRSynthesisLib.BatchRun import CaseReport

SUMMARY_NAME = "summary.csv"
_MASKS = ("head", "whole volume")
_FIGURES = ("mae", "mse", "psnr_range", "psnr_percentile", "ssim", "gradient_difference")
_COLUMNS = (
    *("case", "status", "message", "seconds", "output"),
    *(f"{figure} ({mask})" for mask in _MASKS for figure in _FIGURES),
)


def writeSummary(reports: Sequence[CaseReport], folder: Path) -> Path:
    """Write ``summary.csv`` anew; it is whole at any time, so that it tells the truth after a crash, too.

    Returns:
        The table's path.

    Raises:
        OutputError: It cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(_row(report) for report in reports)
    write_bytes(folder / SUMMARY_NAME, text.getvalue().encode("utf-8", "backslashreplace"))
    return folder / SUMMARY_NAME


def _row(report: CaseReport) -> dict[str, Any]:
    there = report.status in ("done", "skipped")
    return {
        "case": report.case.source.name,
        "status": report.status,
        "message": report.message,
        "seconds": f"{report.seconds:.1f}",
        "output": report.case.output.name if there else "",
    } | _figures(report.comparison or {})


def _figures(comparison: dict[str, Any]) -> dict[str, Any]:
    rows = {row["mask"]: row for row in comparison.get("rows", []) if row["image"] == "synthetic"}
    return {
        f"{figure} ({mask})": "" if rows[mask].get(figure) is None else rows[mask][figure]
        for mask in _MASKS
        for figure in _FIGURES
        if mask in rows
    }
