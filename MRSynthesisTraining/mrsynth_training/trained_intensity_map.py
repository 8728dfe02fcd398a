"""The fair baseline: the best map of one intensity to another, learned from the training scans and then left alone."""

from collections.abc import Sequence

import numpy as np

from mrsynth.baselines import IntensityMap
from mrsynth.metrics import standardize
from mrsynth.volume import Volume
from mrsynth_training.pair_cache import CHANNELS, CachedPair

VOXELS_A_SCAN = 20_000


def fit_to_training(
    pairs: Sequence[CachedPair], source_contrast: str, target_contrast: str, seed: int = 0
) -> IntensityMap:
    """Fit the map on voxels drawn at random from every training scan, both contrasts standardised scan by scan."""
    source, target = CHANNELS.index(source_contrast.lower()), CHANNELS.index(f"{target_contrast.lower()}_target")
    random = np.random.default_rng(seed)
    drawn = [_draw(pair, (source, target), random) for pair in pairs]
    return IntensityMap.fit(*(np.concatenate(values) for values in zip(*drawn, strict=True)))


def mapped(source: Volume, intensity_map: IntensityMap) -> Volume:
    """Return a source after standardisation and the map, on its grid."""
    return source.with_voxels(intensity_map.apply(standardize(source.voxels)))


def _draw(pair: CachedPair, channels: tuple[int, int], random: np.random.Generator) -> list[np.ndarray]:
    places = random.integers(pair.voxels[0].size, size=VOXELS_A_SCAN)
    return [standardize(pair.voxels[channel].astype(np.float32)).ravel()[places] for channel in channels]
