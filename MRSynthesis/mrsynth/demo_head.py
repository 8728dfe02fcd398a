"""A realistic head for the demo: T2 and PD of one dual-echo acquisition, simulated around an average brain."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from mrsynth.demo_anatomy import paint_head
from mrsynth.demo_shapes import Coordinates, EchoCanvas, smooth_field
from mrsynth.demo_template import BrainTemplate, read_brain_template, template_folder
from mrsynth.spin_echo import IXI_HAMMERSMITH
from mrsynth.volume import Volume

CENTRE_MM = (0.0, -14.0, 22.0)
SUBSLICES = 3  # a slice is the mean of three thinner ones: partial volume as in a 3.75 mm acquisition
TILT_DEGREES = (4.0, -1.5, 2.5)  # about x, y, z: nobody lies quite straight
DEFORMATION_MM = 1.8  # makes one person of the symmetric average
FULL_SCALE = 1600.0
NOISE = 0.012  # Rician, in units of the proton density of water
TEXTURE = 0.025
SHADING = 0.10


@dataclass(frozen=True)
class HeadGrid:
    """The demo's axial slices: number of voxels and their spacing along right, front and up.

    Attributes:
        shape: Voxels along (i, j, k).
        spacing_mm: Their spacing.
    """

    shape: tuple[int, int, int] = (192, 232, 42)
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 3.75)

    def __post_init__(self) -> None:
        if min(self.shape) < 1 or min(self.spacing_mm) <= 0:
            raise ValueError(f"expected at least one voxel and a positive spacing, found {self}")

    @property
    def affine(self) -> np.ndarray:
        """4x4, voxel index to RAS mm; the grid's centre lies in the middle of the head."""
        affine = np.diag((*self.spacing_mm, 1.0))
        affine[:3, 3] = CENTRE_MM - (np.array(self.shape) - 1) / 2 * self.spacing_mm
        return affine

    def slices(self, fine: np.ndarray) -> np.ndarray:
        """Average the thinner slices of the fine grid into this grid's."""
        return fine.reshape(*self.shape, SUBSLICES).mean(axis=3, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class DemoHead:
    """Both echoes of a simulated head on one grid, and where its lesions are.

    Attributes:
        t2: Second echo.
        pd: First echo.
        lesions: Boolean array of the same shape.
    """

    t2: Volume
    pd: Volume
    lesions: np.ndarray


def build_demo_head(seed: int = 40, grid: HeadGrid | None = None) -> DemoHead:
    """Build the head: the same seed gives the same voxels.

    Raises:
        InputError: Code ``missing_file``, if nilearn or its maps are not installed.
    """
    grid = grid or HeadGrid()
    template = read_brain_template(template_folder())
    rng = np.random.default_rng(seed)
    places = _places_in_template(grid, rng)
    canvas = EchoCanvas(places.x.shape, IXI_HAMMERSMITH)
    lesions = paint_head(canvas, _resampled(template, places), places, rng)
    shading = 1 + SHADING * places.random_field(90, rng)
    t2, pd = (_acquired(echo * shading, grid, rng) for echo in (canvas.t2, canvas.pd))
    return DemoHead(t2, pd, grid.slices(lesions) > 0.5)


def _places_in_template(grid: HeadGrid, rng: np.random.Generator) -> Coordinates:
    """Say for every voxel of the fine grid where in the template's head it lies: tilted and slightly deformed."""
    shape = (*grid.shape[:2], grid.shape[2] * SUBSLICES)
    spacing = (*grid.spacing_mm[:2], grid.spacing_mm[2] / SUBSLICES)
    rotation = _rotation(np.deg2rad(TILT_DEGREES))
    axes = [(np.arange(n) - (n - 1) / 2) * step for n, step in zip(shape, spacing, strict=True)]
    mesh = np.meshgrid(*axes, indexing="ij", sparse=True)
    places = []
    for row, middle in zip(rotation, CENTRE_MM, strict=True):
        straight = sum(float(r) * axis for r, axis in zip(row, mesh, strict=True)) + middle
        deformation = DEFORMATION_MM * smooth_field(shape, [45 / step for step in spacing], rng)
        places.append((straight + deformation).astype(np.float32))
    return Coordinates(*places, spacing_mm=spacing)


def _rotation(angles: np.ndarray) -> np.ndarray:
    """Return the 3x3 rotation about x, then y, then z by angles in radians."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        one, other = [k for k in range(3) if k != axis]
        turn = np.eye(3)
        turn[one, one] = turn[other, other] = np.cos(angle)
        turn[one, other], turn[other, one] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix


def _resampled(template: BrainTemplate, places: Coordinates) -> BrainTemplate:
    """Bring the template's maps to the fine grid by linear interpolation."""
    index = np.linalg.inv(template.affine)
    mm = (places.x, places.y, places.z)
    voxel = np.stack(
        [sum(np.float32(r) * c for r, c in zip(row, mm, strict=False)) + np.float32(row[3]) for row in index[:3]]
    )
    inside, white, csf = (
        ndimage.map_coordinates(each, voxel, order=1, output=np.float32)
        for each in (template.inside, template.white, template.csf)
    )
    return BrainTemplate(inside, white, csf, np.eye(4))


def _acquired(echo: np.ndarray, grid: HeadGrid, rng: np.random.Generator) -> Volume:
    """Make slices of an echo, with the texture of tissue and the noise of a magnitude image."""
    texture = 1 + TEXTURE * smooth_field(grid.shape, [4 / grid.spacing_mm[0], 4 / grid.spacing_mm[1], 1.5], rng)
    clean = grid.slices(echo) * texture
    real, imaginary = NOISE * rng.standard_normal((2, *grid.shape), dtype=np.float32)
    return Volume(FULL_SCALE * np.hypot(clean + real, imaginary), grid.affine)
