"""How a run was measured on its test subjects, on disk beside their figures."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mrsynth.errors import InputError, MissingFile
from mrsynth.json_file import write_json
from mrsynth_training.evaluation_record import FOLDER
from mrsynth_training.split import Split
from mrsynth_training.trained_run import TrainedRun
from mrsynth_training.volume_cache import CachedSubject

SETTINGS = "evaluation.json"
FORMAT = 1


@dataclass(frozen=True)
class EvaluationSettings:
    """How a run was measured, and on whom.

    Attributes:
        weights: SHA-256 of the weights that were measured, see `TrainedRun`.
        epoch: Whose weights they are.
        cache: Folder of the prepared subjects, for pictures; it is not shown in reports.
        subjects: Names of the test subjects.
        sites: Site by number of test subjects; a site may be empty.
        data: What the scans are, in words.
        simulated: Whether nobody acquired them.
        split: Number of subjects in each part, the seed and the site that was left out, if one was.
        preparation: How scans became arrays.
        shape: Voxels of a subject (in-plane, in-plane, slice).
        stride: From patch to patch.
        hardware: What it was computed on.
        software: Versions.
        written: When it began or was gone on with, ISO 8601.
    """

    weights: str
    epoch: int
    cache: str
    subjects: tuple[str, ...]
    sites: dict[str, int]
    data: str
    simulated: bool
    split: dict[str, Any]
    preparation: dict[str, Any]
    shape: tuple[int, int, int]
    stride: tuple[int, int, int]
    hardware: str
    software: str
    written: str


def settings_of(run: TrainedRun, subjects: Sequence[CachedSubject], split: Split, **how: Any) -> EvaluationSettings:
    """Return the settings of a run that is about to be measured.

    Args:
        run: What is measured.
        subjects: On whom; at least one.
        split: Whose test part they are.
        how: ``cache``, ``stride``, ``hardware`` and ``software`` of `EvaluationSettings`.
    """
    origins = sorted({subject.origin for subject in subjects}, key=lambda origin: origin.text)
    counts = {name: len(split.part(name)) for name in ("train", "validation", "test", "unused")}
    return EvaluationSettings(
        weights=run.weights_sha256,
        epoch=run.best.row["epoch"],
        subjects=tuple(subject.subject for subject in subjects),
        sites=dict(sorted(Counter(subject.site for subject in subjects).items())),
        data=" and ".join(origin.text for origin in origins),
        simulated=any(origin.simulated for origin in origins),
        split=counts | {"seed": split.seed, "left_out_site": split.left_out_site},
        preparation=subjects[0].description.get("options", {}),
        shape=tuple(subjects[0].voxels.shape[1:]),
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        **how,
    )


def write_settings(run: Path, settings: EvaluationSettings) -> None:
    """Write the settings into a run's folder of figures, which is there.

    Raises:
        OutputError: If they cannot be written.
    """
    write_json(run / FOLDER / SETTINGS, {"format": FORMAT, **asdict(settings)})


def read_settings(run: Path) -> EvaluationSettings:
    """Read how a run was measured.

    Raises:
        MissingFile: If it was not.
        InputError: Code ``corrupt_file``, if the file is damaged or of another format.
    """
    path = run / FOLDER / SETTINGS
    if not path.is_file():
        raise MissingFile(
            f"{run}: expected a run that was measured on its test subjects, found none of it; run `mrsynth-train "
            "evaluate-runs` first"
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] == FORMAT:
            values = {each.name: document[each.name] for each in fields(EvaluationSettings)}
            values |= {name: tuple(values[name]) for name in ("subjects", "shape", "stride")}
            return EvaluationSettings(**values)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: expected settings in JSON, found a damaged file", "corrupt_file") from error
    raise InputError(f"{path}: expected settings of format {FORMAT}, found others", "corrupt_file")
