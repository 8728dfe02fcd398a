"""Whether an archive still is what arrived.

No checksum of IXI's publishers is known, and none is made up here. The SHA-256 of an archive is taken when it has
arrived and written beside it, as ``sha256sum`` writes it. It cannot tell whether what arrived is what was published; it
does tell whether the archive was damaged or exchanged since.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

from mrsynth.atomic_file import write_bytes
from mrsynth.errors import InputError
from mrsynth.progress import Progress, ProgressListener, ignore

SUFFIX = ".sha256"
CHUNK_BYTES = 1 << 20


def checksum_path(archive: Path) -> Path:
    """Return where the checksum of an archive is kept."""
    return archive.with_name(archive.name + SUFFIX)


def record_checksum(archive: Path, digest: str) -> None:
    """Write the SHA-256 of an archive beside it.

    Raises:
        OutputError: If it cannot be written.
    """
    write_bytes(checksum_path(archive), f"{digest}  {archive.name}\n".encode())


def verify_archive(archive: Path, progress: ProgressListener = ignore) -> bool:
    """Compare an archive with the checksum beside it; return whether there is one.

    Raises:
        InputError: Code ``corrupt_file``, if the archive is not what it was, or the checksum cannot be read.
    """
    record = checksum_path(archive)
    if not record.is_file():
        return False
    expected = record.read_text(encoding="utf-8", errors="replace").split()
    if not expected or not re.fullmatch("[0-9a-f]{64}", expected[0]):
        raise InputError(f"{record}: expected a SHA-256 in hexadecimal digits, found none", "corrupt_file")
    found = file_sha256(archive, progress)
    if found != expected[0]:
        raise InputError(
            f"{archive}: expected SHA-256 {expected[0]}, as it arrived, found {found}: it is damaged or was replaced; "
            f"download it again, or delete {record.name} if you replaced it yourself",
            "corrupt_file",
        )
    return True


def file_sha256(path: Path, progress: ProgressListener = ignore) -> str:
    """Return a file's SHA-256 in lower-case hexadecimal digits, telling how many of its bytes are read."""
    digest = hashlib.sha256()
    read_into(digest, path, progress)
    return digest.hexdigest()


def read_into(digest: Any, path: Path, progress: ProgressListener = ignore) -> None:
    """Feed a file to a running hash of `hashlib`."""
    total, done = path.stat().st_size, 0
    with open(path, "rb") as file:
        while piece := file.read(CHUNK_BYTES):
            digest.update(piece)
            done += len(piece)
            progress(Progress(f"check of {path.name}", min(done, total), total, ""))
