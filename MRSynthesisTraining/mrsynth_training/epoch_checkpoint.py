"""What a run over epochs keeps on disk: all it needs to go on, and the weights of its best epoch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mrsynth.errors import InputError, MissingFile
from mrsynth_training.checkpoints import CHECKPOINT, read_state
from mrsynth_training.epoch_experiment import EpochExperiment
from mrsynth_training.epoch_subjects import EpochSubjects

BEST = "best.pt"


@dataclass(frozen=True)
class EpochCheckpoint:
    """All that a run needs to go on as if it had never stopped.

    Attributes:
        experiment: The experiment as a dictionary.
        subjects: What it is trained and validated on, `EpochSubjects.to_dict`.
        history: How far it is and its figures, the fields of `RunHistory`.
        networks: Weights and optimisers, `Adversaries.state`.
        average: Running average of the generator's weights; None if there is none.
        random: PyTorch's random states, ``{"cpu": ..., "cuda": [...]}``.
    """

    experiment: dict[str, Any]
    subjects: dict[str, Any]
    history: dict[str, Any]
    networks: dict[str, Any]
    average: dict[str, torch.Tensor] | None
    random: dict[str, Any]


@dataclass(frozen=True)
class BestEpoch:
    """The weights of the epoch with the highest mean validation PSNR.

    Attributes:
        experiment: The experiment as a dictionary.
        subjects: What it was trained and validated on.
        row: Number and figures of the epoch, see `epoch_tables`.
        generator: Weights, the running average if there is one.
        discriminator: Weights, or None.
    """

    experiment: dict[str, Any]
    subjects: dict[str, Any]
    row: dict[str, Any]
    generator: dict[str, torch.Tensor]
    discriminator: dict[str, torch.Tensor] | None


def read_epoch_checkpoint(run: Path, experiment: EpochExperiment, subjects: EpochSubjects) -> EpochCheckpoint:
    """Return the last checkpoint of a run of this very experiment on these very subjects.

    Raises:
        MissingFile: If the run has none.
        InputError: If it is damaged, of another experiment or on other subjects; the message says what differs.
    """
    checkpoint = read_state(run / CHECKPOINT, EpochCheckpoint)
    # Read anew, so that an option which is younger than the run has its default.
    began_with = EpochExperiment.from_dict(checkpoint.experiment).to_dict()
    _require_same(run, "experiment", experiment.to_dict(), began_with)
    _require_same(run, "subjects", subjects.to_dict(), checkpoint.subjects)
    return checkpoint


def read_best_epoch(run: Path) -> BestEpoch:
    """Return the best epoch of a run.

    Raises:
        MissingFile: If the run has finished no epoch, or the folder is not of a run.
        InputError: If it is damaged.
    """
    if not (run / BEST).is_file():
        raise MissingFile(f"{run}: expected a run with at least one finished epoch ({BEST}), found none")
    return read_state(run / BEST, BestEpoch)


def read_start(run: Path, experiment: EpochExperiment, subjects: EpochSubjects) -> BestEpoch:
    """Return the best epoch of the run that an experiment continues.

    Raises:
        MissingFile: If that run has finished no epoch.
        InputError: If it is of another experiment, direction or network, or was trained on a subject that is not for
            training now.
    """
    best = read_best_epoch(run)
    for name, expected in (
        ("name", experiment.continues),
        ("source_contrast", experiment.source_contrast),
        ("target_contrast", experiment.target_contrast),
        ("network", experiment.network),
    ):
        found = best.experiment.get(name)
        if found != expected:
            raise InputError(f"{run}: expected the run of an experiment with the {name} {expected}, found {found}")
    strangers = sorted(set(best.subjects["train"]) - set(subjects.to_dict()["train"]))
    if strangers:
        raise InputError(
            f"{run}: expected a run on subjects of the same training part, found {len(strangers)} others, such as "
            f"{strangers[0]}; a model would be judged on what it was trained on"
        )
    return best


def random_state() -> dict[str, Any]:
    """Return PyTorch's random states on the CPU and on every GPU."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def restore_random_state(state: dict[str, Any]) -> None:
    """Set PyTorch's random states as they were; those of GPUs only where there are as many."""
    torch.set_rng_state(state["cpu"])
    if state["cuda"] and torch.cuda.device_count() == len(state["cuda"]):
        torch.cuda.set_rng_state_all(state["cuda"])


def differences(expected: Any, found: Any, place: str = "") -> list[str]:
    """Return where two nested dictionaries differ, as ``place: expected, found`` in the order of the fields."""
    if isinstance(expected, dict) and isinstance(found, dict):
        names = [*expected, *(name for name in found if name not in expected)]
        inside = (differences(expected.get(n), found.get(n), f"{place}.{n}" if place else str(n)) for n in names)
        return [each for several in inside for each in several]
    return [] if expected == found else [f"{place}: expected {_short(expected)}, found {_short(found)}"]


def _require_same(run: Path, what: str, expected: dict[str, Any], found: dict[str, Any]) -> None:
    different = differences(expected, found)
    if different:
        raise InputError(
            f"{run}: the {what} changed since the run began; {'; '.join(different)}. Go on with what it began with, "
            "or start a run in another folder"
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
