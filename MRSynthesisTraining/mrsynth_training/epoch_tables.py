"""A run's figures as tables: ``epochs.csv``, a row an epoch, and ``validation.csv``, a row a subject and epoch.

The columns of the first are ``epoch`` (from 1), the mean of each loss over the epoch's mini-batches, mean and standard
deviation over the validation subjects of ``mae`` and ``psnr_range``, and ``best``: 1 where the mean PSNR was the
highest until then. Those of the second are ``epoch`` and the fields of `SubjectFigures`. Where pyarrow is installed,
the same tables are written as Parquet, too; it is large, so this project does not ask for it.
"""

import csv
import io
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mrsynth.atomic_file import replacing_file, write_bytes
from mrsynth_training.validation import SubjectFigures

EPOCHS = "epochs"
VALIDATION = "validation"

Row = dict[str, Any]


def epoch_row(epoch: int, losses: Mapping[str, float], figures: Sequence[SubjectFigures], best: bool) -> Row:
    """Return the row of an epoch; the deviation of one subject alone is 0."""
    row: Row = {"epoch": epoch, **{f"{name}_loss": value for name, value in losses.items()}}
    for name in ("mae", "psnr_range"):
        values = [getattr(each, name) for each in figures]
        row |= {name: statistics.fmean(values), f"{name}_sd": _deviation(values)}
    return row | {"best": int(best)}


def figure_rows(epoch: int, figures: Sequence[SubjectFigures]) -> list[Row]:
    """Return the rows of an epoch's validation subjects."""
    return [{"epoch": epoch, **asdict(each)} for each in figures]


def write_tables(run: Path, epochs: Sequence[Row], figures: Sequence[Row]) -> None:
    """Replace the run's tables; nothing is written before the first epoch is done.

    Raises:
        OutputError: If they cannot be written.
    """
    for name, rows in ((EPOCHS, epochs), (VALIDATION, figures)):
        if rows:
            write_bytes(run / f"{name}.csv", _csv(rows).encode())
            if find_spec("pyarrow") is not None:
                _write_parquet(run / f"{name}.parquet", rows)


def _deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of a sample: 0 of one value, NaN where one is infinite."""
    if not all(map(math.isfinite, values)):
        return math.nan
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write_parquet(path: Path, rows: Sequence[Row]) -> None:
    table = import_module("pyarrow").table({name: [row[name] for row in rows] for name in rows[0]})
    with replacing_file(path) as file:
        import_module("pyarrow.parquet").write_table(table, file)
