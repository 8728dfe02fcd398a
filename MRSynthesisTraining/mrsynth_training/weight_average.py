"""A running average of a network's weights, which is steadier than the weights of any one step."""

import torch
from torch import nn


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move an average towards the network as it is after a step, over a window that grows with the run.

    So the initial weights are soon forgotten. What is no weight, such as the statistics of a normalisation, is copied.

    Args:
        average: A copy of the network; changed in place.
        network: The network that is trained.
        decay: Largest share of the old average that is kept.
        step: Steps done, from 1.
    """
    decay = min(decay, (1 + step) / (10 + step))
    for mean, current in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(current, 1 - decay)
    for mean, current in zip(average.buffers(), network.buffers(), strict=True):
        mean.copy_(current)
