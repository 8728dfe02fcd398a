"""A run's figures for TensorBoard, where that is installed."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"


class EventLog:
    """Writes the numbers of each epoch's row as scalars; does nothing where TensorBoard is not installed.

    Args:
        run: Folder of the run; the events lie in a folder of their own inside.
        epoch: Epochs done: what an earlier run wrote beyond is hidden, as it will be written again.
    """

    def __init__(self, run: Path, epoch: int) -> None:
        self._writer = None
        if find_spec("tensorboard") is not None:
            writer = import_module("torch.utils.tensorboard").SummaryWriter
            self._writer = writer(str(run / FOLDER), purge_step=epoch + 1)

    def write(self, row: Mapping[str, Any]) -> None:
        """Write an epoch's row, see `epoch_tables`."""
        if self._writer is None:
            return
        for name, value in row.items():
            if name != "epoch":
                self._writer.add_scalar(name, value, row["epoch"])
        self._writer.flush()

    def close(self) -> None:
        """Close the file of events."""
        if self._writer is not None:
            self._writer.close()
