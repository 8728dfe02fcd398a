"""What models are judged on: simulated scans of heads they have not seen, and real pairs named in a table."""

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mrsynth.errors import InputError, MissingFile
from mrsynth.volume import Volume
from mrsynth.volume_reading import read_volume
from mrsynth_training.acquisition import PLANES, SliceGeometry
from mrsynth_training.label_maps import read_label_map
from mrsynth_training.marked_head import HeadMarking, PlacedLesion, ScanMarks
from mrsynth_training.pair_cache import subject_of
from mrsynth_training.simulation import ScanKind, simulate

PAIR_COLUMNS = ("name", "T2", "PD")

# Simulated scans by what tells them apart; the first word of each stands in the names of its cases.
KINDS = {
    "ixi protocol": ScanKind("ixi"),
    "random protocol": ScanKind("random"),
    "wide variety": ScanKind("random", wide=True),
}


@dataclass(frozen=True, eq=False)
class KnownScan:
    """A simulated scan, of which everything is known.

    Attributes:
        volumes: By contrast, ``T2`` and ``PD``, as acquired, with noise.
        targets: By contrast, what the networks are asked for: without noise, at the echo times of training.
        marks: What each voxel shows, (in-plane, in-plane, slice).
        lesions: That the head was given.
        noise: Standard deviation of the noise in ``volumes``.
    """

    volumes: dict[str, Volume]
    targets: dict[str, Volume]
    marks: ScanMarks
    lesions: tuple[PlacedLesion, ...]
    noise: float

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        return self.volumes["T2"].spacing_mm


@dataclass(frozen=True, eq=False)
class EvaluationCase:
    """A dual-echo scan: both echoes as acquired (or simulated as acquired, noise and all).

    Attributes:
        group: Cases of one group are summarised together.
        name: Of the case.
        volumes: By contrast, ``T2`` and ``PD``.
        healthy: What is known of a simulated scan: ``volumes`` are its own. None for a real one.
        lesioned: The same scan of the same head with lesions.
    """

    group: str
    name: str
    volumes: dict[str, Volume]
    healthy: KnownScan | None = None
    lesioned: KnownScan | None = None


def unseen_heads(label_maps: Sequence[Path], trained: Collection[str]) -> list[Path]:
    """Return the label maps that no training scan was made from, told by their names.

    Args:
        label_maps: Heads.
        trained: Names of those that were trained on, see `pair_cache.subject_of`.

    Raises:
        InputError: If every label map was trained on.
    """
    heads = [path for path in label_maps if subject_of(path) not in trained]
    if not heads:
        raise InputError(
            f"expected heads that were not trained on, found none among {len(label_maps)} beside those of training"
        )
    return heads


def simulated_cases(label_maps: Sequence[Path], kind: str, scans_a_head: int, seed: int) -> Iterator[EvaluationCase]:
    """Simulate scans of healthy heads, ``scans_a_head`` of each, one at a time, and each again with lesions.

    Args:
        label_maps: Heads that were not trained on.
        kind: One of `KINDS`.
        scans_a_head: Scans of each head.
        seed: Of the first scan; apart from any seed of training.
    """
    for index, path in enumerate(label_maps):
        labels = read_label_map(path)
        for repeat in range(scans_a_head):
            number = seed + index * scans_a_head + repeat
            healthy = _known_scan(labels, number, KINDS[kind], HeadMarking())
            lesioned = _known_scan(labels, number, KINDS[kind], HeadMarking(number))
            name = f"{subject_of(path)}, {kind.split()[0]}, scan {repeat + 1}"
            yield EvaluationCase(f"simulated, {kind}", name, healthy.volumes, healthy, lesioned)


def _known_scan(labels: np.ndarray, seed: int, kind: ScanKind, marking: HeadMarking) -> KnownScan:
    pair = simulate(labels, seed, kind, marking=marking)
    affine = stack_affine(pair.geometry)
    return KnownScan(
        volumes={"T2": Volume(pair.t2, affine), "PD": Volume(pair.pd, affine)},
        targets={"T2": Volume(pair.t2_target, affine), "PD": Volume(pair.pd_target, affine)},
        marks=ScanMarks.of(pair.marks),
        lesions=marking.lesions,
        noise=pair.noise,
    )


def stack_affine(geometry: SliceGeometry) -> np.ndarray:
    """Return the 4x4 affine (RAS mm) of a simulated stack, centred on the origin."""
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    spacings = (geometry.pixel_mm, geometry.pixel_mm, geometry.spacing_mm)
    sizes = (geometry.matrix, geometry.matrix, geometry.slices)
    for column, (axis, spacing, size) in enumerate(zip(PLANES[geometry.plane], spacings, sizes, strict=True)):
        affine[axis, column] = spacing
        affine[axis, 3] = -spacing * (size - 1) / 2
    return affine


def real_cases(table: Path) -> Iterator[EvaluationCase]:
    """Read real pairs from a CSV table with the columns name, T2 and PD; paths are relative to the table.

    Raises:
        MissingFile: If the table, or a volume it names, does not exist.
        InputError: If a column is missing or a volume cannot be read.
    """
    if not table.is_file():
        raise MissingFile(f"{table}: expected a table of pairs, found none")
    with open(table, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not set(PAIR_COLUMNS) <= set(reader.fieldnames or ()):
            raise InputError(f"{table}: expected the columns {', '.join(PAIR_COLUMNS)}, found {reader.fieldnames}")
        rows = list(reader)
    for row in rows:
        volumes = {contrast: read_volume(table.parent / row[contrast]) for contrast in ("T2", "PD")}
        yield EvaluationCase(row["name"], row["name"], volumes)
