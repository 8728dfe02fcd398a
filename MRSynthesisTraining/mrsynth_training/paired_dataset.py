"""Prepared subjects as training and evaluation read them: one part of a split, whole volumes or patches."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mrsynth.errors import InputError, MissingFile
from mrsynth_training.split import Split
from mrsynth_training.volume_cache import CachedSubject, read_subject

PROTOCOL_PATCH = (32, 32, 32)


def read_part(cache: Path, split: Split, part: str) -> list[CachedSubject]:
    """Return the subjects of one part of a split in the order of their names, arrays memory-mapped.

    Args:
        cache: Folder that `mrsynth-train prepare` filled.
        split: One of its splits.
        part: ``train``, ``validation``, ``test`` or ``unused``.

    Raises:
        MissingFile: If the cache or a subject is not there.
        InputError: If a subject is damaged, or the subjects were not all prepared in the same way.
    """
    if not cache.is_dir():
        raise MissingFile(f"{cache}: expected a cache of prepared subjects, found no folder")
    subjects = [read_subject(cache, subject) for subject in split.part(part)]
    for subject in subjects:
        for what in ("contrasts", "options"):
            expected, found = subjects[0].description.get(what), subject.description.get(what)
            if found != expected:
                raise InputError(
                    f"{cache}: expected one preparation for all, found {what} {expected} of {subjects[0].subject} and "
                    f"{found} of {subject.subject}; run `mrsynth-train prepare` again"
                )
    return subjects


@dataclass(frozen=True, eq=False)
class PatchPairs:
    """The patches that subjects are cut into without overlap, as a sequence: 49 a subject at the protocol's sizes.

    What is left of a subject beyond the last whole patch is not covered.

    Attributes:
        subjects: Of one shape, see `read_part`.
        source_contrast: What the network is given.
        target_contrast: What it is to make of it.
        patch: Size (in-plane, in-plane, slice).

    Raises:
        InputError: If there are no subjects, they differ in shape or lack a contrast, or are smaller than a patch.
    """

    subjects: Sequence[CachedSubject]
    source_contrast: str
    target_contrast: str
    patch: tuple[int, int, int] = PROTOCOL_PATCH

    def __post_init__(self) -> None:
        shapes = sorted({subject.voxels.shape[1:] for subject in self.subjects})
        if len(shapes) != 1:
            raise InputError(f"expected subjects of one shape, found {shapes or 'no subjects'}")
        if len(self.patch) != 3 or min(self.patch) < 1 or min(self.grid) < 1:
            raise InputError(f"expected a patch that fits into {shapes[0]}, found {self.patch}")
        for subject in self.subjects:
            for contrast in (self.source_contrast, self.target_contrast):
                subject.channel(contrast)

    @property
    def grid(self) -> tuple[int, int, int]:
        """Patches of a subject along each axis: 7 x 7 x 1 at the protocol's sizes."""
        shape = self.subjects[0].voxels.shape[1:]
        return tuple(size // length for size, length in zip(shape, self.patch, strict=True))

    def __len__(self) -> int:
        return len(self.subjects) * int(np.prod(self.grid))

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return source and target of a patch, each float32 (1, in-plane, in-plane, slice), copied from the disk.

        Raises:
            IndexError: If there is no such patch.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"expected a patch from 0 to {len(self) - 1}, found {index}")
        number, place = divmod(index, int(np.prod(self.grid)))
        starts = (i * length for i, length in zip(np.unravel_index(place, self.grid), self.patch, strict=True))
        box = tuple(slice(start, start + length) for start, length in zip(starts, self.patch, strict=True))
        subject = self.subjects[number]
        return tuple(np.array(subject.channel(c)[box])[None] for c in (self.source_contrast, self.target_contrast))
