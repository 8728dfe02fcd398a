"""Random training patches: every mini-batch follows from the seed and the number of its step alone."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mrsynth.errors import InputError
from mrsynth_training.experiments import Experiment
from mrsynth_training.pair_cache import CHANNELS, CachedPair

# A patch is drawn again while it is nearly all air, except now and then: the network has to know air as well.
TISSUE_SHARE = 0.15
AIR_ACCEPTED = 0.1
TISSUE_LEVEL = 0.1  # of the target's median tissue intensity

GAIN_JITTER = 0.04
OFFSET_JITTER = 0.01


class PatchSampler:
    """Draws mini-batches of source and target patches from cached pairs.

    A resumed run draws the very patches that an uninterrupted one would, with no random state to save.

    Args:
        pairs: Scans to draw from; those smaller than a patch are left out.
        experiment: Says which contrast is the source, the patch, the batch size and the seed.

    Raises:
        InputError: If every scan is smaller than a patch.
    """

    def __init__(self, pairs: Sequence[CachedPair], experiment: Experiment) -> None:
        options = experiment.optimization
        self.patch, self.batch_size, self.seed = options.patch, options.batch_size, options.seed
        self.source = CHANNELS.index(experiment.source_contrast.lower())
        self.target = CHANNELS.index(f"{experiment.target_contrast.lower()}_target")
        self.pairs = [pair for pair in pairs if _holds(pair, self.patch)]
        if not self.pairs:
            raise InputError(f"expected scans of at least one patch of {self.patch}, found none among {len(pairs)}")

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return the sources and the targets of a step: two tensors (batch, 1, in-plane, in-plane, slice), float32."""
        random = np.random.default_rng([self.seed, step])
        patches = np.stack([self._draw(random) for _ in range(self.batch_size)])  # (batch, 2, X, Y, Z)
        return tuple(torch.from_numpy(np.ascontiguousarray(patches[:, None, c])) for c in range(2))

    def _draw(self, random: np.random.Generator) -> np.ndarray:
        while True:
            voxels = self.pairs[random.integers(len(self.pairs))].voxels
            starts = [random.integers(n - p + 1) for n, p in zip(voxels.shape[1:], self.patch, strict=True)]
            box = tuple(slice(s, s + p) for s, p in zip(starts, self.patch, strict=True))
            target = voxels[self.target][box]
            if np.mean(target > TISSUE_LEVEL) > TISSUE_SHARE or random.random() < AIR_ACCEPTED:
                break
        return self._augmented(voxels[self.source][box].astype(np.float32), target.astype(np.float32), random)

    @staticmethod
    def _augmented(source: np.ndarray, target: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Mirror both alike and change the source's scale a little, as the estimate of its scale is never exact."""
        source = source * np.float32(random.normal(1, GAIN_JITTER)) + np.float32(random.normal(0, OFFSET_JITTER))
        patch = np.stack([source, target])
        for axis, probability in ((1, 0.5), (2, 0.1), (3, 0.5)):
            if random.random() < probability:
                patch = np.flip(patch, axis)
        return patch


def _holds(pair: CachedPair, patch: Sequence[int]) -> bool:
    return all(size >= length for size, length in zip(pair.voxels.shape[1:], patch, strict=True))
