"""From a finished run to a model that can be listed, verified and used; its figures are written by an evaluation."""

import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mrsynth.atomic_file import write_bytes
from mrsynth.errors import InputError
from mrsynth.models.card import CARD_NAME, ModelCard
from mrsynth.models.weights import write_model
from mrsynth.networks.registry import build_network
from mrsynth_training.checkpoints import Checkpoint, read_checkpoint
from mrsynth_training.evaluation import (
    LINEAR,
    MASKS,
    NETWORK,
    ORACLE,
    TRAINED_MAP,
    CaseResult,
    group_results,
    mean_figures,
)
from mrsynth_training.experiments import Experiment, read_document
from mrsynth_training.pair_cache import CachedPair

# What the cached scans cover once the head's own scaling (0.9 to 1.1) is counted.
GRID = {"in_plane_spacing_mm": [0.75, 1.25], "slice_spacing_mm": [1.0, 6.0]}
# The whole stack in one pass; cut into overlapping tiles only where it is too large.
INFERENCE = {"mode": "smooth", "patch": None, "stride": None, "smooth_stride": None}
CARD_TEXTS = ("data", "data_licence", "protocol", "intended_use", "not_for", "limitations", "licence")
RANGES = {
    "psnr_range": "maximum - minimum of the standardised reference",
    "psnr_percentile": "0.5 to 99.5 percentile of the standardised reference",
}


def read_card_texts(path: Path) -> dict[str, str]:
    """Return what an experiment file says for the model's card, its table ``[card]``.

    Raises:
        MissingFile: If there is no such file.
        InputError: If it is not TOML, or the table is missing or lacks one of `CARD_TEXTS`.
    """
    texts = read_document(path).get("card", {})
    missing = sorted(set(CARD_TEXTS) - set(texts))
    if missing:
        raise InputError(f"{path}: expected a table [card] with {', '.join(CARD_TEXTS)}; missing: {', '.join(missing)}")
    return {name: " ".join(str(texts[name]).split()) for name in CARD_TEXTS}


def export_model(run: Path, pairs: Sequence[CachedPair], texts: dict[str, str], models: Path, version: str) -> Path:
    """Write a run's averaged weights and their card into ``models/<name>``; return that folder.

    Raises:
        MissingFile: If the run has no checkpoint.
        InputError: If the run is not finished.
    """
    checkpoint = read_checkpoint(run)
    experiment = Experiment.from_dict(checkpoint.experiment)
    if checkpoint.step < experiment.optimization.steps:
        found = f"{checkpoint.step} of {experiment.optimization.steps} steps"
        raise InputError(f"{run}: expected a finished run, found {found}; resume it first")
    network = build_network(experiment.network["name"], experiment.network["configuration"])
    network.load_state_dict(checkpoint.average)
    folder = models / experiment.name
    write_model(folder, _description(experiment, checkpoint, pairs, texts) | {"version": version}, network)
    return folder


def card_figures(results: Sequence[CaseResult]) -> list[dict[str, Any]]:
    """Return the figures of a card: an entry for each group, mask and range of PSNR."""
    return [
        _figure(group, members, mask, range_name)
        for group, members in group_results(results).items()
        for mask in MASKS
        for range_name in RANGES
    ]


def write_figures(folder: Path, card: ModelCard, results: Sequence[CaseResult]) -> None:
    """Replace the figures in a model folder's card; the weights stay as they are."""
    card = ModelCard.from_dict(card.to_dict() | {"figures": card_figures(results)})
    write_bytes(folder / CARD_NAME, card.to_json().encode())


def _figure(group: str, members: Sequence[CaseResult], mask: str, range_name: str) -> dict[str, Any]:
    def figures(estimate: str) -> dict[str, float]:
        means = mean_figures(members, estimate, mask)
        other = next(name for name in RANGES if name != range_name)
        return {name: value for name, value in means.items() if name != other}

    return {
        "data": group,
        "mask": mask,
        "range": RANGES[range_name],
        "metrics": figures(NETWORK),
        "baselines": {estimate: figures(estimate) for estimate in (LINEAR, TRAINED_MAP, ORACLE)},
        "note": f"mean of {len(members)} scan{'s' if len(members) > 1 else ''} against the other echo as acquired, or "
        "as simulated with its noise and echo time; map is fitted on the training scans, linear and oracle on the very "
        "pair they are measured on",
    }


def _description(
    experiment: Experiment, checkpoint: Checkpoint, pairs: Sequence[CachedPair], texts: dict[str, str]
) -> dict[str, Any]:
    """Return the fields of a model card that the run, its data and the texts decide."""
    subjects = {pair.description["subject"] for pair in pairs}
    training = {
        "data": texts["data"],
        "data_licence": texts["data_licence"],
        "simulated": True,
        "subjects": len(subjects),
        "protocol": texts["protocol"],
        "seed": experiment.optimization.seed,
        "steps": checkpoint.step,
        "seconds": round(checkpoint.seconds),
        "hardware": f"{platform.machine()} CPU",
        "software": f"PyTorch {torch.__version__}, Python {platform.python_version()}",
        "configuration": experiment.to_dict(),
    }
    return {
        "schema_version": 1,
        "name": experiment.name,
        "title": experiment.title,
        "source_contrast": experiment.source_contrast,
        "target_contrast": experiment.target_contrast,
        "network": experiment.network,
        "grid": GRID,
        "normalization": {"kind": "robust", "target_to_source": target_to_source(pairs, experiment)},
        "inference": INFERENCE,
        "training": training,
        "figures": [],
        "intended_use": texts["intended_use"],
        "not_for": texts["not_for"],
        "limitations": texts["limitations"],
        "licence": texts["licence"],
        "url": None,
    }


def target_to_source(pairs: Sequence[CachedPair], experiment: Experiment) -> float:
    """Return the median ratio of the targets' tissue intensity to the sources'; both echoes share one receiver gain."""
    source, target = experiment.source_contrast.lower(), f"{experiment.target_contrast.lower()}_target"
    return round(statistics.median(pair.scales[target] / pair.scales[source] for pair in pairs), 4)
