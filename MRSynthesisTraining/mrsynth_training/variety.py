"""How far a simulated scan lies from those of most scanners; what varies besides protocol, slices and pose."""

from dataclasses import dataclass, replace

import numpy as np

from mrsynth_training.acquisition import SliceGeometry
from mrsynth_training.random_fields import Randomness

# How far from typical values tissues lie among the adults of one study, lesions apart, as a share of all scanners'
# ranges: T1 and T2 of white matter then vary by 3 to 4 per cent between subjects, its proton density by less.
STUDY_VARIATION = 0.3

# Logarithm of how much brighter the coil makes the scalp than the middle of the head. Surface coils reach the upper
# end; what leaves a scanner that evens its images out, as IXI's do, is nearly flat. Beyond both lie images that were
# evened out too much, and receivers with few elements close to the head.
COIL_RISE = (-0.15, 0.45)
COIL_RISE_EVENED_OUT = (-0.1, 0.2)
COIL_RISE_WIDE = (-0.3, 0.6)

# Standard deviation of the Gaussian that the point spread follows. It ends three pixels from its centre, so the widest
# spreads by 1.6 pixels, not 2.
SHARP_PIXELS = (0.3, 0.8)
BLURRED_PIXELS = (0.8, 2.0)

# Beside a scan's seed, makes the random numbers behind a wide variety; another value changes them all.
WIDE_SEED = 7

BLURRED_CHANCE = 0.3  # as averages and interpolated images are
COARSE_CHANCE = 0.2
SUPPRESSED_CHANCE = 0.15  # fat is often suppressed in the clinic


@dataclass(frozen=True)
class Variety:
    """What one scan is like.

    Attributes:
        tissue_variation: How far tissues lie from typical values, as a share of all scanners' ranges.
        coil_rise: From and to which logarithm the coil makes the scalp brighter than the middle of the head.
        outer_t2: Standard deviation of T2 from place to place outside the brain, as a share of it, before what is far
            off is cut off.
        outer_pd: The same of proton density: label maps call all of the scalp one tissue, the coil sees it unevenly.
        outer_patch_mm: Over what distance that proton density varies.
        fat_left: Share of their signal that fat and marrow keep.
        coarseness: How many times larger than usual a pixel is.
        point_spread_pixels: From and to which standard deviation the image is blurred.
        lesion_count: From how many, and up to but without how many lesions an ill head has.

    Raises:
        ValueError: If a share, a distance or the coarseness is out of its range.
    """

    tissue_variation: float
    coil_rise: tuple[float, float] = COIL_RISE
    outer_t2: float = 0.08
    outer_pd: float = 0.04
    outer_patch_mm: float = 5.0
    fat_left: float = 1.0
    coarseness: float = 1.0
    point_spread_pixels: tuple[float, float] = SHARP_PIXELS
    lesion_count: tuple[int, int] = (2, 14)

    def __post_init__(self) -> None:
        if not (0 < self.fat_left <= 1 and self.coarseness >= 1 and self.outer_patch_mm > 0):
            raise ValueError(f"expected a share of fat up to 1, a coarseness from 1 and a distance, found {self}")


def usual_variety(protocol: str, random: Randomness) -> Variety:
    """Return what a scan of most scanners is like: of one study at IXI's protocol (``ixi``), of any otherwise."""
    if protocol == "ixi":
        return Variety(STUDY_VARIATION, COIL_RISE_EVENED_OUT)
    return Variety(1.0 if random.chance(0.5) else STUDY_VARIATION)


def wide_variety(seed: int) -> Variety:
    """Return what a scan is like that may be unlike most, so that a network takes nothing for granted.

    The scalp of acquired scans varies far more than that of label maps, in both echoes together.
    """
    random = np.random.default_rng([seed, WIDE_SEED])
    return Variety(
        tissue_variation=random.uniform(STUDY_VARIATION, 1.4),
        coil_rise=COIL_RISE_WIDE,
        outer_t2=random.uniform(0.05, 0.25),
        outer_pd=random.uniform(0.05, 0.3),
        outer_patch_mm=random.uniform(4.0, 20.0),
        fat_left=random.uniform(0.05, 0.4) if random.random() < SUPPRESSED_CHANCE else 1.0,
        coarseness=random.uniform(1.0, 2.0) if random.random() < COARSE_CHANCE else 1.0,
        point_spread_pixels=BLURRED_PIXELS if random.random() < BLURRED_CHANCE else SHARP_PIXELS,
        lesion_count=(2, 30),
    )


def coarser(geometry: SliceGeometry, coarseness: float) -> SliceGeometry:
    """Return the same field of view in fewer, larger pixels.

    They sample the head at their centres, as pixels of usual size do, so they are a little sharper than acquired ones.
    """
    matrix = round(geometry.matrix / coarseness)
    return replace(geometry, matrix=matrix, pixel_mm=geometry.pixel_mm * geometry.matrix / matrix)
