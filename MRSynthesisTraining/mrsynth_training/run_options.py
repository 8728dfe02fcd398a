"""Where and how a run over epochs takes place."""

from dataclasses import dataclass, field
from pathlib import Path

import torch

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
    """

    folder: Path
    resume: bool = False
    start: Path | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    processes: ProcessGroup = field(default_factory=ProcessGroup)
