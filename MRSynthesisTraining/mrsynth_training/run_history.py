"""How far a run over epochs is, and what its epochs brought."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mrsynth.progress import Progress
from mrsynth_training.epoch_tables import Row, epoch_row, figure_rows
from mrsynth_training.validation import SubjectFigures, mean_psnr


@dataclass
class RunHistory:
    """The part of a run's state that is figures.

    Attributes:
        epoch: Epochs done.
        batch: Mini-batches done of the epoch under way.
        seconds: Time spent.
        losses: Sum of each loss over those mini-batches.
        epochs: A row for each epoch that is done, see `epoch_tables`.
        figures: A row for each validation subject and epoch.
    """

    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)
    epochs: list[Row] = field(default_factory=list)
    figures: list[Row] = field(default_factory=list)

    @property
    def best(self) -> Row | None:
        """Row of the best epoch so far: the highest mean validation PSNR, the earlier one of two alike."""
        return next((row for row in reversed(self.epochs) if row["best"]), None)

    @property
    def epochs_without_gain(self) -> int:
        """Epochs done since the best one."""
        return self.epoch - self.best["epoch"] if self.best else 0

    def note_batch(self, losses: Mapping[str, float]) -> None:
        """Count a mini-batch and its losses."""
        self.batch += 1
        self.losses = {name: self.losses.get(name, 0.0) + value for name, value in losses.items()}

    def next_row(self, figures: Sequence[SubjectFigures]) -> Row:
        """Return the row of the epoch under way, with its validation figures."""
        losses = {name: total / self.batch for name, total in self.losses.items()}
        better = self.best is None or mean_psnr(figures) > self.best["psnr_range"]
        return epoch_row(self.epoch + 1, losses, figures, better)

    def close_epoch(self, row: Row, figures: Sequence[SubjectFigures]) -> None:
        """Note that the epoch under way is done."""
        self.epochs.append(row)
        self.figures += figure_rows(row["epoch"], figures)
        self.epoch, self.batch, self.losses = row["epoch"], 0, {}

    def progress(self, epochs: int, batches: int, device: str) -> Progress:
        """Return the mini-batches done of all that a schedule has.

        Args:
            epochs: Of the schedule.
            batches: Of each epoch.
            device: Where they are done.
        """
        return Progress("training", self.epoch * batches + self.batch, epochs * batches, device)
