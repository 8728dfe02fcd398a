"""Training epoch by epoch, with or without a discriminator: reproducible from its seed, resumable at any mini-batch."""

import copy
import math
import time

from mrsynth.atomic_file import make_folder, remove_partial_files
from mrsynth.cancellation import interruptible
from mrsynth.errors import Cancelled, InputError, OutputExists
from mrsynth.progress import CancelLook, Progress, never
from mrsynth_training.adversaries import DISCRIMINATOR, Adversaries
from mrsynth_training.checkpoints import CHECKPOINT, write_state
from mrsynth_training.epoch_checkpoint import (
    BEST,
    BestEpoch,
    EpochCheckpoint,
    random_state,
    read_epoch_checkpoint,
    read_start,
    restore_random_state,
)
from mrsynth_training.epoch_experiment import EpochExperiment
from mrsynth_training.epoch_subjects import EpochSubjects
from mrsynth_training.epoch_tables import Row, write_tables
from mrsynth_training.event_log import EventLog
from mrsynth_training.patch_batches import PatchBatch, PatchBatches
from mrsynth_training.run_history import RunHistory
from mrsynth_training.run_options import RunOptions
from mrsynth_training.run_pace import RunPace, StatusListener, ignore_status
from mrsynth_training.trainer import TrainingDiverged
from mrsynth_training.validation import SubjectFigures, validate
from mrsynth_training.weight_average import update_average


class EpochTrainer:
    """One run of an experiment in a folder of its own.

    The folder gets ``checkpoint.pt`` after each epoch and every `RunOptions.save_every_s`, ``best.pt`` and the
    tables.

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
        self.history, self._began = RunHistory(), 0.0
        if not run.resume:
            self._start()
        averaged = self.schedule.averaging > 0
        self.average = copy.deepcopy(self.adversaries.generator).requires_grad_(False) if averaged else None
        if run.resume:
            self._restore(read_epoch_checkpoint(run.folder, experiment, subjects))
        make_folder(run.folder)
        if run.processes.is_first:
            remove_partial_files(run.folder)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the last of them brought no gain for as long as the schedule waits."""
        waited = 0 < self.schedule.patience <= self.history.epochs_without_gain
        return waited or self.history.epoch >= self.schedule.epochs

    @property
    def progress(self) -> Progress:
        """Mini-batches done of all that the schedule has."""
        return self.history.progress(self.schedule.epochs, len(self.batches), str(self.run.device))

    def fit(self, report: StatusListener = ignore_status, stop: CancelLook = never) -> bool:
        """Train to the end or until ``stop`` says so; return whether the end was reached. Leaves a checkpoint.

        Raises:
            TrainingDiverged: If a loss, a gradient or a figure is no longer a number; the checkpoint, if there is one,
                is from before.
            OutputError: If the folder cannot be written to or the disk is full; the checkpoint stays as it was.
        """
        self._began = time.monotonic() - self.history.seconds
        pace = RunPace(self.progress, self.schedule.batch_size)
        self.batches.keep_on(self.run.device)
        log = EventLog(self.run.folder, self.history.epoch) if self.run.processes.is_first else None
        try:
            while not self.finished:
                row = self._close_epoch(stop) if self._train_epoch(pace, report, stop) else None
                self.save()
                if row is None:
                    return False
                if log:
                    log.write(row)
            return True
        finally:
            if log:
                log.close()

    def save(self) -> None:
        """Write checkpoint and tables; only the first process does."""
        self.history.seconds = time.monotonic() - self._began if self._began else self.history.seconds
        if not self.run.processes.is_first:
            return
        state = EpochCheckpoint(
            experiment=self.experiment.to_dict(),
            subjects=self.subjects.to_dict(),
            history=vars(self.history),
            networks=self.adversaries.state(),
            average=self.average.state_dict() if self.average else None,
            random=random_state(),
        )
        write_state(self.run.folder / CHECKPOINT, state)
        write_tables(self.run.folder, self.history.epochs, self.history.figures)

    def _train_epoch(self, pace: RunPace, report: StatusListener, stop: CancelLook) -> bool:
        """Train on what is left of an epoch; return whether all of it was."""
        saved = time.monotonic()
        for batch in self.batches.epoch(self.history.epoch, self.history.batch):
            if self.run.processes.any(stop(), self.run.device):
                return False
            losses = self._update(batch)
            self.history.note_batch(losses)
            report(pace.status(self.progress, losses, self.history.best))
            if time.monotonic() - saved >= self.run.save_every_s:
                self.save()
                saved = time.monotonic()
        return True

    def _update(self, batch: PatchBatch) -> dict[str, float]:
        try:
            losses = self.adversaries.update(batch)
        except TrainingDiverged as error:
            where = f"epoch {self.history.epoch + 1}, mini-batch {self.history.batch + 1}"
            raise TrainingDiverged(f"{where}: {error}; a lower learning rate may help, in a new run") from error
        if self.average:
            step = self.progress.done + 1
            update_average(self.average, self.adversaries.generator, self.schedule.averaging, step)
        return losses

    def _close_epoch(self, stop: CancelLook) -> Row | None:
        """Validate, note the figures and keep the weights if they are the best so far.

        Returns:
            The epoch's row; None if ``stop`` said so before there were figures, so that they are still to be measured.
        """
        figures = self._validated(stop)
        if figures is None:
            return None
        row = self.history.next_row(figures)
        if math.isnan(row["psnr_range"]):
            raise TrainingDiverged(f"epoch {row['epoch']}: expected a mean validation PSNR, found that it is no number")
        if row["best"] and self.run.processes.is_first:
            # Before the checkpoint that knows of them: after a crash in between the epoch is repeated alike.
            write_state(self.run.folder / BEST, self._best(row))
        self.history.close_epoch(row, figures)
        return row

    def _validated(self, stop: CancelLook) -> list[SubjectFigures] | None:
        network, processes = self.average or self.adversaries.generator, self.run.processes
        # Several processes have to stop together, so they measure to the end, each its share.
        look = stop if processes.size == 1 else never
        try:
            with interruptible(network, look):
                found = validate(network, processes.share(self.subjects.validation), self.experiment)
        except Cancelled:
            return None
        return sorted(processes.gathered(found), key=lambda each: each.subject)

    def _best(self, row: Row) -> BestEpoch:
        discriminator = self.adversaries.networks.get(DISCRIMINATOR)
        return BestEpoch(
            experiment=self.experiment.to_dict(),
            subjects=self.subjects.to_dict(),
            row=row,
            generator=(self.average or self.adversaries.generator).state_dict(),
            discriminator=discriminator.state_dict() if discriminator else None,
        )

    def _start(self) -> None:
        """Take the weights of the run that the experiment continues; the optimisers start afresh, for another loss."""
        continued, start = self.experiment.continues, self.run.start
        if bool(continued) != (start is not None):
            expected = f"a run of {continued}" if continued else "no run"
            raise InputError(f"expected {expected} to start {self.experiment.name} from, found {start}")
        if start is not None:
            best = read_start(start, self.experiment, self.subjects)
            self.adversaries.generator.load_state_dict(best.generator)
            if best.discriminator is not None and DISCRIMINATOR in self.adversaries.networks:
                self.adversaries.networks[DISCRIMINATOR].load_state_dict(best.discriminator)

    def _restore(self, checkpoint: EpochCheckpoint) -> None:
        self.adversaries.restore(checkpoint.networks)
        if self.average:
            self.average.load_state_dict(checkpoint.average)
        self.history = RunHistory(**checkpoint.history)
        restore_random_state(checkpoint.random)
