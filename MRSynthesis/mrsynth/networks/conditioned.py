"""A network that is told how its source was acquired, once for all patches of a scan."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Conditioned(nn.Module):
    """A conditional network under fixed conditions: takes patches alone, as every other network does.

    Args:
        network: Takes patches (N, 1, X, Y, Z) and conditions (1, K).
        conditions: The K numbers.

    Attributes:
        size_multiple: The network's.
        half_precision_on: The network's.
        estimates_error: The network's; False if it has none.
    """

    def __init__(self, network: nn.Module, conditions: Sequence[float]) -> None:
        super().__init__()
        self.network = network
        self.size_multiple, self.half_precision_on = network.size_multiple, network.half_precision_on
        self.estimates_error: bool = getattr(network, "estimates_error", False)
        self.register_buffer("conditions", torch.tensor([list(conditions)], dtype=torch.float32))
        self.train(network.training)

    def forward(self, patches: Tensor) -> Tensor:
        return self.network(patches, self.conditions)
