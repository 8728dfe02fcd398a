"""How much faster the paper's generator is than its layers one after the other, in evaluation and in training.

    python Testing/benchmarks/benchmark_paper_generator.py [--monai FOLDER]

Compared are, with the same weights on the same voxels and in the same run: PyTorch's layers, patch by patch and in
batches; MONAI's sliding window over them (if it is there, see requirements.txt); and this project. They take turns, and
medians count: look at ratios, not at seconds. The processors' time stands beside the clock's.
"""

import argparse
import copy
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from document import Section
from machine import in_words, machine
from torch import Tensor, nn
from turns import Row, Work, compared, in_turns

from mrsynth.memory_fallback import CPU, PatchPredictor
from mrsynth.networks.paper_generator import PaperGenerator
from mrsynth.process_memory import ask_for_large_pages
from mrsynth.stack_synthesis import StackSynthesis
from mrsynth.tiling import Tiling

PATCH, STRIDE = 32, 8
BLOCK = (56, 56, 32)  # 16 patches
TITLES = ("way", "s a patch", "times faster", "processor s a patch", "times less work")


def a_trained_generator(seed: int = 0) -> PaperGenerator:
    """Return a generator with batch statistics away from 0 and 1, as training leaves them."""
    torch.manual_seed(seed)
    generator = PaperGenerator()
    for layer in generator.layers[:-1]:
        layer.normalization.running_mean.normal_(0, 0.1)
        layer.normalization.running_var.uniform_(0.5, 2)
        nn.init.uniform_(layer.normalization.weight, 0.5, 2)
        nn.init.normal_(layer.normalization.bias, 0, 0.2)
    return generator


def evaluation(batches: Sequence[int], rounds: int) -> Section:
    """Time patches through the network, batch by batch, and a block of a scan through sliding windows."""
    generator = a_trained_generator().eval()
    plain = Plain(generator)
    works = [
        Work(f"{name}, batch {batch}", _pass(network, _patches(batch)), batch, is_reference=network is plain)
        for batch in batches
        for name, network in (("PyTorch", plain), ("this project", generator))
    ]
    block = np.random.default_rng(0).normal(size=BLOCK).astype(np.float32)
    windows = _windows(generator, plain, block)
    with torch.inference_mode():
        answers = {work.name: work.run() for work in windows}
        rows = compared([*works, *windows], in_turns([*works, *windows], rounds))
    return Section("The paper's generator, evaluation", TITLES, _cells(rows), _note(answers))


def training(batches: Sequence[int], rounds: int) -> Section:
    """Time steps of training: forward, backward, no optimiser."""
    works = []
    for batch in batches:
        generator = a_trained_generator().train()
        plain = Plain(a_trained_generator().train())
        for name, network in (("PyTorch", plain), ("this project", generator)):
            step = _step(network, _patches(batch))
            works.append(Work(f"{name}, batch {batch}", step, batch, is_reference=network is plain))
    return Section("The paper's generator, step of training", TITLES, _cells(compared(works, in_turns(works, rounds))))


class Plain(nn.Module):
    """The generator as PyTorch runs it, with the weights in the order that suits its convolutions."""

    def __init__(self, generator: PaperGenerator) -> None:
        super().__init__()
        self.generator = copy.deepcopy(generator).to(memory_format=torch.channels_last_3d)

    def forward(self, source: Tensor) -> Tensor:
        return self.generator.layer_by_layer(source)


def _windows(generator: PaperGenerator, plain: Plain, block: np.ndarray) -> list[Work]:
    """Return the ways to take a block of a scan through overlapping patches; the same patches and blend for all."""
    patches = int(np.prod([(size - PATCH) // STRIDE + 1 for size in BLOCK]))
    predictor = PatchPredictor(copy.deepcopy(generator), CPU)
    ours = StackSynthesis(predictor, Tiling((PATCH,) * 3, (STRIDE,) * 3, "mean"), 0, False, lambda patches: None)
    works = [Work("this project, sliding window", lambda: ours.run(block)[0], patches)]
    try:
        from monai.inferers import sliding_window_inference
    except ImportError:
        return works
    source = torch.from_numpy(block)[None, ..., None].permute(0, 4, 1, 2, 3)

    def run(batch: int) -> Callable[[], np.ndarray]:
        settings = {"roi_size": (PATCH,) * 3, "sw_batch_size": batch, "overlap": 1 - STRIDE / PATCH, "mode": "constant"}
        return lambda: sliding_window_inference(source, predictor=plain, **settings)[0, 0].numpy()

    return [*works, *(Work(f"MONAI sliding window, batch {batch}", run(batch), patches) for batch in (1, 2))]


def _patches(batch: int) -> Tensor:
    return torch.randn(batch, PATCH, PATCH, PATCH, 1).permute(0, 4, 1, 2, 3)


def _pass(network: nn.Module, source: Tensor) -> Callable[[], Any]:
    return lambda: network(source)


def _step(network: nn.Module, source: Tensor) -> Callable[[], Any]:
    def run() -> None:
        network.zero_grad()
        network(source).abs().mean().backward()

    return run


def _cells(rows: Sequence[Row]) -> list[list[Any]]:
    return [[r.name, r.timing.wall, r.times_faster, r.timing.processor, r.times_less_work] for r in rows]


def _note(answers: dict[str, np.ndarray]) -> str:
    (_, ours), *others = answers.items()
    threads = f"{torch.get_num_threads()} threads, patches of {PATCH}^3."
    if not others:
        return f"{threads} MONAI was not there."
    difference = max(float(np.abs(ours - other).max()) for _, other in others)
    relative = difference / max(float(np.abs(other).max()) for _, other in others)
    return f"{threads} Largest difference from MONAI's sliding window: {difference:.2g}, relative {relative:.2g}."


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4], help="patches at a time")
    parser.add_argument("--rounds", type=int, default=5, help="turns, whose medians count")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of PyTorch")
    parser.add_argument("--only", choices=["evaluation", "training"], help="leave the other one out")
    parser.add_argument("--monai", type=Path, help="folder that MONAI was installed into")
    options = parser.parse_args()
    if options.monai is not None:
        sys.path.append(str(options.monai))
    ask_for_large_pages()
    torch.set_num_threads(options.threads)
    print(f"{in_words(machine())}\n", flush=True)
    for name, measured in (("evaluation", evaluation), ("training", training)):
        if options.only in (None, name):
            print(measured(options.batches, options.rounds).markdown(), flush=True)


if __name__ == "__main__":
    main()
