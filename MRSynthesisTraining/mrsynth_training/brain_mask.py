"""Where the brain is in a PD-weighted scan: what lies within the dark ring of the skull."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from mrsynth.errors import InputError
from mrsynth.head import foreground_threshold

NO_BRAIN = "no_brain"

# Compact bone has a tenth to a third of the brain's PD-weighted signal, all other tissue more than half.
SKULL_FRACTION = 0.5
AIR_PERCENTILE = 0.5
# What holds brain and scalp together across the skull (orbits, vessels, the skull's base) is thinner than twice this;
# of radii from 4 to 12 mm this one kept 97 to 98 % of the brain of simulated heads with 1 % of other tissue.
LINK_RADIUS_MM = 12.0


def brain_mask(pd: np.ndarray, spacing_mm: Sequence[float]) -> np.ndarray:
    """Return brain and fluid inside the skull: the largest piece of tissue that thin links do not hold together.

    Args:
        pd: PD-weighted intensities of any scale and offset, shape (in-plane, in-plane, slice).
        spacing_mm: Between voxels along each axis.

    Returns:
        Boolean array of the same shape.

    Raises:
        InputError: Code ``no_brain`` if no piece of tissue is thick enough, ``constant`` if there is no tissue.
    """
    signal = pd - np.float32(np.percentile(pd, AIR_PERCENTILE))
    tissue = signal > SKULL_FRACTION * np.median(signal[signal > foreground_threshold(signal)])
    core = ndimage.distance_transform_edt(tissue, sampling=spacing_mm) > LINK_RADIUS_MM
    if not core.any():
        found = f"none thicker than {2 * LINK_RADIUS_MM:g} mm"
        raise InputError(f"expected a brain, that is a large piece of tissue within the skull, found {found}", NO_BRAIN)
    away = ndimage.distance_transform_edt(~_largest_piece(core), sampling=spacing_mm)
    # What the links' removal cost the brain at its rim comes back; a little more, as distances are between voxels.
    brain = _largest_piece(tissue & (away <= 1.05 * LINK_RADIUS_MM))
    for number in range(brain.shape[2]):
        brain[:, :, number] = ndimage.binary_fill_holes(brain[:, :, number])
    return brain


def _largest_piece(mask: np.ndarray) -> np.ndarray:
    pieces, _ = ndimage.label(mask)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return pieces == sizes.argmax()
