"""Tissue properties of one simulated head, drawn around the constants of `mrsynth.spin_echo`."""

import torch
from torch import Tensor

from mrsynth.spin_echo import Tissue
from mrsynth_training.label_maps import AIR, LAST_LABEL, TISSUE_LABELS
from mrsynth_training.random_fields import Randomness

Ranges = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]

# T1 (ms), T2 (ms) and relative proton density, each drawn uniformly: literature-like ranges at 1.5 to 3 T, as a turbo
# spin echo of many slices sees them. Its pulses saturate protons bound in tissue, so brain has less apparent proton
# density against fluid than water content says, and its trains of echoes lengthen the apparent T2 of fat.
RANGES: dict[str, Ranges] = {
    "white matter": ((600, 950), (66, 92), (0.47, 0.70)),
    "csf": ((3200, 4500), (700, 2200), (0.95, 1.08)),
    "fat": ((230, 420), (80, 200), (0.55, 1.05)),
    "muscle": ((850, 1500), (30, 55), (0.65, 0.85)),
    "skin": ((500, 1400), (30, 95), (0.40, 1.00)),
    "cortical bone": ((300, 1000), (3, 25), (0.03, 0.18)),
    "marrow": ((280, 700), (40, 120), (0.20, 0.85)),
    "artery": ((1200, 2000), (40, 150), (0.02, 0.50)),
    "vein": ((1200, 2000), (30, 150), (0.05, 0.90)),
    "mucosa": ((1000, 2200), (60, 180), (0.60, 1.00)),
    "eye": ((3000, 4300), (300, 1500), (0.95, 1.05)),
    "dura": ((700, 1300), (15, 60), (0.20, 0.70)),
}
# Where fat gives most of the signal.
FATTY = ("fat", "marrow")
# Grey matter relative to the white matter of the same head: the two vary together between subjects and field strengths.
GREY_TO_WHITE = ((1.35, 1.75), (1.10, 1.38), (1.10, 1.30))
# Share of white matter in each deep structure; iron shortens T2 in the basal ganglia.
WHITE_SHARE = {
    "thalamus": (0.25, 0.6),
    "caudate": (0.0, 0.3),
    "putamen": (0.0, 0.4),
    "pallidum": (0.3, 0.7),
    "brainstem": (0.5, 0.9),
}
T2_OF_DEEP = {
    "thalamus": (0.85, 1.02),
    "caudate": (0.78, 1.02),
    "putamen": (0.75, 1.02),
    "pallidum": (0.6, 0.92),
    "brainstem": (0.95, 1.05),
}


def draw_tissues(random: Randomness, variation: float = 1.0, fat_left: float = 1.0) -> dict[str, Tissue]:
    """Return one head's tissues by name: those of `label_maps.TISSUE_LABELS`, and dura.

    Args:
        random: Where every random number comes from.
        variation: 1 draws from the whole ranges, all scanners and ages; less stays as much closer to their middle, as
            the adults of one study do; more goes beyond them.
        fat_left: Share of their signal that fat and marrow keep; less than 1 where fat is suppressed.
    """

    def drawn(ranges: Ranges) -> Tissue:
        # Beyond the ranges a value may fall below nothing, hence the floor.
        return Tissue(*(max(_around(limits, random.uniform(*limits), variation), limits[0] / 2) for limits in ranges))

    tissues = {name: drawn(ranges) for name, ranges in RANGES.items()}
    for name in FATTY:
        tissues[name] = _scaled(tissues[name], 1.0, 1.0, fat_left)
    white = tissues["white matter"]
    ratio = drawn(GREY_TO_WHITE)
    grey = _scaled(white, ratio.t1_ms, ratio.t2_ms, ratio.pd)
    tissues["grey matter"] = grey
    tissues["cerebellar cortex"] = _scaled(grey, *(random.uniform(0.95, 1.05) for _ in range(3)))
    tissues["cerebellar white matter"] = _scaled(white, *(random.uniform(0.95, 1.05) for _ in range(3)))
    tissues["white matter hypointensity"] = _scaled(white, 1.15, random.uniform(1.1, 1.7), random.uniform(1.02, 1.2))
    for name, share in WHITE_SHARE.items():
        mixed = _mixed(white, grey, random.uniform(*share))
        tissues[name] = _scaled(mixed, 1.0, random.uniform(*T2_OF_DEEP[name]), random.uniform(0.97, 1.03))
    return tissues


def tissue_table(tissues: dict[str, Tissue]) -> Tensor:
    """Return T1, T2 (ms) and PD of every label: shape (3, labels). Air has no protons."""
    table = torch.zeros(3, LAST_LABEL + 1)
    table[0], table[1] = 1000.0, 50.0
    for name, labels in TISSUE_LABELS.items():
        tissue = tissues[name]
        for label in labels:
            table[:, label] = torch.tensor([tissue.t1_ms, tissue.t2_ms, tissue.pd])
    table[2, AIR] = 0.0
    return table


def _around(limits: tuple[float, float], value: float, variation: float) -> float:
    """Return what lies by a share of a value's distance from the middle of its limits."""
    return (1 - variation) * (sum(limits) / 2) + variation * value


def _scaled(tissue: Tissue, t1: float, t2: float, pd: float) -> Tissue:
    return Tissue(tissue.t1_ms * t1, tissue.t2_ms * t2, tissue.pd * pd)


def _mixed(first: Tissue, second: Tissue, share: float) -> Tissue:
    """Return a share of the first tissue and the rest of the second."""
    names = ("t1_ms", "t2_ms", "pd")
    return Tissue(*((1 - share) * getattr(second, name) + share * getattr(first, name) for name in names))
