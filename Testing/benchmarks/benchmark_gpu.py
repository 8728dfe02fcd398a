"""Whether a graphics card gives the same results as plain PyTorch, and how much faster.

    python Testing/benchmarks/benchmark_gpu.py --output results_gpu.json

It needs PyTorch with a CUDA device, NumPy, SciPy, psutil and safetensors (and nibabel for whole steps of experiments),
and takes some 100 seconds. What fails is noted, and the rest goes on; the file is written after each part.
In this folder, `document.py` makes its part of RESULTS.md of it.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "MRSynthesis"), str(PROJECT / "MRSynthesisTraining")]

from document import Section  # noqa: E402
from gpu_agreement import agreement  # noqa: E402
from gpu_speed import compiled, evaluation, layers, scans  # noqa: E402
from gpu_training import kernels, training  # noqa: E402
from gpu_trials import Sizes, Trials  # noqa: E402
from machine import in_words, machine  # noqa: E402

SECONDS = 100.0
PARTS = (agreement, evaluation, scans, kernels, training, layers)


def measure(
    trials: Trials, sizes: Sizes, parts: Sequence[Callable[[Trials, Sizes], Section]], output: Path
) -> dict[str, Any]:
    """Do one part after the other, print each, and write what there is so far; return it."""
    found = {"machine": machine() | card(trials.device), "sections": [], "failures": trials.failures}
    print(f"{in_words(found['machine'])} {found['machine']['card']}\n", flush=True)
    for part in parts:
        section = trials.attempt(part.__name__, lambda part=part: part(trials, sizes))
        if section is not None:
            found["sections"].append(asdict(section))
            print(section.markdown(), flush=True)
        found["seconds"] = round(trials.seconds - trials.left, 1)
        output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def card(device: torch.device) -> dict[str, Any]:
    """Return what a reader needs to know of a graphics card."""
    if device.type != "cuda":
        return {"card": "no graphics card", "card_memory_gib": 0.0, "cuda": None, "cudnn": None}
    memory_gib = round(torch.cuda.get_device_properties(device).total_memory / 2**30, 1)
    versions = {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
    return {"card": torch.cuda.get_device_name(device), "card_memory_gib": memory_gib, **versions}


def main() -> None:
    """Print the tables and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("results_gpu.json"), help="the file")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="after which nothing more is begun")
    parser.add_argument("--device", default="cuda:0", help="of PyTorch, with its number")
    names = [part.__name__ for part in (*PARTS, compiled)]
    parser.add_argument("--only", nargs="+", choices=names, help="parts (default: all but compiled)")
    options = parser.parse_args()
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        sys.exit("expected a CUDA device, found none")
    wanted = options.only or [part.__name__ for part in PARTS]
    parts = [part for part in (*PARTS, compiled) if part.__name__ in wanted]
    found = measure(Trials(device, options.seconds), Sizes(), parts, options.output)
    print(f"{found['seconds']} s. Failures: {len(found['failures'])}", *found["failures"], sep="\n- ")


if __name__ == "__main__":
    main()
