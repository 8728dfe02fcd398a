"""What anyone could do without a network, measured on the subjects that choose the best epoch: what to compare with."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mrsynth.baselines import IntensityMap, linear_fit
from mrsynth_training.epoch_experiment import EpochExperiment
from mrsynth_training.epoch_subjects import EpochSubjects
from mrsynth_training.validation import FIGURES, SubjectFigures, subject_figures
from mrsynth_training.volume_cache import CachedSubject

# Fitted on the very subject they are measured on: they know the answer.
LINEAR = "linear"
ORACLE = "oracle"
# Fitted on the training subjects, then left alone: what a network has to beat.
TRAINED_MAP = "map"

VOXELS_A_SUBJECT = 20_000


def validation_baselines(subjects: EpochSubjects, experiment: EpochExperiment) -> dict[str, Any]:
    """Return mean and deviation of each figure over the validation subjects, by baseline."""
    trained = trained_map(subjects.train, experiment)
    found: dict[str, list[SubjectFigures]] = {LINEAR: [], TRAINED_MAP: [], ORACLE: []}
    for subject in subjects.validation:
        source, target = _pair(subject, experiment)
        estimates = {
            LINEAR: linear_fit(source, target),
            TRAINED_MAP: trained.apply(source),
            ORACLE: IntensityMap.fit(source, target).apply(source),
        }
        for name, estimate in estimates.items():
            found[name].append(subject_figures(subject.subject, estimate, target))
    return {name: summarized([vars(each) for each in figures]) for name, figures in found.items()}


def trained_map(subjects: Sequence[CachedSubject], experiment: EpochExperiment, seed: int = 0) -> IntensityMap:
    """Fit the best map of one intensity to another on voxels drawn at random from every training subject."""
    random = np.random.default_rng(seed)
    drawn = []
    for subject in subjects:
        source, target = _pair(subject, experiment)
        places = random.integers(source.size, size=min(VOXELS_A_SUBJECT, source.size))
        drawn.append((source.ravel()[places], target.ravel()[places]))
    return IntensityMap.fit(*(np.concatenate(values) for values in zip(*drawn, strict=True)))


def summarized(figures: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return mean and standard deviation over subjects of each figure that is a number for all of them."""
    summary = {}
    for name in FIGURES:
        values = [each[name] for each in figures]
        if all(value is not None and np.isfinite(value) for value in values):
            deviation = statistics.stdev(values) if len(values) > 1 else 0.0
            summary[name] = {"mean": round(statistics.fmean(values), 4), "std": round(deviation, 4)}
    return summary


def _pair(subject: CachedSubject, experiment: EpochExperiment) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.array(subject.channel(c)) for c in (experiment.source_contrast, experiment.target_contrast))
