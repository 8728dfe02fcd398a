"""The files by which volumes go to the worker and come back. Nothing here touches the scene: it may run on any thread.

Reading and writing take longer than a panel may stand still, so they are apart from what the main thread must do
(``VolumeExchange``). Large reads and writes release Python's lock, and the event loop goes on meanwhile.
"""

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mrsynth.atomic_file import refused_write
from mrsynth.errors import InputError
from mrsynth.itk_header import LPS_FROM_RAS, numbers_as_text
from mrsynth.volume_reading import read_volume

SOURCE_SUFFIX = ".nrrd"
"""Of what is written for the worker: any voxel type, uncompressed."""

RESULT_SUFFIX = ".mha"
"""Of what the worker should write for the panel: it is the format that is read in a tenth of a second."""

_NRRD_TYPES = {
    **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{"float32": "float", "float64": "double"},
}
_SHOWN_PERCENTILES = (0.5, 99.5)
_MOST_SAMPLES = 500_000


@dataclass(frozen=True, eq=False)
class GridVolume:
    """Voxels and the place of their grid, apart from any node.

    Attributes:
        voxels: Axes (k, j, i), as Slicer's arrays have them, C-contiguous; any real type.
        ijkToRas: 4x4 float64, voxel index (i, j, k, 1) to mm to the right, front and head, without parent transforms.
        shownRange: The intensities that a display should span, or None where nobody has looked.
    """

    voxels: np.ndarray
    ijkToRas: np.ndarray
    shownRange: tuple[float, float] | None = None


def writeGridVolume(volume: GridVolume, path: Path) -> None:
    """Write an uncompressed NRRD file.

    Raises:
        InputError: ``not_scalar``, the voxels have a type that NRRD does not know.
        OutputError: The file cannot be written; nothing is left of it.
    """
    header, voxels = _nrrdHeader(volume), np.ascontiguousarray(volume.voxels)
    try:
        with open(path, "wb") as file:
            file.write(header)
            file.write(memoryview(voxels).cast("B"))
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise refused_write(path, error) from error


def readGridVolume(path: Path) -> GridVolume:
    """Read a volume that the worker has written, and find the intensities to show.

    Raises:
        InputError: It is missing, damaged or no scalar volume.
    """
    volume = read_volume(path)
    voxels = np.ascontiguousarray(volume.voxels.transpose())
    return GridVolume(voxels, np.array(volume.affine), shownRange(voxels))


def shownRange(voxels: np.ndarray) -> tuple[float, float]:
    """The intensities between which almost all voxels lie, from a regular sample of them; never of width 0.

    Args:
        voxels: Any shape; finite.
    """
    sample = voxels.ravel()[:: max(1, voxels.size // _MOST_SAMPLES)]
    low, high = (float(value) for value in np.percentile(sample, _SHOWN_PERCENTILES))
    if not high > low:
        low, high = float(voxels.min()), float(voxels.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _nrrdHeader(volume: GridVolume) -> bytes:
    """The header in ITK's space: what is right and front in RAS has the other sign there."""
    kind = volume.voxels.dtype.name
    if kind not in _NRRD_TYPES:
        raise InputError(f"expected one real number per voxel, found voxels of type {kind}", "not_scalar")
    affine = LPS_FROM_RAS @ volume.ijkToRas
    directions = " ".join(f"({numbers_as_text(affine[:3, axis], ',')})" for axis in range(3))
    lines = (
        *("NRRD0004", f"type: {_NRRD_TYPES[kind]}", "dimension: 3", "space: left-posterior-superior"),
        f"sizes: {numbers_as_text(volume.voxels.shape[::-1])}",
        *(f"space directions: {directions}", "kinds: domain domain domain"),
        *(f"endian: {sys.byteorder}", "encoding: raw", 'space units: "mm" "mm" "mm"'),
        *(f"space origin: ({numbers_as_text(affine[:3, 3], ',')})", "", ""),
    )
    return "\n".join(lines).encode("ascii")
