"""What each idea in the default models' training is worth: short trainings with it and without it, two seeds each.

``python Testing/benchmarks/ablations.py CACHE HELD_OUT PAIRS RECORDS`` trains on the scans of CACHE and measures on
those of HELD_OUT, folders as `mrsynth-train simulate` and `ablation_held_out.py` fill them, and on the acquired pairs
in the table PAIRS. It writes a record of each training into the JSON file RECORDS and leaves alone what is measured
there already. `ablation_page.py` merges such files and writes ``ABLATIONS.md``.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from ablation_measurement import Acquired, acquired_pairs, measure, scaled
from ablation_records import key_of, read_records, write_records
from ablation_variants import DIRECTIONS, SEEDS, VARIANTS, Pairs, Variant, experiment_of

from mrsynth.devices import resolve_device
from mrsynth_training.hardware import describe_hardware
from mrsynth_training.pair_cache import read_cache
from mrsynth_training.trainer import Trainer


@dataclasses.dataclass(frozen=True)
class Bench:
    """What all variants are trained and measured on.

    Attributes:
        scans: To train on.
        held_out: Simulated scans of other heads.
        real: Acquired pairs, each image divided by the median of its tissue.
        steps: Of each training.
        device: Where to train.
    """

    scans: Pairs
    held_out: Pairs
    real: Sequence[Acquired]
    steps: int
    device: torch.device

    def record(self, name: str, direction: str, seed: int) -> dict[str, Any]:
        """Train a variant and return its record."""
        figures = self._figures(VARIANTS[name], direction, seed)
        made = {"variant": name, "direction": direction, "seed": seed, "steps": self.steps}
        return made | {"hardware": describe_hardware(self.device), "figures": figures}

    def _figures(self, variant: Variant, direction: str, seed: int) -> dict[str, float]:
        experiment = experiment_of(direction, variant, seed, self.steps)
        with tempfile.TemporaryDirectory() as folder:
            trainer = Trainer(experiment, variant.scans(self.scans), Path(folder) / "run", device=self.device)
            trainer.fit(lambda status: None)
        return measure(trainer, variant.measured(self.held_out), scaled(self.real, variant.scale))

    def is_done(self, record: dict[str, Any]) -> bool:
        """Return whether a record is of as many steps and says how every acquired pair came out."""
        return record["steps"] == self.steps and {name for name, _ in self.real} <= set(record["figures"])


def run(bench: Bench, names: Sequence[str], directions: Sequence[str], path: Path, say: Callable[[str], None]) -> None:
    """Train and measure what the records in a file lack, writing them anew after each training."""
    records = {key_of(each): each for each in (read_records([path]) if path.is_file() else [])}
    wanted = [(name, direction, seed) for name in names for direction in directions for seed in SEEDS]
    for key in wanted:
        if key not in records or not bench.is_done(records[key]):
            records[key] = bench.record(*key)
            write_records(path, records.values())
            say(json.dumps(records[key]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("cache", "held_out", "pairs", "records"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--steps", type=int, default=1000, help="of each training (default: %(default)s)")
    parser.add_argument("--scans", type=int, default=160, help="the first so many of the cache (default: %(default)s)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--only", action="append", choices=list(VARIANTS), help="may be given more than once")
    parser.add_argument("--directions", nargs="+", default=DIRECTIONS, choices=DIRECTIONS)
    options = parser.parse_args(arguments)
    scans, held_out = read_cache(options.cache)[: options.scans], read_cache(options.held_out)
    bench = Bench(scans, held_out, acquired_pairs(options.pairs), options.steps, resolve_device(options.device))
    names = options.only or list(VARIANTS)
    run(bench, names, options.directions, options.records, lambda line: print(line, flush=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
