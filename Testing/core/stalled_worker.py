"""A worker with a stand-in for the network, which may stop for good at a point a test has chosen.

``python stalled_worker.py job.json POINT``: at POINT it makes the file ``stalled`` in the run's folder and sleeps. It
needs no PyTorch, and so begins in a fraction of the time; everything but the network is the real worker.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mrsynth import staged_outputs, synthesis_run, worker
from mrsynth.errors import Cancelled
from mrsynth.progress import Progress

POINTS = ("reading", "synthesis", "sidecar", "volume", "renaming", "none")


def main() -> int:
    job, point = sys.argv[1:]
    synthesis_run._load = lambda installed: SimpleNamespace(card=installed.card)
    synthesis_run._synthesize = stand_in(Path(job).with_name("stalled"), point)

    def stalls(at: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            result = function(*arguments)
            if at == point:
                stall(Path(job).with_name("stalled"))
            return result

        return wrapped

    synthesis_run.read_volume = stalls("reading", synthesis_run.read_volume)
    synthesis_run.write_sidecar = stalls("sidecar", synthesis_run.write_sidecar)
    synthesis_run.write_volume = stalls("volume", synthesis_run.write_volume)
    staged_outputs.os = SimpleNamespace(replace=stalls("renaming", os.replace), link=os.link)
    return worker.main([job])


def stand_in(stalled: Path, point: str) -> Callable[..., Any]:
    def synthesize(job: Any, source: Any, model: Any, hooks: Any) -> Any:
        print("a library says hello")
        os.write(1, b"and so does its native code\n")
        for done in range(5):
            if hooks.cancelled():
                raise Cancelled("cancelled")
            hooks.progress(Progress("synthesis", done, 5, "cpu"))
        if point == "synthesis":
            stall(stalled)
        made = {"volume": source, "uncertainty": source, "warnings": ("a warning",)}
        return SimpleNamespace(**made, device="cpu", precision="float32", seconds=0.1, timing=None)

    return synthesize


def stall(stalled: Path) -> None:
    stalled.touch()
    time.sleep(60)


if __name__ == "__main__":
    sys.exit(main())
