"""The paper's discriminator: is this target the real one for this source?"""

from collections import OrderedDict
from collections.abc import Sequence
from math import prod
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

    Args:
        patch: Size of the patches (in-plane, in-plane, slice); empty for the report's, like the others.
        stage_filters: Output channels of each stage.
        dense_units: Of each dense layer but the last, which has one.

    Raises:
        ValueError: If a number is below 1, or the patch cannot be halved once for each stage.
    """

    def __init__(
        self, patch: Sequence[int] = (), stage_filters: Sequence[int] = (), dense_units: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.patch = tuple(patch or PATCH)
        filters, units = tuple(stage_filters or STAGE_FILTERS), tuple(dense_units or DENSE_UNITS)
        _require_sizes(self.patch, filters, units)
        self.stages = nn.Sequential(*map(_stage, (2, *filters[:-1]), filters))
        pooled = prod(size // 2 ** len(filters) for size in self.patch)
        self.dense = _dense_layers(filters[-1] * pooled, units)

    def logits(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the log odds that the targets are real, shape (N, 1), for patches of shape (N, 1, X, Y, Z).

        Losses take these rather than probabilities, whose logarithm overflows where the discriminator is sure.

        Raises:
            ValueError: If a patch has another shape.
        """
        for name, patch in (("source", source), ("target", target)):
            if tuple(patch.shape[1:]) != (1, *self.patch):
                shape = ", ".join(map(str, self.patch))
                raise ValueError(f"expected {name} patches of shape (N, 1, {shape}), found {tuple(patch.shape)}")
        hidden = self.stages(torch.cat([source, target], dim=1))  # (N, 256, 2, 2, 2) of the report's patches
        return self.dense(hidden.flatten(start_dim=1))

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the probability that the targets are real, shape (N, 1), for patches of shape (N, 1, X, Y, Z)."""
        return torch.sigmoid(self.logits(source, target))


def _require_sizes(patch: tuple[int, ...], filters: tuple[int, ...], units: tuple[int, ...]) -> None:
    if not all(isinstance(number, int) and number >= 1 for number in (*patch, *filters, *units)):
        raise ValueError(f"expected whole numbers of at least 1, found {patch}, {filters} and {units}")
    multiple = 2 ** len(filters)
    if len(patch) != 3 or any(size % multiple for size in patch):
        raise ValueError(f"expected a patch in multiples of {multiple} for {len(filters)} stages, found {patch}")


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


def _dense_layers(inputs: int, units: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for outputs in units:
        layers += [_as_keras_starts(nn.Linear(inputs, outputs)), nn.LeakyReLU(LEAKY_SLOPE)]
        inputs = outputs
    return nn.Sequential(*layers, _as_keras_starts(nn.Linear(inputs, 1)))


def _as_keras_starts(layer: Layer) -> Layer:
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
