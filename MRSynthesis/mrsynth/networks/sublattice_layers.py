"""The paper's generator on a graphics card: all layers as ordinary convolutions on the eight sublattices of a patch.

Dense convolutions of many channels are what the cards' kernels for half precision and for channels-last order are made
for. On the sublattices (`sublattices`) dilated layers become dense, and the first and the last one, of a single channel
at one end, become layers of eight channels there, between the sublattices. Layers with large kernels need a small part
of the products at frequencies (`frequency_convolution`), in single precision whatever the others compute in. In
evaluation, batch normalisation is folded into the weights; in training, its statistics run over the same voxels as
ever.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mrsynth.networks.frequency_convolution import frequency_convolution, kernel_spectrum
from mrsynth.networks.frequency_matrices import matrices_on
from mrsynth.networks.sublattices import interleaved_kernel, join, split

DEVICES = ("cuda",)
# Kernels from this size on, in taps, are cheaper at frequencies; for sublattices up to a size, as spectra grow with it.
LEAST_TAPS = 7
LARGEST_SUBLATTICE = 20


def is_split(source: Tensor) -> bool:
    """Return whether a source, (N, 1, X, Y, Z), should go through `through_sublattices`."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return False
    even = source.ndim == 5 and source.numel() > 0 and not any(side % 2 for side in source.shape[2:])
    return source.device.type in DEVICES and even and source.shape[1] == 1


def through_sublattices(layers: nn.ModuleList, source: Tensor) -> Tensor:
    """Return what the layers make of a source, both (N, 1, X, Y, Z) with even X, Y and Z; gradients flow through it."""
    hidden = _apart(split(source).permute(3, 4, 0, 1, 2))  # (8 N, 1, X / 2, Y / 2, Z / 2)
    for layer in layers:
        hidden = on_sublattices(layer, hidden)  # (8 N, filters, ...)
    return join(_together(hidden).permute(2, 3, 4, 0, 1))


def on_sublattices(layer: nn.Sequential, hidden: Tensor) -> Tensor:
    """Return what a layer makes of sublattices, both (8 N, channels, X / 2, Y / 2, Z / 2)."""
    weight, normalization = layer.convolution.weight, getattr(layer, "normalization", None)
    if normalization is None:
        return _convolved(layer, hidden, weight)
    if normalization.training:
        return layer.activation(normalization(_convolved(layer, hidden, weight)))
    scale = normalization.weight / torch.sqrt(normalization.running_var + normalization.eps)
    shift = normalization.bias - normalization.running_mean * scale
    return layer.activation(_convolved(layer, hidden, weight * scale[:, None, None, None, None], shift))


def _convolved(layer: nn.Sequential, hidden: Tensor, weight: Tensor, shift: Tensor | None = None) -> Tensor:
    """Convolve each sublattice by itself for a dilated layer, else all eight of a patch together."""
    if layer.convolution.dilation[0] == 2:
        if weight.shape[2] >= LEAST_TAPS and max(hidden.shape[2:]) <= LARGEST_SUBLATTICE:
            return _at_frequencies(hidden, weight, shift)
        return F.conv3d(hidden, weight, shift, padding=weight.shape[2] // 2)
    kernel = interleaved_kernel(weight)
    shifts = None if shift is None else shift.repeat(8)
    return _apart(F.conv3d(_together(hidden), kernel, shifts, padding=kernel.shape[2] // 2))


def _at_frequencies(hidden: Tensor, weight: Tensor, shift: Tensor | None) -> Tensor:
    """Return the same as ``F.conv3d`` with 'same' padding, computed in the weight's precision, in the type of that."""
    device = hidden.device.type
    kind = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
    with torch.autocast(device, enabled=False):
        # Order and type are changed in one go, as a card waits for its memory: (X / 2, Y / 2, Z / 2, 8 N, C).
        volumes = hidden.permute(2, 3, 4, 0, 1).to(weight.dtype, memory_format=torch.contiguous_format)
        matrices = matrices_on(weight.device, tuple(volumes.shape[:3]), weight.shape[2], weight.dtype)
        found = frequency_convolution(volumes, kernel_spectrum(weight, matrices), matrices)
        found = found if shift is None else found + shift
        return found.permute(3, 4, 0, 1, 2).to(kind, memory_format=torch.channels_last_3d)


def _together(sublattices: Tensor) -> Tensor:
    """Lay the eight sublattices of a patch into channels: (8 N, C, ...) to (N, 8 C, ...)."""
    channels = sublattices.unflatten(0, (-1, 8)).flatten(1, 2)
    return channels.contiguous(memory_format=torch.channels_last_3d)


def _apart(channels: Tensor) -> Tensor:
    """Undo `_together`."""
    sublattices = channels.unflatten(1, (8, -1)).flatten(0, 1)
    return sublattices.contiguous(memory_format=torch.channels_last_3d)
