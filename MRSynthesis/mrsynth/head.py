"""The head against the air around it: the mask that figures are given for, and the scale of intensities."""

import numpy as np
from scipy import ndimage

from mrsynth.errors import InputError

# Air in a magnitude image is Rician noise, a few per cent of tissue; a tenth of the brightest tissue stands well clear
# of it, and below white matter in a T2-weighted image, where cerebrospinal fluid sets the brightest percentile.
FOREGROUND_FRACTION = 0.1
BRIGHTEST_PERCENTILE = 99.0

# A single slice shows brain and scalp as separate pieces; what is smaller than this share of all tissue is noise.
SMALLEST_PIECE = 0.01


def foreground_threshold(voxels: np.ndarray) -> float:
    """Return the intensity that separates tissue from air, in the units of ``voxels``.

    Raises:
        InputError: Code ``constant``, if nothing is brighter than zero.
    """
    brightest = float(np.percentile(voxels, BRIGHTEST_PERCENTILE))
    if brightest <= 0:
        brightest = float(voxels.max())
    if brightest <= 0:
        raise InputError("expected a scan with tissue brighter than air, found no positive intensity", code="constant")
    return FOREGROUND_FRACTION * brightest


def robust_scale(voxels: np.ndarray) -> float:
    """Return the median intensity of tissue: a scale that neither the field of view nor a bright vessel moves much.

    Args:
        voxels: Non-negative intensities with air near zero, any shape.

    Raises:
        InputError: Code ``constant``, if nothing is brighter than zero.
    """
    threshold = foreground_threshold(voxels)
    return float(np.median(voxels[voxels > threshold]))


def head_mask(voxels: np.ndarray) -> np.ndarray:
    """Return where the head is: the large pieces of tissue with their dark inside (bone, sinuses) filled in.

    Args:
        voxels: Intensities with air near zero, shape (i, j, k); any axis may be one voxel long.

    Returns:
        Boolean array of the same shape.

    Raises:
        InputError: Code ``constant``, if nothing is brighter than zero.
    """
    tissue = voxels > foreground_threshold(voxels)
    pieces, count = ndimage.label(tissue)
    if count > 1:
        sizes = np.bincount(pieces.ravel())
        large = sizes >= SMALLEST_PIECE * tissue.sum()
        large[0] = False
        tissue = large[pieces]
    return _filled(tissue)


def _filled(tissue: np.ndarray) -> np.ndarray:
    """Fill what is enclosed in any plane: sinuses open to the air in one plane are closed in another."""
    filled = tissue.copy()
    for axis in range(tissue.ndim):
        for index in range(tissue.shape[axis]):
            plane = (slice(None),) * axis + (index,)
            filled[plane] |= ndimage.binary_fill_holes(tissue[plane])
    return filled
