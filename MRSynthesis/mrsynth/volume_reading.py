"""Reading a volume, whatever its format, with one line of explanation when that is not possible."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path

from mrsynth.errors import InputError, MissingFile
from mrsynth.timing_sidecar import timing_beside
from mrsynth.volume import VOLUME_SUFFIXES, Volume, volume_suffix


def read_volume(path: str | PathLike[str]) -> Volume:
    """Read a NIfTI, NRRD or MHA file, or a folder that holds one DICOM series.

    Args:
        path: The file or the folder.

    Returns:
        The volume, float32, with its affine in RAS mm, and the timing that the series, or a sidecar beside the file,
        states.

    Raises:
        MissingFile: Nothing has this name.
        InputError: What is there is not one finite 3D scalar volume with a known place; ``code`` says why.
    """
    path = Path(path)
    if not path.exists():
        raise MissingFile(f"{path}: expected a file or a DICOM folder, found nothing")
    try:
        return _read(path)
    except InputError as error:
        raise InputError(f"{path}: {error}", error.code) from error
    except MemoryError as error:
        raise InputError(f"{path}: expected room for the voxels, found too little memory", "too_large") from error
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, found: {error.strerror or error}", "unreadable") from error


def _read(path: Path) -> Volume:
    # The libraries behind the formats take longer to import than small scans take to read.
    if path.is_dir():
        from mrsynth.dicom import read_dicom_series

        return read_dicom_series(path)
    volume, timing = _read_file(path), timing_beside(path)
    return volume if timing == volume.timing else replace(volume, timing=timing)


def _read_file(path: Path) -> Volume:
    suffix = volume_suffix(path)
    if not suffix:
        known = " ".join(VOLUME_SUFFIXES)
        raise InputError(f"expected {known} or a folder with a DICOM series, found {path.name}", "unsupported_format")
    if path.stat().st_size == 0:
        raise InputError("expected a volume, found an empty file", "empty")
    if suffix.startswith(".nii"):
        from mrsynth.nifti import read_nifti

        return read_nifti(path)
    if suffix == ".mha":
        from mrsynth.metaimage import read_mha

        return read_mha(path)
    from mrsynth.itk import read_nrrd

    return read_nrrd(path)
