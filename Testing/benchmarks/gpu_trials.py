"""Measurements on a graphics card, of which one may fail or take too long without spoiling the others."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

Found = TypeVar("Found")

LEAST_RUNS, MOST_RUNS = 2, 20
LONGEST_RUN_MS = 4000.0  # one that takes longer is not repeated


@dataclass(frozen=True)
class Sizes:
    """What is measured, and for how long.

    Attributes:
        patch: Voxels along each axis of the generator's patches; even.
        batches: Patches at a time in evaluation.
        trained: The same in training.
        scan: Voxels of a whole scan.
        default_scans: The same for the default network.
        filters: Of the generator, empty for the report's.
        seconds_each: What repeating one measurement may take.
    """

    patch: int = 32
    batches: Sequence[int] = (4, 16, 64)
    trained: Sequence[int] = (7, 20)
    scan: tuple[int, int, int] = (224, 224, 32)
    default_scans: Sequence[tuple[int, int, int]] = ((224, 224, 32), (256, 256, 130))
    filters: Sequence[int] = ()
    seconds_each: float = 0.3


@dataclass
class Trials:
    """What is tried within a time: what fails, or is no longer begun, is noted.

    Attributes:
        device: The graphics card.
        seconds: For all of them.
        failures: ``name: what went wrong`` of each that gave nothing.
    """

    device: torch.device
    seconds: float
    failures: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.seconds - (time.monotonic() - self.began)

    def attempt(self, name: str, measured: Callable[[], Found]) -> Found | None:
        """Return what a measurement gives, None if it fails in any way or the time is over."""
        if self.left <= 0:
            self.failures.append(f"{name}: left out, the time was over")
            return None
        try:
            return measured()
        except Exception as error:  # noqa: BLE001 whatever a card or its driver come up with
            reason = " ".join(str(error).split())[:300]
            self.failures.append(f"{name}: {type(error).__name__}: {reason}")
        return self._after_failure()

    def milliseconds(self, run: Callable[[], Any], seconds: float) -> float:
        """Return the median time of a run on the device; what the first ones take to set things up does not count."""
        first = max(self._once(run), 1e-3)
        if first <= LONGEST_RUN_MS:
            first = max(self._once(run), 1e-3)
        if first > LONGEST_RUN_MS or self.left <= 0:
            return first
        runs = int(min(max(1000 * seconds / first, LEAST_RUNS), MOST_RUNS))
        return statistics.median(self._once(run) for _ in range(runs))

    def _once(self, run: Callable[[], Any]) -> float:
        if self.device.type != "cuda":
            started = time.perf_counter()
            run()
            return 1000 * (time.perf_counter() - started)
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize(self.device)
        start.record()
        run()
        end.record()
        torch.cuda.synchronize(self.device)
        return start.elapsed_time(end)

    def _after_failure(self) -> None:
        """Give memory back; after some failures a card answers to nothing any more, which is no failure of its own."""
        if self.device.type == "cuda":
            try:
                torch.cuda.set_per_process_memory_fraction(1.0, self.device)
                torch.cuda.empty_cache()
            except RuntimeError as error:
                self.failures.append(f"giving memory back: {str(error).splitlines()[0]}")


def peak_mib(device: torch.device, run: Callable[[], Any]) -> float:
    """Return the most memory that tensors of PyTorch held during a run."""
    if device.type != "cuda":
        return float("nan")
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    run()
    torch.cuda.synchronize(device)
    return (torch.cuda.max_memory_allocated(device) - before) / 2**20
