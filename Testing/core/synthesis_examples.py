"""Scans, models and options for tests of synthesis without files."""

from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from mrsynth.networks.identity import Identity
from mrsynth.synthesis import SynthesisOptions
from mrsynth.volume import Volume

PATCHES = {"mode": "paper", "patch": [8, 8, 4], "stride": [4, 3, 2], "smooth_stride": [4, 4, 2]}
WHOLE = {"mode": "smooth", "patch": None, "stride": None, "smooth_stride": None}
ROBUST = {"kind": "robust", "target_to_source": 1.0}


class Leaning(Identity):
    """Adds one at one end of the first axis and nothing at the other: a network that is not symmetric."""

    def forward(self, source: torch.Tensor) -> torch.Tensor:
        return source + torch.linspace(0, 1, source.shape[2])[:, None, None]


def a_model(network: nn.Module | None = None, inference: dict = PATCHES, normalization: dict = ROBUST, **grid):
    spacings = {"in_plane_spacing_mm": [0.8, 1.2], "slice_spacing_mm": [3.0, 6.0], **grid}
    timing = spacings.pop("timing", None)
    card = SimpleNamespace(name="any", inference=inference, normalization=normalization, grid=spacings, timing=timing)
    return SimpleNamespace(card=card, network=network or Identity())


def a_scan(shape=(12, 10, 6), spacing=(1.0, 1.0, 4.0), seed: int = 0) -> Volume:
    voxels = np.random.default_rng(seed).uniform(50, 100, shape).astype(np.float32)
    voxels[0] = 0  # air
    return Volume(voxels, np.diag([*spacing, 1.0]))


def on_cpu(**options) -> SynthesisOptions:
    return SynthesisOptions(device="cpu", **options)
