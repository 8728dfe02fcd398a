"""How long a user waits, and how much memory it takes: ``make bench`` prints the table and keeps it in RESULTS.md.

Every row is a process of its own, from its start to its end, so that importing PyTorch, reading and writing count.
The network's pass alone stands beside it. Times are medians; the machine is described above them.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from mrsynth.demo_head import HeadGrid, build_demo_head
from mrsynth.volume import Volume
from mrsynth.volume_writing import write_volume

RESULTS = Path(__file__).with_name("RESULTS.md")
REPEATS = 3
POLL_S = 0.02
SIZES = {"224 x 224 x 32 (the report's)": (224, 224, 32), "256 x 256 x 130 (IXI as acquired)": (256, 256, 130)}
SPACINGS = {32: (0.9375, 0.9375, 3.75), 130: (0.9375, 0.9375, 1.25)}


@dataclass(frozen=True)
class Measurement:
    """One process: wall time from start to end, and the most memory that it and its children held at once."""

    seconds: float
    peak_bytes: int


def measure(command: Sequence[str]) -> Measurement:
    """Run a command to its end.

    Raises:
        RuntimeError: If it fails.
    """
    peak = 0
    with tempfile.TemporaryFile() as errors:  # a pipe that nobody reads would fill and hold the process up
        started = time.perf_counter()
        process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        while process.poll() is None:
            peak = max(peak, _held_bytes(process))
            time.sleep(POLL_S)
        seconds = time.perf_counter() - started
        errors.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {errors.read().decode()}")
    return Measurement(seconds, peak)


def _held_bytes(process: psutil.Popen) -> int:
    held = 0
    for each in (process, *_children(process)):
        try:
            held += each.memory_info().rss
        except psutil.Error:
            continue  # it has just ended
    return held


def _children(process: psutil.Popen) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def tiled_head(shape: tuple[int, int, int]) -> Volume:
    """Return the demo head's T2 on a grid of a size, repeated along the slices where it is too short."""
    head = build_demo_head(grid=HeadGrid(shape=(shape[0], shape[1], 32))).t2.voxels
    repeats = -(-shape[2] // head.shape[2])
    return Volume(np.tile(head, (1, 1, repeats))[:, :, : shape[2]], np.diag([*SPACINGS[shape[2]], 1.0]))


def synthesis_rows(folder: Path) -> list[str]:
    mrsynth = [sys.executable, "-m", "mrsynth.cli.main"]
    rows = []
    for name, shape in SIZES.items():
        source = folder / f"{shape[2]}.nii.gz"
        write_volume(tiled_head(shape), source)
        for model in ("t2-to-pd", "pd-to-t2"):
            command = [*mrsynth, "synthesize", str(source), str(folder / "out.nii.gz"), "--model", model, "--force"]
            rows.append(_row(f"`synthesize`, {name}, {model}", [measure(command) for _ in range(REPEATS)]))
    demo = [*mrsynth, "demo", "--output", str(folder / "demo")]
    rows.append(_row("`demo`", [measure(demo)]))
    rows.append(_row("`--help` (start-up)", [measure([*mrsynth, "--help"]) for _ in range(REPEATS)]))
    return rows


def _row(name: str, measurements: Sequence[Measurement]) -> str:
    seconds = statistics.median(m.seconds for m in measurements)
    peak = max(m.peak_bytes for m in measurements)
    return f"| {name} | {len(measurements)} | {seconds:.1f} | {peak / 2**20:.0f} |"


def machine() -> str:
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / 2**30
    load = psutil.getloadavg()[0]
    return (
        f"{platform.machine()} CPU, {cores} cores, {memory:.0f} GiB, {platform.system()}, Python "
        f"{platform.python_version()}, load {load:.1f} before the first row"
    )


def main() -> None:
    header = [
        "# Time and memory",
        "",
        f"{machine()}.",
        "",
        "| what | runs | median s | peak MiB |",
        "|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        table = "\n".join([*header, *synthesis_rows(Path(folder))]) + "\n"
    RESULTS.write_text(table, encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
