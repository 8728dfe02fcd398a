"""The paper's generator on a graphics card: layers of dilation 2 as ordinary ones on the eight sublattices of a patch.

Dense convolutions are what the cards' kernels for half precision and for channels-last order are made for; on the
sublattices (`sublattices`) dilated ones become dense. How much faster that is was not measured. In evaluation, batch
normalisation is folded into the weights; in training, its statistics run over the same voxels as ever.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DEVICES = ("cuda",)


def is_split(source: Tensor) -> bool:
    """Return whether a source, (N, 1, X, Y, Z), should go through `through_sublattices`."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return False
    return source.device.type in DEVICES and source.ndim == 5 and not any(side % 2 for side in source.shape[2:])


def through_sublattices(layers: nn.ModuleList, source: Tensor) -> Tensor:
    """Return what the layers make of a source, both (N, 1, X, Y, Z) with even X, Y and Z; gradients flow through it."""
    hidden, apart = source, False
    for layer in layers:
        dilated = layer.convolution.dilation[0] == 2
        if dilated != apart:
            hidden, apart = (_split(hidden) if dilated else _join(hidden)), dilated
        hidden = _dense(layer, hidden)
    return _join(hidden) if apart else hidden


def _dense(layer: nn.Sequential, hidden: Tensor) -> Tensor:
    """Apply a layer without its dilation."""
    weight, normalization = layer.convolution.weight, getattr(layer, "normalization", None)
    padding = weight.shape[2] // 2
    if normalization is None:
        return F.conv3d(hidden, weight, padding=padding)
    if normalization.training:
        return layer.activation(normalization(F.conv3d(hidden, weight, padding=padding)))
    scale = normalization.weight / torch.sqrt(normalization.running_var + normalization.eps)
    shift = normalization.bias - normalization.running_mean * scale
    return layer.activation(F.conv3d(hidden, weight * scale[:, None, None, None, None], shift, padding=padding))


def _split(volumes: Tensor) -> Tensor:
    """Take volumes apart into every other voxel: (N, C, X, Y, Z) to (8 N, C, X / 2, Y / 2, Z / 2)."""
    pairs = volumes.unflatten(4, (-1, 2)).unflatten(3, (-1, 2)).unflatten(2, (-1, 2))
    apart = pairs.permute(3, 5, 7, 0, 1, 2, 4, 6).flatten(0, 3)  # from (N, C, X / 2, 2, Y / 2, 2, Z / 2, 2)
    return apart.contiguous(memory_format=torch.channels_last_3d)


def _join(sublattices: Tensor) -> Tensor:
    """Undo `_split`."""
    pairs = sublattices.unflatten(0, (2, 2, 2, -1)).permute(3, 4, 5, 0, 6, 1, 7, 2)
    together = pairs.flatten(6, 7).flatten(4, 5).flatten(2, 3)
    return together.contiguous(memory_format=torch.channels_last_3d)
