"""Small models for tests: descriptions that make a card, and folders with weights."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from mrsynth.models.card import ModelCard
from mrsynth.models.weights import write_model
from mrsynth.networks.registry import build_network

RELIABILITY = {
    "lesions": {
        "definition": "Kept is kept.",
        "scans": 4,
        "table": {"all sizes": {"visible": 20, "kept": 0.95}, "3 to 6 mm": {"visible": 8}},
    },
    "uncertainty": {
        "definition": "Worst is worst.",
        "scans": 1,
        "table": {"this model": {"error in the worst tenth": {"mean": 0.312, "std": 0.011}}},
    },
}
TINY_UNET = {"widths": [2, 3], "blocks": [1, 1], "slice_strides": [1]}
TIMED_UNET = {"name": "residual-unet", "configuration": {**TINY_UNET, "conditions": 5}}
TIMING = {"te_ms": [60, 130], "tr_ms": [2000, 9000], "target_te_ms": [6, 40], "usual_target_te_ms": 8}


def model_description(**changes: Any) -> dict[str, Any]:
    """The fields of a card except the weights' fingerprint: a tiny residual U-Net from T2 to PD."""
    return {
        "schema_version": 1,
        "name": "tiny",
        "version": "1.2.3",
        "title": "A tiny model",
        "source_contrast": "T2",
        "target_contrast": "PD",
        "network": {"name": "residual-unet", "configuration": dict(TINY_UNET)},
        "grid": {"in_plane_spacing_mm": [0.8, 1.2], "slice_spacing_mm": [2.5, 6.0]},
        "normalization": {"kind": "robust", "target_to_source": 2.5},
        "inference": {"mode": "smooth", "patch": [8, 8, 4], "stride": [4, 4, 2], "smooth_stride": [8, 8, 2]},
        "training": {
            "data": "random numbers",
            "data_licence": "CC0-1.0",
            "simulated": True,
            "subjects": 3,
            "protocol": "TE 8 / 100 ms",
            "seed": 7,
            "steps": 10,
            "seconds": 3900.5,
            "hardware": "2 CPU cores",
            "software": "torch 2.13.0",
            "configuration": {"rate": 0.001},
        },
        "figures": [
            {
                "data": "simulated heads 17-18",
                "mask": "head",
                "range": "max - min",
                "metrics": {"PSNR dB": {"mean": 27.51, "std": 0.42}, "MAE": 0.1234},
                "baselines": {"linear": {"PSNR dB": 20.7}, "intensity map (oracle)": {"PSNR dB": 26.6, "MAE": 0.2}},
                "note": "Noise-free targets.",
            }
        ],
        "intended_use": "Tests.",
        "not_for": "Diagnosis.",
        "limitations": "Knows nothing.",
        "licence": "Apache-2.0",
        "url": None,
    } | changes


def card_document(**changes: Any) -> dict[str, Any]:
    """A whole card, whose weights are 8 bytes that nobody has."""
    return model_description() | {"sha256": "0" * 64, "size_bytes": 8} | changes


def make_model(place: Path, **changes: Any) -> ModelCard:
    """Write a model with fresh weights into the folder of its name in ``place``."""
    description = model_description(**changes)
    network = build_network(**description["network"])
    return write_model(place / description["name"], description, network)


def make_timed_model(place: Path, **changes: Any) -> ModelCard:
    """Write a model ``timed`` with random weights, which is told echo and repetition times, in the same way."""
    description = model_description(**{"name": "timed", "network": TIMED_UNET, "timing": TIMING} | changes)
    torch.manual_seed(3)
    network = build_network(**description["network"])
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.2)
    return write_model(place / description["name"], description, network)
