"""A folder that looks like IXI at a small scale: names, sites, two contrasts, subjects broken in every known way."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np

SHAPE = (20, 24, 13)
AFFINE = np.array([[-0.9375, 0, 0, 9], [0, 0.9375, 0, -11], [0, 0, 1.25, -8], [0, 0, 0, 1]])
# Kept of SHAPE: 16 x 16 in-plane, 9 slices of which every third.
SMALL = ("--size", "16", "16", "9")
SMALL_SIZE = (16, 16, 9)

GOOD = (
    *("IXI002-Guys-0828", "IXI012-HH-1211", "IXI013-HH-1212", "IXI014-HH-1236", "IXI015-HH-1258"),
    *("IXI016-Guys-0697", "IXI017-Guys-0698", "IXI019-Guys-0702", "IXI020-Guys-0700", "IXI021-Guys-0703"),
    *("IXI035-IOP-0873", "IXI037-Guys-0704"),
)
# Scans by a number that is a seed: up to here of T2, and the PD of the same subject so much further.
OF_PD = 1000
Scans = Callable[[int], np.ndarray]

# Subject and why it is skipped.
BROKEN = {
    "IXI101": "missing_partner",
    "IXI102": "unreadable",
    "IXI103": "other_shape",
    "IXI104": "other_place",
    "IXI105": "constant",
    "IXI106": "duplicate_subject",
    "IXI107": "other_examination",
}


def scan_voxels(seed: int, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Return a bright block with noise in dark air, int16 (i, j, k), another one for every seed."""
    random = np.random.default_rng(seed)
    voxels = random.uniform(0, 20, shape)
    voxels[4:-4, 4:-4, 2:-2] += random.uniform(300, 900, tuple(n - m for n, m in zip(shape, (8, 8, 4), strict=True)))
    return voxels.astype(np.int16)


def write_scan(path: Path, voxels: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(voxels, affine), path)
    return path


def write_subject_scans(folder: Path, name: str, ending: str = ".nii.gz", scans: Scans = scan_voxels) -> None:
    """Write the two scans of a subject into ``IXI-T2`` and ``IXI-PD``."""
    seed = int(name[3:6])
    write_scan(folder / "IXI-T2" / f"{name}-T2{ending}", scans(seed))
    write_scan(folder / "IXI-PD" / f"{name}-PD{ending}", scans(seed + OF_PD))


def write_good_ixi(folder: Path, scans: Scans = scan_voxels) -> Path:
    """Write the subjects that nothing is wrong with."""
    for name in GOOD:
        write_subject_scans(folder, name, scans=scans)
    return folder


def write_broken_subjects(folder: Path, scans: Scans = scan_voxels) -> Path:
    """Write one subject for each way of being broken."""
    names = {subject: f"{subject}-Guys-0{subject[3:]}" for subject in BROKEN}
    for name in names.values():
        write_subject_scans(folder, name, scans=scans)
    targets = {subject: folder / "IXI-PD" / f"{name}-PD.nii.gz" for subject, name in names.items()}
    targets["IXI101"].unlink()
    half = targets["IXI102"].read_bytes()
    targets["IXI102"].write_bytes(half[: len(half) // 2])
    write_scan(targets["IXI103"], scans(103 + OF_PD)[:, :, :-1])
    moved = AFFINE.copy()
    moved[0, 3] += 3
    write_scan(targets["IXI104"], scans(104 + OF_PD), moved)
    write_scan(targets["IXI105"], np.full_like(scans(105), 7))
    write_scan(folder / "IXI-T2" / "IXI106-Guys-0999-T2.nii.gz", scans(106))
    targets["IXI107"].rename(folder / "IXI-PD" / "IXI107-Guys-0998-PD.nii.gz")
    return folder


def pack(folder: Path, contrast: str, archive: Path) -> Path:
    """Move a contrast's folder into an archive, its files at the top as in the archives of IXI."""
    files = sorted((folder / f"IXI-{contrast}").iterdir())
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w") as tar:
        for file in files:
            tar.add(file, arcname=file.name)
    for file in files:
        file.unlink()
    (folder / f"IXI-{contrast}").rmdir()
    return archive
