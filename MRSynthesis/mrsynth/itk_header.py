"""The text headers of NRRD and MetaImage (``.mha``): what ITK would pass over in silence, and headers for our outputs.

ITK takes a file without orientation for an axis-aligned one, follows a header to voxels in any other file, and hands
over a compressed MetaImage whose data are damaged. All three are looked for here before ITK sees the file.
Formats: teem's NRRD definition (NRRD0004) and ITK's MetaImage documentation.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mrsynth.errors import InputError
from mrsynth.volume import Volume

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""ITK's world axes run to the patient's left, back and head; its own inverse."""

_LONGEST_HEADER_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 20
_NRRD_SPACES = (
    *("left-posterior-superior", "right-anterior-superior", "left-anterior-superior"),
    *("lps", "ras", "las"),
)
_ZERO_VECTOR = re.compile(r"\(\s*[-+]?0*\.?0*\s*(,\s*[-+]?0*\.?0*\s*){2}\)")
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


@dataclass(frozen=True)
class TextHeader:
    """The fields of a header in lower case, and where it ends.

    Attributes:
        fields: Name to value, both as text, names in lower case.
        data_offset: The byte after the header, where the voxels begin.
        compressed: Whether the voxels are gzip or zlib compressed.
        raw: Whether the voxels lie there as plain binary numbers.
    """

    fields: dict[str, str]
    data_offset: int
    compressed: bool
    raw: bool


def read_nrrd_header(path: Path) -> TextHeader:
    """The header of a ``.nrrd`` file whose place in the patient is known.

    Raises:
        InputError: ``corrupt_file``, ``unsupported_format`` (voxels in another file), ``not_3d``, ``bad_affine`` or
            ``bad_spacing``.
    """
    block = _read_start(path)
    if not block.startswith(b"NRRD000"):
        raise InputError(f"expected the magic NRRD000x, found {block[:8]!r}", "corrupt_file")
    end, newline = _first_blank_line(block)
    fields = _fields(block[:end], ":")
    if "data file" in fields or "datafile" in fields:
        raise InputError("expected voxels in the file itself, found a header that names another", "unsupported_format")
    _require_patient_space(fields)
    encoding = fields.get("encoding", "").lower()
    return TextHeader(fields, end + newline, encoding in ("gzip", "gz"), encoding == "raw")


def read_mha_header(path: Path) -> TextHeader:
    """The header of a ``.mha`` file whose place in the patient is known.

    Raises:
        InputError: ``corrupt_file``, ``unsupported_format`` (voxels in another file), ``bad_affine`` or
            ``bad_spacing``.
    """
    block = _read_start(path)
    last = block.find(b"ElementDataFile")
    end = block.find(b"\n", last) + 1
    if last < 0 or end == 0:
        raise InputError(f"expected a MetaImage header, found {block[:16]!r}", "corrupt_file")
    fields = _fields(block[:end], "=")
    if fields["elementdatafile"].upper() != "LOCAL":
        raise InputError("expected voxels in the file itself, found a header that names another", "unsupported_format")
    if not any(name in fields for name in ("transformmatrix", "rotation", "orientation")):
        raise InputError("expected a TransformMatrix, found none: the volume's orientation is not known", "bad_affine")
    _require_positive_spacing(fields.get("elementspacing", fields.get("elementsize", "")))
    compressed = fields.get("compresseddata", "").lower() in ("true", "1")
    return TextHeader(fields, end, compressed, not compressed and fields.get("binarydata", "").lower() in ("true", "1"))


def require_intact_stream(path: Path, header: TextHeader, voxel_bytes: int) -> None:
    """Refuse compressed voxels that do not come out whole; the checksum at their end is compared.

    Raises:
        InputError: ``corrupt_file``.
    """
    found, decompressor = 0, zlib.decompressobj(_GZIP_OR_ZLIB)
    with open(path, "rb") as file:
        file.seek(header.data_offset)
        try:
            while not decompressor.eof and (chunk := file.read(_CHUNK_BYTES)):
                while chunk and found <= voxel_bytes:
                    found += len(decompressor.decompress(chunk, _CHUNK_BYTES))
                    chunk = decompressor.unconsumed_tail
        except zlib.error as error:
            raise InputError(f"expected intact compressed voxels, found {error}", "corrupt_file") from error
    if not decompressor.eof or found != voxel_bytes:
        raise InputError(f"expected {voxel_bytes} bytes of voxels in an intact stream, found {found}", "corrupt_file")


