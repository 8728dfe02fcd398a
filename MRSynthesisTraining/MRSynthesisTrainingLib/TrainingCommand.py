"""What is to be trained, as the command line says it, and what is told of it. Touches neither Qt nor MRML."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from MRSynthesisLib.JobOutcome import JobEnd, JobProgress
from MRSynthesisLib.ProgressText import timeText

CHECKPOINT = "checkpoint.pt"
PREPARED, SIMULATED = "train", "fit"
"""On prepared subjects, epoch by epoch; on simulated scans, step by step."""


@dataclass(frozen=True)
class TrainingCommand:
    """One run of ``mrsynth-train``; the same command in a terminal does the same, and goes on with the run.

    Attributes:
        experiment: A file (TOML), or the name of a shipped experiment.
        cache: Folder of the prepared subjects, or of the simulated scans.
        run: Folder for checkpoints and tables.
        resume: Go on from the run's checkpoint.
        changes: Values of the experiment to change, such as ``schedule.epochs=2``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; of no matter to ``SIMULATED``, which is for CPUs.
        threads: CPU threads; PyTorch's choice if it is None.
        kind: ``PREPARED`` or ``SIMULATED``.

    Raises:
        ValueError: The kind is another.
    """

    experiment: str
    cache: Path
    run: Path
    resume: bool = False
    changes: tuple[str, ...] = ()
    device: str = "auto"
    threads: int | None = None
    kind: str = PREPARED

    def __post_init__(self) -> None:
        if self.kind not in (PREPARED, SIMULATED):
            raise ValueError(f"expected a kind of {PREPARED} or {SIMULATED}, found {self.kind!r}")

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of ``mrsynth-train``."""
        options: list[str] = [] if self.kind == SIMULATED else ["--device", self.device]
        options += ["--resume"] * self.resume
        options += ["--threads", str(self.threads)] if self.threads is not None else []
        for change in self.changes:
            options += ["--set", change]
        return (self.kind, str(self.experiment), str(self.cache), str(self.run), *options)

    @property
    def hasCheckpoint(self) -> bool:
        """Whether there is something to go on from."""
        return (self.run / CHECKPOINT).is_file()


@dataclass(frozen=True)
class TrainingProgress:
    """How far a run is.

    Attributes:
        step: Mini-batches that are done.
        steps: All of them.
        epoch: Epochs that are done; 0 where there are none.
        epochs: All of them.
        etaS: Seconds left, if that is known.
        device: Where the networks are trained.
        losses: Of the last mini-batch, by name.
        last: Figures of the last epoch, such as ``psnr_range`` and ``mae``; None before the first is done.
        best: The same of the best epoch so far.
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    etaS: float | None
    device: str
    losses: Mapping[str, float]
    last: Mapping[str, Any] | None
    best: Mapping[str, Any] | None

    @classmethod
    def of(cls, progress: JobProgress) -> "TrainingProgress":
        """Read what a line of the training says; what is not as expected is left out."""
        said = progress.details
        counts = (said[name] if type(said.get(name)) is int else 0 for name in ("epoch", "epochs"))
        losses, last, best = (said[name] if isinstance(said.get(name), dict) else None for name in _TABLES)
        return cls(
            progress.done, progress.total, *counts, progress.etaS, progress.device or "", losses or {}, last, best
        )


_TABLES = ("losses", "last", "best")


@dataclass(frozen=True)
class TrainingOutcome:
    """How a run ended.

    Attributes:
        end: In which way; a run that was stopped was cancelled.
        code: A stable word for programs, ``""`` for success.
        message: For people.
        logTail: The last lines that the process wrote to its log.
    """

    end: JobEnd
    code: str
    message: str
    logTail: str


def trainingText(progress: TrainingProgress) -> str:
    """Return in a line how far a run is and how good."""
    if progress.epochs:
        number = min(progress.epoch + 1, progress.epochs)
        parts = [_("Epoch {0} of {1}").format(number, progress.epochs)]
    else:
        parts = [_("Step {0} of {1}").format(progress.step, progress.steps)]
    parts.append(_("{0} %").format(math.floor(100 * progress.step / max(progress.steps, 1))))
    if progress.etaS is not None:
        parts.append(_("about {0} left").format(timeText(progress.etaS)))
    best = progress.best or {}
    if type(best.get("psnr_range")) in (int, float):
        text = _("best mean PSNR {0:.2f} dB (whole volume, maximum - minimum) in epoch {1}")
        parts.append(text.format(best["psnr_range"], best.get("epoch")))
    return ", ".join(parts)
