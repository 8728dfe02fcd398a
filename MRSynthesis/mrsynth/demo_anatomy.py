"""The demo's anatomy: what surrounds a brain, as layers and simple shapes in the template's mm (MNI space)."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from mrsynth.demo_shapes import Coordinates, EchoCanvas, Ellipsoid, Point, Rod, soft_inside
from mrsynth.demo_template import BrainTemplate
from mrsynth.spin_echo import TISSUES, Tissue

CLOSING_MM = 6.0  # bridges sulci and fissures, not the gap between the temporal lobes
SUBARACHNOID_MM = 1.1
SKULL_MM = 7.5
TABLE_MM = 1.6  # each of the two layers of compact bone
SKIN_MM = 2.0
SCALP_MM = 6.5
# Fat is brighter in a train of refocused echoes than its T2 says (Henkelman et al. 1994); both echoes gain.
FAT = Tissue(380, 105, 0.75)
LESION = Tissue(1500, 170, 0.92)

LESIONS = (
    Ellipsoid((-27, -28, 27), (4.5, 8, 5), mirrored=False),
    Ellipsoid((26, 24, 19), (4, 5, 5), mirrored=False),
    Ellipsoid((-22, 30, 24), (3, 3, 4), mirrored=False),
)
DEEP_NUCLEI = (Ellipsoid((20, 2, 2), (15, 24, 14)), Ellipsoid((11, -18, 7), (10, 15, 10)))

# Painted in this order over fat, before skull and brain. None is air.
FACE: tuple[tuple[Ellipsoid | Rod, str | None], ...] = (
    (Ellipsoid((53, 22, -58), (13, 24, 44)), "muscle"),
    (Ellipsoid((28, 4, -66), (14, 16, 26)), "muscle"),
    (Ellipsoid((24, -72, -82), (24, 26, 36)), "muscle"),
    (Ellipsoid((40, -50, -80), (18, 20, 30)), "muscle"),
    (Ellipsoid((0, 50, -60), (22, 32, 26), mirrored=False), "mucosa"),
    (Ellipsoid((8, 54, -62), (4.5, 28, 20)), None),
    (Ellipsoid((9, 46, -37), (7, 17, 8)), None),
    (Ellipsoid((30, 46, -65), (17, 19, 18)), "cortical bone"),
    (Ellipsoid((30, 46, -65), (15.5, 17.5, 16.5)), "mucosa"),
    (Ellipsoid((30, 46, -65), (13.5, 15.5, 14.5)), None),
    (Ellipsoid((33, 48, -37), (19.5, 32.5, 18.5)), "cortical bone"),
    (Ellipsoid((33, 49, -37), (18.3, 31, 17.3)), "fat"),
    (Rod((17, 26, -33), (21, 64, -37), 2.4), "muscle"),
    (Rod((19, 26, -33), (45, 62, -37), 2.4), "muscle"),
    (Rod((18, 26, -29), (33, 62, -26), 2.2), "muscle"),
    (Rod((18, 26, -37), (33, 62, -49), 2.2), "muscle"),
    (Rod((12, 16, -24), (32, 54, -37), 3.4), "csf"),
    (Rod((12, 16, -24), (32, 54, -37), 2.2), "white matter"),
    (Ellipsoid((33, 65, -37), (12.6, 12.6, 12.6)), "dura"),
    (Ellipsoid((33, 65, -37), (11.6, 11.6, 11.6)), "eye"),
    (Ellipsoid((33, 74, -37), (4.6, 2.4, 4.6)), "muscle"),
)
# Painted over the fluid, before the brain.
SKULL_BASE: tuple[tuple[Ellipsoid | Rod, str | None], ...] = (
    (Ellipsoid((0, 12, -38), (20, 22, 13), mirrored=False), "cortical bone"),
    (Ellipsoid((0, -1, -46), (11, 7, 20), mirrored=False), "marrow"),
    (Ellipsoid((8, 20, -37), (8, 11, 8.5)), None),
    (Ellipsoid((40, -24, -40), (24, 10, 8)), "cortical bone"),
    (Ellipsoid((52, -34, -46), (8, 10, 12)), None),
    (Ellipsoid((10, 76, -16), (9, 5, 8)), None),
)
ARTERIES = (
    Rod((0, -11, -44), (0, -9, -20), 1.7),
    Rod((14, 6, -46), (12, 4, -18), 2.3),
    Rod((12, 4, -18), (36, 4, -17), 1.5),
    Rod((3, 20, -8), (10, 8, -17), 1.2),
)


@dataclass(frozen=True, eq=False)
class Surfaces:
    """Distances in mm from the two surfaces that the layers follow, negative inside.

    Attributes:
        cavity: From the cavity of the skull.
        head: From the skin.
    """

    cavity: np.ndarray
    head: np.ndarray


def paint_head(canvas: EchoCanvas, brain: BrainTemplate, places: Coordinates, rng: np.random.Generator) -> np.ndarray:
    """Paint a whole head from the skin inwards.

    Args:
        canvas: Where both echoes are painted.
        brain: Tissue fractions on the canvas's grid.
        places: Where each voxel lies in the template's head.
        rng: Draws the irregularity of muscle, bone and scalp.

    Returns:
        Fraction of each voxel that a lesion fills, float32.
    """
    cavity = cavity_distance(brain.inside, places.spacing_mm)
    surfaces = Surfaces(cavity, head_distance(cavity, places))
    _paint_soft_tissue(canvas, surfaces, places, rng)
    _paint_skull(canvas, surfaces, places, rng)
    brain = replace(brain, csf=_uneven_rim(brain, surfaces, places, rng))
    _paint_brain(canvas, brain, places)
    _paint_midline_and_vessels(canvas, brain, surfaces, places)
    return _paint_lesions(canvas, brain, places)


def _tissue(name: str | None) -> Tissue | None:
    return FAT if name == "fat" else TISSUES[name] if name else None


def cavity_distance(inside: np.ndarray, spacing_mm: Point) -> np.ndarray:
    """Return the distance in mm from the skull's cavity, negative inside: the brain, closed and widened by its fluid.

    It is computed on every other voxel, as distances vary smoothly.
    """
    coarse = np.pad(inside[::2, ::2, ::2] > 0.5, 12, mode="edge")
    spacing = [2 * step for step in spacing_mm]
    near = ndimage.distance_transform_edt(~coarse, sampling=spacing) <= CLOSING_MM
    beyond = ndimage.distance_transform_edt(~near, sampling=spacing)
    within = ndimage.distance_transform_edt(near, sampling=spacing)
    signed = ndimage.gaussian_filter((beyond - within + CLOSING_MM).astype(np.float32), 1.2)[12:-12, 12:-12, 12:-12]
    fine = ndimage.affine_transform(signed, np.full(3, 0.5), output_shape=inside.shape, order=1, mode="nearest")
    return fine - np.float32(SUBARACHNOID_MM)


def head_distance(cavity: np.ndarray, places: Coordinates) -> np.ndarray:
    """Return the distance in mm from the skin, negative inside: calvarium, temples, face, neck, nose and ears."""
    pair = places.mirrored()
    temple = 7 * np.exp(-(((places.z + 22) / 28) ** 2) - ((places.y - 12) / 30) ** 2) * np.clip(pair.x / 45 - 0.5, 0, 1)
    cranium = cavity - (SKULL_MM + SCALP_MM + temple)
    section = 80 * (np.sqrt((places.x / 72) ** 2 + ((places.y + 11) / 97) ** 2) - 1)
    lower = _smooth_maximum(section, places.z + 22)
    nose = places.outside_ellipsoid((0, 86, -56), (14, 20, 26))
    ear = pair.outside_ellipsoid((80, -22, -38), (4.5, 14, 24))
    return _smooth_minimum(_smooth_minimum(_smooth_minimum(cranium, lower), nose), ear)


def _smooth_minimum(one: np.ndarray, other: np.ndarray, blend_mm: float = 8.0) -> np.ndarray:
    """The union of two shapes, rounded where they meet."""
    overlap = np.clip(1 - np.abs(one - other) / blend_mm, 0, 1)
    return np.minimum(one, other) - blend_mm / 4 * overlap**2


def _smooth_maximum(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return -_smooth_minimum(-one, -other)


def _paint_soft_tissue(canvas: EchoCanvas, surfaces: Surfaces, places: Coordinates, rng: np.random.Generator) -> None:
    """Paint skin, fat and, under the fat, muscle of scalp, temples, face and neck, then the face's organs."""
    irregular = places.random_field(11, rng)
    inside_skin = soft_inside(surfaces.head + SKIN_MM + 0.3 * irregular)
    canvas.paint(soft_inside(surfaces.head), TISSUES["skin"])
    canvas.paint(inside_skin, FAT)
    under_scalp = soft_inside(surfaces.head + SCALP_MM - 1.2 + 0.8 * irregular, 1.5)
    strands = np.clip(0.75 + 0.35 * places.random_field(6, rng), 0, 1)
    canvas.paint(under_scalp * strands, TISSUES["muscle"])
    for shape, tissue in FACE:
        canvas.paint(soft_inside(shape.outside(places)) * inside_skin, _tissue(tissue))


