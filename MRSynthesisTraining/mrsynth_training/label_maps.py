"""Label maps of whole heads: which numbers mean which tissue, and reading them the right way up."""

from pathlib import Path

import nibabel as nib
import numpy as np

from mrsynth.errors import InputError, MissingFile

# FreeSurfer's numbers for the brain; 500 and above are extra-cerebral structures of whole-head label maps.
TISSUE_LABELS: dict[str, tuple[int, ...]] = {
    "white matter": (2, 41, 85, 512, 530),
    "grey matter": (3, 42, 17, 53, 18, 54, 136, 137, 163, 164, 25, 57),
    "cerebellar white matter": (7, 46),
    "cerebellar cortex": (8, 47),
    "brainstem": (16, 28, 60),
    "thalamus": (10, 49),
    "caudate": (11, 50, 26, 58),
    "putamen": (12, 51),
    "pallidum": (13, 52),
    "white matter hypointensity": (77,),
    "csf": (4, 43, 5, 44, 14, 15, 24, 72),
    "vein": (30, 62, 514),
    "artery": (502,),
    "eye": (506,),
    "fat": (507,),
    "muscle": (508,),
    "mucosa": (509,),
    "skin": (511,),
    "cortical bone": (515,),
    "marrow": (516,),
}
AIR = 0
SUBARACHNOID_CSF = 24
SOFT_TISSUE = 507
SKULL_AND_SCALP = (507, 515, 516, AIR)
CEREBRAL_WHITE_MATTER = (2, 41)
CEREBRAL_CORTEX = (3, 42)
LAST_BRAIN_LABEL = 99
LAST_LABEL = 599


def list_label_maps(folder: Path) -> list[Path]:
    """Return the label maps of a folder in the order of their names.

    Raises:
        MissingFile: If the folder does not exist.
        InputError: If it holds no ``.nii.gz`` file.
    """
    if not folder.is_dir():
        raise MissingFile(f"{folder}: expected a folder of label maps, found none")
    paths = sorted(folder.glob("*.nii.gz"))
    if not paths:
        raise InputError(f"{folder}: expected label maps (*.nii.gz), found none", code="missing_file")
    return paths


def read_label_map(path: Path) -> np.ndarray:
    """Return a 1 mm label map as int16, axes in RAS+ order.

    Raises:
        MissingFile: If the file does not exist.
        InputError: If it is not a 3-D map of labels from 0 to 599 at 1 mm.
    """
    if not path.is_file():
        raise MissingFile(f"{path}: expected a label map, found no file")
    image = nib.as_closest_canonical(nib.load(path))
    if image.ndim != 3 or not np.allclose(image.header.get_zooms(), 1.0, atol=0.01):
        found = f"{image.shape} at {image.header.get_zooms()} mm"
        raise InputError(f"{path}: expected a 3-D label map at 1 mm, found {found}", code="not_3d")
    labels = np.asarray(image.dataobj)
    if labels.min() < 0 or labels.max() > LAST_LABEL:
        found = f"{labels.min()} to {labels.max()}"
        raise InputError(f"{path}: expected labels from 0 to {LAST_LABEL}, found {found}", code="bad_input")
    return np.rint(labels).astype(np.int16)
