"""How fast a graphics card takes patches, single layers and whole scans through the networks."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from document import Section
from gpu_networks import NO_FREQUENCIES, a_trained_generator, frequencies_from, graphed, patches, ways
from gpu_networks import the_default_network as default_network
from gpu_trials import Sizes, Trials, peak_mib
from torch import Tensor, nn

from mrsynth.memory_fallback import PatchPredictor
from mrsynth.networks.sublattice_layers import on_sublattices, through_sublattices
from mrsynth.precision import computing_in, half_type
from mrsynth.presets import takes_half_precision
from mrsynth.stack_synthesis import StackSynthesis
from mrsynth.tiling import LEAST_TILE, Tiling, tiling_of_card

EVALUATED = ("way", "patches a second", "times faster", "ms a patch", "patches at a time", "peak MiB")
REFERENCE = "PyTorch's layers, float32"
SCANNED = ("scan", "s", "precision", "warnings")
SECONDS = 1.0  # for the runs of a scan
LONGEST_MS = 1500  # for more patches at a time than take this long a way is not tried


def evaluation(trials: Trials, sizes: Sizes) -> Section:
    """Time each way of patches through the generator at each number of patches; the best of each counts."""
    found = ways(a_trained_generator(sizes.filters), trials.device, _half(trials))
    rows = []
    with torch.inference_mode():
        for name, way in found.items():
            rows.append(_best(trials, sizes, name, lambda source, way=way: partial(way, source)))
            if name.startswith("this project") and "searched" not in name:
                rows.append(_best(trials, sizes, f"{name}, CUDA graph", partial(graphed, way)))
    rows = [row for row in rows if row]
    reference = next((row[1] for row in rows if row[0] == REFERENCE), float("nan"))
    rows = [[name, speed, speed / reference, *others] for name, speed, *others in rows]
    return Section("The paper's generator on a GPU, evaluation", EVALUATED, rows, f"Patches of {sizes.patch}^3.")


def _best(trials: Trials, sizes: Sizes, name: str, make: Callable[[Tensor], Callable]) -> list[Any] | None:
    """Return the row of the number of patches that is fastest, without the comparison."""

    def measured(batch: int) -> list[Any]:
        run = make(patches(batch, sizes.patch, trials.device))
        each = trials.milliseconds(run, sizes.seconds_each) / batch
        return [name, 1000 / each, each, batch, peak_mib(trials.device, run)]

    rows = []
    for batch in sizes.batches:
        row = trials.attempt(f"{name}, {batch} patches", partial(measured, batch))
        rows += [row] if row else []
        if row and row[2] * batch > LONGEST_MS:
            break
    return max(rows, key=lambda row: row[1]) if rows else None


def compiled(trials: Trials, sizes: Sizes) -> Section:
    """Time the way over sublattices as `torch.compile` makes it; that takes long, and needs a C compiler."""
    generator = a_trained_generator(sizes.filters).to(trials.device, memory_format=torch.channels_last_3d)
    way, batch, rows = torch.compile(partial(through_sublattices, generator.layers)), sizes.batches[1], []
    source = patches(batch, sizes.patch, trials.device)
    for name, kind in ((str(_half(trials)).removeprefix("torch."), _half(trials)), ("float32", None)):

        def run(kind: torch.dtype | None = kind) -> Tensor:
            with torch.inference_mode(), computing_in(trials.device, kind):
                return way(source)

        each = trials.attempt(f"compiled, {name}", partial(trials.milliseconds, run, sizes.seconds_each))
        rows += [[f"compiled, {name}", 1000 * batch / each, each / batch, batch]] if each else []
    titles = ("way", "patches a second", "ms a patch", "patches at a time")
    return Section("The paper's generator on a GPU, compiled", titles, rows)


def layers(trials: Trials, sizes: Sizes) -> Section:
    """Time layers of the generator one by one: as they stand, on sublattices, and at frequencies if dilated."""
    batch = sizes.batches[len(sizes.batches) // 2]
    generator = a_trained_generator(sizes.filters).to(trials.device, memory_format=torch.channels_last_3d)
    rows, ways_of = [], _layer_ways(trials)
    with torch.inference_mode():
        for number in (0, 1, 3, 4, 5, 7, 8):
            layer, row = generator.layers[number], [str(number + 1)]
            for name, way in ways_of.items():
                channels = layer.convolution.in_channels
                count, side = (batch, sizes.patch) if name.startswith("plain") else (8 * batch, sizes.patch // 2)
                source = torch.randn(count, side, side, side, channels, device=trials.device).permute(0, 4, 1, 2, 3)
                run = partial(way, layer, source)
                row.append(trials.attempt(f"layer {number + 1}, {name}", partial(trials.milliseconds, run, 0.05)))
            rows.append(row)
    note = f"{batch} patches of {sizes.patch}^3. At frequencies: layers of dilation 2 alone."
    return Section("Layers of the paper's generator on a GPU, ms", ("layer", *ways_of), rows, note)


def _layer_ways(trials: Trials) -> dict[str, Callable[[nn.Module, Tensor], Tensor]]:
    def run(kind: torch.dtype | None, taps: int | None, layer: nn.Module, source: Tensor) -> Tensor:
        with computing_in(trials.device, kind), frequencies_from(taps or 0):
            return layer(source) if taps is None else on_sublattices(layer, source)

    half, name = _half(trials), str(_half(trials)).removeprefix("torch.")
    return {
        "plain, float32": partial(run, None, None),
        f"plain, {name}": partial(run, half, None),
        "sublattices, float32": partial(run, None, NO_FREQUENCIES),
        f"sublattices, {name}": partial(run, half, NO_FREQUENCIES),
        "frequencies": partial(run, None, 3),
    }


def scans(trials: Trials, sizes: Sizes) -> Section:
    """Time whole scans from array to array."""
    rows = []
    for preset, stride, window in (("paper", 4, "mean"), ("standard", 2, "smooth")):
        tiling = Tiling((sizes.patch,) * 3, (sizes.patch // stride,) * 3, window)
        name = f"paper's generator, preset {preset} (stride {sizes.patch // stride}), {_in_words(sizes.scan)}"
        rows.append(_scan(trials, name, preset, (a_trained_generator(sizes.filters), tiling), sizes.scan))
    network, inference, whose = default_network()
    for shape in sizes.default_scans:
        for preset in ("standard", "draft"):
            tiling = tiling_of_card(inference, preset, network.size_multiple)
            name = f"default network, preset {preset}, {_in_words(shape)}"
            rows.append(_scan(trials, name, preset, (copy.deepcopy(network), tiling), shape))
    note = f"Reading and writing left out. Weights of the default network: {whose}."
    return Section("Whole scans on a GPU", SCANNED, [row for row in rows if row], note)


def _scan(
    trials: Trials, name: str, preset: str, model: tuple[nn.Module, Tiling], shape: tuple[int, int, int]
) -> list[Any] | None:
    def measured() -> list[Any]:
        network, tiling = model
        predictor = PatchPredictor(network, trials.device)
        stack = np.random.default_rng(0).normal(1, 0.3, shape).astype(np.float32)
        if takes_half_precision(preset, trials.device.type):
            sample = np.random.default_rng(1).normal(1, 0.3, tiling.patch or tiling.padded(LEAST_TILE))
            predictor.use_half_precision(sample.astype(np.float32))
        synthesis = StackSynthesis(predictor, tiling, 0, False, lambda patches: None)
        ms = trials.milliseconds(lambda: synthesis.run(stack), SECONDS)
        return [name, ms / 1000, predictor.precision, "; ".join(predictor.warnings)]

    return trials.attempt(name, measured)


def _half(trials: Trials) -> torch.dtype:
    return half_type(trials.device) or torch.bfloat16


def _in_words(shape: tuple[int, int, int]) -> str:
    return " x ".join(map(str, shape))
