"""How well a synthetic scan shows the tissues that the acquired one shows: Dice coefficients and volumes.

As Nie et al. (2018) compared tissue segmentations of real and synthetic scans, with a method that is part of this
project, see `tissue_segmentation`. It says whether borders between tissues are where the acquired scan has them. It
does not say whether either segmentation is right, and a map of intensities that knows no anatomy may score high, as
borders are the source's, too; so that map is measured beside the networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mrsynth_training.brain_mask import brain_mask
from mrsynth_training.tissue_segmentation import TISSUES, TissueModel

PAIR = ("T2", "PD")


@dataclass(frozen=True)
class TissueAgreement:
    """One tissue in a synthetic scan beside the acquired one.

    Attributes:
        tissue: One of `TISSUES`.
        dice: Twice the shared volume over the sum of both, 0 to 1; None if neither scan shows the tissue.
        acquired_ml: Volume in the acquired scan.
        synthetic_ml: Volume in the synthetic one.
    """

    tissue: str
    dice: float | None
    acquired_ml: float
    synthetic_ml: float


class TissueReference:
    """An acquired scan, segmented.

    Args:
        volumes: The acquired pair by contrast, ``T2`` and ``PD``, each (in-plane, in-plane, slice).
        target_contrast: The one of them that is segmented.
        spacing_mm: Between voxels along each axis.

    Raises:
        InputError: Code ``no_brain`` or ``constant``, if there is no brain with three tissues to be found.
    """

    def __init__(self, volumes: dict[str, np.ndarray], target_contrast: str, spacing_mm: Sequence[float]) -> None:
        target = volumes[target_contrast]
        self.model = TissueModel.fit(volumes["T2"], target, brain_mask(volumes["PD"], spacing_mm), spacing_mm)
        self.labels = self.model.segment(target)
        self.voxel_ml = float(np.prod(spacing_mm)) / 1000

    def agreement(self, synthetic: np.ndarray) -> tuple[TissueAgreement, ...]:
        """Segment a synthetic scan in the same way and compare, tissue by tissue."""
        labels = self.model.segment(synthetic)
        return tuple(self._agreement(name, labels == n, self.labels == n) for n, name in enumerate(TISSUES))

    def _agreement(self, tissue: str, synthetic: np.ndarray, acquired: np.ndarray) -> TissueAgreement:
        volumes = (np.count_nonzero(mask) * self.voxel_ml for mask in (acquired, synthetic))
        return TissueAgreement(tissue, dice(acquired, synthetic), *volumes)


def dice(first: np.ndarray, second: np.ndarray) -> float | None:
    """Return twice what two boolean masks share over the sum of both, 0 to 1; None if both are empty."""
    both = np.count_nonzero(first) + np.count_nonzero(second)
    return float(2 * np.count_nonzero(first & second) / both) if both else None
