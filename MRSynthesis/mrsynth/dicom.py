"""A folder with one DICOM series of parallel slices."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK

from mrsynth.acquired_timing import DICOM, AcquiredTiming, series_time
from mrsynth.declared_size import scalar_volume_shape
from mrsynth.dicom_files import is_dicom_image
from mrsynth.errors import InputError
from mrsynth.itk import itk_errors_as_input_errors, ras_affine, require_scalar, voxels_of
from mrsynth.volume import Frame, Volume, checked_affine

_IMAGE_POSITION = "0020|0032"
_SOP_CLASS = "0008|0016"
_ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
_ECHO_TIME = "0018|0081"
_REPETITION_TIME = "0018|0080"
_SERIES_DESCRIPTION = "0008|103e"

_IRREGULARITY = 0.05
"""How far a slice may lie from its place in an even stack, as a fraction of the slice spacing (scanners round)."""


@dataclass(frozen=True, eq=False)
class _Slice:
    """One file's header: its place and what it shares with the other slices."""

    path: str
    affine: np.ndarray
    size: tuple[int, int, int]
    echo_time: str
    repetition_time: str
    description: str


def read_dicom_series(folder: Path) -> Volume:
    """Read the one series of a folder; sub-folders are not looked into.

    The slices are ordered by their positions, and the distance between them comes from those positions, not from the
    slice thickness.

    Raises:
        InputError: No series or several; not one scalar image per position; slices that are not parallel, not of one
            size or not evenly spaced. The message does not name the folder.
        OSError: The folder cannot be read.
    """
    with itk_errors_as_input_errors():
        slices = [_read_slice(path) for path in _series_files(folder)]
        if len(slices) > 1:
            slices = _in_order(slices)
        scalar_volume_shape((*slices[0].size[:2], slices[0].size[2] * len(slices)))
        affine = checked_affine(_stack_affine(slices))
        reader = SimpleITK.ImageSeriesReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileNames([one.path for one in slices])
        voxels = voxels_of(reader.Execute())
    return Volume(voxels, affine, Frame("dicom"), _timing(slices))


def _timing(slices: list[_Slice]) -> AcquiredTiming:
    times = ([one.echo_time for one in slices], [one.repetition_time for one in slices])
    return AcquiredTiming.of(*map(series_time, times), DICOM)


def _series_files(folder: Path) -> tuple[str, ...]:
    names = SimpleITK.ImageSeriesReader
    series = names.GetGDCMSeriesIDs(str(folder))
    if not series:
        raise InputError("expected a folder with a DICOM series, found no DICOM image", "unsupported_format")
    files = {one: names.GetGDCMSeriesFileNames(str(folder), one) for one in series}
    if len(series) > 1:
        listed = "; ".join(
            f"{_read_slice(paths[0]).description or one} ({len(paths)} files)" for one, paths in files.items()
        )
        raise InputError(f"expected one DICOM series, found {len(series)}: {listed}", "several_series")
    _require_all_readable(folder, files[series[0]])
    return files[series[0]]


def _require_all_readable(folder: Path, files: tuple[str, ...]) -> None:
    """GDCM leaves out files that it cannot parse: at an end of the stack, that would go unnoticed."""
    listed = {Path(path).name for path in files}
    for path in sorted(folder.iterdir()):
        if path.name not in listed and is_dicom_image(path):
            raise InputError(
                f"expected intact DICOM images, found one that cannot be read: {path.name}", "corrupt_file"
            )


def _read_slice(path: str) -> _Slice:
    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(path)
    reader.ReadImageInformation()
    require_scalar(reader)
    description, echo_time, repetition_time = (
        reader.GetMetaData(key).strip() if reader.HasMetaDataKey(key) else ""
        for key in (_SERIES_DESCRIPTION, _ECHO_TIME, _REPETITION_TIME)
    )
    # An enhanced file keeps its positions per frame, where ITK has found them.
    if not reader.HasMetaDataKey(_IMAGE_POSITION) and reader.GetMetaData(_SOP_CLASS).strip("\0 ") != _ENHANCED_MR:
        raise InputError(f"expected an Image Position (Patient), found none in {Path(path).name}", "bad_affine")
    size = scalar_volume_shape(reader.GetSize())
    return _Slice(path, ras_affine(reader), size, echo_time, repetition_time, description)


def _in_order(slices: list[_Slice]) -> list[_Slice]:
    """The slices sorted along their normal, after a check that they make one stack."""
    first = slices[0]
    if any(one.size != first.size or one.size[2] != 1 for one in slices):
        sizes = sorted({one.size for one in slices})
        raise InputError(f"expected slices of one size, one per file, found {sizes}", "not_3d")
    if not all(np.allclose(one.affine[:3, :2], first.affine[:3, :2], atol=1e-3) for one in slices):
        raise InputError("expected parallel slices, found several orientations or pixel spacings", "bad_affine")
    normal = np.cross(first.affine[:3, 0], first.affine[:3, 1])
    height = [float(one.affine[:3, 3] @ normal / np.linalg.norm(normal)) for one in slices]
    _require_one_image_per_position(slices, height)
    return [slices[index] for index in np.argsort(height)]


def _require_one_image_per_position(slices: list[_Slice], height: list[float]) -> None:
    most = max(Counter(round(value, 2) for value in height).values())
    if most > 1:
        echo_times = ", ".join(
            sorted({one.echo_time or "unknown" for one in slices}, key=lambda text: (len(text), text))
        )
        raise InputError(
            f"expected one image per slice position, found up to {most} (echo times in ms: {echo_times}); "
            "put one echo into a folder of its own",
            "several_series",
        )


def _stack_affine(slices: list[_Slice]) -> np.ndarray:
    """The affine of the whole stack; a tilted gantry gives a sheared one, which is where the voxels are."""
    affine = slices[0].affine.copy()
    if len(slices) == 1:
        return affine
    origins = np.array([one.affine[:3, 3] for one in slices])  # (slice, RAS)
    step = (origins[-1] - origins[0]) / (len(slices) - 1)
    deviation_mm = np.linalg.norm(origins - (origins[0] + np.arange(len(slices))[:, None] * step), axis=1).max()
    if deviation_mm > _IRREGULARITY * np.linalg.norm(step):
        raise InputError(
            f"expected evenly spaced slices {np.linalg.norm(step):.4g} mm apart, found one {deviation_mm:.4g} mm off: "
            "slices are missing or the gaps differ",
            "bad_spacing",
        )
    affine[:3, 2] = step
    return affine
