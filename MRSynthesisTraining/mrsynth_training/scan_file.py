"""Where the bytes of a scan lie: in a file or a folder of their own, or inside an archive that is read in place."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mrsynth.atomic_file import refused_write
from mrsynth.errors import InputError, MissingFile
from mrsynth.volume import Volume, volume_suffix
from mrsynth.volume_reading import read_volume


@dataclass(frozen=True)
class ScanFile:
    """One scan on disk.

    Attributes:
        path: A volume file, a folder with a DICOM series, or an uncompressed tar archive.
        member: Name of the scan inside the archive; empty where ``path`` is the scan itself.
        offset: First byte of the scan inside the archive.
        size_bytes: Length of the scan inside the archive.
    """

    path: Path
    member: str = ""
    offset: int = 0
    size_bytes: int = 0

    @property
    def name(self) -> str:
        """The scan in messages and tables."""
        return f"{self.path}: {self.member}" if self.member else str(self.path)

    def read(self) -> Volume:
        """Return the scan.

        Raises:
            MissingFile: If the file or the archive is gone.
            InputError: If it is not one intact 3-D volume; the message names it.
            OutputError: If a member finds no room in the folder for temporary files.
        """
        if not self.member:
            return read_volume(self.path)
        data = self._member_bytes()
        with TemporaryDirectory(prefix="mrsynth-") as folder:
            # The member's own name is never used as a path: an archive can call its members anything.
            part = Path(folder) / f"member{volume_suffix(self.member)}"
            try:
                part.write_bytes(data)
            except OSError as error:
                raise refused_write(part, error) from error
            try:
                return read_volume(part)
            except InputError as error:
                raise InputError(f"{self.name}: {str(error).removeprefix(f'{part}: ')}", error.code) from error

    def fingerprint(self) -> list[Any]:
        """Return what tells this scan from another or a changed one without reading it: names, sizes, times.

        Raises:
            MissingFile: If the file is gone.
        """
        if not self.path.exists():
            raise MissingFile(f"{self.path}: expected a scan, found nothing")
        if self.path.is_dir():
            listing = repr([(file.name, *_stamp(file)) for file in sorted(self.path.iterdir())])
            return [self.path.name, hashlib.sha256(os.fsencode(listing)).hexdigest()]
        place = [self.member, self.offset, self.size_bytes] if self.member else []
        return [self.path.name, *_stamp(self.path), *place]

    def _member_bytes(self) -> bytes:
        try:
            with open(self.path, "rb") as archive:
                archive.seek(self.offset)
                data = archive.read(self.size_bytes)
        except FileNotFoundError as error:
            raise MissingFile(f"{self.path}: expected an archive, found nothing") from error
        except OSError as error:
            raise InputError(
                f"{self.name}: expected a readable archive, found: {error.strerror}", "unreadable"
            ) from error
        if len(data) < self.size_bytes:
            raise InputError(
                f"{self.name}: expected {self.size_bytes} bytes, the archive ends after {len(data)}", "corrupt_file"
            )
        return data


def _stamp(path: Path) -> Iterator[int]:
    """Yield the size in bytes and the time of the last change in nanoseconds."""
    status = path.stat()
    yield from (status.st_size, status.st_mtime_ns)
