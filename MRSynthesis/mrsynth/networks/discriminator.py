"""The paper's discriminator: is this target the real one for this source?"""

from collections import OrderedDict
from typing import TypeVar

import torch
from torch import Tensor, nn

from mrsynth.networks.paper_generator import LEAKY_SLOPE, batch_normalization

PATCH = (32, 32, 32)
STAGE_FILTERS = (32, 64, 128, 256)
DENSE_UNITS = (512, 128)

Layer = TypeVar("Layer", nn.Conv3d, nn.Linear)


class Discriminator(nn.Module):
    """The conditional discriminator of Nie et al. 2018, in the sizes of the student report on T2 and PD.

    Source and target patch enter as two channels. Four stages of 3^3 convolution with bias, batch normalisation,
    LeakyReLU and max-pooling by 2 bring 32^3 to 2^3; three dense layers follow.

    D. Nie et al., "Medical Image Synthesis with Deep Convolutional Adversarial Networks", IEEE Transactions on
    Biomedical Engineering 65(12), 2018.
    """

    def __init__(self) -> None:
        super().__init__()
        inputs = (2, *STAGE_FILTERS[:-1])
        self.stages = nn.Sequential(*map(_stage, inputs, STAGE_FILTERS))
        pooled = PATCH[0] // 2 ** len(STAGE_FILTERS)
        self.dense = _dense_layers(STAGE_FILTERS[-1] * pooled**3)

    def logits(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the log odds that the targets are real, shape (N, 1), for patches of shape (N, 1, 32, 32, 32).

        Losses take these rather than probabilities, whose logarithm overflows where the discriminator is sure.

        Raises:
            ValueError: If a patch has another shape.
        """
        for name, patch in (("source", source), ("target", target)):
            if tuple(patch.shape[1:]) != (1, *PATCH):
                raise ValueError(f"expected {name} patches of shape (N, 1, 32, 32, 32), found {tuple(patch.shape)}")
        hidden = self.stages(torch.cat([source, target], dim=1))  # (N, 256, 2, 2, 2)
        return self.dense(hidden.flatten(start_dim=1))

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the probability that the targets are real, shape (N, 1), for patches of shape (N, 1, 32, 32, 32)."""
        return torch.sigmoid(self.logits(source, target))


def _stage(inputs: int, filters: int) -> nn.Sequential:
    convolution = nn.Conv3d(inputs, filters, kernel_size=3, padding=1)
    return nn.Sequential(
        OrderedDict(
            convolution=_as_keras_starts(convolution),
            normalization=batch_normalization(filters),
            activation=nn.LeakyReLU(LEAKY_SLOPE),
            pooling=nn.MaxPool3d(2),
        )
    )


def _dense_layers(inputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for units in DENSE_UNITS:
        layers += [_as_keras_starts(nn.Linear(inputs, units)), nn.LeakyReLU(LEAKY_SLOPE)]
        inputs = units
    return nn.Sequential(*layers, _as_keras_starts(nn.Linear(inputs, 1)))


def _as_keras_starts(layer: Layer) -> Layer:
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
