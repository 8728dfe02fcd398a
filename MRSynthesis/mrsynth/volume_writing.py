"""Writing a volume so that its name only ever belongs to a whole file."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
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
_GZIP = 31
"""What zlib calls the largest window within gzip's header and checksum."""


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


class _Compressed:
    """Writes what is written to it, compressed, to a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        # Of float32 images only the runs of air and the exponents repeat themselves. Looking for more would take three
        # times as long for a file that is no smaller.
        self._compressor = zlib.compressobj(_FASTEST, zlib.DEFLATED, _GZIP, strategy=zlib.Z_RLE)

    def write(self, data: bytes) -> None:
        self._file.write(self._compressor.compress(data))

    def end(self) -> None:
        self._file.write(self._compressor.flush())


@contextmanager
def _gzip_stream(file: BinaryIO) -> Iterator[_Compressed]:
    """A compressed stream that holds neither a time nor a name, so that equal volumes are equal files."""
    stream = _Compressed(file)
    yield stream
    stream.end()


def _write_voxels(stream: BinaryIO | _Compressed, voxels: np.ndarray) -> None:
    """Write little-endian float32 with the first axis fastest, a slice at a time to save a copy of the volume."""
    for index in range(voxels.shape[2]):
        stream.write(voxels[:, :, index].astype("<f4", copy=False).tobytes(order="F"))
