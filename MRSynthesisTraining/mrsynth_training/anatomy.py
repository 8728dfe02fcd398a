"""From a label map to maps of T1, T2 and proton density: what labels leave out is drawn anew for every scan."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from mrsynth.spin_echo import Tissue
from mrsynth_training import label_maps
from mrsynth_training.random_fields import Randomness
from mrsynth_training.tissues import tissue_table
from mrsynth_training.variety import Variety


@dataclass(frozen=True)
class LesionKind:
    """Ranges that a lesion is drawn from; the usual ones are those of training.

    Attributes:
        radius_mm: Before it is squeezed or stretched along each axis, by 0.7 to 1.4; drawn by its logarithm, as small
            lesions outnumber large ones.
        t2_lengthening: By what share of itself T2 grows; T1 grows by half of that, proton density by about 0.15 of it.
    """

    radius_mm: tuple[float, float] = (1.5, 15.0)
    t2_lengthening: tuple[float, float] = (-0.15, 1.9)


@dataclass
class TissueMaps:
    """T1 and T2 in ms, relative proton density and weight of lesions (0 to 1), each (x, y, z) at 1 mm, RAS+."""

    t1_ms: Tensor
    t2_ms: Tensor
    pd: Tensor
    lesions: Tensor

    def replace(self, where: Tensor, tissue: Tissue) -> None:
        self.t1_ms[where], self.t2_ms[where], self.pd[where] = tissue.t1_ms, tissue.t2_ms, tissue.pd


# A head of training has lesions this often.
LESION_CHANCE = 0.7


def draw_anatomy(
    labels: Tensor, tissues: dict[str, Tissue], random: Randomness, variety: Variety, lesions: bool = True
) -> TissueMaps:
    """Return the tissue maps of a head with soft tissue, meninges, vessels, texture and, in some, lesions.

    Args:
        labels: Integer labels (x, y, z) at 1 mm.
        tissues: The head's tissues by name, from `tissues.draw_tissues`.
        random: Where every random number comes from.
        variety: How tissue outside the brain varies, and how many lesions there are.
        lesions: Whether most heads (`LESION_CHANCE`) get lesions; otherwise all are healthy.
    """
    maps = TissueMaps(*tissue_table(tissues)[:, labels.long()], lesions=torch.zeros(labels.shape))
    _split_soft_tissue(maps, labels, tissues, random)
    _fill_subarachnoid_space(maps, labels, tissues, random)
    _vary_within_tissue(maps, labels, random, variety)
    if random.chance(LESION_CHANCE) and lesions:  # drawn in any case, so that all else stays the same
        for _ in range(random.integer(*variety.lesion_count)):
            add_lesion(maps, labels, random)
    return maps


def _split_soft_tissue(maps: TissueMaps, labels: Tensor, tissues: dict[str, Tissue], random: Randomness) -> None:
    """Label maps call all soft tissue outside the skull one; low in the head much of it is muscle."""
    shape = labels.shape
    blobs = random.field(shape, random.uniform(6, 14)) + 0.5 * random.field(shape, 3.0)
    height = torch.linspace(0, 1, shape[2])
    muscle = blobs > 2.9 * height - 0.4 + random.uniform(-0.9, 0.9)
    maps.replace((labels == label_maps.SOFT_TISSUE) & muscle, tissues["muscle"])


def _fill_subarachnoid_space(maps: TissueMaps, labels: Tensor, tissues: dict[str, Tissue], random: Randomness) -> None:
    """The rim labelled CSF is wider than in life: part of it is cortex, dura, vessels and strands of tissue."""
    csf, shape = labels == label_maps.SUBARACHNOID_CSF, labels.shape
    cortex = torch.isin(labels, torch.tensor(label_maps.CEREBRAL_CORTEX, dtype=labels.dtype)).float()
    around = F.avg_pool3d(cortex[None, None], 3, 1, 1)[0, 0]  # share of cortex among a voxel and its 26 neighbours
    maps.replace(csf & (around > random.uniform(0.3, 0.7)), tissues["grey matter"])  # sulci as narrow as the young have
    skull = torch.isin(labels, torch.tensor(label_maps.SKULL_AND_SCALP, dtype=labels.dtype))
    beside_skull = _dilated(skull)
    if random.chance(0.95):
        maps.replace(csf & beside_skull & (random.field(shape, 8.0) > random.uniform(-2.2, 0.3)), tissues["dura"])
    if random.chance(0.7):
        near_skull = _dilated(beside_skull)
        maps.replace(csf & near_skull & (random.field(shape, 8.0) > random.uniform(-1.0, 1.8)), tissues["dura"])
    strands = random.field(shape, 2.0)
    tissue = tissues["grey matter" if random.chance(0.5) else "dura"]
    maps.replace(csf & (strands > random.uniform(1.8, 2.8)), tissue)
    maps.replace(csf & (strands < -random.uniform(2.2, 3.0)), tissues["vein"])


def _dilated(mask: Tensor) -> Tensor:
    return F.max_pool3d(mask.float()[None, None], 3, 1, 1)[0, 0] > 0


def _vary_within_tissue(maps: TissueMaps, labels: Tensor, random: Randomness, variety: Variety) -> None:
    """T2 and PD vary by a few per cent within a tissue, together and apart, and more outside the brain: see variety."""
    shape, strength = labels.shape, random.uniform(0.3, 1.2)
    outside = (labels > label_maps.LAST_BRAIN_LABEL).float()
    common = 0.015 * random.field(shape, 2.0) + 0.02 * random.field(shape, 6.0) + 0.02 * random.field(shape, 20.0)
    t2_alone, pd_alone = 0.01 * random.field(shape, 3.0), 0.008 * random.field(shape, 3.0)
    maps.t2_ms *= (1 + strength * (common + t2_alone)).clamp(0.5, 1.7)
    maps.t2_ms *= (1 + variety.outer_t2 * outside * random.field(shape, 4.0)).clamp(0.4, 1.8)
    maps.pd *= (1 + strength * (0.35 * common + pd_alone)).clamp(0.6, 1.5)
    maps.pd *= (1 + variety.outer_pd * outside * random.field(shape, variety.outer_patch_mm)).clamp(0.5, 1.5)


def add_lesion(
    maps: TissueMaps,
    labels: Tensor,
    random: Randomness,
    kind: LesionKind | None = None,
    allowed: Tensor | None = None,
) -> Tensor:
    """Add one lesion to the cerebral white matter and what surrounds it; return its weight from 0 to 1, (x, y, z).

    Most lesions lengthen T2 and raise proton density with it (demyelination, gliosis, oedema); some shorten T2.

    Args:
        maps: Changed in place.
        labels: Integer labels (x, y, z) at 1 mm.
        random: Where every random number comes from.
        kind: How large and how bright; as in training by default.
        allowed: Where in the cerebral white matter its centre may lie, boolean (x, y, z); anywhere by default. Where
            that leaves no place in the hemisphere that was drawn, there is no lesion and the weight is zero.
    """
    kind = kind or LesionKind()
    weight = torch.zeros(labels.shape)
    hemisphere = labels == label_maps.CEREBRAL_WHITE_MATTER[random.integer(0, 2)]
    places = torch.nonzero(hemisphere if allowed is None else hemisphere & allowed)
    if len(places) == 0:
        return weight
    radius = math.exp(random.uniform(*(math.log(limit) for limit in kind.radius_mm)))
    box, distance = _ellipsoid(places[random.integer(0, len(places))], labels.shape, radius, random)
    brain = (
        (labels[box] > 0) & (labels[box] <= label_maps.LAST_BRAIN_LABEL) & (labels[box] != label_maps.SUBARACHNOID_CSF)
    )
    weight[box] = torch.sigmoid((radius - distance) / random.uniform(0.4, 2.5)) * brain
    longer = random.uniform(*kind.t2_lengthening)
    maps.t2_ms[box] *= 1 + weight[box] * longer
    maps.t1_ms[box] *= 1 + weight[box] * 0.5 * longer  # water lengthens both, T2 more in proportion
    maps.pd[box] *= 1 + weight[box] * (0.15 * longer + random.uniform(-0.04, 0.06))  # more water, longer T2
    maps.lesions = torch.maximum(maps.lesions, weight)
    return weight


def _ellipsoid(
    centre: Tensor, shape: torch.Size, radius: float, random: Randomness
) -> tuple[tuple[slice, ...], Tensor]:
    """Return a box around a centre and the distance from it in that box, squeezed and made uneven at random."""
    reach = int(2 * radius) + 8
    box = tuple(slice(max(0, int(c) - reach), min(n, int(c) + reach)) for c, n in zip(centre, shape, strict=True))
    squared = torch.zeros([s.stop - s.start for s in box])
    for axis, (span, c) in enumerate(zip(box, centre, strict=True)):
        offset = (torch.arange(span.start, span.stop) - float(c)) / random.uniform(0.7, 1.4)
        squared += (offset**2).view([-1 if a == axis else 1 for a in range(3)])
    return box, squared.sqrt() * (1 + 0.15 * random.field(squared.shape, 6.0))
