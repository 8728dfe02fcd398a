"""Folders that appear under their name complete, or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mrsynth.atomic_file import refused_write
from mrsynth.errors import InputError, OutputError


@contextmanager
def staged_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path`` that takes its name, and the place of an older one, when all went well.

    Raises:
        OutputError: If the folder cannot be made or written, or the disk is full; ``path`` is then as it was.
    """
    with _refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        workspace = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        try:
            part, older = workspace / "new", workspace / "old"
            part.mkdir()
            yield part
            _swap(part, path, older)
        finally:
            shutil.rmtree(workspace, ignore_errors=True)


def _swap(part: Path, path: Path, older: Path) -> None:
    if not path.exists():
        os.replace(part, path)
        return
    os.replace(path, older)  # a folder that is not empty cannot be replaced in one step
    try:
        os.replace(part, path)
    except OSError:
        os.replace(older, path)
        raise


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except (InputError, OutputError):  # both may be kinds of OSError, and say already what was wrong
        raise
    except OSError as error:
        raise refused_write(path, error) from error
