"""Training epoch by epoch, with or without a discriminator: reproducible from its seed, resumable at any mini-batch."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mrsynth.atomic_file import make_folder
from mrsynth.errors import InputError, OutputExists
from mrsynth.progress import CancelLook, EtaClock, Progress, never
from mrsynth_training.adversaries import DISCRIMINATOR, GENERATOR, Adversaries
from mrsynth_training.checkpoints import CHECKPOINT, write_state
from mrsynth_training.epoch_checkpoint import BEST, BestEpoch, EpochCheckpoint, read_epoch_checkpoint, read_start
from mrsynth_training.epoch_experiment import EpochExperiment
from mrsynth_training.epoch_subjects import EpochSubjects
from mrsynth_training.epoch_tables import Row, epoch_row, figure_rows, write_tables
from mrsynth_training.event_log import EventLog
from mrsynth_training.patch_batches import PatchBatches
from mrsynth_training.process_group import ProcessGroup
from mrsynth_training.trainer import TrainingDiverged
from mrsynth_training.validation import mean_psnr, validate
from mrsynth_training.weight_average import update_average

SAVE_EVERY_S = 300.0


@dataclass(frozen=True)
class RunOptions:
    """Where and how a run takes place; none of it changes what is computed, but for a device's rounding.

    Attributes:
        folder: Of the run; created.
        resume: Go on from the run's checkpoint.
        start: Folder of the finished run whose best epoch the experiment continues; None if it continues none.
        device: Where networks are trained.
        processes: Who shares the work; all must see the same folders.
    """

    folder: Path
    resume: bool = False
    start: Path | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    processes: ProcessGroup = field(default_factory=ProcessGroup)


@dataclass(frozen=True)
class EpochStatus:
    """Where a run stands after a mini-batch.

    Attributes:
        progress: Mini-batches done of all that the schedule has.
        epoch: Number of the epoch under way, from 1.
        losses: Of this mini-batch, by name.
        patches_per_second: Since the run was started or resumed, validation included.
        eta_s: Seconds left at this pace; None before there is one.
        best: Row of the best epoch so far, see `epoch_tables`; None before the first is done.
    """

    progress: Progress
    epoch: int
    losses: dict[str, float]
    patches_per_second: float
    eta_s: float | None
    best: Row | None


def ignore_status(status: EpochStatus) -> None:
    """Take note of nothing: the listener of a run that nobody watches."""


class EpochTrainer:
    """One run of an experiment in a folder of its own.

    The folder gets ``checkpoint.pt`` after each epoch and every `SAVE_EVERY_S`, ``best.pt`` and the tables.

    Args:
        experiment: What to train and how.
        subjects: What on.
        run: Where.

    Raises:
        OutputExists: If the folder has a checkpoint and is not to be resumed.
        MissingFile: If it has none and is to be resumed, or the run to start from has no finished epoch.
        InputError: If a checkpoint is damaged, of another experiment or on other subjects, the experiment continues
            another and no run of that is named, or the subjects do not suit the experiment.
    """

    def __init__(self, experiment: EpochExperiment, subjects: EpochSubjects, run: RunOptions) -> None:
        if (run.folder / CHECKPOINT).exists() and not run.resume:
            raise OutputExists(f"{run.folder}: holds a run already; resume it or name another folder")
        self.experiment, self.subjects, self.run, self.schedule = experiment, subjects, run, experiment.schedule
        patches = subjects.patches(experiment)
        self.batches = PatchBatches(patches, self.schedule.batch_size, self.schedule.seed, run.processes)
        self.adversaries = Adversaries(experiment, run.device, run.processes)
        self.epoch, self.batch, self.seconds = 0, 0, 0.0
        self.losses: dict[str, float] = {}
        self.epochs: list[Row] = []
        self.figures: list[Row] = []
        if not run.resume:
            self._start_from()
        averaged = self.schedule.averaging > 0
        self.average = copy.deepcopy(self.adversaries.generator).requires_grad_(False) if averaged else None
        if run.resume:
            self._restore(read_epoch_checkpoint(run.folder, experiment, subjects))
        make_folder(run.folder)

    @property
    def best(self) -> Row | None:
        """Row of the best epoch so far."""
        return next((row for row in reversed(self.epochs) if row["best"]), None)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the last of them brought nothing for as long as the schedule waits."""
        waited = self.epoch - self.best["epoch"] if self.best else 0
        return self.epoch >= self.schedule.epochs or 0 < self.schedule.patience <= waited

    def fit(self, report: Callable[[EpochStatus], None] = ignore_status, stop: CancelLook = never) -> bool:
        """Train to the end or until ``stop`` says so; return whether the end was reached. Leaves a checkpoint.

        Raises:
            TrainingDiverged: If a loss, a gradient or a figure is no longer a number; the checkpoint, if there is one,
                is from before.
            OutputError: If the folder cannot be written to or the disk is full; the checkpoint stays as it was.
        """
        began, clock = time.monotonic() - self.seconds, _Pace(self)
        log = EventLog(self.run.folder, self.epoch) if self.run.processes.is_first else None
        try:
            while not self.finished:
                complete = self._train_epoch(lambda losses: report(clock.status(losses)), stop, began)
                if complete:
                    self._close_epoch(log)
                self.seconds = time.monotonic() - began
                self.save()
                if not complete:
                    return False
            return True
        finally:
            if log:
                log.close()

    def save(self) -> None:
        """Write checkpoint and tables; only the first process does."""
        if not self.run.processes.is_first:
            return
        state = EpochCheckpoint(
            experiment=self.experiment.to_dict(),
            subjects=self.subjects.to_dict(),
            epoch=self.epoch,
            batch=self.batch,
            seconds=self.seconds,
            losses=self.losses,
            epochs=self.epochs,
            figures=self.figures,
            networks=self.adversaries.state(),
            average=self.average.state_dict() if self.average else None,
            random=_random_state(),
        )
        write_state(self.run.folder / CHECKPOINT, state)
        write_tables(self.run.folder, self.epochs, self.figures)

    def _train_epoch(self, report: Callable[[dict[str, float]], None], stop: CancelLook, began: float) -> bool:
        """Train on what is left of an epoch; return whether all of it was."""
        saved = time.monotonic()
        for batch in self.batches.epoch(self.epoch, self.batch):
            if self.run.processes.any(stop(), self.run.device):
                return False
            losses = self._update(batch)
            self.batch += 1
            self.losses = {name: self.losses.get(name, 0.0) + value for name, value in losses.items()}
            report(losses)
            if time.monotonic() - saved > SAVE_EVERY_S:
                self.seconds = time.monotonic() - began
                self.save()
                saved = time.monotonic()
        return True

    def _update(self, batch: Any) -> dict[str, float]:
        try:
            losses = self.adversaries.update(batch)
        except TrainingDiverged as error:
            where = f"epoch {self.epoch + 1}, mini-batch {self.batch + 1}"
            raise TrainingDiverged(f"{where}: {error}; a lower learning rate may help, in a new run") from error
        if self.average:
            step = self.epoch * len(self.batches) + self.batch + 1
            update_average(self.average, self.adversaries.generator, self.schedule.averaging, step)
        return losses

    def _close_epoch(self, log: EventLog | None) -> None:
        """Validate, note the figures and keep the weights if they are the best so far."""
        share = self.run.processes.share(self.subjects.validation)
        found = validate(self.average or self.adversaries.generator, share, self.experiment, self.run.device)
        figures = sorted(self.run.processes.gathered(found), key=lambda each: each.subject)
        psnr, epoch = mean_psnr(figures), self.epoch + 1
        if math.isnan(psnr):
            raise TrainingDiverged(f"epoch {epoch}: expected a mean validation PSNR, found that it is no number")
        better = self.best is None or psnr > self.best["psnr_range"]
        losses = {name: value / len(self.batches) for name, value in self.losses.items()}
        row = epoch_row(epoch, losses, figures, better)
        if better and self.run.processes.is_first:
            self._keep(row)
        self.epochs.append(row)
        self.figures += figure_rows(epoch, figures)
        self.epoch, self.batch, self.losses = epoch, 0, {}
        if log:
            log.write(row)

    def _keep(self, row: Row) -> None:
        """Write the best weights before the checkpoint that knows of them: a crash between repeats the epoch alike."""
        networks = self.adversaries.networks
        best = BestEpoch(
            experiment=self.experiment.to_dict(),
            subjects=self.subjects.to_dict(),
            epoch=row["epoch"],
            row=row,
            generator=(self.average or networks[GENERATOR]).state_dict(),
            discriminator=networks[DISCRIMINATOR].state_dict() if DISCRIMINATOR in networks else None,
        )
        write_state(self.run.folder / BEST, best)

    def _start_from(self) -> None:
        """Take the weights of the run that the experiment continues; the optimisers start afresh, for another loss."""
        if bool(self.experiment.continues) != (self.run.start is not None):
            expected = f"a run of {self.experiment.continues}" if self.experiment.continues else "no run"
            raise InputError(f"expected {expected} to start {self.experiment.name} from, found {self.run.start}")
        if self.run.start is not None:
            best = read_start(self.run.start, self.experiment, self.subjects)
            self.adversaries.generator.load_state_dict(best.generator)
            if best.discriminator is not None and DISCRIMINATOR in self.adversaries.networks:
                self.adversaries.networks[DISCRIMINATOR].load_state_dict(best.discriminator)

    def _restore(self, checkpoint: EpochCheckpoint) -> None:
        self.adversaries.restore(checkpoint.networks)
        if self.average:
            self.average.load_state_dict(checkpoint.average)
        self.epoch, self.batch, self.seconds = checkpoint.epoch, checkpoint.batch, checkpoint.seconds
        self.losses, self.epochs, self.figures = checkpoint.losses, checkpoint.epochs, checkpoint.figures
        torch.set_rng_state(checkpoint.random["cpu"])
        if torch.cuda.is_available() and checkpoint.random["cuda"]:
            torch.cuda.set_rng_state_all(checkpoint.random["cuda"])


class _Pace:
    """Measures how fast a run goes since it was started or resumed."""

    def __init__(self, trainer: EpochTrainer) -> None:
        self._trainer, self._clock, self._began = trainer, EtaClock(), time.monotonic()
        self._first = self._progress()
        self._clock.eta_s(self._first)

    def status(self, losses: dict[str, float]) -> EpochStatus:
        trainer, progress = self._trainer, self._progress()
        patches = (progress.done - self._first.done) * trainer.schedule.batch_size
        rate = patches / max(time.monotonic() - self._began, 1e-9)
        return EpochStatus(progress, trainer.epoch + 1, losses, rate, self._clock.eta_s(progress), trainer.best)

    def _progress(self) -> Progress:
        trainer, batches = self._trainer, len(self._trainer.batches)
        done = trainer.epoch * batches + trainer.batch
        return Progress("training", done, trainer.schedule.epochs * batches, str(trainer.run.device))


def _random_state() -> dict[str, Any]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}
