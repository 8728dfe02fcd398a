"""Prepared subjects on disk: one memory-mapped array each, with the numbers that describe it beside it.

``subject_NAME.npy`` is float32 (2, in-plane, in-plane, slice): source, target. ``subject_NAME.json`` says what it was
made from and how. It is written after the array and removed before the array is replaced, so that its presence says
that the array is whole and of that description.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mrsynth.atomic_file import refused_write, replacing_file
from mrsynth.errors import InputError, MissingFile
from mrsynth.json_file import write_json
from mrsynth_training.data_origin import ORIGINS, OWN, DataOrigin
from mrsynth_training.preprocessing import PreparedPair

FORMAT = 2


@dataclass(frozen=True, eq=False)
class CachedSubject:
    """One subject of the cache.

    Attributes:
        voxels: float32 (2, in-plane, in-plane, slice), memory-mapped, read-only; channels as
            ``contrasts``.
        description: What it was made from and how, see `write_subject`.
    """

    voxels: np.ndarray
    description: dict[str, Any]

    @property
    def subject(self) -> str:
        return self.description["subject"]

    @property
    def site(self) -> str:
        return self.description["site"]

    @property
    def origin(self) -> DataOrigin:
        """Where the scans come from."""
        return ORIGINS.get(self.description.get("origin"), ORIGINS[OWN])

    @property
    def contrasts(self) -> tuple[str, str]:
        """Names of the two channels: source, target."""
        return tuple(self.description["contrasts"])

    @property
    def affine(self) -> np.ndarray:
        """4x4 float64, index (in-plane, in-plane, slice) to RAS mm."""
        return np.array(self.description["affine"])

    def channel(self, contrast: str) -> np.ndarray:
        """Return one contrast, (in-plane, in-plane, slice).

        Raises:
            InputError: If the subject has no such contrast.
        """
        if contrast not in self.contrasts:
            raise InputError(f"expected a contrast of {list(self.contrasts)}, found {contrast!r}")
        return self.voxels[self.contrasts.index(contrast)]


def description_path(cache: Path, subject: str) -> Path:
    """Return where the description of a subject lies; the array has the ending ``.npy`` instead."""
    return cache / f"subject_{subject}.json"


def array_path(cache: Path, subject: str) -> Path:
    """Return where the array of a subject lies."""
    return cache / f"subject_{subject}.npy"


def write_subject(cache: Path, made_from: dict[str, Any], prepared: PreparedPair) -> None:
    """Write the array, then the description.

    Args:
        cache: An existing folder.
        made_from: Subject, site, origin, contrasts, options and fingerprints; kept in the description as it is.
        prepared: The array and its geometry.

    Raises:
        OutputError: If there is no room or the folder cannot be written to.
    """
    subject = made_from["subject"]
    forget_subject(cache, subject)
    with replacing_file(array_path(cache, subject)) as file:
        np.save(file, prepared.voxels)
    geometry = {
        "shape": list(prepared.voxels.shape),
        "acquired": list(prepared.acquired),
        "affine": prepared.affine.tolist(),
        "plane": prepared.plane,
        "scales": [asdict(scale) for scale in prepared.scales],
    }
    write_json(description_path(cache, subject), {"format": FORMAT, **made_from, **geometry})


def forget_subject(cache: Path, subject: str) -> None:
    """Remove a subject, the description first; nothing happens if it is not there.

    Raises:
        OutputError: If it cannot be removed.
    """
    for path in (description_path(cache, subject), array_path(cache, subject)):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise refused_write(path, error) from error


def find_subject(cache: Path, made_from: dict[str, Any]) -> CachedSubject | None:
    """Return the subject if the cache has it whole and made from just this; otherwise nothing."""
    try:
        found = read_subject(cache, made_from["subject"])
    except InputError:
        return None
    same = all(found.description.get(name) == value for name, value in made_from.items())
    return found if same else None


def read_subject(cache: Path, subject: str) -> CachedSubject:
    """Return a subject, its array memory-mapped.

    Raises:
        MissingFile: If the cache does not have it, or only half of it.
        InputError: Code ``corrupt_file``, if the array or the description is damaged or of another format.
    """
    description, array = _read_description(description_path(cache, subject)), array_path(cache, subject)
    if not array.is_file():
        raise MissingFile(f"{array}: expected the array that its description promises, found none; prepare it again")
    try:
        voxels = np.load(array, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(
            f"{array}: expected a whole NumPy array, found a damaged one: {error}", "corrupt_file"
        ) from error
    _require_layout(array, voxels, description["shape"])
    return CachedSubject(voxels, description)


def _read_description(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise MissingFile(f"{path}: expected a prepared subject, found none; run `mrsynth-train prepare`")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        known = document["format"] == FORMAT and {"subject", "site", "contrasts", "shape", "affine"} <= document.keys()
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: expected a description in JSON, found a damaged one", "corrupt_file") from error
    if not known:
        expected = f"expected a description of format {FORMAT}, found another; prepare it again"
        raise InputError(f"{path}: {expected}", "corrupt_file")
    return document


def _require_layout(array: Path, voxels: np.ndarray, shape: Sequence[int]) -> None:
    if voxels.dtype != np.float32 or voxels.shape != tuple(shape):
        found = f"{voxels.dtype} {voxels.shape}"
        raise InputError(f"{array}: expected float32 {tuple(shape)}, found {found}; prepare it again", "corrupt_file")
