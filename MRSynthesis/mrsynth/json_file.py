"""JSON documents on disk that are either whole or not there."""

import contextlib
import errno
import json
import os
import uuid
from pathlib import Path
from typing import Any

from mrsynth.errors import OutputError


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a document under a temporary name beside ``path``, then rename it.

    Only ASCII is written, so that a file name that is not valid Unicode survives as an escape.

    Raises:
        OutputError: The folder cannot be written to, or the disk is full; nothing is left behind.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("w", encoding="ascii", newline="\n") as stream:
            json.dump(document, stream, indent=2, allow_nan=False)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise refused_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def refused_write(path: Path, error: OSError) -> OutputError:
    """The project's error for an operating system's refusal to write ``path``."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(f"{path}: the disk is full", code="disk_full")
    return OutputError(f"{path}: cannot be written ({error.strerror or error})")
