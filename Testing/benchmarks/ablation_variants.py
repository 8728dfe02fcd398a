"""Ways of training the first stage of the default models: as it ships, and with one idea left out at a time."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mrsynth.head import robust_scale
from mrsynth_training.experiments import Experiment, read_experiment
from mrsynth_training.pair_cache import CHANNELS, LESIONS, CachedPair

DIRECTIONS = ("t2-to-pd", "pd-to-t2")
SEEDS = (0, 1)
SHIPPED = "as shipped"
# What is smaller than in the first stage that ships.
SHORT = ("optimization.batch_size=8", "optimization.patch=[96, 96, 16]")
IXI_TE_T2_MS = 100

Pairs = list[CachedPair]


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way of training: what differs from the shipped experiment, in its file or in the scans.

    Attributes:
        changes: Of the experiment, as for ``--set``.
        told: Whether the network is told echo and repetition times, and asked for other echo times than the usual one.
        scans: What becomes of the scans before training.
        measured: What becomes of the held-out scans before measuring.
        scale: What each image of an acquired pair is divided by, as its like were in training.
    """

    changes: tuple[str, ...] = ()
    told: bool = True
    scans: Callable[[Pairs], Pairs] = list
    measured: Callable[[Pairs], Pairs] = list
    scale: Callable[[np.ndarray], float] = robust_scale


def acquired_targets(pairs: Pairs) -> Pairs:
    """Ask for the other echo as it was acquired, with its noise and at its echo time, instead of always the usual."""
    order = [CHANNELS.index(name) for name in ("t2", "pd", "t2", "pd", "t2", "pd", "lesions")]
    return [dataclasses.replace(pair, voxels=np.ascontiguousarray(pair.voxels[order])) for pair in pairs]


def deviation(voxels: np.ndarray) -> float:
    """Return the standard deviation over the whole scan, air and all."""
    return float(voxels.std(dtype=np.float32))


def whole_volume_scale(pairs: Pairs) -> Pairs:
    """Divide every echo by its deviation over the whole scan, air and all, instead of the median of its tissue."""
    return [dataclasses.replace(pair, voxels=_rescaled(pair.voxels)) for pair in pairs]


def _rescaled(voxels: np.ndarray) -> np.ndarray:
    whole = np.array(voxels)
    for channel in range(LESIONS):
        whole[channel] /= np.float16(deviation(voxels[channel]))
    return whole


def is_ixi(pair: CachedPair) -> bool:
    """Return whether a simulated scan is at IXI's protocol, told by its echo time."""
    return pair.description["protocol"]["te_t2_ms"] == IXI_TE_T2_MS


def ixi_only(pairs: Pairs) -> Pairs:
    """Keep the scans at IXI's protocol."""
    return [pair for pair in pairs if is_ixi(pair)]


VARIANTS = {
    SHIPPED: Variant(),
    "told neither TE nor TR": Variant(told=False),
    "target at its own TE, not always the usual one": Variant(told=False, scans=acquired_targets),
    "scale from the whole volume, not from the head": Variant(
        scans=whole_volume_scale, measured=whole_volume_scale, scale=deviation
    ),
    "one protocol (IXI's) in training": Variant(scans=ixi_only),
    "no emphasis on lesions": Variant(("optimization.lesion_weight=0.0", "optimization.lesion_patches=0.0")),
    "absolute error alone": Variant(("optimization.gradient_weight=0.0", "optimization.squared_weight=0.0")),
}


def experiment_of(direction: str, variant: Variant, seed: int, steps: int) -> Experiment:
    """Return the first stage of a direction as it ships, shortened and changed as a variant says, from new weights.

    Raises:
        InputError: If the experiment has nothing of what the variant changes.
    """
    changes = (*SHORT, *variant.changes, f"optimization.steps={steps}", f"optimization.seed={seed}")
    experiment = read_experiment(Path(f"{direction}-stage-1"), changes)
    if variant.told:
        return experiment
    configuration = {**experiment.network["configuration"], "conditions": 0}
    network = {**experiment.network, "configuration": configuration}
    return dataclasses.replace(experiment, network=network, timing=None)
