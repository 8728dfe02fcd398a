"""A brain scan: its voxels together with the place they have in the patient."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mrsynth.acquired_timing import AcquiredTiming
from mrsynth.errors import InputError

VOLUME_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")
"""File name endings that can be read and written; the longest that fits counts."""

MAX_VOXELS = 2**29
"""A volume above this (2 GiB as float32) is refused; an IXI scan has a sixtieth of it."""

_SMALLEST_DIRECTION_DETERMINANT = 1e-6
"""Below this the three axes lie in one plane, to the precision of a float32 header."""


@dataclass(frozen=True)
class Frame:
    """What the source's header said about its own coordinates, so that an output can say the same.

    Attributes:
        format: ``"nifti"``, ``"nrrd"``, ``"mha"``, ``"dicom"``, or ``""`` for a volume made in memory.
        nifti_version: 1 or 2 for NIfTI, 0 otherwise.
        nifti_fields: The geometric fields of a NIfTI header, as they stood there: name to number or tuple of numbers
            (``sform_code``, ``qform_code``, ``srow_x``, ``quatern_b``, ``pixdim``, ``xyzt_units``, ...). They are kept
            raw, because a quaternion that is decoded and encoded again is not bit for bit the same.
    """

    format: str = ""
    nifti_version: int = 0
    nifti_fields: dict[str, float | int | tuple[float, ...]] = field(default_factory=dict)

    @property
    def sform_code(self) -> int:
        """The NIfTI code of the sform; 0 when there is none."""
        return int(self.nifti_fields.get("sform_code", 0))

    @property
    def qform_code(self) -> int:
        """The NIfTI code of the qform; 0 when there is none."""
        return int(self.nifti_fields.get("qform_code", 0))


@dataclass(frozen=True, eq=False)
class Volume:
    """A scalar volume on a regular grid.

    Attributes:
        voxels: float32, axes (i, j, k) as in the file; any other real type is converted.
        affine: 4x4 float64. Maps the voxel index (i, j, k, 1) of a voxel's centre to (x, y, z, 1) in mm, where x grows
            to the patient's right, y to the front (anterior) and z to the head (superior).
        frame: What the source's header said.
        timing: What its header or its sidecar said of echo and repetition time.

    Raises:
        InputError: Not three axes, no voxels, a NaN or infinite voxel, a complex or non-numeric type, an affine that is
            not 4x4, not finite or singular, or a spacing that is not positive.
    """

    voxels: np.ndarray
    affine: np.ndarray
    frame: Frame = field(default_factory=Frame)
    timing: AcquiredTiming = AcquiredTiming()

    def __post_init__(self) -> None:
        object.__setattr__(self, "voxels", _checked_voxels(np.asarray(self.voxels)))
        object.__setattr__(self, "affine", checked_affine(self.affine))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along (i, j, k)."""
        return self.voxels.shape

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between the centres of neighbours along (i, j, k), in mm: the lengths of the affine's columns."""
        return tuple(float(length) for length in np.linalg.norm(self.affine[:3, :3], axis=0))

    def with_voxels(self, voxels: np.ndarray) -> Volume:
        """The same grid and frame with other voxels of the same shape, of whose timing nothing is known.

        Raises:
            ValueError: The shape differs from this volume's.
        """
        if np.shape(voxels) != self.shape:
            raise ValueError(f"expected voxels of shape {self.shape}, as the grid has, found {np.shape(voxels)}")
        return replace(self, voxels=voxels, timing=AcquiredTiming())


def _checked_voxels(voxels: np.ndarray) -> np.ndarray:
    """The voxels as float32, or an InputError."""
    if voxels.ndim != 3:
        raise InputError(f"expected a 3D volume, found {voxels.ndim} axes with shape {voxels.shape}", "not_3d")
    if voxels.dtype.kind not in "biuf":
        raise InputError(f"expected one real number per voxel, found voxels of type {voxels.dtype}", "not_scalar")
    if voxels.size == 0:
        raise InputError(f"expected voxels, found an empty volume of shape {voxels.shape}", "empty")
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, which the next lines report
        voxels = voxels.astype(np.float32, copy=False)
    bad = voxels.size - int(np.count_nonzero(np.isfinite(voxels)))
    if bad:
        raise InputError(f"expected finite voxels, found {bad} NaN or infinite of {voxels.size}", "not_finite")
    return voxels


def checked_affine(affine: np.ndarray) -> np.ndarray:
    """A read-only float64 copy of a 4x4 affine (voxel index to mm) that places every voxel.

    Raises:
        InputError: ``bad_affine`` (not 4x4, not finite, last row, singular) or ``bad_spacing`` (an axis of length 0).
    """
    affine = np.array(affine, dtype=np.float64)
    if affine.shape != (4, 4):
        raise InputError(f"expected a 4x4 affine, found shape {affine.shape}", "bad_affine")
    if not np.isfinite(affine).all():
        raise InputError(f"expected a finite affine, found {affine.tolist()}", "bad_affine")
    if not np.array_equal(affine[3], (0, 0, 0, 1)):
        raise InputError(f"expected an affine whose last row is 0 0 0 1, found {affine[3].tolist()}", "bad_affine")
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not (lengths > 0).all():
        raise InputError(f"expected a spacing above 0 mm, found {lengths.tolist()}", "bad_spacing")
    if abs(np.linalg.det(affine[:3, :3] / lengths)) < _SMALLEST_DIRECTION_DETERMINANT:
        raise InputError(f"expected three independent axes, found a singular affine {affine.tolist()}", "bad_affine")
    affine.flags.writeable = False
    return affine


def require_variation(volume: Volume, path: str | Path) -> None:
    """Refuse a volume whose voxels all have one value, as it holds nothing to synthesise from.

    Raises:
        InputError: ``constant``.
    """
    lowest, highest = float(volume.voxels.min()), float(volume.voxels.max())
    if lowest == highest:
        raise InputError(f"{path}: expected an image, found that every voxel is {lowest:g}", "constant")


def volume_suffix(path: str | Path) -> str:
    """The ending of a file name that says its format, in lower case, such as ``".nii.gz"``; ``""`` if none fits."""
    name = Path(path).name.lower()
    return next((suffix for suffix in VOLUME_SUFFIXES if name.endswith(suffix)), "")


def is_volume_path(path: str | Path) -> bool:
    """Whether the name is that of a volume file; hidden files (unfinished outputs among them) are not."""
    return bool(volume_suffix(path)) and not Path(path).name.startswith(".")


def volume_stem(path: str | Path) -> str:
    """The file name without its format: ``"sub/x.nii.gz"`` gives ``"x"``; other names lose their last suffix."""
    suffix = volume_suffix(path)
    return Path(path).name[: -len(suffix)] if suffix else Path(path).stem
