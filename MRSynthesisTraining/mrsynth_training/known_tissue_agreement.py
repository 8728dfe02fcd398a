"""Tissues of a simulated head in the synthetic image, in the reference, and as the head was made: Dice coefficients.

Both images are segmented by what `tissue_segmentation.TissueModel` learns from the noise-free reference and the labels:
the best that intensities and neighbours can do, where without labels the reference would set the limit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mrsynth.errors import InputError
from mrsynth.metrics import standardize
from mrsynth_training.brain_mask import NO_BRAIN
from mrsynth_training.marked_head import ScanMarks
from mrsynth_training.tissue_agreement import dice
from mrsynth_training.tissue_segmentation import OUTSIDE, TISSUES, TissueModel

SYNTHETIC_REFERENCE = "synthetic and reference"
SYNTHETIC_KNOWN = "synthetic and known"
REFERENCE_KNOWN = "reference and known"
PAIRS = (SYNTHETIC_REFERENCE, SYNTHETIC_KNOWN, REFERENCE_KNOWN)

DEFINITION = (
    "white matter, grey matter and fluid of heads without lesions, told apart in the synthetic image and in the "
    "noise-free reference by intensity and neighbours, as learned from the reference and its label map (known)"
)


@dataclass(frozen=True)
class KnownTissues:
    """Dice coefficients of one case.

    Attributes:
        case: Name of the case.
        dice: By one of `PAIRS` and tissue; None if neither shows the tissue.
    """

    case: str
    dice: Mapping[tuple[str, str], float | None]


class KnownReference:
    """A simulated head's reference, segmented.

    Args:
        target: Noise-free image of the target contrast, (in-plane, in-plane, slice).
        marks: What each voxel shows.
        spacing_mm: Between voxels along each axis.

    Raises:
        InputError: Code ``no_brain`` or ``constant``, if three tissues cannot be told apart.
    """

    def __init__(self, target: np.ndarray, marks: ScanMarks, spacing_mm: Sequence[float]) -> None:
        self._known = marks.known_tissue()
        brain = self._known != OUTSIDE
        if not brain.any():
            raise InputError("expected a brain in the slices, found none", NO_BRAIN)
        self._model = TissueModel.of_labels(standardize(target, brain), self._known, spacing_mm)
        self._reference = self._model.segment(standardize(target, brain))

    def agreement(self, synthetic: np.ndarray, case: str = "") -> KnownTissues:
        """Segment a synthetic image of any scale in the same way and compare.

        Raises:
            InputError: Code ``constant``, if it is one value in the brain.
        """
        found = self._model.segment(standardize(synthetic, self._known != OUTSIDE))
        images = ((found, self._reference), (found, self._known), (self._reference, self._known))
        return KnownTissues(
            case,
            {
                (pair, tissue): dice(first == number, second == number)
                for pair, (first, second) in zip(PAIRS, images, strict=True)
                for number, tissue in enumerate(TISSUES)
            },
        )
