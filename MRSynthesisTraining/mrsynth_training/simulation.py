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

# What the networks are asked for, whatever echo times the source was acquired with: IXI's, at the source's own TR.
TARGET_TE_PD_MS = 8.0
TARGET_TE_T2_MS = 100.0

# T2 and PD as acquired, T2 and PD as they are asked for.
ECHOES = 4

# How far from typical values tissues lie among the healthy adults of one study, as a share of all scanners' ranges:
# T1 and T2 of white matter then vary by 3 to 4 per cent between subjects, its proton density by less.
STUDY_VARIATION = 0.3

# Logarithm of how much brighter the coil makes the scalp than the middle of the head. Surface coils reach the upper
# end; what leaves a scanner that evens its images out, as IXI's do, is nearly flat.
COIL_RISE = (-0.15, 0.45)
COIL_RISE_EVENED_OUT = (-0.1, 0.2)

# Slices may begin this far below the brain; what lies lower is cut off before the costly part.
NECK_MM = 45


# Given a head's tissue maps, which it may change, and its labels: images (channel, x, y, z) to be cut into slices, too.
Marking = Callable[[TissueMaps, Tensor], Tensor]


@dataclass(frozen=True)
class SimulatedPair:
    """A simulated dual-echo scan, arrays float32 (in-plane, in-plane, slice), air near zero.

    Attributes:
        t2: T2-weighted echo as acquired, with noise.
        pd: PD-weighted echo as acquired, with noise.
        t2_target: Noise-free echo at `TARGET_TE_T2_MS`, the answer to ``pd``.
        pd_target: Noise-free echo at `TARGET_TE_PD_MS`, the answer to ``t2``.
        protocol: Repetition and echo times of ``t2`` and ``pd``.
        geometry: Slices.
        noise: Standard deviation of the noise in each channel of the receiver.
        marks: What a marking asked for, (channel, in-plane, in-plane, slice); no channels without one.
    """

    t2: np.ndarray
    pd: np.ndarray
    t2_target: np.ndarray
    pd_target: np.ndarray
    protocol: Protocol
    geometry: SliceGeometry
    noise: float
    marks: np.ndarray


def simulate(
    labels: np.ndarray,
    seed: int,
    protocol: str = "random",
    geometry: SliceGeometry | None = None,
    marking: Marking | None = None,
) -> SimulatedPair:
    """Simulate one scan of a head.

    Args:
        labels: Integer label map (x, y, z) at 1 mm, RAS+ (`label_maps.read_label_map`).
        seed: Everything random follows from it.
        protocol: ``random`` (protocol, plane and slices as clinics have them) or ``ixi`` (224 x 224 x 32 at IXI's).
        geometry: Slices to use instead of the protocol's.
        marking: Follows tissues or lesions into the scan. With it a head has no lesions but those that it makes, and
            with the same seed all that it does not change is the same, to the noise.

    Raises:
        ValueError: If the protocol is another.
    """
    random = Randomness(seed)
    timing = draw_protocol(random, protocol)
    geometry = geometry or (ixi_geometry() if protocol == "ixi" else draw_geometry(random))
    head, brain_centre = _crop_to_head(torch.from_numpy(labels))
    if protocol == "ixi":
        variation, lesions = STUDY_VARIATION, False
    else:
        variation, lesions = 1.0 if random.chance(0.5) else STUDY_VARIATION, marking is None
    maps = draw_anatomy(head, draw_tissues(random, variation), random, lesions)
    marks = marking(maps, head) if marking else None
    images = _echo_images(maps, timing)
    del maps
    images = images if marks is None else torch.cat([images, marks])
    slices = resample_to_slices(images, brain_centre, geometry, random)
    del images
    return _acquired(slices, geometry, timing, COIL_RISE_EVENED_OUT if protocol == "ixi" else COIL_RISE, random)


def _acquired(
    slices: Tensor, geometry: SliceGeometry, timing: Protocol, rise: tuple[float, float], random: Randomness
) -> SimulatedPair:
    """Return the scan that a receiver makes of slices (channel, in-plane, in-plane, slice): four echoes, then marks."""
    echoes, marks = slices[:ECHOES], slices[ECHOES:]
    shading = draw_shading(echoes.shape[1:], geometry.pixel_mm, rise, random)
    t2, pd, t2_target, pd_target = (image * shading for image in _blurred(echoes, random))
    noise = _draw_noise(pd, random)
    correlation = random.uniform(0.25, 0.7) if random.chance(0.5) else 0.0
    return SimulatedPair(
        t2=add_rician_noise(t2, noise, correlation, random).numpy(),
        pd=add_rician_noise(pd, noise, correlation, random).numpy(),
        t2_target=t2_target.numpy(),
        pd_target=pd_target.numpy(),
        protocol=timing,
        geometry=geometry,
        noise=noise,
        marks=marks.numpy(),
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


def _echo_images(maps: TissueMaps, timing: Protocol) -> Tensor:
    """Return the echoes T2, PD, T2 target and PD target by the spin-echo equation: (4, x, y, z)."""
    proton_signal = maps.pd * (1 - torch.exp(-timing.tr_ms / maps.t1_ms))
    echo_times = (timing.te_t2_ms, timing.te_pd_ms, TARGET_TE_T2_MS, TARGET_TE_PD_MS)
    return torch.stack([proton_signal * torch.exp(-te / maps.t2_ms) for te in echo_times])


def _blurred(echoes: Tensor, random: Randomness) -> list[Tensor]:
    """Blur the echoes a little differently, as T2 decays along the echo train."""
    sigma = random.uniform(0.3, 0.8)
    sigma_t2, sigma_pd = (sigma + random.uniform(-0.08, 0.08) for _ in range(2))
    sigmas = (sigma_t2, sigma_pd, sigma_t2, sigma_pd)
    return [blur_in_plane(echo, s) for echo, s in zip(echoes, sigmas, strict=True)]


def _draw_noise(pd: Tensor, random: Randomness) -> float:
    """Return a noise level between 0.4 and 3.5 per cent of the mean signal of tissue in the PD-weighted echo."""
    tissue = pd[pd > 0.3 * pd.max()].mean()
    return float(tissue) * math.exp(random.uniform(math.log(0.004), math.log(0.035)))
