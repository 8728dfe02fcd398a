"""Simulated scans in the place of acquired ones: prepared like IXI's, at the protocol's full size."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

import torch

from mrsynth.volume import Volume
from mrsynth_training.cache_filling import PreparationTask
from mrsynth_training.data_origin import SIMULATED
from mrsynth_training.evaluation_cases import stack_affine
from mrsynth_training.label_maps import read_label_map
from mrsynth_training.pair_cache import subject_of
from mrsynth_training.preprocessing import PreprocessingOptions
from mrsynth_training.scan_file import ScanFile
from mrsynth_training.simulation import simulate
from mrsynth_training.split import PARTS, UNUSED, Split, SplitOptions, split_subjects

CONTRASTS = ("T2", "PD")
PROTOCOL = "ixi"
SITE = "simulated"
# The simulated slices lie where the protocol leaves every third one: 224 x 224 x 32 as they are.
SIZE = (224, 224, 32)
# In a subject's name, between the head and the number of its scan.
BETWEEN = "-scan-"


@dataclass(frozen=True)
class SimulatedEcho:
    """One echo of a simulated scan, as far as a cache needs to know it.

    Attributes:
        label_map: The head.
        contrast: ``T2`` or ``PD``.
        seed: Of the scan.
    """

    label_map: Path
    contrast: str
    seed: int

    def fingerprint(self) -> list[Any]:
        """Return what tells this echo from another: the label map's file, and how it is simulated.

        Raises:
            MissingFile: If the label map is gone.
        """
        return [*ScanFile(self.label_map).fingerprint(), self.contrast, PROTOCOL, self.seed]


@dataclass(frozen=True)
class SimulatedScanPair:
    """Both echoes of one simulated scan of a head; stands for a `ScanPair` in a `PreparationTask`.

    Attributes:
        label_map: The head.
        seed: Everything random about the scan follows from it.
        number: Of the scan among several of the head; None where it is the only one.
    """

    label_map: Path
    seed: int
    number: int | None = None

    @property
    def subject(self) -> str:
        head = subject_of(self.label_map)
        return head if self.number is None else f"{head}{BETWEEN}{self.number:02d}"

    @property
    def site(self) -> str:
        return SITE

    @property
    def origin(self) -> str:
        return SIMULATED

    @property
    def source(self) -> SimulatedEcho:
        return SimulatedEcho(self.label_map, CONTRASTS[0], self.seed)

    @property
    def target(self) -> SimulatedEcho:
        return SimulatedEcho(self.label_map, CONTRASTS[1], self.seed)

    def read(self) -> tuple[Volume, Volume]:
        """Simulate the scan and return its T2- and PD-weighted echoes as acquired, with their noise.

        Raises:
            MissingFile: If the label map is gone.
            InputError: If it is no label map.
        """
        if parent_process() is not None:
            torch.set_num_threads(1)  # the other cores simulate other heads
        scan = simulate(read_label_map(self.label_map), self.seed, PROTOCOL)
        affine = stack_affine(scan.geometry)
        return Volume(scan.t2, affine), Volume(scan.pd, affine)


def plan_subjects(
    label_maps: Sequence[Path], cache: Path, seed: int, scans_a_head: int = 1, size: Sequence[int] = SIZE
) -> list[PreparationTask]:
    """Return the tasks that fill a cache with scans of each head; see `split_heads` for what becomes of several.

    Args:
        label_maps: Heads, each with a name of its own.
        cache: Folder of the result.
        seed: Of the first scan; the others count up from it.
        scans_a_head: How many, each a subject by itself.
        size: Voxels (in-plane, in-plane, slice) of a prepared subject.
    """
    options = PreprocessingOptions(tuple(size), slice_step=1)
    scans = [(path, None if scans_a_head == 1 else number) for path in label_maps for number in range(scans_a_head)]
    pairs = (SimulatedScanPair(path, seed + index, number) for index, (path, number) in enumerate(scans))
    return [PreparationTask(pair, cache, CONTRASTS, options) for pair in pairs]


def split_heads(subjects: Collection[str], options: SplitOptions) -> Split:
    """Split simulated subjects by their heads: two scans of one head in different parts would leak.

    Args:
        subjects: Names of the subjects of `plan_subjects`.
        options: How many heads each part gets, or in which proportion.

    Raises:
        InputError: If there are fewer than three heads.
    """
    split = split_subjects({head_of(subject): SITE for subject in subjects}, options)
    part_of = {head: part for part in (*PARTS, UNUSED) for head in split.part(part)}
    parts = {part: tuple(sorted(s for s in subjects if part_of[head_of(s)] == part)) for part in (*PARTS, UNUSED)}
    return Split(**parts, sites=dict.fromkeys(sorted(subjects), SITE), seed=options.seed)


def head_of(subject: str) -> str:
    """Return the head that a subject of `plan_subjects` is a scan of."""
    return re.sub(rf"{BETWEEN}\d{{2,}}$", "", subject)
