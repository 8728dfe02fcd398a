"""How long a user waits, how much memory it takes, and how both grow with the number of slices.

    python Testing/benchmarks/benchmark_synthesis.py

Every row but the warm worker's is a process of its own, from its start to its end, so that importing PyTorch, reading
and writing count. Rows that are compared take turns; times are medians, memory is the most that was seen.
"""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from document import Section
from processes import Measurement, measure
from table_command import print_tables

from mrsynth.demo_head import HeadGrid, build_demo_head
from mrsynth.volume import Volume
from mrsynth.volume_writing import write_volume

MODELS = ("t2-to-pd", "pd-to-t2")
SIZES = {"224 x 224 x 32 (the report's)": (224, 224, 32), "256 x 256 x 130 (IXI as acquired)": (256, 256, 130)}
SPACINGS_MM = {32: (0.9375, 0.9375, 3.75), 130: (0.9375, 0.9375, 1.25)}
SCALED_SLICES = (32, 64, 128, 256)
TITLES = ("what", "s", "processor s", "peak MiB", "runs")
MRSYNTH = (sys.executable, "-m", "mrsynth.cli.main")


def end_to_end(rounds: int) -> Section:
    """Time the command line, file to file."""
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            f"`synthesize`, {name}, {model}": _synthesis(_scan(Path(folder), shape), model)
            for name, shape in SIZES.items()
            for model in MODELS
        }
        commands["`--help`"] = [*MRSYNTH, "--help"]
        rows = _measured(commands, rounds)
        rows += _measured({"`demo`": [*MRSYNTH, "demo", "--output", str(Path(folder) / "demo")]}, 1)
    return Section("From file to file, start-up included", TITLES, rows)


def scaling(rounds: int) -> Section:
    """Time one model on more and more slices of 224 x 224."""
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            f"224 x 224 x {slices}": _synthesis(_scan(Path(folder), (224, 224, slices)), MODELS[0])
            for slices in SCALED_SLICES
        }
        rows = _measured(commands, rounds)
    per_slice = [f"{1000 * (row[1] - rows[0][1]) / (slices - 32):.0f}" for row, slices in _more_than_first(rows)]
    note = f"Milliseconds for each slice beyond the first 32: {', '.join(per_slice)}."
    return Section(f"Growth with the slices ({MODELS[0]})", TITLES, rows, note)


def tiled_head(shape: tuple[int, int, int]) -> Volume:
    """Return the demo head's T2 on a grid of a size, repeated along the slices where it is too short."""
    head = build_demo_head(grid=HeadGrid(shape=(shape[0], shape[1], 32))).t2.voxels
    repeats = -(-shape[2] // head.shape[2])
    spacing_mm = SPACINGS_MM.get(shape[2], SPACINGS_MM[130])
    return Volume(np.tile(head, (1, 1, repeats))[:, :, : shape[2]], np.diag([*spacing_mm, 1.0]))


def _scan(folder: Path, shape: tuple[int, int, int]) -> Path:
    path = folder / f"{shape[0]}x{shape[2]}.nii.gz"
    if not path.exists():
        write_volume(tiled_head(shape), path)
    return path


def _synthesis(scan: Path, model: str) -> list[str]:
    return [*MRSYNTH, "synthesize", str(scan), str(scan.with_name("out.nii.gz")), "--model", model, "--force"]


def _measured(commands: dict[str, list[str]], rounds: int) -> list[list[Any]]:
    found: dict[str, list[Measurement]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            found[name].append(measure(command))
    return [_row(name, measurements) for name, measurements in found.items()]


def _row(name: str, measurements: Sequence[Measurement]) -> list[Any]:
    seconds = statistics.median(m.seconds for m in measurements)
    processor_s = statistics.median(m.processor_s for m in measurements)
    peak = max(m.peak_bytes for m in measurements)
    return [name, seconds, processor_s, round(peak / 2**20), len(measurements)]


def _more_than_first(rows: list[list[Any]]) -> list[tuple[list[Any], int]]:
    return list(zip(rows, SCALED_SLICES, strict=True))[1:]


if __name__ == "__main__":
    print_tables(__doc__, (end_to_end, scaling))
