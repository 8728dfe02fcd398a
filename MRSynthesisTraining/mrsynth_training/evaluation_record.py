"""What is known of one test subject once a run was measured on it, on disk as JSON beside the synthetic volume."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mrsynth.errors import InputError, MissingFile
from mrsynth.json_file import write_json
from mrsynth.metrics import Metrics
from mrsynth_training.tissue_agreement import TissueAgreement

FORMAT = 1
FOLDER = "test"


@dataclass(frozen=True)
class SubjectEvaluation:
    """The figures of one subject, in standard deviations of its acquired target.

    Attributes:
        subject: Whose.
        site: Where the scans were made; may be empty.
        made_from: What the figures depend on, see `run_evaluation`; where it has changed they are made anew.
        peaks: What the two PSNR rest on, over the whole volume: maximum minus minimum, span from the 0.5 to the 99.5
            percentile.
        metrics: By image (the network or a baseline) and mask.
        tissues: By image; empty if no tissues could be told apart.
        tissue_note: Why, if so.
    """

    subject: str
    site: str
    made_from: dict[str, Any]
    peaks: tuple[float, float]
    metrics: dict[tuple[str, str], Metrics]
    tissues: dict[str, tuple[TissueAgreement, ...]]
    tissue_note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as strict JSON; an infinite PSNR is the string ``"inf"``."""
        return {
            "format": FORMAT,
            "subject": self.subject,
            "site": self.site,
            "made_from": self.made_from,
            "peaks": list(self.peaks),
            "metrics": [{"image": image} | each.to_dict() for (image, _), each in self.metrics.items()],
            "tissues": {image: [asdict(each) for each in several] for image, several in self.tissues.items()},
            "tissue_note": self.tissue_note,
        }

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> "SubjectEvaluation":
        """Return what `to_dict` was made from.

        Raises:
            KeyError: If a field is missing.
            TypeError: If a field is unknown or of another kind.
        """
        metrics = {}
        for row in document["metrics"]:
            figures = {name: value for name, value in row.items() if name != "image"}
            metrics[row["image"], row["mask"]] = Metrics.from_dict(figures)
        return cls(
            subject=document["subject"],
            site=document["site"],
            made_from=document["made_from"],
            peaks=tuple(document["peaks"]),
            metrics=metrics,
            tissues={
                image: tuple(TissueAgreement(**each) for each in several)
                for image, several in document["tissues"].items()
            },
            tissue_note=document["tissue_note"],
        )


def record_path(run: Path, subject: str) -> Path:
    """Return where the figures of a subject lie."""
    return run / FOLDER / f"subject_{subject}.json"


def synthetic_path(run: Path, subject: str) -> Path:
    """Return where the synthetic volume of a subject lies, in standard deviations of the acquired one."""
    return run / FOLDER / f"synthetic_{subject}.nii.gz"


def write_evaluation(run: Path, evaluation: SubjectEvaluation) -> None:
    """Write the figures of a subject.

    Raises:
        OutputError: If they cannot be written.
    """
    write_json(record_path(run, evaluation.subject), evaluation.to_dict())


def read_evaluation(run: Path, subject: str) -> SubjectEvaluation:
    """Read the figures of a subject.

    Raises:
        MissingFile: If there are none.
        InputError: Code ``corrupt_file``, if they are damaged or of another format.
    """
    path = record_path(run, subject)
    if not path.is_file():
        raise MissingFile(
            f"{path}: expected the figures of a test subject, found none; run `mrsynth-train evaluate-runs`"
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] == FORMAT:
            return SubjectEvaluation.from_dict(document)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path}: expected figures in JSON, found a damaged file: {error}", "corrupt_file") from error
    raise InputError(f"{path}: expected figures of format {FORMAT}, found another", "corrupt_file")


def finished_evaluation(run: Path, subject: str, made_from: dict[str, Any]) -> SubjectEvaluation | None:
    """Return the figures of a subject if they are there, of just this making, and the volume is there, too."""
    try:
        found = read_evaluation(run, subject)
    except InputError:
        return None
    whole = found.made_from == made_from and synthetic_path(run, subject).is_file()
    return found if whole else None
