"""The state of a run on disk: replaced as a whole, so that a crash never leaves half of one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mrsynth.atomic_file import replacing_file
from mrsynth.errors import InputError, MissingFile
from mrsynth_training.experiments import Experiment

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Checkpoint:
    """All that a run needs to go on as if it had never stopped.

    Attributes:
        experiment: The experiment as a dictionary.
        step: Steps done.
        seconds: Time spent on them.
        network: Weights.
        average: Running average of the weights.
        optimizer: State of the optimiser.
    """

    experiment: dict[str, Any]
    step: int
    seconds: float
    network: dict[str, torch.Tensor]
    average: dict[str, torch.Tensor]
    optimizer: dict[str, Any]


def write_checkpoint(run: Path, checkpoint: Checkpoint) -> None:
    """Replace the run's checkpoint, so that there is a whole one at any moment.

    Raises:
        OutputError: If it cannot be written; the one before is still there.
    """
    with replacing_file(run / CHECKPOINT) as file:
        torch.save(vars(checkpoint), file)


def read_checkpoint(run: Path) -> Checkpoint:
    """Return the last checkpoint of a run; only tensors and plain values are ever loaded.

    Raises:
        MissingFile: If the run has none.
        InputError: If it is damaged.
    """
    path = run / CHECKPOINT
    if not path.is_file():
        raise MissingFile(f"{path}: expected the checkpoint of a run, found none")
    try:
        return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, TypeError, EOFError, ValueError) as error:
        raise InputError(
            f"{path}: expected a whole checkpoint, found a damaged one: {error}", "corrupt_file"
        ) from error


def read_checkpoint_of(experiment: Experiment, run: Path) -> Checkpoint:
    """Return the last checkpoint of a run of this very experiment.

    Raises:
        MissingFile: If the run has none.
        InputError: If it is damaged, or of another experiment.
    """
    checkpoint = read_checkpoint(run)
    if checkpoint.experiment != experiment.to_dict():
        raise InputError(
            f"{run}: expected a run of the experiment {experiment.name}, found one of another configuration"
        )
    return checkpoint
