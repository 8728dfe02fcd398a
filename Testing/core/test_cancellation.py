"""A network can be stopped in the middle of a pass."""

import pytest
import torch
from torch import nn

from mrsynth.cancellation import LOOK_EVERY_S, interruptible, stop_if
from mrsynth.errors import Cancelled


class SlowLayer(nn.Module):
    """Takes a second of a clock that only it moves."""

    def __init__(self, clock: list[float], seconds: float) -> None:
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.clock[0] += self.seconds
        return x


def a_network(clock: list[float], seconds: float) -> nn.Sequential:
    return nn.Sequential(*(SlowLayer(clock, seconds) for _ in range(10)))


def test_a_pass_stops_at_the_next_layer():
    clock = [0.0]
    network = a_network(clock, seconds=1.0)
    with pytest.raises(Cancelled), interruptible(network, lambda: clock[0] >= 3, now=lambda: clock[0]):
        network(torch.zeros(1))
    assert clock == [3.0]


def test_somebody_is_asked_only_every_so_often():
    clock, looks = [0.0], []
    network = a_network(clock, seconds=LOOK_EVERY_S / 4)
    with interruptible(network, lambda: bool(looks.append(clock[0])), now=lambda: clock[0]):
        network(torch.zeros(1))
    assert len(looks) == 2


def test_the_network_is_left_as_it_was_even_after_a_cancelled_pass():
    clock = [0.0]
    network = a_network(clock, seconds=1.0)
    with pytest.raises(Cancelled), interruptible(network, lambda: True, now=lambda: clock[0]):
        network(torch.zeros(1))
    assert not any(module._forward_pre_hooks for module in network.modules())
    network(torch.zeros(1))


def test_nothing_is_raised_unless_somebody_asked():
    stop_if(lambda: False)
    with pytest.raises(Cancelled, match="cancelled"):
        stop_if(lambda: True)
