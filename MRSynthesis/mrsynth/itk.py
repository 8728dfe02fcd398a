"""NRRD and DICOM series, read through SimpleITK; its LPS world becomes RAS here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK

from mrsynth.declared_size import require_stored_voxels, scalar_volume_shape
from mrsynth.errors import InputError
from mrsynth.itk_header import LPS_FROM_RAS, read_nrrd_header, require_intact_stream
from mrsynth.volume import Frame, Volume, checked_affine

_VOXEL_BYTES = {
    **dict.fromkeys((SimpleITK.sitkUInt8, SimpleITK.sitkInt8), 1),
    **dict.fromkeys((SimpleITK.sitkUInt16, SimpleITK.sitkInt16), 2),
    **dict.fromkeys((SimpleITK.sitkUInt32, SimpleITK.sitkInt32, SimpleITK.sitkFloat32), 4),
    **dict.fromkeys((SimpleITK.sitkUInt64, SimpleITK.sitkInt64, SimpleITK.sitkFloat64), 8),
}
"""The voxel types that are one real number, with their size."""


def read_nrrd(path: Path) -> Volume:
    """Read a ``.nrrd`` file.

    Raises:
        InputError: Anything but one intact 3D scalar volume with a usable affine; the message does not name the path.
        OSError: The file cannot be read.
    """
    header = read_nrrd_header(path)
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO("NrrdImageIO")
    with itk_errors_as_input_errors():
        reader.ReadImageInformation()
        voxel_bytes = require_scalar(reader)
        shape = scalar_volume_shape(reader.GetSize())
        affine = checked_affine(ras_affine(reader))
        stored_bytes = path.stat().st_size - header.data_offset
        require_stored_voxels(shape, voxel_bytes, stored_bytes, compressed=not header.raw)
        if header.compressed:
            require_intact_stream(path, header, int(np.prod(shape)) * voxel_bytes)
        return Volume(voxels_of(reader.Execute()), affine, Frame("nrrd"))


@contextmanager
def itk_errors_as_input_errors() -> Iterator[None]:
    """Keep ITK's warnings off the terminal and make its RuntimeError an InputError ``corrupt_file`` of one line."""
    shown = SimpleITK.ProcessObject.GetGlobalWarningDisplay()
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    except RuntimeError as error:
        reason = " ".join(str(error).rsplit("ITK ERROR:", 1)[-1].split())[-200:]
        raise InputError(f"expected a readable image, found {reason}", "corrupt_file") from error
    finally:
        SimpleITK.ProcessObject.SetGlobalWarningDisplay(shown)


def require_scalar(reader: SimpleITK.ImageFileReader) -> int:
    """The bytes of one voxel, from a reader that has read its file's information.

    Raises:
        InputError: ``not_scalar``: colours, vectors or complex numbers.
    """
    kind, components = reader.GetPixelID(), reader.GetNumberOfComponents()
    if components != 1 or kind not in _VOXEL_BYTES:
        name = SimpleITK.GetPixelIDValueAsString(kind)
        raise InputError(f"expected one real number per voxel, found {components} of type {name}", "not_scalar")
    return _VOXEL_BYTES[kind]


def ras_affine(reader: SimpleITK.ImageFileReader) -> np.ndarray:
    """The 4x4 affine (voxel index to RAS mm) of a reader that has read its file's information, of 3 axes or more."""
    rank = reader.GetDimension()
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(reader.GetDirection(), (rank, rank))[:3, :3] * reader.GetSpacing()[:3]
    affine[:3, 3] = reader.GetOrigin()[:3]
    return LPS_FROM_RAS @ affine


def voxels_of(image: SimpleITK.Image) -> np.ndarray:
    """The voxels as float32 with axes (i, j, k); trailing axes of one sample are dropped."""
    voxels = SimpleITK.GetArrayViewFromImage(image)
    with np.errstate(over="ignore"):  # becomes infinite, which Volume reports
        return voxels.reshape(voxels.shape[-3:]).transpose().astype(np.float32)
