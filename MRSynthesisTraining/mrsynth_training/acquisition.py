"""How a head becomes a dual-echo scan: protocol, position, slices, point spread, coil shading and noise."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from mrsynth.spin_echo import IXI_GUYS, IXI_HAMMERSMITH, Protocol
from mrsynth_training.random_fields import Randomness

# Columns say which RAS axis each axis of a stack (in-plane, in-plane, slice) runs along.
PLANES: dict[str, tuple[int, int, int]] = {"axial": (0, 1, 2), "coronal": (0, 2, 1), "sagittal": (1, 2, 0)}

# Heads are warped by displacements of up to this standard deviation, independent at so many nodes across a scan.
WARP_MM = 3.0
WARP_NODES = (6, 6, 4)


@dataclass(frozen=True)
class SliceGeometry:
    """The slices of one scan.

    Attributes:
        plane: ``axial``, ``coronal`` or ``sagittal``.
        matrix: Pixels along both in-plane axes.
        slices: Number of slices.
        pixel_mm: In-plane spacing.
        spacing_mm: Distance between the centres of slices.
        thickness_mm: Thickness of a slice, at most its spacing.
    """

    plane: str
    matrix: int
    slices: int
    pixel_mm: float
    spacing_mm: float
    thickness_mm: float

    def __post_init__(self) -> None:
        if self.plane not in PLANES:
            raise ValueError(f"expected a plane of {sorted(PLANES)}, found {self.plane!r}")
        if min(self.matrix, self.slices) < 1 or min(self.pixel_mm, self.spacing_mm, self.thickness_mm) <= 0:
            raise ValueError(f"expected positive sizes and spacings, found {self}")
        if self.thickness_mm > self.spacing_mm:
            raise ValueError(f"expected a thickness of at most the spacing, found {self}")


def ixi_geometry() -> SliceGeometry:
    """Return IXI's slices as the report keeps them: 224 x 224 x 32, every third of the 1.25 mm slices."""
    return SliceGeometry("axial", 224, 32, pixel_mm=0.9375, spacing_mm=3.75, thickness_mm=1.25)


def draw_geometry(random: Randomness) -> SliceGeometry:
    """Return slices as clinics acquire them: mostly axial, mostly 2.5 to 6 mm apart, with or without gaps."""
    plane = "axial" if random.chance(0.8) else ("coronal" if random.chance(0.5) else "sagittal")
    spacing = random.uniform(2.5, 6.0) if random.chance(0.8) else random.uniform(1.0, 2.5)
    thickness = spacing * random.uniform(0.75, 1.0) if random.chance(0.6) else min(spacing, random.uniform(1.0, 2.5))
    slices = min(48, max(18, round(random.uniform(115, 160) / spacing)))
    return SliceGeometry(plane, 224, slices, random.uniform(0.82, 1.12), spacing, thickness)


def draw_protocol(random: Randomness, kind: str) -> Protocol:
    """Return echo and repetition times of IXI's sites (``ixi``) or of clinics at large (``random``).

    Raises:
        ValueError: If the kind is another.
    """
    if kind == "ixi":
        return IXI_GUYS if random.chance(0.5) else IXI_HAMMERSMITH
    if kind != "random":
        raise ValueError(f"expected a protocol of 'ixi' or 'random', found {kind!r}")
    choice = random.uniform(0, 1)
    if choice < 0.5:
        return Protocol(random.uniform(4000, 9000), random.uniform(7, 13), random.uniform(85, 110))
    if choice < 0.83:
        return Protocol(random.uniform(2000, 3800), random.uniform(14, 32), random.uniform(75, 105))
    return Protocol(random.uniform(2000, 9000), random.uniform(6, 30), random.uniform(70, 125))


