"""Whether a weights file is the one its card vouches for, found out without running anything it contains."""

import hashlib
from pathlib import Path

from safetensors import SafetensorError, safe_open

from mrsynth.errors import InputError, MissingFile
from mrsynth.models.card import ModelCard

# How a file begins that Python would unpickle: torch.save's zip archive, and a bare pickle of protocol 2 to 5.
PICKLE_BEGINNINGS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify_sha256(path: Path, expected: str) -> None:
    """Refuse a file whose SHA-256 is another than expected.

    Raises:
        InputError: Code ``bad_weights``.
    """
    _compare_sha256(path, sha256_of(path), expected)


def read_weights(path: Path, card: ModelCard) -> bytes:
    """Return the bytes of a weights file that is, byte for byte, the one the card was written for.

    What is checked is what is returned, so a file that is exchanged afterwards does no harm.

    Raises:
        MissingFile: If there is no such file.
        InputError: Code ``bad_weights``, if it is a pickle, or its size or SHA-256 is not the card's.
    """
    if not path.is_file():
        raise MissingFile(f"{path}: expected the weights of model {card.name!r}, found no such file{_remedy(card)}")
    try:
        refuse_pickle(path)
        found = path.stat().st_size
        if found != card.size_bytes:
            raise InputError(
                f"{path}: expected {card.size_bytes} bytes as model {card.name!r} has, found {found}; "
                "the file is incomplete or another one",
                code="bad_weights",
            )
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: expected readable weights, found: {error}", code="bad_weights") from error
    _compare_sha256(path, hashlib.sha256(data).hexdigest(), card.sha256)
    return data


def verify_weights(path: Path, card: ModelCard) -> None:
    """Check all about a weights file that can be checked without building the network.

    Raises:
        MissingFile: If there is no such file.
        InputError: Code ``bad_weights``, if it is not the card's, or no safetensors file.
    """
    read_weights(path, card)
    tensor_shapes(path)


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor in a safetensors file, by name.

    Raises:
        InputError: Code ``bad_weights``, if it is not a whole safetensors file.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        raise not_safetensors(path, error) from error


def not_safetensors(path: Path, error: Exception) -> InputError:
    """The project's error for a file that the safetensors format does not describe."""
    return InputError(f"{path}: expected a whole safetensors file, found: {error}", code="bad_weights")


def refuse_pickle(path: Path) -> None:
    """Refuse a file that begins like a PyTorch checkpoint or a pickle, which could run code when opened.

    Raises:
        InputError: Code ``bad_weights``.
    """
    with path.open("rb") as file:
        beginning = file.read(9)
    # The length of a safetensors header, which comes first, could look like a pickle; its ninth byte, "{", does not.
    if beginning.startswith(PICKLE_BEGINNINGS) and beginning[8:] != b"{":
        raise InputError(
            f"{path}: expected safetensors weights, found a pickle (such as torch.save writes); "
            "pickles can run any program and are never opened",
            code="bad_weights",
        )


def _compare_sha256(path: Path, found: str, expected: str) -> None:
    if found != expected:
        raise InputError(
            f"{path}: expected SHA-256 {expected}, found {found}; the file is damaged or not the card's",
            code="bad_weights",
        )


def _remedy(card: ModelCard) -> str:
    if card.url is None:
        return "; copy the file there"
    return f"; it can be downloaded from {card.url}, or copied there by hand"
