"""How fast the report's experiments train, how much of a step goes to reading patches, and what memory they take.

    python Testing/benchmarks/benchmark_training.py --experiments g1 g3 unet-l1 t2-to-pd --threads 2 --steps 3

Prints a table. Scans are random numbers in the protocol's size, 224 x 224 x 32, on the disk as `mrsynth-train prepare`
leaves them, or in memory as `mrsynth-train fit` has them for a default model. Each experiment has a process of its own,
whose largest memory is its own too. The first step is not counted. The processor's time stands beside the wall's, as
waiting for other programs is not in it.
"""

import argparse
import os
import platform
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from mrsynth_training.adversaries import Adversaries
from mrsynth_training.epoch_experiment import read_epoch_experiment
from mrsynth_training.epoch_subjects import EpochSubjects
from mrsynth_training.experiment_changes import add_option
from mrsynth_training.experiments import read_experiment, shipped_experiments
from mrsynth_training.hardware import describe_hardware
from mrsynth_training.pair_cache import CHANNELS, CachedPair
from mrsynth_training.patch_batches import PatchBatch, PatchBatches
from mrsynth_training.preprocessing import PreparedPair, PreprocessingOptions
from mrsynth_training.process_group import ProcessGroup
from mrsynth_training.trainer import Trainer
from mrsynth_training.volume_cache import read_subject, write_subject

SHAPE = PreprocessingOptions().shape
PATCHES_A_SUBJECT = 49
READ = 20  # mini-batches of a default model, to tell how long one takes
TITLES = (
    *("experiment", "patches a step", "wall s a step", "patches a second", "processor s a step"),
    *("reading s a step", "reading of the step", "waiting for patches", "peak MiB"),
)


@dataclass(frozen=True)
class Row:
    """Figures of one experiment, as the table shows them."""

    experiment: str
    batch_size: int
    wall_s: str
    patches_per_second: str
    processor_s: str
    reading_s: str
    reading_share: str
    waiting_share: str
    peak_mib: int


@dataclass(frozen=True)
class Seconds:
    """On the clock and of the processor for all steps, of the processor for reading one mini-batch, and of waiting."""

    wall: float
    processor: float
    reading: float
    waiting: float


def prepared_subjects(cache: Path, count: int) -> EpochSubjects:
    """Write subjects of random numbers, the last one for validation."""
    names = [f"random-{number}" for number in range(count)]
    for number, name in enumerate(names):
        voxels = np.random.default_rng(number).normal(size=(2, *SHAPE)).astype(np.float32)
        made_from = {"subject": name, "site": "", "origin": "", "contrasts": ["T2", "PD"], "options": {}}
        write_subject(cache, made_from, PreparedPair(voxels, (), np.eye(4), "axial", SHAPE))
    subjects = [read_subject(cache, name) for name in names]
    return EpochSubjects(subjects[:-1], subjects[-1:])


def measure(arguments: tuple[str, list[str], str, int, int]) -> Row:
    """Train an experiment for some steps, in a process of its own."""
    name, changes, device_name, threads, steps = arguments
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    if "[optimization]" in shipped_experiments()[name].read_text(encoding="utf-8"):
        return measure_fit(name, changes, torch.device(device_name), steps)
    experiment, device = read_epoch_experiment(Path(name), changes), torch.device(device_name)
    batch_size = experiment.schedule.batch_size
    with tempfile.TemporaryDirectory() as folder:
        subjects = prepared_subjects(Path(folder), 2 + batch_size * (steps + 1) // PATCHES_A_SUBJECT)
        batches = PatchBatches(subjects.patches(experiment), batch_size, 0, ProcessGroup())
        reading = _reading(batches)
        adversaries = Adversaries(experiment, device, ProcessGroup())
        batches.keep_on(device)
        stream = batches.epoch(1)
        _step(adversaries, next(stream), device)
        wall, processor, waiting = _timed(adversaries, stream, steps, device)
    return row_of(name, batch_size, steps, Seconds(wall, processor, reading, waiting))


def row_of(name: str, batch_size: int, steps: int, seconds: Seconds) -> Row:
    """Return what so many seconds of so many steps make in a table."""
    processor, wall = seconds.processor / steps, seconds.wall / steps
    return Row(
        experiment=name,
        batch_size=batch_size,
        wall_s=f"{wall:.2f}",
        patches_per_second=f"{batch_size / wall:.2f}",
        processor_s=f"{processor:.2f}",
        reading_s=f"{seconds.reading:.4f}",
        reading_share=f"{100 * seconds.reading / processor:.2f} %",
        waiting_share=f"{100 * seconds.waiting / seconds.wall:.2f} %",
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )


def measure_fit(name: str, changes: list[str], device: torch.device, steps: int) -> Row:
    """Train a default model's experiment for some steps; nothing reads ahead there, so reading is waiting, too."""
    experiment, random = read_experiment(Path(name), changes), np.random.default_rng(0)
    times = {"te_t2_ms": 100.0, "te_pd_ms": 8.0, "tr_ms": 5000.0}
    description = {"subject": "random", "protocol": times, "asked": times}
    voxels = random.uniform(size=(len(CHANNELS), *SHAPE)).astype(np.float16)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(experiment, [CachedPair(voxels, {}, description)], Path(folder), device=device)
        trainer.fit(lambda status: None, lambda: trainer.step == 1)
        wall, processor = time.perf_counter(), time.process_time()
        trainer.fit(lambda status: None, lambda: trainer.step == 1 + steps)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    reading, waiting = time.process_time(), time.perf_counter()
    for step in range(READ):
        trainer.sampler.batch(step)
    reading, waiting = (time.process_time() - reading) / READ, (time.perf_counter() - waiting) / READ
    size = experiment.optimization.batch_size
    return row_of(name, size, steps, Seconds(wall, processor, reading, waiting * steps))


def _reading(batches: PatchBatches) -> float:
    """Return the processor's seconds for reading one mini-batch, of another epoch than the one that is trained."""
    before = time.process_time()
    count = sum(1 for _batch in batches.epoch(0))
    return (time.process_time() - before) / count


def _timed(
    adversaries: Adversaries, stream: Iterator[PatchBatch], steps: int, device: torch.device
) -> tuple[float, float, float]:
    """Return seconds on the clock, of the processor, and of waiting for patches."""
    wall, processor, waiting = time.perf_counter(), time.process_time(), 0.0
    for _step_number in range(steps):
        before = time.perf_counter()
        batch = next(stream)
        waiting += time.perf_counter() - before
        _step(adversaries, batch, device)
    return time.perf_counter() - wall, time.process_time() - processor, waiting


def _step(adversaries: Adversaries, batch: PatchBatch, device: torch.device) -> None:
    adversaries.update(batch)
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def table(rows: list[Row]) -> str:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(TITLES)} |", "|---" * len(TITLES) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, astuple(row)))} |" for row in rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--experiments", nargs="+", default=["g1", "g3", "unet-l1", "t2-to-pd"], help="names of shipped experiments"
    )
    parser.add_argument("--steps", type=int, default=3, help="mini-batches that count")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of PyTorch")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add_option(parser)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    hardware = describe_hardware(torch.device(options.device))
    print(f"{platform.system()} {platform.machine()}, {hardware}, PyTorch {torch.__version__}", end=", ")
    print(f"load {os.getloadavg()[0]:.1f}\n", flush=True)
    rows = []
    for name in options.experiments:
        with get_context("spawn").Pool(1) as pool:
            task = (name, options.changes, options.device, options.threads, options.steps)
            rows += pool.map(measure, [task])
    print(table(rows))


if __name__ == "__main__":
    main()
