"""Lesions that a healthy head has in the synthetic image alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from mrsynth_training.lesion_contrast import VISIBLE_CNR, WHITE_SHARE

# Over this distance white matter is averaged to say how bright it is; what varies more slowly is shading.
LOCAL_MM = 10.0
# Smaller than the smallest lesion of the tests, a sphere of 1.5 mm radius, is no lesion.
SMALLEST_ML = 4 / 3 * math.pi * 1.5**3 / 1000

DEFINITION = (
    "in heads without lesions, connected voxels of cerebral white matter (not its border), together at least "
    f"{1000 * SMALLEST_ML:.0f} mm3, whose contrast with the white matter within {LOCAL_MM:g} mm differs from the "
    f"reference's by that of a visible lesion: {VISIBLE_CNR:g} times the noise, that is the "
    "reference's texture and the scan's noise"
)


@dataclass(frozen=True)
class FalseLesions:
    """What one healthy head has too much.

    Attributes:
        case: Name of the case.
        count: Connected pieces, bright or dark.
        volume_ml: Theirs together.
        contrast: Of a lesion that is just visible, by which they are told.
    """

    case: str
    count: int
    volume_ml: float
    contrast: float


@dataclass(frozen=True, eq=False)
class HealthyWhiteMatter:
    """The white matter of a healthy head's reference.

    Attributes:
        reference: Without noise, (in-plane, in-plane, slice).
        share: Of cerebral white matter in each voxel.
        spacing_mm: Between voxels along each axis.
        noise: Standard deviation of the scan's noise, which the reference lacks.
    """

    reference: np.ndarray
    share: np.ndarray
    spacing_mm: Sequence[float]
    noise: float

    def false_lesions(self, synthetic: np.ndarray, case: str = "") -> FalseLesions:
        """Find pieces of white matter that stand out of the synthetic image and not of the reference, or the other way.

        Args:
            synthetic: Of the same shape as the reference, any scale, air near zero.
            case: Its name.
        """
        excess = self._contrast(synthetic) - self._reference_contrast
        found = [self._pieces(sign * excess > self.visible_contrast) for sign in (1, -1)]
        count, voxels = (sum(each) for each in zip(*found, strict=True))
        return FalseLesions(case, count, voxels * self._voxel_ml, self.visible_contrast)

    @cached_property
    def _white(self) -> np.ndarray:
        return self.share > WHITE_SHARE

    @cached_property
    def _reference_contrast(self) -> np.ndarray:
        return self._contrast(self.reference)

    @cached_property
    def visible_contrast(self) -> float:
        """Contrast of a lesion that is just visible; infinite without white matter."""
        white = self._white
        if not white.any():
            return math.inf
        mean = float(self.reference[white].mean(dtype=np.float64))
        texture = float(self._reference_contrast[white].std(dtype=np.float64))
        return VISIBLE_CNR * math.hypot(texture, self.noise / mean)

    @property
    def _voxel_ml(self) -> float:
        return float(np.prod(self.spacing_mm)) / 1000

    def _contrast(self, image: np.ndarray) -> np.ndarray:
        """How much brighter each voxel of white matter is than what surrounds it, as a share; 0 elsewhere."""
        weight, sigma = self._white.astype(np.float32), [LOCAL_MM / spacing for spacing in self.spacing_mm]
        total, weights = (ndimage.gaussian_filter(each, sigma, mode="constant") for each in (image * weight, weight))
        around = total / np.maximum(weights, 1e-6)
        return np.where(self._white & (around > 0), image / np.where(around > 0, around, 1) - 1, np.float32(0))

    def _pieces(self, mask: np.ndarray) -> tuple[int, int]:
        """Return how many pieces are large enough, and their voxels."""
        inside = ndimage.binary_erosion(self._white, np.ones((3, 3, 1), bool))
        pieces, _ = ndimage.label(mask & inside)
        sizes = np.bincount(pieces.ravel())[1:]
        large = sizes[sizes * self._voxel_ml >= SMALLEST_ML]
        return len(large), int(large.sum())
