"""What a half-downloaded archive is half of, so that the other half comes from the same version of the same file."""

import http.client
import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError

from mrsynth.errors import InputError
from mrsynth.json_file import write_json
from mrsynth.models.download import TIMEOUT_S, SecureRedirects


@dataclass(frozen=True)
class Origin:
    """A version of a file on a server.

    Attributes:
        address: Where it is.
        version: The server's name or time for just these bytes; empty if it gives none.
        size_bytes: Length of the whole.
    """

    address: str
    version: str
    size_bytes: int

    def write(self, path: Path) -> None:
        """Write it as JSON.

        Raises:
            OutputError: If it cannot be written.
        """
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> "Origin | None":
        """Return what was written, or nothing if that is not there or damaged."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            document = json.loads(path.read_text(encoding="utf-8"))
            return cls(str(document["address"]), str(document["version"]), int(document["size_bytes"]))
        return None


@contextmanager
def opened(address: str, start: int = 0, version: str = "") -> Iterator[tuple[IO[bytes], Origin, int]]:
    """Open a file on a server, from a byte on if it still is of a version.

    Args:
        address: https, or a file on this computer.
        start: The first byte that is wanted.
        version: Of the bytes before that.

    Yields:
        The stream, what it is, and the byte that it starts with: ``start``, or 0 where the server has another version
        or sends whole files only.

    Raises:
        InputError: Code ``download_failed``.
    """
    # If-Range: the rest if the file is still the same, and otherwise the whole of the new one (RFC 9110, 13.1.5).
    headers = {"Range": f"bytes={start}-", "If-Range": version} if start else {}
    try:
        request = urllib.request.Request(address, headers=headers)
        source = urllib.request.build_opener(SecureRedirects).open(request, timeout=TIMEOUT_S)
    except HTTPError as error:
        raise failed(address, f"the server answered {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise failed(address, str(getattr(error, "reason", error))) from error
    with source:
        origin, first = _answered(source, address)
        if first not in (0, start) or (first and origin.version != version):
            raise failed(address, f"expected the rest from byte {start} on, found another part; delete what is there")
        yield source, origin, first


def failed(address: str, reason: str) -> InputError:
    """Return the project's error for a download that did not succeed."""
    return InputError(
        f"{address}: could not be downloaded: {reason}; run the same command again, or put the archive there by hand",
        "download_failed",
    )


def _answered(source: Any, address: str) -> tuple[Origin, int]:
    """Return what the server says it sends, and the byte that it starts with."""
    headers = source.headers
    partial = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers.get("Content-Range") or "")
    length = headers.get("Content-Length") or ""
    start, size = (int(partial[1]), int(partial[2])) if partial else (0, int(length) if length.isdecimal() else 0)
    if not size:
        raise failed(address, "the server does not say how many bytes there are")
    tag = headers.get("ETag") or ""
    # A weak tag says that two versions mean the same, not that their bytes are.
    version = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified") or ""
    return Origin(address, version, size), start
