"""Bringing the weights a card names to this computer: asked first, verified, and never half there."""

import http.client
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from mrsynth.atomic_file import make_folder, replacing_file, write_bytes
from mrsynth.errors import Cancelled, InputError
from mrsynth.models.card import CARD_NAME, WEIGHTS_NAME, ModelCard, read_card
from mrsynth.models.integrity import refuse_pickle, verify_sha256
from mrsynth.progress import CancelLook, Progress, ProgressListener, ignore, never

TIMEOUT_S = 30
ADDRESS_SCHEMES = ("https", "file")
LARGEST_CARD_BYTES = 1_000_000
CHUNK_BYTES = 256 * 1024  # small enough that a cancel is noticed at once on a slow line


class SecureRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a server elsewhere only as long as the connection stays encrypted."""

    def redirect_request(  # noqa: PLR0913 (urllib's signature)
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme != "https":
            raise URLError(f"expected to be sent on to an https address, found {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def is_address(text: str) -> bool:
    """Return whether a text is an address to download from, rather than a path or a name."""
    return "://" in text


def fetch_card(address: str, folder: Path, consent: Callable[[str], bool]) -> Path:
    """Fetch a model's card, if the user agrees, into a folder; its weights are another matter.

    Args:
        address: Of the card, https or a file on this computer or a mounted drive.
        folder: Where the card goes; it exists.
        consent: Is shown a question naming the address; nothing is opened unless it agrees.

    Returns:
        The path of the checked card.

    Raises:
        Cancelled: If consent was refused.
        InputError: Code ``download_failed``, or ``bad_card`` if what came is no card.
        OutputError: If the folder cannot be written.
    """
    if urlsplit(address).scheme not in ADDRESS_SCHEMES:
        raise InputError(f"expected an https address of a card, found {address}", code="download_failed")
    if not consent(f"Fetch the model's card from {address}?"):
        raise Cancelled("the card was not fetched, as there was no consent")
    with _open(address) as source:
        try:
            data = source.read(LARGEST_CARD_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise _failed(address, f"broke off: {error}") from error
    if len(data) > LARGEST_CARD_BYTES:
        raise _failed(address, f"expected a card of at most {LARGEST_CARD_BYTES} bytes, found more")
    path = folder / CARD_NAME
    write_bytes(path, data)
    try:
        read_card(path)
    except InputError as error:
        raise InputError(f"{address}: {str(error).removeprefix(f'{path}: ')}", code=error.code) from error
    return path


def download_weights(
    card: ModelCard,
    folder: Path,
    consent: Callable[[str], bool],
    progress: ProgressListener = ignore,
    cancelled: CancelLook = never,
) -> Path:
    """Download a model's weights, if the user agrees, and keep them only if they are what the card says.

    Args:
        card: Its address is https, or a file on this computer or a mounted drive.
        folder: Where the weights go, ``InstalledModel.weights.parent``; made if missing.
        consent: Is shown a question naming address, size, licence and folder; nothing is opened unless it agrees.
        progress: Is told the bytes that have arrived.
        cancelled: Is asked before every piece.

    Returns:
        The path of the verified weights.

    Raises:
        Cancelled: If consent was refused or a cancel was asked for; nothing is left behind.
        InputError: Code ``download_failed``, or ``bad_weights`` if what came is a pickle or not what the card says.
        OutputError: If the folder cannot be written or the disk is full.
    """
    path = Path(folder) / WEIGHTS_NAME
    if card.url is None:
        raise InputError(
            f"model {card.name!r} has no address to download from; copy its weights to {path}", code="download_failed"
        )
    if not consent(_question(card, path)):
        raise Cancelled(f"the weights of model {card.name!r} were not downloaded, as there was no consent")
    make_folder(path.parent)
    with replacing_file(path) as sink, _open(card.url) as source:
        _Transfer(card, progress, cancelled).run(source, sink)
        sink.flush()
        _verify(Path(sink.name), card)
    return path


class _Transfer:
    """Copies a stream piece by piece, and no further than the card's size."""

    def __init__(self, card: ModelCard, progress: ProgressListener, cancelled: CancelLook) -> None:
        self._card = card
        self._progress = progress
        self._cancelled = cancelled
        self._done = 0

    def run(self, source: IO[bytes], sink: IO[bytes]) -> None:
        while piece := self._next_piece(source):
            self._done += len(piece)
            self._refuse_excess()
            sink.write(piece)
            self._progress(Progress("download", self._done, self._card.size_bytes, "network"))
        if self._done < self._card.size_bytes:
            raise _failed(self._card.url, f"expected {self._card.size_bytes} bytes, found the end after {self._done}")

    def _next_piece(self, source: IO[bytes]) -> bytes:
        if self._cancelled():
            raise Cancelled(f"the download of the weights of model {self._card.name!r} was cancelled")
        try:
            return source.read(CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise _failed(self._card.url, f"broke off after {self._done} bytes: {error}") from error

    def _refuse_excess(self) -> None:
        if self._done > self._card.size_bytes:
            raise _failed(self._card.url, f"expected {self._card.size_bytes} bytes, found more; stopped there")


def _open(url: str) -> IO[bytes]:
    try:
        return urllib.request.build_opener(SecureRedirects).open(url, timeout=TIMEOUT_S)
    except HTTPError as error:
        raise _failed(url, f"the server answered {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _failed(url, str(getattr(error, "reason", error))) from error


def _verify(part: Path, card: ModelCard) -> None:
    try:
        refuse_pickle(part)
        verify_sha256(part, card.sha256)
    except InputError as error:
        raise InputError(f"{card.url}: {str(error).removeprefix(f'{part}: ')}", code=error.code) from error


def _question(card: ModelCard, path: Path) -> str:
    return (
        f"Download the weights of model {card.name} {card.version} ({card.size_bytes / 1e6:.1f} MB, "
        f"licence {card.licence}) from {card.url} to {path}?"
    )


def _failed(url: str | None, reason: str) -> InputError:
    return InputError(
        f"{url}: could not be downloaded: {reason}; on a computer without network, copy the model folder here "
        "from one that has it",
        code="download_failed",
    )
