"""The text headers of ITK's formats: what ITK would pass over in silence in a NRRD's, and one for our outputs.

ITK takes a file without orientation for an axis-aligned one, and follows a header to voxels in any other file. Both are
looked for here before ITK sees the file. Format: teem's NRRD definition (NRRD0004).
"""

from __future__ import annotations

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
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


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
    block = file_start(path)
    if not block.startswith(b"NRRD000"):
        raise InputError(f"expected the magic NRRD000x, found {block[:8]!r}", "corrupt_file")
    end, newline = _first_blank_line(block)
    fields = text_fields(block[:end], ":")
    if "data file" in fields or "datafile" in fields:
        raise InputError("expected voxels in the file itself, found a header that names another", "unsupported_format")
    _require_patient_space(fields)
    encoding = fields.get("encoding", "").lower()
    return TextHeader(fields, end + newline, encoding in ("gzip", "gz"), encoding == "raw")


def require_intact_stream(path: Path, header: TextHeader, voxel_bytes: int) -> None:
    """Refuse compressed voxels that do not come out whole; the checksum at their end is compared.

    Raises:
        InputError: ``corrupt_file``.
    """
    found, decompressor = 0, zlib.decompressobj(GZIP_OR_ZLIB)
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
    directions = " ".join(f"({numbers_as_text(affine[:3, axis], ',')})" for axis in range(3))
    lines = (
        *("NRRD0004", "type: float", "dimension: 3", "space: left-posterior-superior"),
        *(f"sizes: {numbers_as_text(volume.shape)}", f"space directions: {directions}", "kinds: domain domain domain"),
        *("endian: little", "encoding: gzip", 'space units: "mm" "mm" "mm"'),
        *(f"space origin: ({numbers_as_text(affine[:3, 3], ',')})", "", ""),
    )
    return "\n".join(lines).encode("ascii")


def file_start(path: Path) -> bytes:
    """The first bytes of a file, more than any text header has."""
    with open(path, "rb") as file:
        return file.read(_LONGEST_HEADER_BYTES)


def _first_blank_line(block: bytes) -> tuple[int, int]:
    """Where the blank line after the header begins, and its length with the line end before it."""
    ends = [(block.find(mark), len(mark)) for mark in (b"\n\n", b"\r\n\r\n") if mark in block]
    if not ends:
        raise InputError("expected a blank line after the header, found none", "corrupt_file")
    return min(ends)


def text_fields(block: bytes, separator: str) -> dict[str, str]:
    """The fields of a text header: name in lower case to value, both as text."""
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


def numbers_as_text(values: Sequence[float], separator: str = " ") -> str:
    """Numbers with all the digits they need to be read back exactly."""
    return separator.join(repr(value) for value in np.asarray(values).tolist())
