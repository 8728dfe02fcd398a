import dataclasses
import math

import numpy as np
import pytest
import torch
from epoch_examples import SHAPE, tiny_experiment
from torch import nn

from mrsynth_training import validation as module
from mrsynth_training.validation import SubjectFigures, mean_psnr, synthesize_subject, validate
from mrsynth_training.volume_cache import CachedSubject


class Doubling(nn.Module):
    """Doubles what it is given, and notes in which mode and on which sizes."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(2.0))
        self.seen = []

    def forward(self, source):
        self.seen.append((self.training, tuple(source.shape)))
        return self.factor * source


def a_subject(source, target):
    voxels = np.stack([source, target]).astype(np.float32)
    return CachedSubject(voxels, {"subject": "P0", "site": "", "contrasts": ["T2", "PD"]})


@pytest.fixture
def a_source():
    return np.random.default_rng(0).normal(size=SHAPE)


def test_figures_are_the_ones_numpy_gives(a_source):
    target = np.random.default_rng(1).normal(size=SHAPE)
    (found,) = validate(Doubling(), [a_subject(a_source, target)], tiny_experiment())
    difference, low_high = 2 * a_source - target, np.percentile(target, (0.5, 99.5))
    noise = 10 * np.log10(np.mean(difference**2))
    assert found.subject == "P0"
    assert found.mae == pytest.approx(np.abs(difference).mean(), rel=1e-5)
    assert found.psnr_range == pytest.approx(20 * np.log10(np.ptp(target)) - noise, rel=1e-5)
    assert found.psnr_percentile == pytest.approx(20 * np.log10(np.ptp(low_high)) - noise, rel=1e-5)


def test_nothing_amiss_is_an_infinite_psnr(a_source):
    (found,) = validate(Doubling(), [a_subject(a_source, 2 * a_source)], tiny_experiment())
    assert (found.mae, found.psnr_range) == (0, math.inf)


def test_the_direction_is_the_experiments(a_source):
    experiment = dataclasses.replace(tiny_experiment(), source_contrast="PD", target_contrast="T2")
    (found,) = validate(Doubling(), [a_subject(2 * a_source, a_source)], experiment)
    assert found.mae == 0


def test_a_network_is_measured_in_evaluation_mode_and_left_as_it_was(a_source):
    network = Doubling()
    validate(network.train(), [a_subject(a_source, a_source)], tiny_experiment())
    assert network.training and not any(training for training, _ in network.seen)
    validate(network.eval(), [a_subject(a_source, a_source)], tiny_experiment())
    assert not network.training


def test_patches_cover_a_volume_that_is_no_multiple_of_them():
    network, source = Doubling(), np.random.default_rng(0).normal(size=(11, 9, 8)).astype(np.float32)
    found = synthesize_subject(network, source, tiny_experiment(validation_stride=(4, 8, 8)))
    np.testing.assert_allclose(found, 2 * source, rtol=1e-6)
    assert network.seen == [(True, (4, 1, 8, 8, 8))]  # two places along each of the first two axes


def test_a_gpu_takes_as_many_patches_as_it_has_the_memory_for(monkeypatch):
    gpu, patch = torch.device("cuda", 0), (8, 8, 8)
    assert module._patches_at_a_time(torch.device("cpu"), patch) == 16
    for free, expected in ((10**9, 64), (5 * 512, 5), (3, 1)):
        monkeypatch.setattr(module, "affordable_voxels", lambda device, most, size, free=free: min(most, free))
        assert module._patches_at_a_time(gpu, patch) == expected


def test_the_mean_psnr_is_over_subjects():
    assert mean_psnr([SubjectFigures("P0", 0.0, 20.0, None), SubjectFigures("P1", 0.0, 30.0, 1.0)]) == 25