def nrrd_header(volume: Volume) -> bytes:
    """The header of a NRRD file with gzip-compressed little-endian float32 voxels, in ITK's space."""
    affine = LPS_FROM_RAS @ volume.affine
    directions = " ".join(f"({_numbers(affine[:3, axis], ',')})" for axis in range(3))
    lines = (
        *("NRRD0004", "type: float", "dimension: 3", "space: left-posterior-superior"),
        *(f"sizes: {_numbers(volume.shape)}", f"space directions: {directions}", "kinds: domain domain domain"),
        *("endian: little", "encoding: gzip", 'space units: "mm" "mm" "mm"'),
        *(f"space origin: ({_numbers(affine[:3, 3], ',')})", "", ""),
    )
    return "\n".join(lines).encode("ascii")


def mha_header(volume: Volume) -> bytes:
    """The header of a MetaImage file with little-endian float32 voxels, in ITK's space."""
    affine = LPS_FROM_RAS @ volume.affine
    directions = affine[:3, :3] / volume.spacing_mm
    lines = (
        *("ObjectType = Image", "NDims = 3", "BinaryData = True", "BinaryDataByteOrderMSB = False"),
        *("CompressedData = False", f"TransformMatrix = {_numbers(directions.T.ravel())}"),
        *(f"Offset = {_numbers(affine[:3, 3])}", "CenterOfRotation = 0 0 0", "AnatomicalOrientation = RAI"),
        *(f"ElementSpacing = {_numbers(volume.spacing_mm)}", f"DimSize = {_numbers(volume.shape)}"),
        *("ElementType = MET_FLOAT", "ElementDataFile = LOCAL", ""),
    )
    return "\n".join(lines).encode("ascii")


def _read_start(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(_LONGEST_HEADER_BYTES)


def _first_blank_line(block: bytes) -> tuple[int, int]:
    """Where the blank line after the header begins, and its length with the line end before it."""
    ends = [(block.find(mark), len(mark)) for mark in (b"\n\n", b"\r\n\r\n") if mark in block]
    if not ends:
        raise InputError("expected a blank line after the header, found none", "corrupt_file")
    return min(ends)


def _fields(block: bytes, separator: str) -> dict[str, str]:
    lines = block.decode("ascii", errors="replace").splitlines()
    pairs = (line.split(separator, 1) for line in lines if separator in line and not line.startswith("#"))
    return {name.strip().lower(): value.strip().lstrip("=").strip() for name, value in pairs}


def _require_patient_space(fields: dict[str, str]) -> None:
    """Refuse a NRRD header that does not say where in the patient, in mm, its three axes run."""
    if fields.get("dimension") in ("1", "2"):
        raise InputError(f"expected a 3D volume, found {fields['dimension']} axes", "not_3d")
    space, directions = fields.get("space", ""), fields.get("space directions", "")
    if space.lower() not in _NRRD_SPACES or not directions:
        found = f"space {space!r}, space directions {directions!r}"
        raise InputError(f"expected a patient space and its directions, found {found}", "bad_affine")
    if _ZERO_VECTOR.search(directions):
        raise InputError(f"expected a spacing above 0, found space directions {directions}", "bad_spacing")
    units = fields.get("space units", '"mm"')
    if set(units.replace('"', " ").split()) != {"mm"}:
        raise InputError(f"expected space units in mm, found {units}", "bad_spacing")


def _require_positive_spacing(text: str) -> None:
    try:
        spacing = [float(number) for number in text.split()]
    except ValueError as error:
        raise InputError(f"expected an ElementSpacing, found {text!r}", "corrupt_file") from error
    if not spacing or not all(0 < number < math.inf for number in spacing):
        raise InputError(f"expected an ElementSpacing above 0, found {text!r}", "bad_spacing")


def _numbers(values: Sequence[float], separator: str = " ") -> str:
    """Numbers with all the digits they need to be read back exactly."""
    return separator.join(repr(value) for value in np.asarray(values).tolist())
