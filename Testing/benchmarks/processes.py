"""A process from its start to its end: how long, and how much memory."""

import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

POLL_S = 0.02


@dataclass(frozen=True)
class Measurement:
    """One process.

    Attributes:
        seconds: From start to end.
        processor_s: What it and its children had of the processors.
        peak_bytes: The most memory that they held at once.
    """

    seconds: float
    processor_s: float
    peak_bytes: int


def measure(command: Sequence[str]) -> Measurement:
    """Run a command to its end.

    Raises:
        RuntimeError: If it fails.
    """
    peak, processor_s = 0, 0.0
    with tempfile.TemporaryFile() as errors:  # a pipe that nobody reads would fill and hold the process up
        started = time.perf_counter()
        process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        while process.poll() is None:
            held, used = _resources(process)
            peak, processor_s = max(peak, held), max(processor_s, used)
            time.sleep(POLL_S)
        seconds = time.perf_counter() - started
        errors.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {errors.read().decode()}")
    return Measurement(seconds, processor_s, peak)


def _resources(process: psutil.Popen) -> tuple[int, float]:
    held, used = 0, 0.0
    for each in (process, *_children(process)):
        try:
            held += each.memory_info().rss
            used += sum(each.cpu_times()[:2])
        except psutil.Error:
            continue  # it has just ended
    return held, used


def _children(process: psutil.Popen) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []
