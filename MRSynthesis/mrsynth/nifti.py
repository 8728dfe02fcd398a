"""NIfTI-1 and NIfTI-2 single files: reading them, and a header that says what the source's header said."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from nibabel import Nifti1Header, Nifti2Header
from nibabel.spatialimages import HeaderDataError

from mrsynth.declared_size import require_stored_voxels, scalar_volume_shape
from mrsynth.errors import InputError
from mrsynth.volume import Frame, Volume, checked_affine

_FRAME_FIELDS = (
    *("dim_info", "pixdim", "xyzt_units", "qform_code", "sform_code", "srow_x", "srow_y", "srow_z"),
    *("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
)
_HEADER_CLASSES = {348: Nifti1Header, 540: Nifti2Header}
_SPACE_UNIT_MASK = 0b111
_MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
"""Unknown (taken as mm), metre, millimetre, micrometre."""

_SCANNER_ANATOMICAL = 1
_CHUNK_BYTES = 1 << 20
_LARGEST_OFFSET = 1 << 53
"""Beyond what any file holds, and still a place that a file can be asked for."""


def read_nifti(path: Path) -> Volume:
    """Read a ``.nii`` or ``.nii.gz`` file, compressed or not whatever its name says.

    The affine is the sform, or the qform where the sform's code is 0. Voxels are scaled by the header's slope and
    intercept. The header is checked before room is made for the voxels, and a compressed file is read to its checksum.

    Raises:
        InputError: Anything but one intact 3D scalar volume with a usable affine; the message does not name the path.
        OSError: The file cannot be read.
    """
    with open(path, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        stored_bytes = path.stat().st_size
        try:
            stream = gzip.GzipFile(fileobj=file) if compressed else file
            header = _read_header(stream)
            affine = checked_affine(_affine_mm(header))
            voxels = _read_voxels(stream, header, stored_bytes, compressed)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(
                f"expected an intact gzip stream, found a damaged one ({error})", "corrupt_file"
            ) from error
    return Volume(voxels, affine, _frame(header))


def _read_header(stream: BinaryIO) -> Nifti1Header:
    """The header as it stands in the file: nibabel's checks are off, as they would mend a zero spacing silently."""
    start = stream.read(4)
    sizes = {int.from_bytes(start, order): order for order in ("little", "big")}
    size = next((size for size in _HEADER_CLASSES if size in sizes), None)
    if size is None:
        raise InputError(
            f"expected a NIfTI header, found the bytes {start.hex(' ') or 'of an empty file'}", "corrupt_file"
        )
    block = start + stream.read(size - 4)
    if len(block) < size:
        raise InputError(f"expected a header of {size} bytes, the file ends after {len(block)}", "corrupt_file")
    header = _HEADER_CLASSES[size](block, endianness=sizes[size], check=False)
    magic = bytes(header["magic"].item())
    if magic[:2] == b"ni":
        raise InputError(
            "expected a single NIfTI file, found one whose voxels are in another file", "unsupported_format"
        )
    if magic[:3] not in (b"n+1", b"n+2"):
        raise InputError(f"expected the magic n+1 or n+2 of a NIfTI file, found {magic!r}", "corrupt_file")
    return header


def _affine_mm(header: Nifti1Header) -> np.ndarray:
    """Voxel index to RAS mm; 4x4 float64."""
    pixdim = header["pixdim"][1:4]
    if not (np.abs(pixdim) > 0).all():
        raise InputError(f"expected a spacing above 0, found pixdim {pixdim.tolist()}", "bad_spacing")
    try:
        affine = header.get_sform(coded=True)[0]
        affine = header.get_qform(coded=True)[0] if affine is None else affine
    except (HeaderDataError, ValueError) as error:
        raise InputError(f"expected a usable qform, found a damaged one ({error})", "bad_affine") from error
    if affine is None:
        raise InputError(
            "expected an affine, found sform_code 0 and qform_code 0: its place is not known", "bad_affine"
        )
    unit = int(header["xyzt_units"]) & _SPACE_UNIT_MASK
    if unit not in _MM_PER_UNIT:
        raise InputError(f"expected metre, millimetre or micrometre, found the unit code {unit}", "bad_spacing")
    return affine * np.array([[_MM_PER_UNIT[unit]], [_MM_PER_UNIT[unit]], [_MM_PER_UNIT[unit]], [1.0]])


