"""The prepared subjects of a run: those it is trained on, and those that choose its best epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrsynth.errors import InputError
from mrsynth.orientation import AS_ACQUIRED
from mrsynth_training.epoch_experiment import EpochExperiment
from mrsynth_training.paired_dataset import PatchPairs, read_part
from mrsynth_training.split_file import read_split
from mrsynth_training.volume_cache import CachedSubject


@dataclass(frozen=True, eq=False)
class EpochSubjects:
    """Subjects of one preparation.

    Attributes:
        train: To learn from.
        validation: To choose the best epoch by.

    Raises:
        InputError: If either is empty, or a subject is in both.
    """

    train: Sequence[CachedSubject]
    validation: Sequence[CachedSubject]

    def __post_init__(self) -> None:
        if not self.train or not self.validation:
            found = f"{len(self.train)} and {len(self.validation)}"
            raise InputError(f"expected at least one subject to train on and another to validate on, found {found}")
        both = {subject.subject for subject in self.train} & {subject.subject for subject in self.validation}
        if both:
            raise InputError(f"expected different subjects to train and to validate on, found {sorted(both)} in both")

    def to_dict(self) -> dict[str, Any]:
        """Return the names of both parts and how they were prepared, for a checkpoint."""
        preparation = self.train[0].description.get("options", {})
        train, validation = ([subject.subject for subject in part] for part in (self.train, self.validation))
        return {"train": train, "validation": validation, "preparation": preparation}

    def patches(self, experiment: EpochExperiment) -> PatchPairs:
        """Return the patches to learn from.

        Raises:
            InputError: If a subject lacks a contrast, was prepared in another plane, or is smaller than a patch.
        """
        for subject in (*self.train, *self.validation):
            _require_plane(subject, experiment.plane)
        contrasts, patch = (experiment.source_contrast, experiment.target_contrast), experiment.schedule.patch
        train, _ = (PatchPairs(part, *contrasts, patch) for part in (self.train, self.validation))
        return train


def read_epoch_subjects(cache: Path, split: Path) -> EpochSubjects:
    """Return the training and validation parts of a split.

    Raises:
        MissingFile: If the split, the cache or a subject is not there.
        InputError: If one is damaged, or the subjects were not all prepared in the same way.
    """
    parts = read_split(split)
    return EpochSubjects(read_part(cache, parts, "train"), read_part(cache, parts, "validation"))


def _require_plane(subject: CachedSubject, plane: str) -> None:
    found = subject.description.get("plane")
    if plane not in (AS_ACQUIRED, found):
        raise InputError(
            f"expected subjects prepared in {plane} slices, as the experiment says, found {subject.subject} in {found} "
            f"ones; run `mrsynth-train prepare` with --plane {plane}"
        )
