"""How much faster the paper's generator is than its layers one after the other, in evaluation and in training.

    python Testing/benchmarks/benchmark_paper_generator.py --threads 2 --batches 1 2 4

Prints a table. The variants take turns, so that a busy machine slows all of them, and the best of the rounds counts:
look at ratios, not at seconds. The processor's time stands beside the wall's, as waiting for other programs is not in
it; with more than one thread it counts the threads' waiting for each other, so compare it with one.
"""

import argparse
import copy
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mrsynth.networks.paper_generator import PaperGenerator

Pass = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Seconds:
    """Time for one patch: on the clock, and of the processor."""

    wall: float
    processor: float


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


def timed(run: Callable[[], object], patches: int) -> Seconds:
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return Seconds((time.perf_counter() - wall) / patches, (time.process_time() - processor) / patches)


def in_turns(variants: dict[str, Callable[[], object]], patches: dict[str, int], rounds: int) -> dict[str, Seconds]:
    """Run each variant once without looking, then in turns; return the best wall and processor time of each."""
    for run in variants.values():
        run()
    times: dict[str, list[Seconds]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            times[name].append(timed(run, patches[name]))
    return {name: Seconds(min(t.wall for t in all), min(t.processor for t in all)) for name, all in times.items()}


def evaluation(generator: PaperGenerator, patch: int, batches: Sequence[int], rounds: int) -> dict[str, Seconds]:
    # Both get what suits them: PyTorch's convolutions are faster on weights with the channels last.
    plain = copy.deepcopy(generator).to(memory_format=torch.channels_last_3d)
    variants, patches = {}, {}
    for batch in batches:
        source = torch.randn(batch, patch, patch, patch, 1).permute(0, 4, 1, 2, 3)
        for name, function in (("layers", plain.layer_by_layer), ("fast", generator)):
            variants[f"{name}, batch {batch}"] = lambda function=function, source=source: function(source)
            patches[f"{name}, batch {batch}"] = batch
    with torch.inference_mode():
        return in_turns(variants, patches, rounds)


def training_step(generator: PaperGenerator, function: Pass, source: Tensor) -> None:
    generator.zero_grad()
    function(source).abs().mean().backward()


def training(generator: PaperGenerator, patch: int, batches: Sequence[int], rounds: int) -> dict[str, Seconds]:
    plain, fast = (copy.deepcopy(generator).train() for _ in range(2))
    plain = plain.to(memory_format=torch.channels_last_3d)
    variants, patches = {}, {}
    for batch in batches:
        source = torch.randn(batch, patch, patch, patch, 1).permute(0, 4, 1, 2, 3)
        for name, network, function in (("layers", plain, plain.layer_by_layer), ("fast", fast, fast)):
            variants[f"{name}, batch {batch}"] = lambda n=network, f=function, s=source: training_step(n, f, s)
            patches[f"{name}, batch {batch}"] = batch
    return in_turns(variants, patches, rounds)


def relative_difference(generator: PaperGenerator, patch: int) -> float:
    source = torch.randn(1, 1, patch, patch, patch)
    with torch.inference_mode():
        expected = generator.layer_by_layer(source)
        return ((generator(source) - expected).abs().max() / expected.abs().max()).item()


def table(title: str, times: dict[str, Seconds]) -> str:
    """Return a Markdown table with the ratios to the layers at their best batch size."""
    plain = [seconds for name, seconds in times.items() if name.startswith("layers")]
    wall, processor = min(p.wall for p in plain), min(p.processor for p in plain)
    rows = [
        f"| {name} | {t.wall:.3f} | {wall / t.wall:.1f} | {t.processor:.3f} | {processor / t.processor:.1f} |"
        for name, t in times.items()
    ]
    header = f"| {title} | wall s a patch | times faster | processor s a patch | times faster |"
    return "\n".join([header, "|---|---|---|---|---|", *rows])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patch", type=int, default=32, help="voxels along each side")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4], help="patches at a time")
    parser.add_argument("--rounds", type=int, default=3, help="turns, of which the best counts")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of PyTorch")
    parser.add_argument("--only", choices=["evaluation", "training"], help="leave the other one out")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    generator = a_trained_generator().eval()
    how = (options.patch, options.batches, options.rounds)
    print(f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}, PyTorch {torch.__version__}, ", end="")
    print(f"{options.threads} threads, load {os.getloadavg()[0]:.1f}, patches of {options.patch}^3")
    print(f"largest relative difference {relative_difference(generator, options.patch):.1e}\n", flush=True)
    if options.only != "training":
        print(table("evaluation", evaluation(generator, *how)), flush=True)
    if options.only != "evaluation":
        print("\n" + table("training step", training(generator, *how)))


if __name__ == "__main__":
    main()
