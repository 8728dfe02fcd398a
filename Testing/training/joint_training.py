"""Trains the tiny experiment as one of several processes, in double precision: `python joint_training.py CACHE RUN`."""

import sys
from pathlib import Path

import pytest
import torch
from epoch_examples import read_subjects, shrink_networks, tiny_experiment

from mrsynth_training.epoch_trainer import EpochTrainer
from mrsynth_training.process_group import joined_processes
from mrsynth_training.run_options import RunOptions

BATCH_SIZE = 5  # so that the processes have unequal shares


def train(cache: Path, run: Path) -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # rounding is then far below what Adam makes of a gradient of zero
    try:
        with pytest.MonkeyPatch.context() as patch, joined_processes(torch.device("cpu")) as processes:
            shrink_networks(patch)
            experiment = tiny_experiment(averaging=0.9, batch_size=BATCH_SIZE, epochs=1)
            EpochTrainer(experiment, read_subjects(cache), RunOptions(run, processes=processes)).fit()
    finally:
        torch.set_default_dtype(before)


if __name__ == "__main__":
    train(Path(sys.argv[1]), Path(sys.argv[2]))
