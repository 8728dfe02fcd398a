"""How long the panel takes to open, and how long the event loop ever stands still during a run; in the test host.

    python Testing/benchmarks/benchmark_panel.py

The host is not Slicer: its event loop is Qt's own, and Python threads run freely beside it.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parents[2]
MODULE = PROJECT / "MRSynthesis" / "MRSynthesis.py"
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path[:0] = [str(PROJECT / "Testing" / "host"), str(PROJECT / "MRSynthesis")]
OPENINGS = 5
SHAPE = (32, 224, 224)  # (k, j, i)
LONGEST_RUN_S = 600

OPENING = """
import sys, time
sys.path[:0] = [{host!r}, {module!r}]
import slicer_host
slicer_host.install()
from pathlib import Path
start = time.perf_counter()
slicer_host.loadModule(Path({file!r}))
print(time.perf_counter() - start, "torch" in sys.modules)
"""


def main() -> None:
    """Print both figures."""
    seconds = [opening_seconds() for _ in range(OPENINGS)]
    print(f"opening the panel: median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s of {OPENINGS}")
    gaps, total = gaps_of_a_run()
    print(
        f"a run of {SHAPE[2]}x{SHAPE[1]}x{SHAPE[0]} with comparison: {total:.1f} s; {len(gaps)} turns of the event loop"
    )
    longest = sorted(gaps, reverse=True)[:5]
    print("longest gaps of the event loop: " + ", ".join(f"{1000 * gap:.0f} ms" for gap in longest))


def opening_seconds() -> float:
    """Open the panel in a fresh process and return how long that took.

    Raises:
        RuntimeError: It imported PyTorch.
    """
    code = OPENING.format(host=sys.path[0], module=sys.path[1], file=str(MODULE))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, torch = done.stdout.split()[-2:]
    if torch == "True":
        raise RuntimeError("opening the panel imported torch")
    return float(seconds)


def gaps_of_a_run() -> tuple[list[float], float]:
    """Synthesise one scan through the panel; return the times between turns of a timer, and the time of the run."""
    import slicer_host

    slicer_host.install()
    import qt
    import slicer
    import slicer.util
    from slicer_host.layout import openLayoutManager

    openLayoutManager()
    panel = slicer_host.loadModule(MODULE)
    panel.ui.sourceSelector.setCurrentNode(a_head("Head T2", 0))
    panel.ui.referenceSelector.setCurrentNode(a_head("Head PD", 1))
    turns = [time.perf_counter()]
    timer = qt.QTimer()
    timer.setInterval(1)
    timer.connect("timeout()", lambda: turns.append(time.perf_counter()))
    timer.start()
    start = time.perf_counter()
    panel.ui.synthesizeButton.click()
    while not panel.ui.reportButton.enabled and time.perf_counter() < start + LONGEST_RUN_S:
        slicer.app.processEvents()
    total = time.perf_counter() - start
    panel.cleanup()
    return list(np.diff(turns)), total


def a_head(name: str, seed: int) -> object:
    """Make a volume node of tissue in air."""
    import slicer.util

    k, j, i = np.meshgrid(*(np.linspace(-1, 1, size) for size in SHAPE), indexing="ij")
    radius = np.sqrt(i**2 + j**2 + 0.3 * k**2)
    noise = np.random.default_rng(seed).normal(0, 5, SHAPE)
    voxels = np.abs(400.0 * (radius < 0.8) - 150.0 * (radius < 0.6) + noise).astype(np.float32)
    return slicer.util.addVolumeFromArray(voxels, ijkToRAS=np.diag([0.9375, 0.9375, 3.75, 1.0]), name=name)


if __name__ == "__main__":
    main()
