"""What a run tells of itself beside its checkpoint: its data, its hardware, its software, and what to measure it by.

``run.json`` has all that a model's card needs and the weights do not say, so that a run can be exported wherever its
folder is, without the scans that it was trained on. It names no person and no place.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from mrsynth.errors import InputError, MissingFile
from mrsynth.json_file import write_json
from mrsynth_training.training_data import TrainingData

RECORD = "run.json"
FORMAT = 1


@dataclass(frozen=True)
class RunRecord:
    """What a run tells of itself.

    Attributes:
        command: The sub-command that trains it: ``fit`` or ``train``.
        data: What it is trained on.
        texts: What its experiment's file says for the card.
        batches: Mini-batches of an epoch; 0 where there are no epochs.
        hardware: What it was computed on, one text for each kind that it was started or resumed on.
        software: The same of versions.
        baselines: Figures of the validation subjects without a network, as in a card: metrics by baseline, or nothing.
    """

    command: str
    data: TrainingData
    texts: dict[str, str]
    batches: int
    hardware: tuple[str, ...]
    software: tuple[str, ...]
    baselines: dict[str, Any]

    def write(self, run: Path) -> None:
        """Write it into the folder of its run.

        Raises:
            OutputError: If it cannot be written.
        """
        write_json(run / RECORD, {"format": FORMAT, **asdict(self)})


def read_record(run: Path) -> RunRecord:
    """Return the record of a run.

    Raises:
        MissingFile: If the folder is not of a run, or of one that was begun before there were records.
        InputError: If it is damaged or of another format.
    """
    path = run / RECORD
    if not path.is_file():
        raise MissingFile(
            f"{path}: expected the record of a run, found none; the command that trains it writes it, with --resume "
            "also for a run that is finished"
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        names = [field.name for field in fields(RunRecord)]
        known = document["format"] == FORMAT
        values = {name: document[name] for name in names} if known else {}
        data = TrainingData(**values.pop("data")) if known else None
    except (ValueError, TypeError, KeyError) as error:
        expected = f"{path}: expected the record of a run in JSON, found a damaged one"
        raise InputError(expected, "corrupt_file") from error
    if data is None:
        raise InputError(f"{path}: expected a record of format {FORMAT}, found another", "corrupt_file")
    values |= {name: tuple(values[name]) for name in ("hardware", "software")}
    return RunRecord(data=data, **values)


def earlier_record(run: Path) -> RunRecord | None:
    """Return the record of a run that is gone on with, or nothing if it has none that can be read."""
    try:
        return read_record(run)
    except InputError:
        return None


def with_new(known: Sequence[str], text: str) -> tuple[str, ...]:
    """Return texts in order with one more, unless it is there already."""
    return tuple(dict.fromkeys([*known, text]))
