"""The average brain that the demo's head is built around: MNI152 maps that the nilearn package carries."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import nibabel
import numpy as np

from mrsynth.errors import InputError

MAP_NAME = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
# Intensities of the T1-weighted template, read off where the grey matter map is full and where both maps are empty.
T1_OF_GREY_MATTER = 160.0
T1_OF_CSF = 72.0


@dataclass(frozen=True, eq=False)
class BrainTemplate:
    """Maps of one brain on a common grid, axes (i, j, k).

    Attributes:
        inside: 1 inside the brain's mask, 0 outside, float32.
        white: Fraction of white matter, 0 to 1.
        csf: Fraction of cerebrospinal fluid, 0 to 1; what neither takes is grey matter.
        affine: 4x4, voxel index to RAS mm (MNI space).
    """

    inside: np.ndarray
    white: np.ndarray
    csf: np.ndarray
    affine: np.ndarray


def template_folder() -> Path:
    """Return the folder of the installed nilearn package that holds the maps, without importing nilearn.

    Raises:
        InputError: Code ``missing_file``, if nilearn is not installed.
    """
    spec = find_spec("nilearn")
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            "expected the package nilearn, whose MNI152 maps the demo is built from, found none: pip install nilearn",
            code="missing_file",
        )
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data"


def read_brain_template(folder: Path) -> BrainTemplate:
    """Read the maps (Fonov et al. 2011, ICBM 2009a symmetric, 1 mm) and derive the fractions of the three tissues.

    The template's grey matter map counts ventricles and sulci partly as grey matter, as averages do; so fluid is taken
    from the T1-weighted intensity, where it is dark, and white matter from its map.

    Raises:
        InputError: Code ``missing_file``, if a map is not there.
    """
    t1, affine = _read_map(folder, "t1")
    white, _ = _read_map(folder, "wm")
    csf = _steeper(np.clip((T1_OF_GREY_MATTER - t1) / (T1_OF_GREY_MATTER - T1_OF_CSF), 0, 1))
    return BrainTemplate((t1 > 0).astype(np.float32), _steeper(white / 255) * (1 - csf), csf, affine)


def _read_map(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    path = folder / MAP_NAME.format(name)
    if not path.is_file():
        raise InputError(
            f"{path}: expected an MNI152 map of nilearn, found no file: pip install nilearn", "missing_file"
        )
    image = nibabel.load(path)
    return np.asarray(image.dataobj, dtype=np.float32), image.affine


def _steeper(fraction: np.ndarray) -> np.ndarray:
    """Push fractions towards 0 and 1: averaging over subjects has blurred every border of the template."""
    return (fraction * fraction * (3 - 2 * fraction)).astype(np.float32)
