"""Which jobs a command line asks for: one scan to one file, or several to a folder."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mrsynth.dicom_files import is_dicom_image
from mrsynth.errors import InputError, MissingFile
from mrsynth.sidecar import is_own_output
from mrsynth.synthesis_job import SynthesisJob, new_run_id
from mrsynth.volume import is_volume_path, volume_stem, volume_suffix

DEFAULT_SUFFIX = ".nii.gz"
"""Of what is made from a DICOM series."""


@dataclass(frozen=True)
class Plan:
    """The jobs of one command.

    Attributes:
        jobs: In the order of the inputs.
        into_folder: Whether they are cases of a batch, each of which may fail by itself.
    """

    jobs: tuple[SynthesisJob, ...]
    into_folder: bool


def plan_jobs(sources: Sequence[Path], output: str, pattern: SynthesisJob, contrast: str) -> Plan:
    """The jobs for some inputs and an output.

    Args:
        sources: Volume files, DICOM series folders, and folders of either.
        output: A file for a single input; otherwise a folder, in which ``x.nii.gz`` becomes
            ``x-synthetic-PD.nii.gz``.
        pattern: A job with everything but source and output as it shall be.
        contrast: The model's target contrast.

    Raises:
        InputError: A folder holds no scan, or several inputs meet an output that is no folder.
    """
    expanded = [(source, cases(source)) for source in sources]
    scans = [scan for _, found in expanded for scan in found]
    named_folder = Path(output).is_dir() or output.endswith(tuple(filter(None, (os.sep, os.altsep))))
    several = len(scans) > 1 or any(found != [source] for source, found in expanded)
    if not (several or named_folder):
        return Plan((replace(pattern, source=scans[0], output=Path(output)),), into_folder=False)
    if volume_suffix(output) and not named_folder:
        raise InputError(f"{output}: expected a folder for {len(scans)} inputs, found a volume's name", "output_exists")
    if pattern.uncertainty is not None or pattern.reference is not None:
        raise InputError("expected one input and one output file with --uncertainty and --reference, found a folder")
    jobs = [
        replace(pattern, source=scan, output=Path(output) / _output_name(scan, contrast), run_id=new_run_id())
        for scan in scans
    ]
    return Plan(tuple(jobs), into_folder=True)


def cases(source: Path) -> list[Path]:
    """The scans that a path stands for: itself, or what a folder of scans holds.

    A folder's volumes count, and it or its direct sub-folders if they hold DICOM files; not what this program made.

    Raises:
        InputError: The folder holds nothing of the kind.
    """
    if not source.is_dir():
        return [source]
    try:
        inside = sorted(source.iterdir())
        volumes = [path for path in inside if is_volume_path(path) and path.is_file()]
        series = [folder for folder in (source, *filter(Path.is_dir, inside)) if _holds_dicom(folder)]
    except OSError as error:
        raise InputError(f"{source}: expected a readable folder, found: {error.strerror}", "unreadable") from error
    scans = [*series, *(path for path in volumes if not is_own_output(path))]
    if not scans:
        found = "synthetic ones only" if volumes else "none"
        raise MissingFile(f"{source}: expected volumes or a DICOM series in the folder, found {found}")
    return scans


def _holds_dicom(folder: Path) -> bool:
    return any(is_dicom_image(path) for path in folder.iterdir() if not volume_suffix(path))


def _output_name(scan: Path, contrast: str) -> str:
    stem = scan.name if scan.is_dir() else volume_stem(scan)
    return f"{stem}-synthetic-{contrast}{volume_suffix(scan) or DEFAULT_SUFFIX}"
