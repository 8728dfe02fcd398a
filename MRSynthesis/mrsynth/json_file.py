"""JSON documents on disk that are either whole or not there."""

import json
from pathlib import Path
from typing import Any

from mrsynth.atomic_file import replacing_file


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a document, replacing one of the same name.

    Only ASCII is written, so that a file name that is not valid Unicode survives as an escape.

    Raises:
        OutputError: The folder cannot be written to, or the disk is full; nothing is left behind.
        ValueError: A number is NaN or infinite, which JSON does not know.
    """
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    with replacing_file(path) as file:
        file.write(text.encode("ascii"))