def _paint_skull(canvas: EchoCanvas, surfaces: Surfaces, places: Coordinates, rng: np.random.Generator) -> None:
    """Paint compact bone with marrow between its tables, the fluid inside it, and the bones of the skull's base."""
    thickness = SKULL_MM + 0.9 * places.random_field(28, rng)
    bone = soft_inside(surfaces.cavity - thickness)
    canvas.paint(bone, TISSUES["cortical bone"])
    diploe = soft_inside(surfaces.cavity - thickness + TABLE_MM) * (1 - soft_inside(surfaces.cavity - TABLE_MM))
    trabeculae = np.clip(0.8 + 0.25 * places.random_field(6, rng), 0, 1)
    canvas.paint(diploe * trabeculae, TISSUES["marrow"])
    canvas.paint(soft_inside(surfaces.cavity - 0.7), TISSUES["dura"])
    canvas.paint(soft_inside(surfaces.cavity), TISSUES["csf"])
    for shape, tissue in SKULL_BASE:
        canvas.paint(soft_inside(shape.outside(places)), _tissue(tissue))


def _uneven_rim(brain: BrainTemplate, surfaces: Surfaces, places: Coordinates, rng: np.random.Generator) -> np.ndarray:
    """Fill part of the rim with cortex: gyri touch the skull in one person where the average of many shows fluid."""
    filled = np.clip(0.6 + 0.35 * places.random_field(11, rng), 0, 1)
    return brain.csf * (1 - filled * soft_inside(-4 - surfaces.cavity, 4.0))


