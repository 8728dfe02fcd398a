"""Where and how a run over epochs takes place."""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from mrsynth.errors import InputError
from mrsynth_training.process_group import ProcessGroup


@dataclass(frozen=True)
class RunOptions:
    """Where and how a run takes place; none of it changes what is computed, but for a device's rounding.

    Attributes:
        folder: Of the run; created.
        resume: Go on from the run's checkpoint.
        start: Folder of the run whose best epoch the experiment continues; None if it continues none.
        device: Where networks are trained.
        processes: Who shares the work; all must see the same folders.
        save_every_s: Longest time that a crash may cost, besides that of a mini-batch or of validation.

    Raises:
        InputError: If that time is below 0.
    """

    folder: Path
    resume: bool = False
    start: Path | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    processes: ProcessGroup = field(default_factory=ProcessGroup)
    save_every_s: float = 300.0

    def __post_init__(self) -> None:
        if not self.save_every_s >= 0:
            raise InputError(
                f"expected a time from checkpoint to checkpoint of at least 0, found {self.save_every_s} s"
            )
