"""The scans inside a tar archive, read in place: nothing is unpacked, so no member can land outside its folder."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

from mrsynth.errors import InputError
from mrsynth.volume import is_volume_path
from mrsynth_training.scan_file import ScanFile

_BLOCK = tarfile.BLOCKSIZE


def list_members(archive: Path) -> list[ScanFile]:
    """Return the volumes inside an uncompressed tar archive, in the archive's order.

    Links, devices and sparse files are passed over; a name says which scan it is and is never used as a path.

    Raises:
        InputError: Code ``corrupt_file``, if it is no tar archive or ends before its end; ``unreadable``, if it cannot
            be opened.
    """
    try:
        with tarfile.open(archive, "r:") as tar:
            members = list(_volumes(tar, archive))
            _require_end(archive, tar.offset)
            return members
    except tarfile.TarError as error:
        raise InputError(
            f"{archive}: expected a whole, uncompressed tar archive, found a truncated or damaged one ({error}); "
            "download it again",
            "corrupt_file",
        ) from error
    except OSError as error:
        raise InputError(
            f"{archive}: expected a readable archive, found: {error.strerror or error}", "unreadable"
        ) from error


def _volumes(tar: tarfile.TarFile, archive: Path) -> Iterator[ScanFile]:
    for member in tar:
        if member.isreg() and not member.issparse() and is_volume_path(member.name):
            yield ScanFile(archive, member.name, member.offset_data, member.size)


def _require_end(archive: Path, offset: int) -> None:
    """Refuse an archive that breaks off between two members or at a damaged header, where Python's tarfile just stops.

    Args:
        archive: The archive.
        offset: Where no further member began. A whole archive has a block of zeros there.
    """
    with open(archive, "rb") as file:
        file.seek(offset)
        if file.read(_BLOCK) != bytes(_BLOCK):
            raise tarfile.ReadError(f"no member and no end of the archive at byte {offset}")
