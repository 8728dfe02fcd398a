"""The processes that train one network together, as torchrun starts them: what each does, and what they add up."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn

from mrsynth.errors import InputError

Item = TypeVar("Item")


@dataclass(frozen=True)
class ProcessGroup:
    """This process among those that train together; alone by default.

    Every method but ``share`` must be called by all processes, in the same order.

    Attributes:
        rank: Number of this process, from 0.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes files and speaks."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return this process's part of what there is to do: every ``size``-th item."""
        return items[self.rank :: self.size]

    def total(self, values: Tensor) -> Tensor:
        """Return the sum of all processes' tensors of one shape, without gradients."""
        if self.size == 1:
            return values
        values = values.clone()
        distributed.all_reduce(values)
        return values

    def add_gradients(self, network: nn.Module) -> None:
        """Replace the gradients of a network by their sum over all processes, all in one message."""
        if self.size == 1:
            return
        gradients = [parameter.grad for parameter in network.parameters()]
        flat = self.total(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def gathered(self, items: Sequence[Item]) -> list[Item]:
        """Return the items of all processes, in the order of their ranks."""
        if self.size == 1:
            return list(items)
        parts: list[Any] = [None] * self.size
        distributed.all_gather_object(parts, list(items))
        return [item for part in parts for item in part]

    def any(self, flag: bool, device: torch.device) -> bool:
        """Return whether any process says yes, so that all stop together."""
        if self.size == 1:
            return flag
        return bool(self.total(torch.tensor(float(flag), device=device)).item())


class SharedSum(torch.autograd.Function):
    """The sum of a tensor over all processes; a gradient that reaches it goes back to all of them."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        values = values.clone()
        distributed.all_reduce(values)
        return values

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        distributed.all_reduce(gradient)
        return gradient


@contextmanager
def joined_processes(device: torch.device) -> Iterator[ProcessGroup]:
    """Join the processes that torchrun started, over NCCL between GPUs and Gloo between CPUs; alone without torchrun.

    Args:
        device: Where this process computes, see `device_of_process`.

    Raises:
        InputError: If torchrun's variables are there but no whole numbers.
    """
    size = _number("WORLD_SIZE", 1)
    if size == 1:
        yield ProcessGroup()
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield ProcessGroup(distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()


def device_of_process(name: str, available: Iterable[torch.device]) -> str:
    """Return the name of the device for this process: of several on a machine, each takes a GPU of its own.

    Args:
        name: What was asked for, as `mrsynth.devices.resolve_device` knows it.
        available: The devices of this machine.

    Raises:
        InputError: If there are more processes than GPUs.
    """
    gpus = [device for device in available if device.type == "cuda"]
    if _number("WORLD_SIZE", 1) == 1 or name not in ("auto", "cuda") or not gpus:
        return name
    place = _number("LOCAL_RANK", 0)
    if place >= len(gpus):
        raise InputError(f"expected at most one process for each of {len(gpus)} GPUs, found process {place + 1}")
    return f"cuda:{place}"


def _number(variable: str, otherwise: int) -> int:
    text = os.environ.get(variable, str(otherwise))
    if not text.isdecimal():
        raise InputError(f"expected the environment variable {variable} as torchrun sets it, found {text!r}")
    return int(text)
