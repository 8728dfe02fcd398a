"""Bringing IXI's archives to this computer: asked first, and gone on with after an interruption.

A download is half there under the name ``IXI-T2.tar.partial``, with its origin beside it, and has the archive's own
name only once it is whole. Its checksum is recorded then, see `archive_checksum`.
"""

import hashlib
import http.client
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from mrsynth.atomic_file import make_folder, refused_write
from mrsynth.errors import Cancelled, InputError, OutputError
from mrsynth.models.download import ADDRESS_SCHEMES
from mrsynth.progress import CancelLook, Progress, ProgressListener, ignore, never
from mrsynth_training.archive_checksum import file_sha256, read_into, record_checksum
from mrsynth_training.archive_origin import Origin, failed, opened
from mrsynth_training.data_origin import IXI_LICENCE
from mrsynth_training.ixi_scans import ARCHIVES

ADDRESS = "https://biomedic.doc.ic.ac.uk/brain-development/downloads/IXI"
# For the question only: nothing is opened before it is answered, so the server cannot be asked for the size.
APPROXIMATE_GB = {"T2": 3.9, "PD": 4.1}
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class ArchiveDownload:
    """Downloads archives of IXI.

    Attributes:
        folder: Where they go; made if missing.
        address: Of the folder they are in: https, or a file address of a mounted drive.
        progress: Is told the bytes that are there.
        cancelled: Is asked before every piece.

    Raises:
        InputError: If the address is neither https nor file.
    """

    folder: Path
    address: str = ADDRESS
    progress: ProgressListener = ignore
    cancelled: CancelLook = never

    def __post_init__(self) -> None:
        if urlsplit(self.address).scheme not in ADDRESS_SCHEMES:
            raise InputError(f"expected an https or file address, found {self.address}", "download_failed")

    def question(self, contrasts: Sequence[str]) -> str:
        """Return what a person has to agree to."""
        archives = " and ".join(f"{ARCHIVES[each]} (about {APPROXIMATE_GB[each]:.1f} GB)" for each in contrasts)
        return (
            f"Download {archives} of the IXI dataset, licence {IXI_LICENCE}, from {self.address} to {self.folder}? "
            "No official checksum is known: the one of what arrives is recorded and verified on each later use."
        )

    def fetch(self, contrasts: Sequence[str], consent: Callable[[str], bool]) -> None:
        """Download archives, going on with what an earlier download left.

        Args:
            contrasts: ``T2``, ``PD`` or both; nothing is asked if there are none.
            consent: Is shown the question; nothing is opened unless it agrees.

        Raises:
            Cancelled: If there was no consent, or a cancel was asked for; what has arrived stays for the next time.
            InputError: Code ``download_failed``; what has arrived stays for the next time.
            OutputError: If the folder cannot be written or the disk is full.
        """
        if not contrasts:
            return
        if not consent(self.question(contrasts)):
            raise Cancelled("IXI was not downloaded, as there was no consent")
        make_folder(self.folder)
        for contrast in contrasts:
            self._fetch(ARCHIVES[contrast])

    def _fetch(self, name: str) -> None:
        archive, address = self.folder / name, f"{self.address.rstrip('/')}/{name}"
        part = archive.with_name(f"{name}.partial")
        try:
            with open(part, "ab") as sink:
                digest = self._whole(address, part, sink)
                sink.flush()
                os.fsync(sink.fileno())
            record_checksum(archive, digest)
            os.replace(part, archive)
            _origin_path(part).unlink(missing_ok=True)
        except (InputError, OutputError):
            raise
        except OSError as error:
            raise refused_write(part, error) from error

    def _whole(self, address: str, part: Path, sink: IO[bytes]) -> str:
        """Append what is missing of an archive to ``part``; return the SHA-256 of the whole."""
        there, earlier = sink.tell(), Origin.read(_origin_path(part))
        if earlier is None or earlier.address != address or not earlier.version or there > earlier.size_bytes:
            there, earlier = 0, Origin(address, "", 0)
        if there and there == earlier.size_bytes:
            return file_sha256(part)  # the last time ended between the last byte and the new name
        with opened(address, there, earlier.version) as (source, origin, start):
            sink.truncate(start)
            origin.write(_origin_path(part))
            digest = hashlib.sha256()
            read_into(digest, part)
            self._copy(source, _Arrival(sink, digest, origin, start))
        return digest.hexdigest()

    def _copy(self, source: IO[bytes], arrival: "_Arrival") -> None:
        name, size = Path(arrival.origin.address).name, arrival.origin.size_bytes
        while piece := self._piece(source, arrival):
            arrival.take(piece)
            self.progress(Progress(f"download of {name}", arrival.done, size, ""))
        if arrival.done < size:
            raise failed(arrival.origin.address, f"expected {size} bytes, found the end after {arrival.done}")

    def _piece(self, source: IO[bytes], arrival: "_Arrival") -> bytes:
        done, size = arrival.done, arrival.origin.size_bytes
        if self.cancelled():
            raise Cancelled(f"interrupted after {done} of {size} bytes; the same command goes on from there")
        try:
            return source.read(CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise failed(arrival.origin.address, f"broke off after {done} bytes: {error}") from error


@dataclass
class _Arrival:
    """What has arrived of an archive: the file it is appended to, its SHA-256 so far, how many bytes."""

    sink: IO[bytes]
    digest: Any
    origin: Origin
    done: int

    def take(self, piece: bytes) -> None:
        if self.done + len(piece) > self.origin.size_bytes:
            raise failed(self.origin.address, f"expected {self.origin.size_bytes} bytes, found more")
        self.sink.write(piece)
        self.digest.update(piece)
        self.done += len(piece)


def _origin_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")
