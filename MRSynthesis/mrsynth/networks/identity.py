"""A network that returns its input: what must come back unchanged through everything around a network."""

from torch import Tensor, nn


class Identity(nn.Module):
    """Returns its input, whatever its shape.

    Attributes:
        size_multiple: What each axis of an input must be a multiple of.
    """

    size_multiple = (1, 1, 1)

    def forward(self, source: Tensor) -> Tensor:
        return source
