"""Heads whose tissues and lesions are followed into a scan, so that of each of its voxels it is known what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from mrsynth_training.anatomy import LesionKind, TissueMaps, add_lesion
from mrsynth_training.label_maps import CEREBRAL_WHITE_MATTER, LAST_BRAIN_LABEL, TISSUE_LABELS
from mrsynth_training.random_fields import Randomness
from mrsynth_training.tissue_segmentation import OUTSIDE

# What label maps call one of `tissue_segmentation.TISSUES`, in their order; fluid is told by its T2 besides, as the
# simulator fills part of what is labelled so with cortex, dura and vessels.
NAMES = (
    ("white matter", "cerebellar white matter", "white matter hypointensity", "brainstem"),
    ("grey matter", "cerebellar cortex", "thalamus", "caudate", "putamen", "pallidum"),
    ("csf",),
)
FLUID_T2_MS = 400.0

# Lesions in one head by size: from and to which radius, and how many. The largest are placed first.
LESIONS_A_HEAD = (((6.0, 12.0), 2), ((3.0, 6.0), 4), ((1.5, 3.0), 6))
# By what share T2 grows in the faintest and in the brightest: normal-appearing to long-standing damage.
T2_LENGTHENING = (0.1, 1.8)
# Centres lie this deep in white matter and the next lesion this far away, so that each has white matter around it.
DEPTH_VOXELS = 2
APART_MM = 10
# Below this a lesion's weight counts as none.
LEAST_WEIGHT = 0.02


@dataclass(frozen=True)
class PlacedLesion:
    """A lesion that was put into a head.

    Attributes:
        number: From 1.
        radius_mm: Before it was squeezed or stretched, by 0.7 to 1.4 along each axis.
        t2_lengthening: By what share of itself T2 grew.
    """

    number: int
    radius_mm: float
    t2_lengthening: float


@dataclass(frozen=True, eq=False)
class ScanMarks:
    """What each voxel of a scan shows, arrays (in-plane, in-plane, slice).

    Attributes:
        tissues: Share of each of `tissue_segmentation.TISSUES`, (tissue, in-plane, in-plane, slice).
        white_matter: Share of cerebral white matter.
        weight: Of lesions, 0 to 1.
        number: Of the lesion, 0 where there is none.
    """

    tissues: np.ndarray
    white_matter: np.ndarray
    weight: np.ndarray
    number: np.ndarray

    @classmethod
    def of(cls, marks: np.ndarray) -> "ScanMarks":
        """Read the channels that a `HeadMarking` leaves in a simulated scan."""
        *tissues, white_matter, weight, numbered = marks
        number = np.rint(numbered / np.maximum(weight, LEAST_WEIGHT)).astype(np.int16)
        return cls(np.stack(tissues), white_matter, weight, np.where(weight > LEAST_WEIGHT, number, 0))

    def known_tissue(self) -> np.ndarray:
        """Return the tissue that fills more than half of each voxel, or `OUTSIDE`, int8."""
        return np.where(self.tissues.max(axis=0) > 0.5, self.tissues.argmax(axis=0), OUTSIDE).astype(np.int8)


class HeadMarking:
    """A marking for `simulation.simulate`: follows tissues and, if asked to, adds lesions of many sizes and contrasts.

    Args:
        seed: Of the lesions; None leaves the head healthy.

    Attributes:
        lesions: Those that were added, once the head was simulated.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._random = None if seed is None else Randomness(seed)
        self.lesions: tuple[PlacedLesion, ...] = ()

    def __call__(self, maps: TissueMaps, labels: Tensor) -> Tensor:
        """Return the channels that `ScanMarks.of` reads, (channel, x, y, z)."""
        white_matter = torch.isin(labels, torch.tensor(CEREBRAL_WHITE_MATTER, dtype=labels.dtype))
        channels = [*_tissues(maps, labels), white_matter.float()]
        weight, numbered = torch.zeros(labels.shape), torch.zeros(labels.shape)
        if self._random is not None:
            self._add_lesions(maps, labels, white_matter, (weight, numbered))
        return torch.stack([*channels, weight, numbered])

    def _add_lesions(
        self, maps: TissueMaps, labels: Tensor, white_matter: Tensor, drawn: tuple[Tensor, Tensor]
    ) -> None:
        weight, numbered = drawn
        deep = torch.from_numpy(ndimage.binary_erosion(white_matter.numpy(), iterations=DEPTH_VOXELS))
        added, boxes = [], []
        for radius, lengthening in _planned(self._random):
            kind = LesionKind((radius, radius), (lengthening, lengthening))
            allowed = _away_from(boxes, deep, APART_MM + round(1.4 * radius))
            lesion = add_lesion(maps, labels, self._random, kind, allowed)
            found = ndimage.find_objects((lesion > LEAST_WEIGHT).numpy().astype(np.int8))
            if not found:
                continue
            added.append(PlacedLesion(len(added) + 1, radius, lengthening))
            boxes += found
            weight += lesion
            numbered += added[-1].number * lesion
        self.lesions = tuple(added)


def _tissues(maps: TissueMaps, labels: Tensor) -> list[Tensor]:
    """Return where each tissue is, float (x, y, z) of zeros and ones."""
    fluid = maps.t2_ms > FLUID_T2_MS
    found = []
    for names in NAMES:
        numbers = [label for name in names for label in TISSUE_LABELS[name] if label <= LAST_BRAIN_LABEL]
        found.append(torch.isin(labels, torch.tensor(numbers, dtype=labels.dtype)))
    white, grey, csf = found
    return [each.float() for each in (white, grey, csf & fluid)]


def _planned(random: Randomness) -> list[tuple[float, float]]:
    """Return radius in mm and lengthening of T2 of each lesion; those of one size share the lengthenings evenly."""
    low, high = T2_LENGTHENING
    planned = []
    for radii, count in LESIONS_A_HEAD:
        order = random.scalars.permutation(count)
        shares = [(int(place) + random.uniform(0, 1)) / count for place in order]
        planned += [(random.uniform(*radii), low + (high - low) * share) for share in shares]
    return planned


def _away_from(boxes: Sequence[tuple[slice, ...]], places: Tensor, margin: int) -> Tensor:
    """Return the places that are further than a margin, in voxels, from every box."""
    allowed = places.clone()
    for box in boxes:
        allowed[tuple(slice(max(0, span.start - margin), span.stop + margin) for span in box)] = False
    return allowed
