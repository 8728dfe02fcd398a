"""What a model's card has to say about the data it was trained on, and what synthesis has to know about them."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mrsynth.orientation import AS_ACQUIRED
from mrsynth_training.epoch_experiment import EpochExperiment
from mrsynth_training.experiments import Experiment
from mrsynth_training.volume_cache import CachedSubject

if TYPE_CHECKING:
    from mrsynth_training.pair_cache import CachedPair

# What usual simulated scans of `fit` cover once the head's own scaling (0.9 to 1.1) is counted.
SIMULATED_GRID = {"in_plane_spacing_mm": [0.75, 1.25], "slice_spacing_mm": [1.0, 6.0]}
# Adults' heads differ in size by about as much, so a spacing this far off shows a network nothing new.
SPACING_TOLERANCE = 0.1


@dataclass(frozen=True)
class TrainingData:
    """The part of a model's card that the data decide; every field is as JSON holds it.

    Attributes:
        data: What they are.
        data_licence: Theirs.
        simulated: Whether nobody acquired them.
        subjects: How many people, or heads.
        protocol: How they were acquired or simulated, and prepared.
        grid: As in a card.
        normalization: As in a card.
    """

    data: str
    data_licence: str
    simulated: bool
    subjects: int
    protocol: str
    grid: dict[str, Any]
    normalization: dict[str, Any]


def data_of_subjects(subjects: Sequence[CachedSubject], experiment: EpochExperiment) -> TrainingData:
    """Describe prepared subjects that a network is trained on, without a name of a person or a place."""
    origins = sorted({each.origin for each in subjects}, key=lambda origin: origin.text)
    spacings = np.array([np.linalg.norm(each.affine[:3, :3], axis=0) for each in subjects])  # (subject, axis), mm
    return TrainingData(
        data=f"{len(subjects)} subjects of {' and '.join(origin.text for origin in origins)}",
        data_licence="; ".join(dict.fromkeys(origin.licence for origin in origins)),
        simulated=all(origin.simulated for origin in origins),
        subjects=len(subjects),
        protocol=_preparation(subjects, spacings),
        grid=_grid(spacings, experiment.plane),
        normalization=_standardization(subjects, spacings, experiment),
    )


def data_of_pairs(pairs: "Sequence[CachedPair]", experiment: Experiment) -> TrainingData:
    """Describe the simulated scans that a network is fitted to."""
    heads = len({pair.description["subject"] for pair in pairs})
    return TrainingData(
        data=f"{len(pairs)} simulated dual-echo scans of {heads} whole-head label maps",
        data_licence="that of the label maps",
        simulated=True,
        subjects=heads,
        protocol="spin-echo signal of simulated dual-echo scans, as clinics acquire them",
        grid=_simulated_grid(pairs),
        normalization={"kind": "robust", "target_to_source": target_to_source(pairs, experiment)},
    )


def target_to_source(pairs: "Sequence[CachedPair]", experiment: Experiment) -> float:
    """Return the median ratio of the targets' tissue intensity to the sources'; both echoes share one receiver gain."""
    source, target = experiment.source_contrast.lower(), f"{experiment.target_contrast.lower()}_target"
    return round(statistics.median(pair.scales[target] / pair.scales[source] for pair in pairs), 4)


def _preparation(subjects: Sequence[CachedSubject], spacings: np.ndarray) -> str:
    size = " x ".join(map(str, subjects[0].voxels.shape[1:]))
    spacing = " x ".join(f"{step:.4g}" for step in np.median(spacings, axis=0))
    planes = " and ".join(sorted({each.description["plane"] for each in subjects}))
    step = subjects[0].description["options"].get("slice_step", 1)
    kept = f", one slice in {step}" if step > 1 else ""
    return f"the middle {size} voxels of {spacing} mm ({planes} slices{kept}), each scan standardised over them"


def _simulated_grid(pairs: "Sequence[CachedPair]") -> dict[str, list[float]]:
    """Return the spacings of usual scans and, if there are wide ones, of the coarsest of them."""
    coarsest = max(pair.description["geometry"]["pixel_mm"] for pair in pairs)
    low, high = SIMULATED_GRID["in_plane_spacing_mm"]
    return SIMULATED_GRID | {"in_plane_spacing_mm": [low, max(high, round(coarsest, 2))]}


def _grid(spacings: np.ndarray, plane: str) -> dict[str, Any]:
    grid: dict[str, Any] = {
        "in_plane_spacing_mm": _tolerant(spacings[:, :2]),
        "slice_spacing_mm": _tolerant(spacings[:, 2]),
    }
    return grid if plane == AS_ACQUIRED else grid | {"plane": plane}


def _tolerant(spacings: np.ndarray) -> list[float]:
    low, high = float(spacings.min()) * (1 - SPACING_TOLERANCE), float(spacings.max()) * (1 + SPACING_TOLERANCE)
    return [round(low, 4), round(high, 4)]


def _standardization(
    subjects: Sequence[CachedSubject], spacings: np.ndarray, experiment: EpochExperiment
) -> dict[str, Any]:
    """Return z-scores over as much of a scan as was kept in preparation, and the targets' usual mean and deviation."""
    scales = [each.description["scales"] for each in subjects]
    source, target = (subjects[0].contrasts.index(c) for c in (experiment.source_contrast, experiment.target_contrast))
    means = [(pair[target]["offset"] - pair[target]["floor"]) / pair[source]["tissue"] for pair in scales]
    deviations = [pair[target]["spread"] / pair[source]["tissue"] for pair in scales]
    extents = np.median(spacings, axis=0) * subjects[0].voxels.shape[1:]
    return {
        "kind": "zscore",
        "target_mean": _median(means),
        "target_std": _median(deviations),
        "extent_mm": [round(float(extent), 2) for extent in extents],
    }


def _median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 5)
