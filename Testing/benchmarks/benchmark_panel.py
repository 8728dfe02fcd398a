"""How long the panel takes to open, how long a first and a next run, and how long the event loop ever stands still.

    python Testing/benchmarks/benchmark_panel.py [--shape 32 224 224]

All in the test host, which is not Slicer: its event loop is Qt's own, and Python threads run freely beside it. What
other programs have taken of the processors in the meantime is told apart (Linux), so that the figures can be read on a
busy machine too.
"""

import argparse
import gc
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).resolve().parents[2]
MODULE = PROJECT / "MRSynthesis" / "MRSynthesis.py"
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path[:0] = [str(PROJECT / "Testing" / "host"), str(PROJECT / "MRSynthesis")]
OPENINGS = 5
SHAPE = (32, 224, 224)  # (k, j, i)
LONGEST_RUN_S = 1800

OPENING = """
import sys, time
sys.path[:0] = [{host!r}, {module!r}]
import slicer_host
slicer_host.install()
from pathlib import Path
start = time.perf_counter(), time.process_time()
slicer_host.loadModule(Path({file!r}))
print(time.perf_counter() - start[0], time.process_time() - start[1], "torch" in sys.modules)
"""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", type=int, nargs=3, default=SHAPE, metavar=("K", "J", "I"), help="of the scans")
    shape = tuple(parser.parse_args().shape)
    opened = [opening_seconds() for _ in range(OPENINGS)]
    walls, busy = zip(*opened, strict=True)
    print(
        f"opening the panel: median {statistics.median(walls):.2f} s, longest {max(walls):.2f} s of {OPENINGS}; "
        f"of the processor {statistics.median(busy):.2f} s"
    )
    gaps, seconds = gaps_of_two_runs(shape)
    size, (first, then) = "x".join(map(str, reversed(shape))), seconds
    print(f"a run of {size} with comparison: {first:.1f} s, the next one: {then:.1f} s")
    print(f"{len(gaps)} turns of the event loop")
    print("longest gaps of the event loop, in ms:")
    for name, value in (
        ("on the clock", lambda gap: gap.wall),
        ("without waiting for other programs", lambda gap: gap.own),
        ("of the processor", lambda gap: gap.busy),
    ):
        longest = sorted(map(value, gaps), reverse=True)[:5]
        print(f"  {name}: " + ", ".join(f"{1000 * gap:.0f}" for gap in longest))


def opening_seconds() -> tuple[float, float]:
    """Open the panel in a fresh process and return how long that took: on the clock, and of the processor.

    Raises:
        RuntimeError: It imported PyTorch.
    """
    code = OPENING.format(host=sys.path[0], module=sys.path[1], file=str(MODULE))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    wall, busy, torch = done.stdout.split()[-3:]
    if torch == "True":
        raise RuntimeError("opening the panel imported torch")
    return float(wall), float(busy)


def gaps_of_two_runs(shape: tuple[int, int, int]) -> tuple[list, list[float]]:
    """Synthesise two scans through the panel, one after the other.

    Returns:
        The gaps between turns of the event loop, and the time of each run: the second one finds a worker that waits.

    Raises:
        RuntimeError: One came to no end.
    """
    import slicer_host

    slicer_host.install()
    from slicer_host.heartbeat import Heartbeat
    from slicer_host.layout import openLayoutManager

    openLayoutManager()
    panel = slicer_host.loadModule(MODULE)
    heads = [(a_head(f"Head {number} T2", number, shape), a_head(f"Head {number} PD", 9, shape)) for number in (1, 2)]
    gc.collect()
    gc.freeze()  # Python's collector would look through all that was there before in one gap, whatever the panel does
    heartbeat = Heartbeat()
    heartbeat.start()
    seconds = [run_seconds(panel, *pair) for pair in heads]
    heartbeat.stop()
    panel.cleanup()
    return heartbeat.gaps, seconds


def run_seconds(panel: Any, source: Any, reference: Any) -> float:
    """Synthesise one scan and return how long it took until it was compared.

    Raises:
        RuntimeError: It came to no end.
    """
    import slicer

    panel.ui.sourceSelector.setCurrentNode(source)
    panel.ui.referenceSelector.setCurrentNode(reference)
    panel.ui.comparedSelector.setCurrentNode(None)
    start = time.perf_counter()
    panel.ui.synthesizeButton.click()
    while not panel.ui.reportButton.enabled and time.perf_counter() < start + LONGEST_RUN_S:
        slicer.app.processEvents()
    total = time.perf_counter() - start
    if not panel.ui.reportButton.enabled:
        panel.cleanup()
        raise RuntimeError(f"the run came to no end: {panel.ui.statusLabel.text}")
    return total


def a_head(name: str, seed: int, shape: tuple[int, int, int]) -> Any:
    """Make a volume node of tissue in air."""
    import slicer.util

    k, j, i = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
    radius = np.sqrt(i**2 + j**2 + 0.3 * k**2)
    noise = np.random.default_rng(seed).normal(0, 5, shape)
    voxels = np.abs(400.0 * (radius < 0.8) - 150.0 * (radius < 0.6) + noise).astype(np.float32)
    return slicer.util.addVolumeFromArray(voxels, ijkToRAS=np.diag([0.9375, 0.9375, 3.75, 1.0]), name=name)


if __name__ == "__main__":
    main()