def _paint_brain(canvas: EchoCanvas, brain: BrainTemplate, places: Coordinates) -> None:
    """Paint fluid, white and grey matter by their fractions; nuclei deep in the brain have their own constants."""
    nuclei = np.maximum.reduce([soft_inside(shape.outside(places), 4.0) for shape in DEEP_NUCLEI])
    inside = soft_inside(0.5 - brain.inside)
    canvas.paint(inside, TISSUES["grey matter"])
    canvas.paint(inside * nuclei, TISSUES["deep grey matter"])
    solid = np.maximum(1 - brain.csf, 1e-3)
    canvas.paint(inside * np.clip(brain.white / solid, 0, 1), TISSUES["white matter"])
    canvas.paint(inside * brain.csf, TISSUES["csf"])


def _paint_midline_and_vessels(
    canvas: EchoCanvas, brain: BrainTemplate, surfaces: Surfaces, places: Coordinates
) -> None:
    """Paint the falx in the fissure, and flowing blood, which gives little signal in a spin echo."""
    fluid = 1 - brain.inside * (1 - brain.csf)
    falx = soft_inside(np.abs(places.x) - 0.7) * soft_inside(surfaces.cavity) * fluid
    canvas.paint(falx * soft_inside(-18 - places.z, 8), TISSUES["dura"])
    sinus = soft_inside(np.abs(places.x) + 0.9 * np.abs(surfaces.cavity) - 5) * soft_inside(-10 - places.z, 8)
    canvas.paint(sinus * fluid, TISSUES["blood"])
    for artery in ARTERIES:
        canvas.paint(soft_inside(artery.outside(places)) * fluid, TISSUES["blood"])


def _paint_lesions(canvas: EchoCanvas, brain: BrainTemplate, places: Coordinates) -> np.ndarray:
    """Paint bright lesions into white matter and return their fraction of each voxel."""
    shapes = np.maximum.reduce([soft_inside(shape.outside(places), 1.5) for shape in LESIONS])
    fraction = (shapes * (1 - brain.csf)).astype(np.float32)
    canvas.paint(fraction, LESION)
    return fraction
