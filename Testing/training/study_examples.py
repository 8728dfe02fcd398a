"""Small heads, prepared and split, and tiny networks trained on them, as an evaluation and a report need them."""

import dataclasses

import numpy as np
from epoch_examples import SCALES, tiny_experiment
from head_phantom import SHAPE, SPACING_MM, standardized_pair

from mrsynth_training.epoch_subjects import EpochSubjects
from mrsynth_training.epoch_trainer import EpochTrainer
from mrsynth_training.preprocessing import PreparedPair
from mrsynth_training.run_options import RunOptions
from mrsynth_training.run_recording import record_training
from mrsynth_training.split import Split
from mrsynth_training.split_file import write_split
from mrsynth_training.volume_cache import read_subject, write_subject

TRAIN, VALIDATION, TEST = ("H0", "H1"), ("H2",), ("H3", "H4", "H5")
STRIDE = (8, 8, 4)


def prepare_head(cache, number, name=None, slice_step=1):
    """Write one subject into a cache."""
    name = name or f"H{number}"
    made_from = {
        "subject": name,
        "site": "north" if number % 2 else "south",
        "origin": "simulated",
        "contrasts": ["T2", "PD"],
        "options": {"slice_step": slice_step},
    }
    affine = np.diag([*SPACING_MM, 1.0])
    voxels = standardized_pair(number, 1 - 0.02 * number)
    write_subject(cache, made_from, PreparedPair(voxels, SCALES, affine, "axial", SHAPE))


def prepare_heads(cache, test=TEST):
    """Fill a cache with heads of different sizes, and split them."""
    cache.mkdir(parents=True)
    names = (*TRAIN, *VALIDATION, *test)
    for number, name in enumerate(names):
        prepare_head(cache, number, name)
    sites = {name: "north" if number % 2 else "south" for number, name in enumerate(names)}
    write_split(Split(TRAIN, VALIDATION, tuple(test), (), sites, 0), cache / "split.json")
    return cache


def train_run(cache, folder, name="tiny", **options):
    """Train a tiny network into a folder; ``target_contrast`` turns the direction, others change the schedule."""
    experiment = dataclasses.replace(tiny_experiment(**{"epochs": 1, "learning_rate": 1e-2} | options), name=name)
    return train_experiment(cache, folder, experiment)


def train_experiment(cache, folder, experiment):
    subjects = EpochSubjects(*([read_subject(cache, each) for each in part] for part in (TRAIN, VALIDATION)))
    trainer = EpochTrainer(experiment, subjects, RunOptions(folder))
    record_training(trainer, {})
    trainer.fit()
    return folder


def reversed_experiment(**options):
    return dataclasses.replace(
        tiny_experiment(**{"epochs": 1} | options), name="back", source_contrast="PD", target_contrast="T2"
    )
