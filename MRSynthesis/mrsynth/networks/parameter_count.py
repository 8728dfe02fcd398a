"""How many numbers a network holds, counted as the report counts them."""

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class ParameterCount:
    """The numbers of a network as Keras prints them: moving statistics of batch normalisation are parameters too.

    Attributes:
        trainable: Weights, biases, and the scale and shift of batch normalisation.
        not_trainable: Moving means and variances.
    """

    trainable: int
    not_trainable: int

    @property
    def total(self) -> int:
        return self.trainable + self.not_trainable


def count_parameters(network: nn.Module) -> ParameterCount:
    """Count a network's or a layer's parameters in Keras' way.

    PyTorch also counts the batches that batch normalisation has seen; Keras has no such number, so it is left out.
    """
    trainable = sum(parameter.numel() for parameter in network.parameters())
    moving = (buffer for buffer in network.buffers() if buffer.is_floating_point())
    return ParameterCount(trainable, sum(buffer.numel() for buffer in moving))
