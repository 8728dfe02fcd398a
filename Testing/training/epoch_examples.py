"""Networks of a few weights, an experiment on patches of 8^3, and subjects to prepare for it: quick to train."""

import dataclasses

import numpy as np
import torch

from mrsynth.networks import discriminator, paper_generator
from mrsynth.networks.paper_generator import ConvolutionLayer
from mrsynth.normalization import Scale
from mrsynth_training.data_origin import IXI
from mrsynth_training.epoch_experiment import EpochExperiment, EpochOptions, LossOptions
from mrsynth_training.epoch_subjects import EpochSubjects
from mrsynth_training.preprocessing import PreparedPair
from mrsynth_training.split import Split
from mrsynth_training.split_file import write_split
from mrsynth_training.volume_cache import read_subject, write_subject

SHAPE = (16, 16, 8)
PATCH = (8, 8, 8)
LAYERS = (ConvolutionLayer(3, 2, 1), ConvolutionLayer(3, 2, 2), ConvolutionLayer(3, 1, 1))
TRAIN, VALIDATION = ("P0", "P1", "P2"), ("P3", "P4")
AFFINE = np.diag([-0.9375, 0.9375, 3.75, 1.0])
# Of source and target: where zero and one lay, tissue and air, in each scan's own units.
SCALES = (Scale(100.0, 80.0, 200.0, 0.0), Scale(260.0, 190.0, 500.0, 10.0))
MADE_FROM = {"site": "", "origin": IXI, "contrasts": ["T2", "PD"], "options": {"slice_step": 3}}

DOCUMENT = """
name = "tiny"
title = "A tiny experiment"
source_contrast = "T2"
target_contrast = "PD"

[network]
name = "paper-generator"

[network.configuration]
residual = true

[losses]
reconstruction = "L2"
adversarial_weight = 0.5
gradient_weight = 1.0

[schedule]
epochs = 2
batch_size = 4
patch = [8, 8, 8]
"""


def shrink_networks(monkeypatch):
    """Make the report's networks tiny ones of the same make."""
    monkeypatch.setattr(paper_generator, "GENERATOR_LAYERS", LAYERS)
    monkeypatch.setattr(discriminator, "PATCH", PATCH)
    monkeypatch.setattr(discriminator, "STAGE_FILTERS", (2, 3))
    monkeypatch.setattr(discriminator, "DENSE_UNITS", (4,))


def tiny_experiment(**schedule):
    """The experiment of `DOCUMENT`, with other options in its schedule."""
    return EpochExperiment(
        name="tiny",
        title="A tiny experiment",
        source_contrast="T2",
        target_contrast="PD",
        network={"name": "paper-generator", "configuration": {"residual": True}},
        losses=LossOptions("L2", adversarial_weight=0.5, gradient_weight=1.0),
        schedule=EpochOptions(**{"epochs": 2, "batch_size": 4, "patch": PATCH} | schedule),
    )


def with_losses(experiment, **losses):
    return dataclasses.replace(experiment, losses=dataclasses.replace(experiment.losses, **losses))


def prepare(cache):
    """Fill a cache with five subjects whose PD is a smooth function of their T2, and split them."""
    cache.mkdir()
    names = (*TRAIN, *VALIDATION, "P5")
    for number, name in enumerate(names):
        source = np.random.default_rng(number).normal(size=SHAPE).astype(np.float32)
        pair = PreparedPair(np.stack([source, np.tanh(source) - 0.5 * source]), SCALES, AFFINE, "axial", SHAPE)
        write_subject(cache, MADE_FROM | {"subject": name}, pair)
    write_split(Split(TRAIN, VALIDATION, ("P5",), (), dict.fromkeys(names, ""), 0), cache / "split.json")
    return cache


def read_subjects(cache):
    return EpochSubjects(*([read_subject(cache, name) for name in part] for part in (TRAIN, VALIDATION)))


def assert_equal(ours, theirs):
    """Compare nested states, tensors to the bit."""
    assert type(ours) is type(theirs)
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for name in ours:
            assert_equal(ours[name], theirs[name])
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_equal(one, other)
    elif isinstance(ours, torch.Tensor):
        assert torch.equal(ours, theirs)
    else:
        assert ours == theirs
