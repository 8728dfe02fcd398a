"""The state of a run on disk: replaced as a whole, so that a crash never leaves half of one."""

import io
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeVar

import torch

from mrsynth.atomic_file import replacing_file
from mrsynth.errors import InputError, MissingFile
from mrsynth_training.experiments import Experiment

CHECKPOINT = "checkpoint.pt"

State = TypeVar("State")


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
        start: Weights that it began with, if the experiment keeps a share of them.
    """

    experiment: dict[str, Any]
    step: int
    seconds: float
    network: dict[str, torch.Tensor]
    average: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    start: dict[str, torch.Tensor] = field(default_factory=dict)

    def exported(self) -> dict[str, torch.Tensor]:
        """Return the weights to export: the running average, with its share of those that the run began with.

        What only counts, such as the batches that a normalisation has seen, has no mean and stays as it is.
        """
        share = self.experiment["optimization"].get("start_share", 0.0)
        if not share:
            return self.average
        return {
            name: torch.lerp(value, self.start[name], share) if value.is_floating_point() else value
            for name, value in self.average.items()
        }


def write_checkpoint(run: Path, checkpoint: Checkpoint) -> None:
    """Replace the run's checkpoint, so that there is a whole one at any moment.

    Raises:
        OutputError: If it cannot be written; the one before is still there.
    """
    write_state(run / CHECKPOINT, checkpoint)


def read_checkpoint(run: Path) -> Checkpoint:
    """Return the last checkpoint of a run; only tensors and plain values are ever loaded.

    Raises:
        MissingFile: If the run has none.
        InputError: If it is damaged, or of a run of the other kind.
    """
    return read_state(run / CHECKPOINT, Checkpoint)


def write_state(path: Path, state: object) -> None:
    """Replace a file that holds the fields of a dataclass.

    Raises:
        OutputError: If it cannot be written; the one before is still there.
    """
    data = io.BytesIO()
    torch.save(vars(state), data)  # to memory first: on a full disk PyTorch speaks of its own positions
    with replacing_file(path) as file:
        file.write(data.getbuffer())


def read_state(path: Path, kind: type[State]) -> State:
    """Return what `write_state` wrote; only tensors and plain values are ever loaded.

    Raises:
        MissingFile: If there is no such file.
        InputError: If it is damaged, or holds another kind of state.
    """
    if not path.is_file():
        raise MissingFile(f"{path}: expected the checkpoint of a run, found none")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        found = set(state)
    except (RuntimeError, TypeError, EOFError, ValueError, UnpicklingError) as error:
        raise InputError(
            f"{path}: expected a whole checkpoint, found a damaged one: {error}", "corrupt_file"
        ) from error
    known = {each.name for each in fields(kind)}
    expected = {each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING}
    if not expected <= found <= known:
        raise InputError(
            f"{path}: expected a checkpoint with {sorted(expected)}, found one of another kind of run with "
            f"{sorted(map(str, found))}"
        )
    return kind(**state)


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
