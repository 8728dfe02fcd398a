"""A run with all that is known of it: what it learned, how its validation went, and how it did on its test subjects."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mrsynth.errors import InputError, MissingFile
from mrsynth.metrics import Metrics
from mrsynth_training.checkpoints import CHECKPOINT, read_state
from mrsynth_training.epoch_checkpoint import EpochCheckpoint
from mrsynth_training.epoch_tables import EPOCHS
from mrsynth_training.evaluation_record import SubjectEvaluation, read_evaluation
from mrsynth_training.evaluation_settings import EvaluationSettings, read_settings
from mrsynth_training.run_record import RunRecord, earlier_record
from mrsynth_training.trained_run import TrainedRun, read_trained_runs


@dataclass(frozen=True, eq=False)
class EvaluatedRun:
    """A run that was measured.

    Attributes:
        run: What was trained, and its best epoch.
        settings: How it was measured.
        subjects: The figures of each test subject, in the order of their names.
    """

    run: TrainedRun
    settings: EvaluationSettings
    subjects: tuple[SubjectEvaluation, ...]

    @property
    def name(self) -> str:
        return self.run.name

    def metrics(self, image: str, mask: str) -> list[Metrics]:
        """Return the figures of the network or a baseline inside a mask, subject by subject."""
        return [subject.metrics[image, mask] for subject in self.subjects]

    def comparable_to(self) -> tuple[object, ...]:
        """Return what two runs must share so that their figures can be paired: direction, stride, subjects' arrays."""
        arrays = tuple((subject.subject, subject.made_from["voxels"]) for subject in self.subjects)
        return (self.run.direction, self.settings.stride, arrays)


@dataclass(frozen=True)
class TrainingCourse:
    """How a run went.

    Attributes:
        epochs: Rows of ``epochs.csv``: number, mean MAE and mean PSNR of the validation subjects.
        seconds: Time that training took; None if the checkpoint is gone.
        record: What the run wrote down of its machine and data; None if it wrote nothing.
    """

    epochs: tuple[dict[str, float], ...]
    seconds: float | None
    record: RunRecord | None


def read_evaluated_runs(folders: Sequence[Path]) -> list[EvaluatedRun]:
    """Read runs that `mrsynth-train evaluate-runs` has measured.

    Raises:
        MissingFile: If one is not a run, was not measured, or not on all of its test subjects.
        InputError: If a file is damaged, the run has a better epoch by now, or two folders have one name.
    """
    return [_evaluated(run) for run in read_trained_runs(folders)]


def read_course(run: Path) -> TrainingCourse:
    """Read how a run went.

    Raises:
        MissingFile: If its table of epochs is gone.
        InputError: If that is damaged.
    """
    path = run / f"{EPOCHS}.csv"
    if not path.is_file():
        raise MissingFile(f"{path}: expected the run's table of epochs, found none")
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [{name: float(row[name]) for name in ("epoch", "mae", "psnr_range")} for row in csv.DictReader(file)]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: expected a table of epochs, found a damaged one", "corrupt_file") from error
    return TrainingCourse(tuple(rows), _seconds(run), earlier_record(run))


def _seconds(run: Path) -> float | None:
    try:
        return float(read_state(run / CHECKPOINT, EpochCheckpoint).history["seconds"])
    except (InputError, KeyError):
        return None


def _evaluated(run: TrainedRun) -> EvaluatedRun:
    settings = read_settings(run.folder)
    if settings.weights != run.weights_sha256:
        raise InputError(
            f"{run.folder}: expected figures of its best epoch, {run.best.row['epoch']}, found those of other weights "
            f"(epoch {settings.epoch}); run `mrsynth-train evaluate-runs` again"
        )
    subjects = tuple(read_evaluation(run.folder, name) for name in settings.subjects)
    for subject in subjects:
        expected, found = ((m["weights"], m["stride"]) for m in (_shared(settings), subject.made_from))
        if found != expected:
            raise InputError(
                f"{run.folder}: expected all figures to be made alike, found others of {subject.subject}; "
                "run `mrsynth-train evaluate-runs` again"
            )
    return EvaluatedRun(run, settings, subjects)


def _shared(settings: EvaluationSettings) -> dict[str, object]:
    return {"weights": settings.weights, "stride": list(settings.stride)}
