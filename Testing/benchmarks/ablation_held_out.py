"""The simulated scans that ablations are measured on: of heads beyond those of training, half at IXI's protocol.

``python Testing/benchmarks/ablation_held_out.py LABEL_MAPS HELD_OUT`` simulates them from a folder of label maps.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mrsynth_training.label_maps import list_label_maps
from mrsynth_training.pair_cache import SimulationTask, fill_cache
from mrsynth_training.simulation import ScanKind

TRAINING_HEADS = 16
SCANS = 16
SEED = 700_000  # apart from any seed of training


def held_out_tasks(heads: Sequence[Path], folder: Path, scans: int = SCANS) -> list[SimulationTask]:
    """Return the tasks that fill a folder: heads in turn, by rounds at IXI's protocol and at random ones."""
    return [
        SimulationTask(
            heads[number % len(heads)],
            SEED + number,
            ScanKind("random" if number // len(heads) % 2 else "ixi"),
            folder / f"pair_{SEED + number:06d}.npy",
        )
        for number in range(scans)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate the scans that a folder lacks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("label_maps", type=Path)
    parser.add_argument("held_out", type=Path)
    parser.add_argument("--processes", type=int, default=1, help="scans at a time")
    options = parser.parse_args(arguments)
    heads = list_label_maps(options.label_maps)[TRAINING_HEADS:]
    fill_cache(held_out_tasks(heads, options.held_out), options.processes, lambda done, all_of_them: None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
