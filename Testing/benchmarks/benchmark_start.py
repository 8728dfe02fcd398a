"""How long it takes until the work begins: imports, and jobs of a worker that has just started or is warm.

python Testing/benchmarks/benchmark_start.py
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmark_synthesis import MODELS, tiled_head
from document import Section
from processes import measure
from table_command import print_tables

from mrsynth.job_file import JobRequest
from mrsynth.synthesis_job import SynthesisJob
from mrsynth.volume_writing import write_volume

SHAPE = (224, 224, 32)
IMPORTS = (
    "import numpy",
    "import torch",
    "import mrsynth.cli.main",
    "import mrsynth.synthesis_run",
    "import mrsynth.synthesis, mrsynth.synthesis_run, mrsynth.models.weights",
)
TITLES = ("what", "s", "processor s", "peak MiB", "runs")


def imports(rounds: int) -> Section:
    """Time fresh processes that only import."""
    found: dict[str, list[Any]] = {code: [] for code in IMPORTS}
    for _ in range(rounds):
        for code in IMPORTS:
            found[code].append(measure([sys.executable, "-c", code]))
    rows = [
        [
            f"`{code}`",
            statistics.median(m.seconds for m in all_of_it),
            statistics.median(m.processor_s for m in all_of_it),
            round(max(m.peak_bytes for m in all_of_it) / 2**20),
            len(all_of_it),
        ]
        for code, all_of_it in found.items()
    ]
    return Section("Imports", TITLES, rows, "The command line starts with the third, the worker needs the last.")


def worker(rounds: int) -> Section:
    """Time the first job of a worker, from the start of its process, and those after it in the same process."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "t2.nii.gz"
        write_volume(tiled_head(SHAPE), source)
        firsts, others = zip(*(_first_and_second(source, Path(folder)) for _ in range(rounds)), strict=True)
    rows = [
        ["a new worker's job", statistics.median(firsts), rounds],
        ["a warm worker's next job", statistics.median(others), rounds],
    ]
    size = " x ".join(map(str, SHAPE))
    return Section(f"A worker's jobs, {size}, {MODELS[0]}", ("what", "s", "runs"), rows)


def _first_and_second(source: Path, folder: Path) -> tuple[float, float]:
    command = [sys.executable, "-X", "utf8", "-u", "-m", "mrsynth.worker", "--warm"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    seconds, started = [], time.perf_counter()
    with subprocess.Popen(command, text=True, **pipes) as process:
        for _ in range(2):
            run = Path(tempfile.mkdtemp(dir=folder))
            request = JobRequest(run, SynthesisJob(source, run / "pd.nii.gz", MODELS[0]))
            process.stdin.write(f"{request.write()}\n")
            process.stdin.flush()
            _wait_for_end(process)
            seconds.append(time.perf_counter() - started)
            started = time.perf_counter()
        process.stdin.close()
    return seconds[0], seconds[1]


def _wait_for_end(process: subprocess.Popen) -> None:
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "finished":
            return
        if event["event"] == "error":
            raise RuntimeError(event["message"])
    raise RuntimeError("the worker ended without a word")


if __name__ == "__main__":
    print_tables(__doc__, (imports, worker))
