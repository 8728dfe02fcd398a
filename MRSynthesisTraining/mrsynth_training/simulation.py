"""Simulated dual-echo scans of whole-head label maps: any number of pairs whose right answer is known."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mrsynth.spin_echo import Protocol
from mrsynth_training import label_maps
from mrsynth_training.acquisition import (
    SliceGeometry,
    add_rician_noise,
    blur_in_plane,
    draw_geometry,
    draw_protocol,
    draw_shading,
    ixi_geometry,
    resample_to_slices,
)
from mrsynth_training.anatomy import TissueMaps, draw_anatomy
from mrsynth_training.random_fields import Randomness
from mrsynth_training.tissues import draw_tissues
from mrsynth_training.variety import Variety, coarser, usual_variety, wide_variety

# What the networks are asked for, whatever echo times the source was acquired with: IXI's, at the source's own TR.
TARGET_TE_PD_MS = 8.0
TARGET_TE_T2_MS = 100.0

# What they can be asked for besides, drawn anew for every scan by its logarithm.
ASKED_TE_PD_MS = (6.0, 35.0)
ASKED_TE_T2_MS = (60.0, 130.0)

# T2 and PD as acquired, at the usual echo times, and at those asked for.
ECHOES = 6

# Beside a scan's seed, makes the random numbers behind what is asked for; another value changes them all.
ASKED_SEED = 6

# Slices may begin this far below the brain; what lies lower is cut off before the costly part.
NECK_MM = 45


# Given a head's tissue maps, which it may change, and its labels: images (channel, x, y, z) to be cut into slices, too.
Marking = Callable[[TissueMaps, Tensor], Tensor]


@dataclass(frozen=True)
class ScanKind:
    """Which scans are simulated.

    Attributes:
        protocol: ``random`` (protocol, plane and slices as clinics have them) or ``ixi`` (224 x 224 x 32 at IXI's).
        wide: Whether a scan may be unlike those of most scanners (`variety.wide_variety`), its pixels larger, too.
    """

    protocol: str = "random"
    wide: bool = False


@dataclass(frozen=True)
class SimulatedPair:
    """A simulated dual-echo scan, arrays float32 (in-plane, in-plane, slice), air near zero.

    Attributes:
        t2: T2-weighted echo as acquired, with noise.
        pd: PD-weighted echo as acquired, with noise.
        t2_target: Noise-free echo at `TARGET_TE_T2_MS`, the answer to ``pd``.
        pd_target: Noise-free echo at `TARGET_TE_PD_MS`, the answer to ``t2``.
        t2_asked: Noise-free echo at ``asked.te_t2_ms``.
        pd_asked: Noise-free echo at ``asked.te_pd_ms``.
        lesions: Weight of lesions, 0 to 1.
        protocol: Repetition and echo times of ``t2`` and ``pd``.
        asked: Repetition and echo times of ``t2_asked`` and ``pd_asked``.
        geometry: Slices.
        noise: Standard deviation of the noise in each channel of the receiver.
        marks: What a marking asked for, (channel, in-plane, in-plane, slice); no channels without one.
    """

    t2: np.ndarray
    pd: np.ndarray
    t2_target: np.ndarray
    pd_target: np.ndarray
    t2_asked: np.ndarray
    pd_asked: np.ndarray
    lesions: np.ndarray
    protocol: Protocol
    asked: Protocol
    geometry: SliceGeometry
    noise: float
    marks: np.ndarray


@dataclass(frozen=True)
class Acquisition:
    """How a head is scanned: its times, those asked for, its slices, and what its images are like."""

    timing: Protocol
    asked: Protocol
    geometry: SliceGeometry
    variety: Variety


def simulate(
    labels: np.ndarray,
    seed: int,
    kind: ScanKind | str = "random",
    geometry: SliceGeometry | None = None,
    marking: Marking | None = None,
) -> SimulatedPair:
    """Simulate one scan of a head.

    Args:
        labels: Integer label map (x, y, z) at 1 mm, RAS+ (`label_maps.read_label_map`).
        seed: Everything random follows from it; at least 0.
        kind: Of the scan; a text is the protocol of a usual one.
        geometry: Slices to use instead of the protocol's.
        marking: Follows tissues or lesions into the scan. With it a head has no lesions but those that it makes, and
            with the same seed all that it does not change is the same, to the noise.

    Raises:
        ValueError: If the protocol is another, or the seed below 0.
    """
    random, kind = Randomness(seed), ScanKind(kind) if isinstance(kind, str) else kind
    timing = draw_protocol(random, kind.protocol)
    drawn = geometry or (ixi_geometry() if kind.protocol == "ixi" else draw_geometry(random))
    head, brain_centre = _crop_to_head(torch.from_numpy(labels))
    variety = wide_variety(seed) if kind.wide else usual_variety(kind.protocol, random)
    geometry = geometry or coarser(drawn, variety.coarseness)
    tissues = draw_tissues(random, variety.tissue_variation, variety.fat_left)
    maps = draw_anatomy(head, tissues, random, variety, lesions=marking is None)
    marks = marking(maps, head) if marking else None
    acquisition = Acquisition(timing, _asked(timing, seed), geometry, variety)
    images = torch.cat([_echo_images(maps, acquisition), maps.lesions[None]])
    del maps
    images = images if marks is None else torch.cat([images, marks])
    slices = resample_to_slices(images, brain_centre, geometry, random)
    del images
    return _acquired(slices, acquisition, random)


def _asked(timing: Protocol, seed: int) -> Protocol:
    """Draw echo times to ask for; from the seed apart from all else, which stays as it is whatever is asked for."""
    random = np.random.default_rng([seed, ASKED_SEED])
    te_pd, te_t2 = (math.exp(random.uniform(*np.log(limits))) for limits in (ASKED_TE_PD_MS, ASKED_TE_T2_MS))
    return Protocol(timing.tr_ms, te_pd, te_t2)


def _acquired(slices: Tensor, acquisition: Acquisition, random: Randomness) -> SimulatedPair:
    """Return the scan that a receiver makes of slices (channel, in-plane, in-plane, slice): echoes, lesions, marks."""
    geometry, (lesions, *marks) = acquisition.geometry, slices[ECHOES:]
    shading = draw_shading(slices.shape[1:], geometry.pixel_mm, acquisition.variety.coil_rise, random)
    t2, pd, *targets = (
        image * shading for image in _blurred(slices[:ECHOES], acquisition.variety.point_spread_pixels, random)
    )
    t2_target, pd_target, t2_asked, pd_asked = (target.numpy() for target in targets)
    noise = _draw_noise(pd, random)
    correlation = random.uniform(0.25, 0.7) if random.chance(0.5) else 0.0
    return SimulatedPair(
        t2=add_rician_noise(t2, noise, correlation, random).numpy(),
        pd=add_rician_noise(pd, noise, correlation, random).numpy(),
        t2_target=t2_target,
        pd_target=pd_target,
        t2_asked=t2_asked,
        pd_asked=pd_asked,
        lesions=lesions.numpy(),
        protocol=acquisition.timing,
        asked=acquisition.asked,
        geometry=geometry,
        noise=noise,
        marks=np.stack([mark.numpy() for mark in marks]) if marks else np.empty((0, *lesions.shape), np.float32),
    )


def _crop_to_head(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the labels of the head above the neck and the brain's centre in their voxels."""
    brain = (labels > 0) & (labels <= label_maps.LAST_BRAIN_LABEL) & (labels != label_maps.SUBARACHNOID_CSF)
    low, high = _bounds(brain)
    head_low, head_high = _bounds(labels > 0)
    head_low[2] = max(int(head_low[2]), int(low[2]) - NECK_MM)
    box = tuple(slice(int(a), int(b) + 1) for a, b in zip(head_low, head_high, strict=True))
    return labels[box], (low + high) / 2 - head_low


def _bounds(mask: Tensor) -> tuple[Tensor, Tensor]:
    places = [torch.where(mask.any(dim=other[1]).any(dim=other[0]))[0] for other in ((1, 2), (0, 2), (0, 1))]
    return torch.stack([p[0] for p in places]), torch.stack([p[-1] for p in places])


def _echo_images(maps: TissueMaps, acquisition: Acquisition) -> Tensor:
    """Return T2 and PD as acquired, as usual and as asked for, by the spin-echo equation: (6, x, y, z)."""
    timing, asked = acquisition.timing, acquisition.asked
    proton_signal = maps.pd * (1 - torch.exp(-timing.tr_ms / maps.t1_ms))
    targets = (TARGET_TE_T2_MS, TARGET_TE_PD_MS, asked.te_t2_ms, asked.te_pd_ms)
    echo_times = (timing.te_t2_ms, timing.te_pd_ms, *targets)
    return torch.stack([proton_signal * torch.exp(-te / maps.t2_ms) for te in echo_times])


def _blurred(echoes: Tensor, point_spread: tuple[float, float], random: Randomness) -> list[Tensor]:
    """Blur the echoes a little differently, as T2 decays along the echo train."""
    sigma = random.uniform(*point_spread)
    sigma_t2, sigma_pd = (sigma + random.uniform(-0.08, 0.08) for _ in range(2))
    sigmas = (sigma_t2, sigma_pd) * (ECHOES // 2)
    return [blur_in_plane(echo, s) for echo, s in zip(echoes, sigmas, strict=True)]


def _draw_noise(pd: Tensor, random: Randomness) -> float:
    """Return a noise level between 0.4 and 3.5 per cent of the mean signal of tissue in the PD-weighted echo."""
    tissue = pd[pd > 0.3 * pd.max()].mean()
    return float(tissue) * math.exp(random.uniform(math.log(0.004), math.log(0.035)))
