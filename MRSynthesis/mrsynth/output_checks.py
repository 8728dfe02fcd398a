"""Is there a place for every output? Asked before any work is done."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from mrsynth.atomic_file import refused_write
from mrsynth.errors import InputError, MissingFile, OutputExists
from mrsynth.sidecar import is_sidecar, sidecar_path
from mrsynth.synthesis_job import SynthesisJob
from mrsynth.volume import VOLUME_SUFFIXES, is_volume_path


def check_outputs(jobs: Sequence[SynthesisJob]) -> None:
    """Refuse outputs that could not be written, or would take the place of something, in any of the jobs.

    Raises:
        InputError: A name that is no volume's, two outputs in one place, or an output in an input's place.
        OutputExists: An output or its sidecar is there and the job does not force, or a sidecar is of another's making.
        MissingFile: The folder of an output and the one above it do not exist.
        OutputError: A folder cannot be written to, or the disk is full.
    """
    for job in jobs:
        for output in job.outputs:
            check_volume_name(output)
            if output.is_dir():
                raise InputError(f"{output}: expected an output file, found a folder", "output_exists")
    inputs = [path for job in jobs for path in (job.source, job.reference) if path is not None]
    check_places([path for job in jobs for path in _written(job)], inputs, force=True)
    for job in jobs:
        check_absent(job)


def check_volume_name(path: Path, what: str = "an output") -> None:
    """Refuse a name that no volume can have; hidden ones too, as no listing of volumes would show the file.

    Args:
        path: Where a volume is to be written.
        what: What the message calls it.

    Raises:
        InputError: Code ``unsupported_format``.
    """
    if not is_volume_path(path):
        names = ", ".join(f"NAME{suffix}" for suffix in VOLUME_SUFFIXES)
        raise InputError(f"{path}: expected {what} named {names}, found another name", "unsupported_format")


def check_places(outputs: Sequence[Path], inputs: Sequence[Path], force: bool) -> None:
    """Refuse output files of any kind that would take the place of something or could not be written.

    Raises:
        InputError: Two outputs in one place, or an output in an input's place.
        OutputExists: An output is there and ``force`` is not set.
        MissingFile: The folder of an output and the one above it do not exist.
        OutputError: A folder cannot be written to, or the disk is full.
    """
    read = {_place(path) for path in inputs}
    taken: set[str] = set()
    for output in outputs:
        if _place(output) in read:
            raise InputError(f"{output}: expected an output of its own, found that it is an input", "output_exists")
        # Names that differ in case only are one on some disks.
        name = os.path.realpath(output).casefold()
        if name in taken:
            raise InputError(f"{output}: expected each output in a place of its own, found two there", "output_exists")
        taken.add(name)
    if not force:
        _refuse_present(outputs)
    for folder in dict.fromkeys(output.parent for output in outputs):
        check_folder(folder)


def check_absent(job: SynthesisJob) -> None:
    """Refuse outputs and sidecars that are there already; if the job forces, only sidecars of another's making.

    Raises:
        OutputExists: Naming the first of them.
    """
    if not job.force:
        _refuse_present(list(_written(job)))
    for sidecar in map(sidecar_path, job.outputs):
        if sidecar.exists() and not is_sidecar(sidecar):
            raise OutputExists(
                f"{sidecar}: expected room for a sidecar, found a file of another kind; name another output"
            )


def check_folder(folder: Path) -> None:
    """Refuse a folder that no file can be made in; one that is missing will be made, if the one above it is there.

    Raises:
        MissingFile: Neither the folder nor the one above it exists.
        OutputError: It cannot be written to, or the disk is full.
    """
    nearest = folder if folder.exists() else folder.absolute().parent
    if not nearest.exists():
        raise MissingFile(f"{folder}: expected a folder for the output, found none there and none above it")
    try:
        # A file is really made: permissions alone say little on Windows, on network disks and to root.
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise refused_write(folder, error) from error


def _refuse_present(outputs: Sequence[Path]) -> None:
    present = [output for output in outputs if os.path.lexists(output)]
    if present:
        more = f" (and {len(present) - 1} more)" if len(present) > 1 else ""
        raise OutputExists(f"{present[0]}{more}: exists already; --force replaces it")


def _written(job: SynthesisJob) -> Iterator[Path]:
    for output in job.outputs:
        yield output
        yield sidecar_path(output)


def _place(path: Path) -> object:
    """Equal for two names of one file, on disks that ignore case too, as far as the file exists."""
    try:
        status = path.stat()
        return status.st_dev, status.st_ino
    except OSError:
        return os.path.normcase(os.path.realpath(path))
