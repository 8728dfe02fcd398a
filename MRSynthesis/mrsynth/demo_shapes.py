"""Simple shapes in mm, and how they are painted over one another with soft edges."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mrsynth.spin_echo import Protocol, Tissue, signal

Point = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Where every voxel of a grid is in the head.

    Attributes:
        x: mm to the right, shape (i, j, k).
        y: mm to the front.
        z: mm up.
        spacing_mm: Distance between neighbours along (i, j, k).
    """

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    spacing_mm: Point

    def mirrored(self) -> "Coordinates":
        """The right half on both sides, so that a shape at positive x is drawn as a pair."""
        return replace(self, x=np.abs(self.x))

    def random_field(self, scale_mm: float, rng: np.random.Generator) -> np.ndarray:
        """Return a smooth random field on the grid: mean 0, deviation about 1, variations ``scale_mm`` wide."""
        return smooth_field(self.x.shape, [scale_mm / step for step in self.spacing_mm], rng)

    def squared_distance(self, centre: Point, radii: Point = (1, 1, 1)) -> np.ndarray:
        """Squared distance from ``centre``, each axis in units of its radius."""
        offsets = zip((self.x, self.y, self.z), centre, radii, strict=True)
        return sum(((axis - middle) / radius) ** 2 for axis, middle, radius in offsets)

    def outside_ellipsoid(self, centre: Point, radii: Point) -> np.ndarray:
        """Distance in mm (approximate away from the surface) from an ellipsoid; negative inside."""
        return (np.sqrt(self.squared_distance(centre, radii)) - 1) * min(radii)

    def outside_rod(self, start: Point, end: Point, radius: float) -> np.ndarray:
        """Distance in mm from a rod with round ends; negative inside."""
        direction = np.subtract(end, start)
        along = sum((axis - s) * d for axis, s, d in zip((self.x, self.y, self.z), start, direction, strict=True))
        t = np.clip(along / float(direction @ direction), 0, 1)
        axes = zip((self.x, self.y, self.z), start, direction, strict=True)
        return np.sqrt(sum((axis - s - t * d) ** 2 for axis, s, d in axes)) - radius


@dataclass(frozen=True)
class Ellipsoid:
    """A paired (``mirrored``) or single ellipsoid: centre and radii in mm."""

    centre: Point
    radii: Point
    mirrored: bool = True

    def outside(self, coordinates: Coordinates) -> np.ndarray:
        """Distance in mm from the surface, negative inside."""
        where = coordinates.mirrored() if self.mirrored else coordinates
        return where.outside_ellipsoid(self.centre, self.radii)


@dataclass(frozen=True)
class Rod:
    """A pair of rods with round ends, at positive and at negative x."""

    start: Point
    end: Point
    radius: float

    def outside(self, coordinates: Coordinates) -> np.ndarray:
        """Distance in mm from the surface, negative inside."""
        return coordinates.mirrored().outside_rod(self.start, self.end, self.radius)


class EchoCanvas:
    """Both echoes of a dual spin echo, painted tissue over tissue; what is not painted is air.

    Attributes:
        pd: First echo, float32 (i, j, k).
        t2: Second echo, same grid.
    """

    def __init__(self, shape: Sequence[int], protocol: Protocol) -> None:
        self.protocol = protocol
        self.pd = np.zeros(shape, dtype=np.float32)
        self.t2 = np.zeros(shape, dtype=np.float32)

    def paint(self, fraction: np.ndarray, tissue: Tissue | None) -> None:
        """Replace ``fraction`` (0 to 1) of every voxel by a tissue, or by air where ``tissue`` is None."""
        for echo, te_ms in ((self.pd, self.protocol.te_pd_ms), (self.t2, self.protocol.te_t2_ms)):
            level = 0.0
            if tissue is not None:
                level = float(signal(tissue.pd, tissue.t1_ms, tissue.t2_ms, self.protocol.tr_ms, te_ms))
            echo += fraction * (level - echo)


def soft_inside(outside_mm: np.ndarray, edge_mm: float = 1.0) -> np.ndarray:
    """Turn a distance from a surface (negative inside) into a fraction that passes from 1 to 0 across ``edge_mm``."""
    return np.clip(0.5 - outside_mm / edge_mm, 0, 1).astype(np.float32)


def smooth_field(shape: Sequence[int], scale: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Return a random field of mean 0 and deviation about 1 that varies over ``scale`` voxels along each axis.

    Normal numbers on a coarse lattice are blended by Gaussian weights, axis by axis.
    """
    counts = [int(np.ceil(size / width)) + 4 for size, width in zip(shape, scale, strict=True)]
    field = rng.standard_normal(counts).astype(np.float32)
    for size, width, count in zip(shape, scale, counts, strict=True):
        knots = np.arange(count) - 1.5
        weights = np.exp(-0.5 * ((np.arange(size)[:, None] / width - knots) / 0.7) ** 2)  # (size, count)
        weights /= np.linalg.norm(weights, axis=1, keepdims=True)
        field = np.tensordot(field, weights.astype(np.float32), axes=(0, 1))  # the axis moves to the end
    return field
