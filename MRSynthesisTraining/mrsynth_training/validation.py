"""How near a network comes to the acquired scans of the subjects that choose the best epoch."""

import itertools
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from mrsynth.free_memory import affordable_voxels
from mrsynth.memory_fallback import BYTES_PER_VOXEL
from mrsynth.metrics import full_range, percentile_range, psnr
from mrsynth.patches import PatchGrid, patch_window
from mrsynth.stitching import Mosaic
from mrsynth_training.epoch_experiment import EpochExperiment
from mrsynth_training.volume_cache import CachedSubject

PATCHES_AT_A_TIME = 16
PATCHES_AT_A_TIME_ON_GPU = 64  # a subject's without overlap, at the protocol's sizes
FIGURES = ("mae", "psnr_range", "psnr_percentile")  # of `SubjectFigures`


@dataclass(frozen=True)
class SubjectFigures:
    """Figures of one subject over the whole volume, in standard deviations of its own target.

    Attributes:
        subject: Whose.
        mae: Mean absolute error.
        psnr_range: In dB; the peak is the target's maximum minus its minimum. Infinite when nothing differs.
        psnr_percentile: In dB; the peak is the target's span from the 0.5 to the 99.5 percentile. None if that is zero.
    """

    subject: str
    mae: float
    psnr_range: float
    psnr_percentile: float | None


def validate(
    network: nn.Module, subjects: Iterable[CachedSubject], experiment: EpochExperiment
) -> list[SubjectFigures]:
    """Measure a network on subjects, in evaluation mode; it is left in the mode it was in."""
    was_training = network.training
    network.eval()
    try:
        return [_figures(network, subject, experiment) for subject in subjects]
    finally:
        network.train(was_training)


def mean_psnr(figures: Sequence[SubjectFigures]) -> float:
    """Return the mean PSNR (range: maximum - minimum) over subjects in dB, by which the best epoch is chosen."""
    return statistics.fmean(each.psnr_range for each in figures)


@torch.no_grad()
def synthesize_subject(network: nn.Module, source: np.ndarray, experiment: EpochExperiment) -> np.ndarray:
    """Return what a network in evaluation mode makes of a standardised source, both (in-plane, in-plane, slice).

    Patches lie `EpochOptions.stride` apart, the last one against the far end, and are averaged where they overlap.
    """
    schedule = experiment.schedule
    grid = PatchGrid(source.shape, schedule.patch, schedule.stride)
    mosaic, window = Mosaic(source.shape), patch_window(schedule.patch, "mean")
    places, weight = iter(grid), next(network.parameters())
    volume, at_a_time = torch.from_numpy(np.array(source)).to(weight), _patches_at_a_time(weight.device, schedule.patch)
    while batch := list(itertools.islice(places, at_a_time)):
        patches = torch.stack([volume[place] for place in batch])[:, None]  # (n, 1, X, Y, Z)
        answers = network(patches)[:, 0].float().cpu().numpy()
        for place, answer in zip(batch, answers, strict=True):
            mosaic.add(place, answer, window)
    return mosaic.mean()


def subject_figures(name: str, synthetic: np.ndarray, target: np.ndarray) -> SubjectFigures:
    """Measure what stands for a subject's target, both (in-plane, in-plane, slice)."""
    difference = synthetic.astype(np.float64) - target
    mse = float(np.square(difference).mean())
    decibels = (psnr(mse, peak(target)) for peak in (full_range, percentile_range))
    return SubjectFigures(name, float(np.abs(difference).mean()), *decibels)


def _patches_at_a_time(device: torch.device, patch: Sequence[int]) -> int:
    if device.type != "cuda":
        return PATCHES_AT_A_TIME
    voxels = math.prod(patch)
    most = PATCHES_AT_A_TIME_ON_GPU * voxels
    return max(1, affordable_voxels(device, most, BYTES_PER_VOXEL) // voxels)


def _figures(network: nn.Module, subject: CachedSubject, experiment: EpochExperiment) -> SubjectFigures:
    target = np.array(subject.channel(experiment.target_contrast))
    synthetic = synthesize_subject(network, subject.channel(experiment.source_contrast), experiment)
    return subject_figures(subject.subject, synthetic, target)
