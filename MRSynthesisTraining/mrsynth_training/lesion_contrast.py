"""Whether a lesion in white matter is still there after synthesis: its contrast with the white matter around it.

Contrast is the mean in the lesion over the mean in a ring of white matter, minus 1, so it does not depend on an image's
scale. Contrast-to-noise divides it by the noise: the standard deviation in the ring over its mean, with the receiver's
noise added to a reference that was simulated without.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from mrsynth_training.marked_head import LEAST_WEIGHT, LESIONS_A_HEAD, PlacedLesion, ScanMarks

# Contrast-to-noise from which a lesion counts as visible (Rose 1948: objects are told from noise from 3 to 5 on).
VISIBLE_CNR = 3.0
# A lesion is kept if it is as bright or dark as it should be, by at least this share of the reference's contrast.
KEPT_SHARE = 0.5
# White matter is what is hardly anything else, the ring reaches this far, and needs so many voxels to be measured.
WHITE_SHARE = 0.9
RING_MM = 10.0
LEAST_RING_VOXELS = 20
# Less than this share of every voxel, and the slices have missed the lesion.
LEAST_SHARE = 0.1

# From the smallest radius to the largest, in mm.
SIZES = tuple(sorted(radii for radii, _ in LESIONS_A_HEAD))
ALL_SIZES = (SIZES[0][0], SIZES[-1][1])

DEFINITION = (
    f"a lesion of {ALL_SIZES[0]:g} to {ALL_SIZES[1]:g} mm radius in white matter is visible if its "
    f"contrast-to-noise in the noise-free reference, against a ring of white matter {RING_MM:g} mm wide and "
    f"with the scan's own noise, is at least {VISIBLE_CNR:g}; "
    f"it is kept if its contrast in the synthetic image has the same sign and at least {100 * KEPT_SHARE:g} % of the "
    "reference's. Still visible are those of the right sign whose contrast-to-noise in the synthetic image is at least "
    "as large; contrast is the median over lesions of the synthetic image's over the reference's"
)


@dataclass(frozen=True)
class Contrast:
    """One lesion in one image.

    Attributes:
        contrast: Mean in the lesion over the mean in the ring, minus 1.
        noise: Standard deviation in the ring over its mean.
    """

    contrast: float
    noise: float

    @property
    def cnr(self) -> float:
        """Contrast-to-noise ratio; infinite without noise, but 0 if there is no contrast either."""
        if self.noise == 0:
            return math.copysign(math.inf, self.contrast) if self.contrast else 0.0
        return self.contrast / self.noise

    @property
    def visible(self) -> bool:
        return abs(self.cnr) >= VISIBLE_CNR


@dataclass(frozen=True, eq=False)
class MeasuredPlace:
    """Where a lesion is measured.

    Attributes:
        lesion: Which.
        box: The part of the scan that holds it and its ring.
        core: Its voxels in the box.
        ring: White matter around it.
    """

    lesion: PlacedLesion
    box: tuple[slice, ...]
    core: np.ndarray
    ring: np.ndarray

    def contrast(self, image: np.ndarray, noise: float = 0.0) -> Contrast:
        """Measure the lesion in an image of the whole scan.

        Args:
            image: (in-plane, in-plane, slice), air near zero.
            noise: Standard deviation of noise that the image lacks, in its units.
        """
        inside, around = (image[self.box][mask].astype(np.float64) for mask in (self.core, self.ring))
        mean = float(around.mean())
        if mean <= 0:
            return Contrast(0.0, math.inf)
        return Contrast(float(inside.mean()) / mean - 1, math.hypot(float(around.std()), noise) / mean)


def measured_places(
    marks: ScanMarks, lesions: Sequence[PlacedLesion], spacing_mm: Sequence[float]
) -> list[MeasuredPlace]:
    """Return where the lesions of a scan can be measured; without those that it misses or that lack white matter.

    Args:
        marks: Of the scan.
        lesions: That the head was given.
        spacing_mm: Between voxels along each axis of the scan.
    """
    boxes = ndimage.find_objects(marks.number, max_label=max((each.number for each in lesions), default=0))
    margins = [math.ceil(RING_MM / spacing) for spacing in spacing_mm]
    places = []
    for lesion in lesions:
        if boxes[lesion.number - 1] is None:
            continue
        around = zip(boxes[lesion.number - 1], margins, strict=True)
        place = _place(marks, lesion, tuple(slice(max(0, s.start - m), s.stop + m) for s, m in around), spacing_mm)
        if place is not None:
            places.append(place)
    return places


def _place(
    marks: ScanMarks, lesion: PlacedLesion, box: tuple[slice, ...], spacing_mm: Sequence[float]
) -> MeasuredPlace | None:
    weight, white = marks.weight[box], marks.white_matter[box] > WHITE_SHARE
    own = np.where(marks.number[box] == lesion.number, weight, 0)
    core = white & (own >= max(own.max() / 2, LEAST_SHARE))
    if not core.any():
        return None
    near = ndimage.distance_transform_edt(~core, sampling=spacing_mm) <= RING_MM
    ring = near & white & (weight <= LEAST_WEIGHT)
    return MeasuredPlace(lesion, box, core, ring) if np.count_nonzero(ring) >= LEAST_RING_VOXELS else None


@dataclass(frozen=True)
class LesionResult:
    """One lesion in all images of a case.

    Attributes:
        case: Name of the case.
        lesion: Which.
        source: In the acquired source.
        reference: In the noise-free target, with the scan's noise.
        estimates: In what stands for the target: by the network, by a baseline.
    """

    case: str
    lesion: PlacedLesion
    source: Contrast
    reference: Contrast
    estimates: Mapping[str, Contrast]

    def kept(self, estimate: str) -> bool:
        """Return whether the lesion has the reference's sign and enough of its contrast in an estimate."""
        return self.contrast_ratio(estimate) >= KEPT_SHARE

    def still_visible(self, estimate: str) -> bool:
        """Return whether an estimate shows the lesion as bright or dark as it is, strongly or not."""
        return self.contrast_ratio(estimate) > 0 and self.estimates[estimate].visible

    def contrast_ratio(self, estimate: str) -> float:
        """Return the contrast in an estimate over the reference's; 0 if there is none to keep."""
        return self.estimates[estimate].contrast / self.reference.contrast if self.reference.contrast else 0.0


def visible_lesions(results: Sequence[LesionResult], radius_mm: tuple[float, float] = ALL_SIZES) -> list[LesionResult]:
    """Return the lesions of a size, from one radius to another, that the reference shows."""
    low, high = radius_mm
    return [each for each in results if low <= each.lesion.radius_mm < high and each.reference.visible]


def share_kept(visible: Sequence[LesionResult], estimate: str) -> float | None:
    """Return the share of lesions that is kept in an estimate; None if there are none."""
    return sum(each.kept(estimate) for each in visible) / len(visible) if visible else None
