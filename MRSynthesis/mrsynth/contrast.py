"""A guess at which echo of a dual-echo scan an image is, so that a scan given to the wrong model can be pointed out."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mrsynth.errors import InputError
from mrsynth.head import foreground_threshold, head_mask
from mrsynth.volume import Volume

_MIDDLE_SKEWNESS = 0.2
"""Chosen on three real pairs (PD-weighted -0.5 to -0.4, T2-weighted 0.4 to 2.0), all told apart, and 48 simulated
images: 36 told apart, 9 left undecided, 3 mistaken (two of them PD-weighted with fat brighter than brain)."""

_ENOUGH_VOXELS = 2**21
"""Of a finer scan every other voxel tells as much."""

_STEEPNESS = 6.0
_LOWEST_CONFIDENCE = 0.8


def guess_contrast(volume: Volume) -> tuple[Literal["T2", "PD"] | None, float]:
    """Guess the contrast from the intensities of the head alone.

    In a T2-weighted image fluid is far brighter than brain, which gives the histogram of the tissue a long upper tail.
    In a PD-weighted one fluid and brain are close, and what stands apart is dark (bone, muscle): the tail is below.
    The skewness of the tissue's intensities tells the two apart. It is good enough for a warning and for nothing else:
    bright fat in a PD-weighted image can hide the difference, and other contrasts (T1, FLAIR) are not known to it.

    Returns:
        The contrast, or None where the skewness lies between the two or nothing is seen, and a confidence of 0.5 (none)
        to 1, which is a logistic function of the skewness and not a measured rate.
    """
    skewness = _tissue_skewness(_thinned(volume.voxels))
    if skewness is None:
        return None, 0.5
    t2 = float(1 / (1 + np.exp(-_STEEPNESS * (skewness - _MIDDLE_SKEWNESS))))
    confidence = max(t2, 1 - t2)
    if confidence < _LOWEST_CONFIDENCE:
        return None, confidence
    return ("T2" if t2 > 0.5 else "PD"), confidence


def _thinned(voxels: np.ndarray) -> np.ndarray:
    """Every other voxel of the longest axis, and so on until there are few enough."""
    while voxels.size > _ENOUGH_VOXELS:
        longest = int(np.argmax(voxels.shape))
        voxels = voxels[(slice(None),) * longest + (slice(None, None, 2),)]
    return voxels


def _tissue_skewness(voxels: np.ndarray) -> float | None:
    """The third standardised moment of the head's intensities without its air; None if there is nothing to measure."""
    try:
        tissue = voxels[head_mask(voxels) & (voxels > foreground_threshold(voxels))].astype(np.float64)
    except InputError:  # nothing brighter than zero
        return None
    deviation = tissue.std()
    if deviation == 0:
        return None
    return float(np.mean((tissue - tissue.mean()) ** 3) / deviation**3)
