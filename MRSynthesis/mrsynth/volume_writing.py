"""Writing a volume so that its name only ever belongs to a whole file."""

from __future__ import annotations

import gzip
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mrsynth.atomic_file import replacing_file
from mrsynth.errors import InputError
from mrsynth.itk_header import nrrd_header
from mrsynth.metaimage import mha_header
from mrsynth.nifti import nifti_header
from mrsynth.volume import VOLUME_SUFFIXES, Volume, volume_suffix

_FASTEST = 1
"""Compression level: float32 images shrink by a tenth whatever the level."""


def write_volume(volume: Volume, path: str | PathLike[str]) -> None:
    """Write float32 voxels with the volume's affine, in the format that the name's ending says.

    NIfTI keeps the source's sform, qform, codes and units; NRRD and MHA state the same place in ITK's LPS space. The
    file is written under a temporary name in the same folder and renamed when it is complete, so another process sees
    the old file or the new one. On any failure the temporary file is removed. The same volume gives the same bytes.

    Args:
        volume: What to write.
        path: Where; a file of this name is replaced.

    Raises:
        InputError: ``unsupported_format``: the ending is none of ``.nii.gz``, ``.nii``, ``.nrrd``, ``.mha``.
        OutputError: ``disk_full`` or ``output_unwritable``.
    """
    path = Path(path)
    suffix = volume_suffix(path)
    if not suffix:
        raise InputError(f"{path}: expected a name ending in {' '.join(VOLUME_SUFFIXES)}", "unsupported_format")
    with replacing_file(path) as file:
        _write_format(volume, suffix, file)


def _write_format(volume: Volume, suffix: str, file: BinaryIO) -> None:
    if suffix == ".nii.gz":
        with _gzip_stream(file) as stream:
            stream.write(nifti_header(volume))
            _write_voxels(stream, volume.voxels)
    elif suffix == ".nrrd":
        file.write(nrrd_header(volume))
        with _gzip_stream(file) as stream:
            _write_voxels(stream, volume.voxels)
    else:
        file.write(nifti_header(volume) if suffix == ".nii" else mha_header(volume))
        _write_voxels(file, volume.voxels)


def _gzip_stream(file: BinaryIO) -> gzip.GzipFile:
    """A compressed stream that holds neither a time nor a name, so that equal volumes are equal files."""
    return gzip.GzipFile(filename="", mode="wb", compresslevel=_FASTEST, fileobj=file, mtime=0)


def _write_voxels(stream: BinaryIO, voxels: np.ndarray) -> None:
    """Write little-endian float32 with the first axis fastest, a slice at a time to save a copy of the volume."""
    for index in range(voxels.shape[2]):
        stream.write(voxels[:, :, index].astype("<f4", copy=False).tobytes(order="F"))
