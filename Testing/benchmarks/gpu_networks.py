"""The networks that are measured on a graphics card, and the ways through the paper's generator."""

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from mrsynth.networks import sublattice_layers
from mrsynth.networks.paper_generator import PaperGenerator
from mrsynth.networks.residual_unet import ResidualUNet
from mrsynth.networks.sublattice_layers import through_sublattices
from mrsynth.precision import computing_in

MODELS = Path(__file__).resolve().parents[2] / "MRSynthesis" / "Resources" / "Models"
DEFAULT_NETWORK = {"widths": (32, 48, 96, 96), "blocks": (1, 2, 2, 2), "slice_strides": (1, 2, 1), "fold": 2}
NO_FREQUENCIES = 10**6  # more taps than any kernel has

Way = Callable[[Tensor], Tensor]


def a_trained_generator(filters: Sequence[int] = (), residual: bool = False) -> PaperGenerator:
    """Return a generator with batch statistics away from 0 and 1, as training leaves them."""
    torch.manual_seed(0)
    generator = PaperGenerator(residual, filters)
    for layer in generator.layers[:-1]:
        layer.normalization.running_mean.normal_(0, 0.1)
        layer.normalization.running_var.uniform_(0.5, 2)
        nn.init.uniform_(layer.normalization.weight, 0.5, 2)
        nn.init.normal_(layer.normalization.bias, 0, 0.2)
    return generator.eval()


def the_default_network(name: str = "t2-to-pd") -> tuple[nn.Module, dict[str, Any], str]:
    """Return the default model's network, the inference part of its card, and whose weights it has.

    Without a model that fits, weights are random ones with which the network does something.
    """
    inference = {"mode": "smooth", "patch": None, "stride": None, "smooth_stride": None}
    network, whose = ResidualUNet(**DEFAULT_NETWORK).eval(), "random"
    nn.init.normal_(network.head.weight, 0, 0.1)
    try:
        network.load_state_dict(safetensors.torch.load_file(MODELS / name / "weights.safetensors"))
        card = json.loads((MODELS / name / "card.json").read_text(encoding="utf-8"))
        inference, whose = card["inference"], f"those of {name} {card['version']}"
    except (OSError, RuntimeError, KeyError) as error:
        whose = f"random, as {name} did not fit: {' '.join(str(error).split())[:100]}"
    return network, inference, whose


def ways(generator: PaperGenerator, device: torch.device, half: torch.dtype) -> dict[str, Way]:
    """Return the ways of patches through a generator on a device, those that are likely to be slow last."""
    ours = copy.deepcopy(generator).to(device, memory_format=torch.channels_last_3d)
    plain, name = copy.deepcopy(generator).to(device), str(half).removeprefix("torch.")

    def layers_of(network: PaperGenerator, source: Tensor) -> Tensor:
        return _with_skip(network, source, network.layer_by_layer(source))

    def dense(source: Tensor) -> Tensor:
        with frequencies_from(NO_FREQUENCIES):
            return _with_skip(ours, source, through_sublattices(ours.layers, source))

    return {
        "this project, float32": _in(device, None, ours),
        f"this project, {name}": _in(device, half, ours),
        f"this project, {name}, algorithms searched": _searching(_in(device, half, ours)),
        f"sublattices, {name}": _in(device, half, dense),
        f"PyTorch's layers, {name}, channels last": _in(device, half, partial(layers_of, ours)),
        f"PyTorch's layers, {name}": _in(device, half, partial(layers_of, plain)),
        "sublattices, float32": _in(device, None, dense),
        "PyTorch's layers, TF32": partial(layers_of, plain),
        "PyTorch's layers, float32": _in(device, None, partial(layers_of, plain)),
    }


@contextmanager
def frequencies_from(taps: int) -> Iterator[None]:
    """Take kernels to frequencies from another size on."""
    before = sublattice_layers.LEAST_TAPS
    sublattice_layers.LEAST_TAPS = taps
    try:
        yield
    finally:
        sublattice_layers.LEAST_TAPS = before


def graphed(way: Way, source: Tensor) -> Callable[[], Tensor]:
    """Return a way through a network for one source as a CUDA graph."""
    stream = torch.cuda.Stream(source.device)
    stream.wait_stream(torch.cuda.current_stream(source.device))
    with torch.cuda.stream(stream):
        for _ in range(2):
            way(source)
    torch.cuda.current_stream(source.device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        answer = way(source)

    def run() -> Tensor:
        graph.replay()
        return answer

    return run


def patches(count: int, size: int | Sequence[int], device: torch.device) -> Tensor:
    """Return the same random patches each time, (count, 1, size, size, size)."""
    sizes = (size,) * 3 if isinstance(size, int) else tuple(size)
    generator = torch.Generator().manual_seed(count + sum(sizes))
    return torch.randn(count, *sizes, 1, generator=generator).to(device).permute(0, 4, 1, 2, 3)


def _with_skip(network: PaperGenerator, source: Tensor, answer: Tensor) -> Tensor:
    return source + answer if network.residual else answer


def _searching(way: Way) -> Way:
    """Let cuDNN try its algorithms on the first source of a size."""

    def run(source: Tensor) -> Tensor:
        before, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, True
        try:
            return way(source)
        finally:
            torch.backends.cudnn.benchmark = before

    return run


def _in(device: torch.device, half: torch.dtype | None, way: Way) -> Way:
    def run(source: Tensor) -> Tensor:
        with computing_in(device, half):
            return way(source)

    return run
