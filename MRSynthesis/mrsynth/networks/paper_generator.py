"""The paper's generator: nine convolutions at full resolution."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor, nn

from mrsynth.networks.fast_paper_generator import FastPaperGenerator, is_fast
from mrsynth.networks.sublattice_layers import is_split, through_sublattices

LEAKY_SLOPE = 0.3
BATCH_NORM_EPSILON = 1e-3
# Keras keeps 0.99 of the old moving average at each step; PyTorch calls the remaining 0.01 the momentum.
BATCH_NORM_MOMENTUM = 0.01


@dataclass(frozen=True)
class ConvolutionLayer:
    """One row of the generator's table; the kernel is cubic.

    Attributes:
        kernel: Size of the kernel along each axis, in taps.
        filters: Output channels.
        dilation: Distance between taps, in voxels.
    """

    kernel: int
    filters: int
    dilation: int


GENERATOR_LAYERS = (
    ConvolutionLayer(kernel=9, filters=32, dilation=1),
    ConvolutionLayer(kernel=3, filters=32, dilation=2),
    ConvolutionLayer(kernel=3, filters=32, dilation=2),
    ConvolutionLayer(kernel=3, filters=64, dilation=2),
    ConvolutionLayer(kernel=9, filters=64, dilation=2),
    ConvolutionLayer(kernel=3, filters=64, dilation=2),
    ConvolutionLayer(kernel=3, filters=32, dilation=2),
    ConvolutionLayer(kernel=7, filters=32, dilation=2),
    ConvolutionLayer(kernel=3, filters=1, dilation=1),
)


class PaperGenerator(nn.Module):
    """The fully convolutional generator of Nie et al. 2018, in the sizes of the student report on T2 and PD.

    Nine convolutions with stride 1, 'same' zero padding and no bias; all but the last are followed by batch
    normalisation and LeakyReLU. The receptive field is 59 voxels, so the network is meant for the 32^3 patches it was
    trained on: there every output voxel has seen zero padding.

    D. Nie, R. Trullo, J. Lian, L. Wang, C. Petitjean, S. Ruan, Q. Wang, D. Shen, "Medical Image Synthesis with Deep
    Convolutional Adversarial Networks", IEEE Transactions on Biomedical Engineering 65(12), 2018.

    Args:
        residual: Whether the input is added to the last layer's output (long skip); the parameters are the same.
        filters: Output channels of the layers but the last; empty for the report's. Fewer are for trying things out.

    Attributes:
        size_multiple: What each axis of an input must be a multiple of.
        half_precision_on: Types of devices where half precision, if they have it, makes it faster.

    Raises:
        ValueError: If there are not as many filters as layers, or one is below 1.
    """

    size_multiple = (1, 1, 1)
    half_precision_on = ("cuda",)  # on a CPU the fast way is in float32

    def __init__(self, residual: bool = False, filters: Sequence[int] = ()) -> None:
        super().__init__()
        self.residual = residual
        *hidden, last = _layers(filters)
        inputs = (1, *(layer.filters for layer in hidden))
        self.layers = nn.ModuleList(map(_hidden_layer, inputs[:-1], hidden))
        self.layers.append(nn.Sequential(OrderedDict(convolution=_convolution(inputs[-1], last))))
        self._fast = FastPaperGenerator()

    def forward(self, source: Tensor) -> Tensor:
        """Map a source to a target, both (N, 1, in-plane, in-plane, slice), of any size."""
        if is_fast(self.layers, source):
            hidden = self._fast(self.layers, source)
        elif is_split(source):
            hidden = through_sublattices(self.layers, source)
        else:
            hidden = self.layer_by_layer(source)
        return source + hidden if self.residual else hidden

    def layer_by_layer(self, source: Tensor) -> Tensor:
        """Return what the layers make of a source, both (N, 1, X, Y, Z): the reference for the fast ways."""
        hidden = source
        for layer in self.layers:
            hidden = layer(hidden)  # (N, filters, X, Y, Z)
        return hidden


def batch_normalization(channels: int) -> nn.BatchNorm3d:
    """Return a batch normalisation with the constants of Keras, which the report used."""
    return nn.BatchNorm3d(channels, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM)


def _layers(filters: Sequence[int]) -> tuple[ConvolutionLayer, ...]:
    """Return the generator's table, with other numbers of filters in all rows but the last if there are any."""
    if not filters:
        return GENERATOR_LAYERS
    *hidden, last = GENERATOR_LAYERS
    if len(filters) != len(hidden) or not all(isinstance(number, int) and number >= 1 for number in filters):
        raise ValueError(f"expected {len(hidden)} numbers of filters of at least 1, found {tuple(filters)}")
    return (*(replace(layer, filters=number) for layer, number in zip(hidden, filters, strict=True)), last)


def _convolution(inputs: int, layer: ConvolutionLayer) -> nn.Conv3d:
    reach = layer.dilation * (layer.kernel // 2)
    convolution = nn.Conv3d(inputs, layer.filters, layer.kernel, padding=reach, dilation=layer.dilation, bias=False)
    nn.init.xavier_uniform_(convolution.weight)  # the default of Keras
    return convolution


def _hidden_layer(inputs: int, layer: ConvolutionLayer) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            convolution=_convolution(inputs, layer),
            normalization=batch_normalization(layer.filters),
            activation=nn.LeakyReLU(LEAKY_SLOPE),
        )
    )
