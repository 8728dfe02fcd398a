"""Records of short trainings: how they are kept, and what two seeds of a variant say beside each other."""

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablation_variants import DIRECTIONS, SHIPPED, VARIANTS

Record = dict[str, Any]
Key = tuple[str, str, int]

# Of a difference between two means of two seeds, in standard deviations of one training, pooled over the variants:
# one in twenty is larger by chance (Student's t with seven degrees of freedom).
CLEAR = 2.4


def key_of(record: Record) -> Key:
    """Return variant, direction and seed."""
    return record["variant"], record["direction"], record["seed"]


def read_records(paths: Iterable[Path]) -> list[Record]:
    """Return the records of several files; of two of one training the later one."""
    records = [record for path in paths for record in json.loads(path.read_text(encoding="utf-8"))]
    return list({key_of(record): record for record in records}.values())


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write records, one a line, by direction, variant and seed."""
    names = list(VARIANTS)

    def place(record: Record) -> tuple[int, int, int]:
        return DIRECTIONS.index(record["direction"]), names.index(record["variant"]), record["seed"]

    lines = [json.dumps(record, allow_nan=False) for record in sorted(records, key=place)]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


@dataclass(frozen=True)
class Ablation:
    """The records of one direction.

    Attributes:
        figures: By variant, of each seed in turn, name and value of what was measured.
    """

    figures: dict[str, Sequence[dict[str, float]]]

    @classmethod
    def of(cls, records: Iterable[Record], direction: str) -> "Ablation":
        """Return what the records say of a direction, variants in their order."""
        found: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
        for record in sorted(records, key=key_of):
            if record["direction"] == direction:
                found[record["variant"]].append(record["figures"])
        return cls({name: seeds for name, seeds in found.items() if seeds})

    def seeds(self, variant: str, figure: str) -> list[float]:
        """Return a figure of each seed; empty if it was not measured."""
        return [seed[figure] for seed in self.figures[variant] if figure in seed]

    def spread(self, figure: str) -> float:
        """Return the standard deviation of a figure between seeds, over all variants; NaN if none has two."""
        seeds = [self.seeds(variant, figure) for variant in self.figures]
        variances = [statistics.variance(values) for values in seeds if len(values) > 1]
        return math.sqrt(statistics.fmean(variances)) if variances else math.nan

    def difference(self, variant: str, figure: str, reference: str = SHIPPED) -> float | None:
        """Return by how much a variant's mean lies above that of another; None if one of them was not measured."""
        ours, theirs = self.seeds(variant, figure), self.seeds(reference, figure)
        return statistics.fmean(ours) - statistics.fmean(theirs) if ours and theirs else None

    def is_clear(self, variant: str, figure: str, reference: str = SHIPPED) -> bool:
        """Return whether a variant differs by more than seeds explain."""
        difference = self.difference(variant, figure, reference)
        return difference is not None and abs(difference) > CLEAR * self.spread(figure)