def _read_voxels(stream: BinaryIO, header: Nifti1Header, stored_bytes: int, compressed: bool) -> np.ndarray:
    """The scaled voxels, axes (i, j, k)."""
    shape, dtype, slope, intercept = _voxel_layout(header)
    offset = _voxel_offset(header)
    require_stored_voxels(shape, dtype.itemsize, stored_bytes - (0 if compressed else offset), compressed)
    stream.seek(offset)
    needed = int(np.prod(shape)) * dtype.itemsize
    stored = bytearray(needed)  # and not bytes, as an array over those could not be written to
    found = stream.readinto(stored)
    if found < needed:
        raise InputError(f"expected {needed} bytes of voxels, the file ends after {found}", "corrupt_file")
    while compressed and stream.read(_CHUNK_BYTES):
        pass  # gzip compares its checksum at the end only
    voxels = np.frombuffer(stored, dtype).reshape(shape, order="F")
    if slope is None or (slope, intercept) == (1.0, 0.0):
        return voxels
    exact = np.float32 if dtype.itemsize <= 2 else np.float64
    return voxels.astype(exact) * exact(slope) + exact(intercept)


def _voxel_offset(header: Nifti1Header) -> int:
    """The byte at which the voxels begin; NIfTI-1 stores it as a float."""
    offset = float(header["vox_offset"])
    if not abs(offset) <= _LARGEST_OFFSET:  # NaN is not either
        raise InputError(f"expected the place of the voxels in the file, found vox_offset {offset}", "corrupt_file")
    return max(int(offset), header.sizeof_hdr)


def _voxel_layout(header: Nifti1Header) -> tuple[tuple[int, int, int], np.dtype, float | None, float]:
    """Shape, stored type, slope (None: no scaling) and intercept."""
    rank = int(header["dim"][0])
    if not 0 < rank <= 7:
        raise InputError(f"expected 1 to 7 axes, the header states {rank}: it is damaged", "corrupt_file")
    shape = scalar_volume_shape(header["dim"][1 : rank + 1].tolist())
    try:
        dtype = header.get_data_dtype()
        slope, intercept = header.get_slope_inter()
    except (HeaderDataError, KeyError) as error:
        raise InputError(f"expected a known voxel type and scale, found {error}", "corrupt_file") from error
    if dtype.kind not in "iuf":
        raise InputError(f"expected one real number per voxel, found type {header['datatype']} ({dtype})", "not_scalar")
    return shape, dtype, slope, intercept or 0.0


def _frame(header: Nifti1Header) -> Frame:
    fields = {name: header[name].tolist() for name in _FRAME_FIELDS}
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    return Frame("nifti", 2 if isinstance(header, Nifti2Header) else 1, fields)


def nifti_header(volume: Volume) -> bytes:
    """The header of a single NIfTI file of float32 voxels, up to where the voxels begin; little-endian.

    A volume that was read from NIfTI gets the same version, sform, qform, codes and units bit for bit, as long as its
    affine is still the one they describe. Any other gets an sform and, unless it is sheared, a qform, both with the
    code 1 (scanner), in mm.
    """
    header = _HEADER_CLASSES[540 if volume.frame.nifti_version == 2 else 348](endianness="<")
    header.set_data_dtype(np.float32)
    header.set_data_shape(volume.shape)
    header["scl_slope"], header["scl_inter"] = 1.0, 0.0
    if not _restore_frame(header, volume):
        _describe_affine(header, volume)
    extension_flag = bytes(4)
    header["vox_offset"] = header.sizeof_hdr + len(extension_flag)
    return header.binaryblock + extension_flag


def _restore_frame(header: Nifti1Header, volume: Volume) -> bool:
    """Put the source's fields into the header; False, with the header as before, if they do not give the affine."""
    if not volume.frame.nifti_fields:
        return False
    restored = header.copy()
    for name, value in volume.frame.nifti_fields.items():
        restored[name] = value
    if not np.array_equal(_affine_mm(restored), volume.affine):
        return False
    for name in volume.frame.nifti_fields:
        header[name] = restored[name]
    return True


def _describe_affine(header: Nifti1Header, volume: Volume) -> None:
    header.set_xyzt_units("mm", "unknown")
    header.set_zooms(volume.spacing_mm)
    header.set_sform(volume.affine, _SCANNER_ANATOMICAL)
    directions = volume.affine[:3, :3] / volume.spacing_mm
    if np.allclose(directions.T @ directions, np.eye(3), atol=1e-5):  # a quaternion cannot say a shear
        header.set_qform(volume.affine, _SCANNER_ANATOMICAL)
