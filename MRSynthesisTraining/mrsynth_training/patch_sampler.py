"""Random training patches: every mini-batch follows from the seed and the number of its step alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mrsynth.errors import InputError
from mrsynth.memory_fallback import CPU
from mrsynth.timing import Timing, TimingRanges
from mrsynth_training.experiments import Experiment
from mrsynth_training.pair_cache import CHANNELS, LESIONS, CachedPair

# A patch is drawn again while it is nearly all air, except now and then: the network has to know air as well.
TISSUE_SHARE = 0.15
AIR_ACCEPTED = 0.1
TISSUE_LEVEL = 0.1  # of the target's median tissue intensity
LOOKED_AT = (slice(None, None, 2),) * 3  # every other voxel tells as much of that

GAIN_JITTER = 0.04
OFFSET_JITTER = 0.01

# How often a network with conditions is told TE, and TR, and how often it is asked for another TE than the usual one.
TOLD_SHARE = 0.5
ASKED_SHARE = 0.5

# From a scan's lesions so many voxels, or up to twice as many, are remembered to draw patches around.
LESION_PLACES = 500
LESION_WEIGHT = 0.5


@dataclass(frozen=True)
class TrainingBatch:
    """Patches of one step, (N, 1, in-plane, in-plane, slice), float32.

    Attributes:
        source: What the network sees.
        target: What it should make of it.
        lesions: Weight of lesions, 0 to 1.
        conditions: What the network is told, (N, K); None for one that is told nothing.
    """

    source: Tensor
    target: Tensor
    lesions: Tensor
    conditions: Tensor | None


@dataclass(frozen=True)
class Contrasts:
    """Channels of one direction and the names of its echo times in a scan's description."""

    source: int
    usual: int
    asked: int
    source_te: str
    target_te: str

    @classmethod
    def of(cls, experiment: Experiment) -> "Contrasts":
        source, target = experiment.source_contrast.lower(), experiment.target_contrast.lower()
        channels = (CHANNELS.index(name) for name in (source, f"{target}_target", f"{target}_asked"))
        return cls(*channels, f"te_{source}_ms", f"te_{target}_ms")


class PatchSampler:
    """Draws mini-batches of source and target patches from cached pairs.

    A resumed run draws the very patches that an uninterrupted one would, with no random state to save.

    Args:
        pairs: Scans to draw from; those smaller than a patch are left out.
        experiment: Says which contrast is the source, the patch, the batch size and the seed.
        device: Where the patches are wanted; a GPU takes what is needed of all scans once and for all.

    Raises:
        InputError: If every scan is smaller than a patch.
    """

    def __init__(self, pairs: Sequence[CachedPair], experiment: Experiment, device: torch.device = CPU) -> None:
        self.options, self.timing, self.contrasts = experiment.optimization, experiment.timing, Contrasts.of(experiment)
        self.device = device
        self.pairs = [pair for pair in pairs if _holds(pair, self.options.patch)]
        if not self.pairs:
            raise InputError(
                f"expected scans of at least one patch of {self.options.patch}, found none among {len(pairs)}"
            )
        self.lesions = [_lesion_places(pair) if self.options.lesion_patches else () for pair in self.pairs]
        asked = () if self.timing is None else (self.contrasts.asked,)
        needed = (self.contrasts.source, self.contrasts.usual, *asked, LESIONS)
        self.voxels = [
            {channel: torch.from_numpy(pair.voxels[channel]).to(device) for channel in needed} for pair in self.pairs
        ]

    def batch(self, step: int) -> TrainingBatch:
        """Return the patches of a step."""
        random = np.random.default_rng([self.options.seed, step])
        patches, told = zip(*(self._draw(random) for _ in range(self.options.batch_size)), strict=True)
        source, target, lesions = torch.stack(patches, dim=1)[:, :, None]  # each (N, 1, X, Y, Z)
        return TrainingBatch(
            *(each.contiguous(memory_format=torch.channels_last_3d) for each in (source, target, lesions)),
            conditions=torch.tensor(told, device=self.device) if self.timing else None,
        )

    def _draw(self, random: np.random.Generator) -> tuple[Tensor, tuple[float, ...]]:
        """Return source, target and lesions of a patch, (3, X, Y, Z), and what the network is told."""
        while True:
            number = int(random.integers(len(self.pairs)))
            box = self._box(number, random)
            tissue = self.pairs[number].voxels[self.contrasts.usual][box][LOOKED_AT] > TISSUE_LEVEL
            if np.mean(tissue) > TISSUE_SHARE or random.random() < AIR_ACCEPTED:
                break
        asked = self.timing is not None and random.random() < ASKED_SHARE
        told = self._told(self.timing, number, asked, random) if self.timing else ()
        channels = (self.contrasts.source, self.contrasts.asked if asked else self.contrasts.usual, LESIONS)
        patch = torch.stack([self.voxels[number][channel][box] for channel in channels]).float()
        return _augmented(patch, random), told

    def _box(self, number: int, random: np.random.Generator) -> tuple[slice, ...]:
        """Return where a patch lies: anywhere, or around a place in a lesion as often as the options say."""
        shape, places = self.pairs[number].voxels.shape[1:], self.lesions[number]
        if len(places) and random.random() < self.options.lesion_patches:
            place = places[random.integers(len(places))]
            starts = [int(c) - int(random.integers(p)) for c, p in zip(place, self.options.patch, strict=True)]
        else:
            starts = [int(random.integers(n - p + 1)) for n, p in zip(shape, self.options.patch, strict=True)]
        sizes = zip(starts, shape, self.options.patch, strict=True)
        return tuple(slice(first := min(max(start, 0), n - p), first + p) for start, n, p in sizes)

    def _told(self, timing: TimingRanges, number: int, asked: bool, random: np.random.Generator) -> tuple[float, ...]:
        description = self.pairs[number].description
        te, tr = (
            time if random.random() < TOLD_SHARE else None
            for time in (description["protocol"][self.contrasts.source_te], description["protocol"]["tr_ms"])
        )
        target = description["asked"][self.contrasts.target_te] if asked else None
        return timing.conditions(Timing(te, tr, target))


def _augmented(patch: Tensor, random: np.random.Generator) -> Tensor:
    """Mirror all channels alike and change the source's scale a little, as the estimate of its scale is never exact."""
    patch[0] = patch[0] * random.normal(1, GAIN_JITTER) + random.normal(0, OFFSET_JITTER)
    flipped = [axis for axis, probability in ((1, 0.5), (2, 0.1), (3, 0.5)) if random.random() < probability]
    return patch.flip(flipped) if flipped else patch


def _lesion_places(pair: CachedPair) -> np.ndarray:
    """Return voxels (n, 3) that are lesion, fewer than twice `LESION_PLACES`, evenly from all of them."""
    places = np.argwhere(pair.voxels[LESIONS] > LESION_WEIGHT)
    return places[:: max(1, len(places) // LESION_PLACES)]


def _holds(pair: CachedPair, patch: Sequence[int]) -> bool:
    return all(size >= length for size, length in zip(pair.voxels.shape[1:], patch, strict=True))
