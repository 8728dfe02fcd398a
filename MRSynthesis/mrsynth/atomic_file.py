"""Files whose name only ever belongs to a whole file: another process sees the old one, or the new one."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mrsynth.errors import InputError, OutputError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PARTIAL = ".partial"


@contextmanager
def replacing_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a binary file that gets its name when the block ends without an error, and vanishes when it does not.

    Raises:
        OutputError: Code ``disk_full`` or ``output_unwritable``; what had the name before still has it.
    """
    # Hidden, so that a listing of volumes passes over what a killed process left behind; short, whatever the name.
    temporary = path.with_name(f".{secrets.token_hex(8)}{_PARTIAL}")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, (InputError, OutputError)):
            raise refused_write(path, error) from error
        raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file, making its folder if that is missing.

    Raises:
        OutputError: If it cannot be written.
    """
    make_folder(path.parent)
    with replacing_file(path) as file:
        file.write(data)


def remove_partial_files(folder: Path) -> None:
    """Remove what killed processes left of files in a folder that no other process writes to now."""
    for path in folder.glob(f".*{_PARTIAL}"):
        with suppress(OSError):
            path.unlink()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, as far as they are missing.

    Raises:
        OutputError: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(f"{folder}: expected a folder to write to, found a file") from error
    except OSError as error:
        raise refused_write(folder, error) from error


def refused_write(path: Path, error: OSError) -> OutputError:
    """Return the project's error for an operating system's refusal to write ``path``."""
    if error.errno in _FULL:
        return OutputError(f"{path}: expected room for the output, found a full disk ({error.strerror})", "disk_full")
    return OutputError(f"{path}: expected a place that can be written to, found: {error.strerror or error}")