def resample_to_slices(images: Tensor, centre: Tensor, geometry: SliceGeometry, random: Randomness) -> Tensor:
    """Return images (channel, x, y, z) at 1 mm RAS+ as slices (channel, in-plane, in-plane, slice) of a moved head.

    The head is turned, scaled, smoothly warped and, half of the time, mirrored, so that no two scans show the same
    anatomy; trilinear sampling and averaging over the thickness of a slice make the partial volume.
    """
    samples = max(1, round(geometry.thickness_mm / 1.1))
    pose = _draw_pose(random, PLANES[geometry.plane])
    in_plane = (torch.arange(geometry.matrix) - (geometry.matrix - 1) / 2) * geometry.pixel_mm
    slices = (torch.arange(geometry.slices) - (geometry.slices - 1) / 2) * geometry.spacing_mm
    within = (torch.arange(samples) - (samples - 1) / 2) * (geometry.thickness_mm / samples)
    u = in_plane + random.uniform(-8, 8)
    v = in_plane + random.uniform(-10, 10)
    w = (slices[:, None] + within).reshape(-1) + random.uniform(-12, 8)
    warp_mm = random.uniform(0, WARP_MM)
    grid = []
    for axis in (2, 1, 0):  # grid_sample wants the last axis first
        position = (pose[axis, 0] * u)[:, None, None] + (pose[axis, 1] * v)[None, :, None] + pose[axis, 2] * w
        position += warp_mm * random.field_of_nodes(position.shape, WARP_NODES)
        grid.append(2 * (position + centre[axis]) / (images.shape[1 + axis] - 1) - 1)
    sampled = F.grid_sample(images[None], torch.stack(grid, dim=-1)[None], mode="bilinear", align_corners=True)[0]
    return sampled.unflatten(-1, (geometry.slices, samples)).mean(dim=-1)


def _draw_pose(random: Randomness, plane: tuple[int, int, int]) -> Tensor:
    """Return the 3 x 3 matrix from a stack's axes (mm) to RAS (mm)."""
    pose = torch.eye(3)
    for axis, limit in enumerate((12, 5, 8)):
        angle = math.radians(random.uniform(-limit, limit))
        rotation = torch.eye(3)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        rotation[first, first] = rotation[second, second] = math.cos(angle)
        rotation[first, second], rotation[second, first] = -math.sin(angle), math.sin(angle)
        pose = pose @ rotation
    scales = torch.tensor([random.uniform(0.9, 1.1), random.uniform(0.9, 1.1), random.uniform(0.93, 1.07)])
    if random.chance(0.5):
        scales[0] = -scales[0]
    return (pose @ torch.diag(1 / scales))[:, list(plane)]


def _point_spread(sigma_pixels: float) -> Tensor:
    """Return the seven weights of a Gaussian that sum to one."""
    offsets = torch.arange(-3, 4, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / max(sigma_pixels, 0.2)) ** 2)
    return kernel / kernel.sum()


def blur_in_plane(image: Tensor, sigma_pixels: float) -> Tensor:
    """Return an image (in-plane, in-plane, slice) blurred by a Gaussian point spread along both in-plane axes."""
    kernel = _point_spread(sigma_pixels)
    slices = image.permute(2, 0, 1)[:, None]  # (slice, 1, in-plane, in-plane)
    slices = F.conv2d(slices, kernel.view(1, 1, -1, 1), padding=(3, 0))
    slices = F.conv2d(slices, kernel.view(1, 1, 1, -1), padding=(0, 3))
    return slices[:, 0].permute(1, 2, 0)


def draw_shading(shape: torch.Size, pixel_mm: float, rise: tuple[float, float], random: Randomness) -> Tensor:
    """Return the coil's smooth sensitivity over (in-plane, in-plane, slice): shared by both echoes.

    Args:
        shape: Of the images.
        pixel_mm: In-plane spacing.
        rise: Least and largest logarithm of how much more the coil sees 100 mm from the middle than there.
        random: Where every random number comes from.
    """
    smooth = random.field_of_nodes(shape, (4, 4, 3)) * random.uniform(0.02, 0.12)
    x, y = ((torch.arange(n) - n / 2) * pixel_mm / 100 for n in shape[:2])
    radius_squared = x[:, None] ** 2 + y[None] ** 2
    return torch.exp(smooth + random.uniform(*rise) * radius_squared[:, :, None])


def add_rician_noise(image: Tensor, sigma: float, correlation_pixels: float, random: Randomness) -> Tensor:
    """Return the magnitude of an image with complex Gaussian noise, correlated as after interpolation if asked.

    The noise has the standard deviation ``sigma`` in each channel, correlated or not.
    """
    real, imaginary = (random.normal(image.shape) * sigma for _ in range(2))
    if correlation_pixels > 0:
        kept = float((_point_spread(correlation_pixels) ** 2).sum())  # of the variance along an axis: sqrt(kept * kept)
        real, imaginary = (blur_in_plane(noise, correlation_pixels) / kept for noise in (real, imaginary))
    return torch.sqrt((image + real) ** 2 + imaginary**2)
