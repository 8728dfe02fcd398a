"""A run of either kind as far as a model is made of it: the weights to keep, what they took, and how good they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from mrsynth.errors import InputError
from mrsynth.metrics import WHOLE_VOLUME
from mrsynth_training.checkpoints import CHECKPOINT, read_checkpoint, read_state
from mrsynth_training.epoch_checkpoint import EpochCheckpoint, read_best_epoch
from mrsynth_training.epoch_experiment import EpochExperiment
from mrsynth_training.experiments import Experiment
from mrsynth_training.run_record import RunRecord, read_record
from mrsynth_training.simulated_subjects import head_of
from mrsynth_training.validation_baselines import summarized

# The whole stack at once, as it is and mirrored; cut into overlapping tiles only where it is too large.
WHOLE_STACKS = {"mode": "smooth", "patch": None, "stride": None, "smooth_stride": None, "mirrored": True}
# Where a card's configuration names the label maps that a model must not be tested on.
HEADS = "heads"
RANGES = {
    "psnr_range": "maximum - minimum of the standardised reference",
    "psnr_percentile": "0.5 to 99.5 percentile of the standardised reference",
}
VALIDATION = "validation subjects, which chose the epoch"


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """What a model is made of.

    Attributes:
        experiment: What was trained and how.
        record: Data, hardware and software.
        weights: Of the generator.
        steps: Mini-batches until these weights.
        seconds: Time that the whole run took.
        seed: Of the training.
        stage: Which weights of the run these are, in words.
        inference: As in a card.
        figures: As in a card.
        timing: As in a card; None for a network that is told nothing.
        heads: Names of the label maps that training and validation subjects were simulated from; none of people's.
    """

    experiment: Experiment | EpochExperiment
    record: RunRecord
    weights: Mapping[str, Tensor]
    steps: int
    seconds: float
    seed: int
    stage: str
    inference: dict[str, Any]
    figures: list[dict[str, Any]]
    timing: dict[str, Any] | None = None
    heads: tuple[str, ...] = ()


def read_finished_run(run: Path) -> FinishedRun:
    """Return what a model is made of: the average weights of `fit`, the best epoch of `train`.

    A run of `fit` must have reached its end, as its learning rate falls until then; one of `train` needs one epoch.

    Raises:
        MissingFile: If the folder is not of a run, or the run has finished no epoch.
        InputError: If a file is damaged, or the run is not far enough.
    """
    record = read_record(run)
    kinds: dict[str, Callable[[Path, RunRecord], FinishedRun]] = {"fit": _fitted, "train": _trained}
    if record.command not in kinds:
        raise InputError(f"{run}: expected a run of {' or '.join(kinds)}, found one of {record.command!r}")
    return kinds[record.command](run, record)


def ranged(metrics: Mapping[str, Any], range_name: str) -> dict[str, Any]:
    """Return metrics with the PSNR over one range only, which a card's entry names."""
    return {name: value for name, value in metrics.items() if name == range_name or name not in RANGES}


def _fitted(run: Path, record: RunRecord) -> FinishedRun:
    checkpoint = read_checkpoint(run)
    experiment = Experiment.from_dict(checkpoint.experiment)
    if checkpoint.step < experiment.optimization.steps:
        found = f"{checkpoint.step} of {experiment.optimization.steps} steps"
        raise InputError(f"{run}: expected a finished run, found {found}; resume it first")
    return FinishedRun(
        experiment=experiment,
        record=record,
        weights=checkpoint.exported(),
        steps=checkpoint.step,
        seconds=checkpoint.seconds,
        seed=experiment.optimization.seed,
        stage=_stage(experiment),
        inference=WHOLE_STACKS,
        figures=[],
        timing=experiment.timing.to_dict() if experiment.timing else None,
    )


def _stage(experiment: Experiment) -> str:
    """Return what the weights go on from, in words, and what is kept of that."""
    if not experiment.continues:
        return ""
    share = experiment.optimization.start_share
    kept = f", whose weights are {100 * share:.3g} % of these" if share else ""
    return f"continued from {experiment.continues}{kept}"


def _trained(run: Path, record: RunRecord) -> FinishedRun:
    best, checkpoint = read_best_epoch(run), read_state(run / CHECKPOINT, EpochCheckpoint)
    experiment, number = EpochExperiment.from_dict(best.experiment), best.row["epoch"]
    rows = [row for row in checkpoint.history["figures"] if row["epoch"] == number]
    if not rows:
        raise InputError(
            f"{run}: expected the figures of epoch {number} in its checkpoint, found none, as the run broke off in "
            "between; resume it first"
        )
    continued = f", continued from the best of {experiment.continues}" if experiment.continues else ""
    patch = list(experiment.schedule.patch)
    return FinishedRun(
        experiment=experiment,
        record=record,
        weights=best.generator,
        steps=number * record.batches,
        seconds=checkpoint.history["seconds"],
        seed=experiment.schedule.seed,
        stage=f"epoch {number}, the best of {checkpoint.history['epoch']}{continued}",
        inference={
            "mode": "paper",
            "patch": patch,
            "stride": [max(size // 4, 1) for size in patch],
            "smooth_stride": [max(size // 2, 1) for size in patch],
        },
        figures=_figures(rows, record.baselines),
        heads=_heads(best.subjects) if record.data.simulated else (),
    )


def _heads(subjects: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted({head_of(subject) for part in ("train", "validation") for subject in subjects[part]}))


def _figures(rows: Sequence[Mapping[str, Any]], baselines: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a card's entry for each range, of the validation subjects of one epoch."""
    metrics, count = summarized(rows), f"{len(rows)} subject{'s' if len(rows) > 1 else ''}"
    return [
        {
            "data": VALIDATION,
            "mask": WHOLE_VOLUME,
            "range": text,
            "metrics": ranged(metrics, name),
            "baselines": {baseline: ranged(values, name) for baseline, values in baselines.items()},
            "note": f"mean and standard deviation over {count}, each in deviations of its own target, patches as in "
            "training; map is fitted on the training subjects, linear and oracle on the very subject they are for",
        }
        for name, text in RANGES.items()
    ]
