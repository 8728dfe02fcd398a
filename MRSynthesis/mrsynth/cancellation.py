"""Stopping a network in the middle of a pass."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import nn

from mrsynth.errors import Cancelled
from mrsynth.progress import CancelLook

# The look may be at a file on a network drive, and a pass goes through modules by the hundred.
LOOK_EVERY_S = 0.05


def stop_if(cancelled: CancelLook) -> None:
    """Raise ``Cancelled`` if somebody asked to stop."""
    if cancelled():
        raise Cancelled("the synthesis was cancelled")


@contextmanager
def interruptible(
    network: nn.Module, cancelled: CancelLook, now: Callable[[], float] = time.monotonic
) -> Iterator[None]:
    """Let a network look, before each of its layers, whether somebody asked to stop.

    One pass over a whole volume takes seconds on a CPU, one layer of it a fraction.

    Args:
        network: Any network; while the context lasts, its forward pass may raise ``Cancelled``.
        cancelled: Asked at most every ``LOOK_EVERY_S`` seconds.
        now: A clock in seconds that never goes back.
    """
    last = now()

    def look(module: nn.Module, inputs: tuple) -> None:
        nonlocal last
        if now() - last >= LOOK_EVERY_S:
            stop_if(cancelled)
            last = now()

    hooks = [module.register_forward_pre_hook(look) for module in network.modules()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
