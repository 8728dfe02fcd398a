"""MetaImage (``.mha``): reading it, and a header for our outputs; its LPS world becomes RAS here.

ITK is not asked to read it: it ends the process over some damaged headers, writes to the terminal over others, and
hands over compressed voxels that are damaged. Format: ITK's MetaImage documentation.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import numpy as np

from mrsynth.declared_size import require_stored_voxels, scalar_volume_shape
from mrsynth.errors import InputError
from mrsynth.itk_header import GZIP_OR_ZLIB, LPS_FROM_RAS, file_start, numbers_as_text, text_fields
from mrsynth.volume import Frame, Volume, checked_affine

_TYPES = {
    **{"MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4"},
    **{"MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8"},
    **{"MET_FLOAT": "f4", "MET_DOUBLE": "f8"},
}
_MOST_AXES = 10


def read_mha(path: Path) -> Volume:
    """Read a ``.mha`` file.

    Raises:
        InputError: Anything but one intact 3D scalar volume with a usable affine; the message does not name the path.
        OSError: The file cannot be read.
    """
    fields, offset = _header(path)
    rank = _rank(fields)
    shape = scalar_volume_shape(_sizes(fields, rank))
    dtype = _voxel_type(fields)
    affine = checked_affine(_ras_affine(fields, rank))
    compressed = _is_true(fields, "compresseddata")
    require_stored_voxels(shape, dtype.itemsize, path.stat().st_size - offset, compressed)
    with open(path, "rb") as file:
        file.seek(offset)
        if compressed:
            stored = _decompressed(file.read(), math.prod(shape) * dtype.itemsize)
            voxels = np.frombuffer(bytearray(stored), dtype)
        else:
            voxels = np.fromfile(file, dtype, math.prod(shape))  # lets other threads of the panel go on meanwhile
    return Volume(voxels.reshape(shape, order="F"), affine, Frame("mha"))


def mha_header(volume: Volume) -> bytes:
    """The header of a MetaImage file with little-endian float32 voxels, in ITK's space."""
    affine = LPS_FROM_RAS @ volume.affine
    directions = affine[:3, :3] / volume.spacing_mm
    lines = (
        *("ObjectType = Image", "NDims = 3", "BinaryData = True", "BinaryDataByteOrderMSB = False"),
        *("CompressedData = False", f"TransformMatrix = {numbers_as_text(directions.T.ravel())}"),
        *(f"Offset = {numbers_as_text(affine[:3, 3])}", "CenterOfRotation = 0 0 0", "AnatomicalOrientation = RAI"),
        *(f"ElementSpacing = {numbers_as_text(volume.spacing_mm)}", f"DimSize = {numbers_as_text(volume.shape)}"),
        *("ElementType = MET_FLOAT", "ElementDataFile = LOCAL", ""),
    )
    return "\n".join(lines).encode("ascii")


def _header(path: Path) -> tuple[dict[str, str], int]:
    """The fields, and the byte at which the voxels begin."""
    block = file_start(path)
    last = block.find(b"ElementDataFile")
    end = block.find(b"\n", last) + 1
    if last < 0 or end == 0:
        raise InputError(f"expected a MetaImage header, found {block[:16]!r}", "corrupt_file")
    fields = text_fields(block[:end], "=")
    if _required(fields, "elementdatafile").upper() != "LOCAL" or fields.get("headersize", "0") != "0":
        raise InputError("expected voxels in the file itself, found a header that names another", "unsupported_format")
    if not _is_true(fields, "binarydata"):
        raise InputError("expected binary voxels, found a header without BinaryData = True", "unsupported_format")
    return fields, end


def _rank(fields: dict[str, str]) -> int:
    text = _required(fields, "ndims")
    if text not in map(str, range(1, _MOST_AXES + 1)):
        raise InputError(f"expected NDims from 1 to {_MOST_AXES}, found {text[:40]!r}", "corrupt_file")
    if int(text) < 3:
        raise InputError(f"expected a 3D volume, found {text} axes", "not_3d")
    return int(text)


