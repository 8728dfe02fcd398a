"""Several output files that appear together under their names, or not at all."""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from mrsynth.atomic_file import refused_write
from mrsynth.errors import OutputError


def staging_folder(output: Path, run_id: str) -> Path:
    """The hidden folder beside ``output`` (so: on the same disk) in which a run builds its files."""
    return output.parent / f".mrsynth-{run_id}"


def remove_staging(outputs: Iterable[Path], run_id: str) -> None:
    """Remove what a run that was killed has left; for whoever started that run and knows its id."""
    for folder in {staging_folder(output, run_id) for output in outputs}:
        shutil.rmtree(folder, ignore_errors=True)


class StagedOutputs:
    """Files written into a staging folder and renamed into place by ``commit``; leaving the context removes the rest.

    Renames happen in the order in which paths were asked for. A run that is killed between two of them leaves whole
    files only, so ask for the file that explains the others first.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._staged: dict[Path, Path] = {}
        self._made: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        remove_staging(self._staged, self._run_id)
        for folder in self._made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        if isinstance(error, OutputError):
            self._name_output(error)

    def path_for(self, output: Path) -> Path:
        """Where to write the file that will become ``output``; its folder is made if only that is missing.

        Raises:
            OutputError: The folder cannot be made.
        """
        folder = staging_folder(output, self._run_id)
        try:
            if not output.parent.exists():
                output.parent.mkdir()
                self._made.append(output.parent)
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise refused_write(output, error) from error
        self._staged[output] = folder / output.name
        return self._staged[output]

    def _name_output(self, error: OutputError) -> None:
        """Tell of an output by the name it was to have: the staging folder says nothing to a user, and is gone."""
        for output, staged in self._staged.items():
            if str(staged) in str(error):
                raise OutputError(str(error).replace(str(staged), str(output)), error.code) from error

    def commit(self) -> None:
        """Rename every file into place; if one cannot be, those before it are put back as they were.

        Raises:
            OutputError: A file could not be renamed; every output is as it was before.
        """
        replaced: dict[Path, Path | None] = {}
        output = None
        try:
            for output, staged in self._staged.items():
                kept = _keep(output, staged.with_name(f"{staged.name}.kept"))
                os.replace(staged, output)
                replaced[output] = kept
        except OSError as error:
            raise refused_write(output, error) from error
        finally:
            if len(replaced) < len(self._staged):
                _put_back(replaced)
        self._made.clear()


def _keep(output: Path, kept: Path) -> Path | None:
    """A second name (or copy, where the disk has no links) of what is about to be replaced; None if nothing is."""
    if not output.exists():
        return None
    try:
        os.link(output, kept)
    except OSError:
        shutil.copy2(output, kept)
    return kept


def _put_back(replaced: dict[Path, Path | None]) -> None:
    for output, kept in replaced.items():
        with contextlib.suppress(OSError):
            if kept is None:
                output.unlink()
            else:
                os.replace(kept, output)
