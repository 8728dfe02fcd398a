"""How far a network is within one pass, which over a whole scan takes seconds."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

# What each number of a layer's result costs, in multiplications: convolutions wait for memory more than they compute.
NUMBER_COST = 400


@contextmanager
def followed_passes(network: nn.Module, told: Callable[[float], None]) -> Iterator[None]:
    """Tell, while the context lasts, how much of its present pass a network has done, from 0 to 1.

    Args:
        network: In evaluation, for one volume at a time. A small pass is made to see what its convolutions cost.
        told: Called after each convolution, never by two threads at once; what it is told does not decrease in a pass.
    """
    cost_of_voxel = _cost_of_voxel(network)
    lock = threading.Lock()
    done, total = 0.0, 1.0

    def begin(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        nonlocal done, total
        done, total = 0.0, max(cost_of_voxel * inputs[0].numel(), 1.0)

    def add(cost: float) -> None:
        nonlocal done
        with lock:
            done += cost
            told(min(done / total, 1.0))

    with ExitStack() as hooks:
        hooks.callback(network.register_forward_pre_hook(begin).remove)
        hooks.enter_context(_counted_convolutions(network, add))
        yield


@contextmanager
def _counted_convolutions(network: nn.Module, add: Callable[[float], None]) -> Iterator[None]:
    def count(module: nn.Module, inputs: Any, output: Tensor) -> None:
        # Each weight is used once for each place, in the result or, if the convolution is transposed, in the source.
        places = (inputs[0] if isinstance(module, nn.ConvTranspose3d) else output).numel()
        channels = module.in_channels if isinstance(module, nn.ConvTranspose3d) else module.out_channels
        add(places / channels * module.weight.numel() + NUMBER_COST * output.numel())

    convolutions = [module for module in network.modules() if isinstance(module, (nn.Conv3d, nn.ConvTranspose3d))]
    hooks = [module.register_forward_hook(count) for module in convolutions]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _cost_of_voxel(network: nn.Module) -> float:
    """Return what a pass costs for each voxel of its input; zero for a network without convolutions."""
    weight = next(network.parameters(), None)
    costs: list[float] = []
    if weight is not None:
        smallest = torch.zeros(1, 1, *network.size_multiple, device=weight.device, dtype=weight.dtype)
        with torch.inference_mode(), _counted_convolutions(network, costs.append):
            network(smallest)
        return sum(costs) / smallest.numel()
    return 0.0