def _sizes(fields: dict[str, str], rank: int) -> list[int]:
    sizes = _values(fields, rank, "dimsize")
    if not all(size.is_integer() for size in sizes):
        raise InputError(f"expected whole numbers as dimsize, found {sizes}", "corrupt_file")
    return [int(size) for size in sizes]


def _voxel_type(fields: dict[str, str]) -> np.dtype:
    name, channels = _required(fields, "elementtype").upper(), fields.get("elementnumberofchannels", "1")
    if channels != "1" or name.endswith("_ARRAY"):
        raise InputError(f"expected one real number per voxel, found {channels[:40]} of type {name}", "not_scalar")
    if name not in _TYPES:
        raise InputError(f"expected a known ElementType, found {name[:40]!r}", "corrupt_file")
    big_endian = _is_true(fields, "binarydatabyteordermsb", "elementbyteordermsb")
    return np.dtype(_TYPES[name]).newbyteorder(">" if big_endian else "<")


def _ras_affine(fields: dict[str, str], rank: int) -> np.ndarray:
    """Voxel index to RAS mm; 4x4 float64."""
    names = ("transformmatrix", "rotation", "orientation")
    if not any(name in fields for name in names):
        raise InputError("expected a TransformMatrix, found none: the volume's orientation is not known", "bad_affine")
    if fields.get("distanceunits", "mm") not in ("mm", "?"):
        raise InputError(f"expected DistanceUnits in mm, found {fields['distanceunits'][:40]!r}", "bad_spacing")
    if not ("elementspacing" in fields or "elementsize" in fields):
        raise InputError("expected an ElementSpacing, found none", "bad_spacing")
    spacing = np.array(_values(fields, rank, "elementspacing", "elementsize")[:3])
    if not (np.isfinite(spacing) & (spacing > 0)).all():
        raise InputError(f"expected an ElementSpacing above 0, found {spacing.tolist()}", "bad_spacing")
    directions = np.reshape(_values(fields, rank**2, *names), (rank, rank))  # a row for each axis
    affine = np.eye(4)
    affine[:3, :3] = directions[:3, :3].T * spacing
    affine[:3, 3] = _values(fields, rank, "offset", "position", "origin")[:3]
    return LPS_FROM_RAS @ checked_affine(affine)


def _decompressed(stored: bytes, needed: int) -> bytes:
    """The voxels out of a zlib or gzip stream; the checksum at its end is compared."""
    decompressor = zlib.decompressobj(GZIP_OR_ZLIB)
    try:
        voxels = decompressor.decompress(stored, needed + 1)
    except zlib.error as error:
        raise InputError(f"expected intact compressed voxels, found {error}", "corrupt_file") from error
    if not decompressor.eof or len(voxels) != needed:
        raise InputError(f"expected {needed} bytes of voxels in an intact stream, found {len(voxels)}", "corrupt_file")
    return voxels


def _required(fields: dict[str, str], *names: str) -> str:
    """The value of the first of some names for one thing that the header has."""
    found = next((fields[name] for name in names if fields.get(name)), None)
    if found is None:
        raise InputError(f"expected the field {names[0]} in a MetaImage header, found none", "corrupt_file")
    return found


def _values(fields: dict[str, str], count: int, *names: str) -> list[float]:
    text = _required(fields, *names)
    try:
        values = [float(number) for number in text.split()]
    except ValueError as error:
        raise InputError(f"expected numbers as {names[0]}, found {text[:40]!r}", "corrupt_file") from error
    if len(values) != count:
        raise InputError(f"expected {count} numbers as {names[0]}, found {len(values)}", "corrupt_file")
    return values


def _is_true(fields: dict[str, str], *names: str) -> bool:
    return any(fields.get(name, "").lower() in ("true", "t", "1") for name in names)
