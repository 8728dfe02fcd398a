"""The paper's generator on the CPU: the same function, several times faster than its layers one after the other.

- Layers 2 to 8 have dilation 2 and 'same' zero padding, and only pointwise operations between them. So they are
  ordinary convolutions on the eight sublattices of a patch with even sides. Layers 1 and 9 become convolutions between
  the sublattices (`sublattices`), which are therefore split once and joined once.
- On these small volumes every convolution is cheaper at frequencies (`frequency_convolution`): layer 5, with its 9^3
  kernel, costs 2.3 instead of 196 GFLOP for a patch of 32^3. Volumes keep the order of axes that suits this throughout.
- In evaluation, batch normalisation is folded into the kernels, their spectra are kept, and patches of a constant (air)
  are computed once. Each thread takes patches of its own through all layers. Between two layers a few rows of voxels at
  a time come back from the frequencies of x, get their bias and activation, and go there again.
- In training, statistics run over the same voxels as ever, in another order.

Results differ from PyTorch's own layers by rounding: about 3e-6 of the largest value in single precision.
"""

import threading
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mrsynth.networks.frequency_convolution import convolve_planes, frequency_convolution, kernel_spectrum
from mrsynth.networks.frequency_matrices import FrequencyMatrices, frequency_matrices
from mrsynth.networks.sublattices import interleaved_kernel, join, split
from mrsynth.networks.threads import in_threads

# Spectra grow with the volume of a patch: 0.46 GB for 32^3, 0.8 GB for 40^3 in single precision.
LARGEST_SIDE = 40
DTYPES = (torch.float32, torch.float64)
# The more patches a thread takes at a time, the less often each part of the spectra is fetched; the fewer, the more of
# them is in the cache.
PATCHES_AT_ONCE = 4
ROWS_AT_ONCE = 2


def is_fast(layers: nn.ModuleList, source: Tensor) -> bool:
    """Return whether `FastPaperGenerator` can take a source, (N, 1, X, Y, Z), through the layers."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return False  # decisions by value would become part of the graph
    weight = layers[0].convolution.weight
    return (
        source.device.type == weight.device.type == "cpu"
        and source.dtype == weight.dtype
        and source.dtype in DTYPES
        and source.ndim == 5
        and source.shape[1] == 1
        and source.numel() > 0
        and all(side % 2 == 0 and side <= LARGEST_SIDE for side in source.shape[2:])
        and not torch.is_autocast_enabled("cpu")
    )


class FastPaperGenerator:
    """Takes patches through the layers of a generator; keeps what is worth keeping between calls.

    Kept is what was derived from the weights for the latest size of patches. It is compared with the weights at each
    call, so it does not matter how they were changed. A copy of the generator starts without it. Threads may share it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folded: FoldedLayers | None = None

    def __reduce__(self) -> tuple[type, tuple]:
        return FastPaperGenerator, ()

    def __call__(self, layers: nn.ModuleList, source: Tensor) -> Tensor:
        """Return what the layers make of a source for which `is_fast` holds, both (N, 1, X, Y, Z)."""
        needs_gradient = torch.is_grad_enabled() and (
            source.requires_grad or any(parameter.requires_grad for parameter in layers.parameters())
        )
        if needs_gradient or any(module.training for module in layers.modules()):
            self._folded = None
            return _through_layers(layers, source)
        return self._folded_for(layers, source)(source)

    def _folded_for(self, layers: nn.ModuleList, source: Tensor) -> "FoldedLayers":
        sizes = tuple(source.shape[2:])
        with self._lock:
            folded = self._folded
            if folded is None or not folded.fits(layers, sizes):
                folded = self._folded = None  # before the next one needs the memory
                folded = self._folded = FoldedLayers(layers, sizes)
            return folded


class FoldedLayers:
    """The layers in evaluation, as spectra for patches of one size (X, Y, Z)."""

    @torch.no_grad()
    def __init__(self, layers: nn.ModuleList, sizes: tuple[int, ...]) -> None:
        self._sizes = sizes
        self._state = [tensor.clone() for tensor in _state(layers)]
        self._slopes = [layer.activation.negative_slope for layer in layers[:-1]]
        kernels, self._biases = zip(*map(_folded_kernel, layers), strict=True)
        self._matrices = _matrices(kernels, sizes)
        self._spectra = [kernel_spectrum(k, m) for k, m in zip(kernels, self._matrices, strict=True)]
        self._constant_answer: dict[float, Tensor] = {}  # the latest only: a scan's air has one value

    def fits(self, layers: nn.ModuleList, sizes: tuple[int, ...]) -> bool:
        """Return whether these are the layers as they are now, for patches of these sizes."""
        state = _state(layers)
        return sizes == self._sizes and all(
            kept.dtype == tensor.dtype and torch.equal(kept, tensor)
            for kept, tensor in zip(self._state, state, strict=True)
        )

    @torch.no_grad()
    def __call__(self, source: Tensor) -> Tensor:
        """Return the layers' answers to a source, both (N, 1, X, Y, Z); equal patches of a constant have one answer."""
        levels = _levels(source)
        known = dict(self._constant_answer)
        new = [n for n, level in enumerate(levels) if level is None or level not in (*known, *levels[:n])]
        result = torch.empty_like(source)
        if new:
            size = min(PATCHES_AT_ONCE, -(-len(new) // torch.get_num_threads()))
            result[new] = torch.cat(in_threads(self.respond, source[new].split(size)))
        for number, level in enumerate(levels):
            if number in new and level is not None:
                known[level] = result[number].clone()
                self._constant_answer = {level: known[level]}
            elif number not in new:
                result[number] = known[level]
        return result

    def respond(self, source: Tensor) -> Tensor:
        """Take patches through the layers, both (N, 1, X, Y, Z), whatever is known of them."""
        volumes = split(source)
        x, y, *_ = volumes.shape
        lines = (self._matrices[0].analysis.x @ volumes.reshape(x, -1)).view(-1, y, volumes[0, 0].numel())
        for number, (spectrum, matrices) in enumerate(zip(self._spectra, self._matrices, strict=True)):
            # 8 N sublattices in layers 2 to 8; N of eightfold channels in the first and the last.
            lines = convolve_planes(lines, spectrum, matrices)
            if number < len(self._slopes):
                lines = self._to_next_layer(number, lines)
        return join((self._matrices[-1].synthesis.x @ lines.flatten(1)).view(volumes.shape))

    def _to_next_layer(self, number: int, lines: Tensor) -> Tensor:
        """Take a layer's result at the frequencies of x, (fx p, Y, Z N C), to the source of the next, in like shape."""
        back, to = self._matrices[number].synthesis.x, self._matrices[number + 1].analysis.x
        bias, slope = self._biases[number], self._slopes[number]
        result = lines.new_empty(len(to), *lines.shape[1:])
        for rows, there in zip(lines.split(ROWS_AT_ONCE, 1), result.split(ROWS_AT_ONCE, 1), strict=True):
            voxels = back @ rows.flatten(1)  # (X, rows Z N C)
            F.leaky_relu_(voxels.view(-1, len(bias)).add_(bias), slope)
            torch.mm(to, voxels, out=there.flatten(1))
        return result


def _through_layers(layers: nn.ModuleList, source: Tensor) -> Tensor:
    """Return the layers' answers with gradients, and with batch statistics in training."""
    kernels = [_kernel(layer, layer.convolution.weight) for layer in layers]
    volumes = split(source)
    for layer, kernel, matrices in zip(layers, kernels, _matrices(kernels, source.shape[2:]), strict=True):
        volumes = volumes.reshape(*volumes.shape[:3], -1, kernel.shape[1])
        volumes = frequency_convolution(volumes, kernel_spectrum(kernel, matrices), matrices)
        if layer is not layers[-1]:
            # All voxels of all patches in a line: (1, C, X Y Z N, 1, 1) with the channels last in memory.
            lines = volumes.view(1, -1, 1, 1, layer.convolution.out_channels).permute(0, 4, 1, 2, 3)
            lines = layer.activation(layer.normalization(lines))
            volumes = lines.permute(0, 2, 3, 4, 1).reshape(volumes.shape)
    return join(volumes)


def _kernel(layer: nn.Sequential, weight: Tensor) -> Tensor:
    """Return the kernel between sublattices that has the effect of a layer's weight."""
    return interleaved_kernel(weight) if layer.convolution.dilation[0] == 1 else weight


def _folded_kernel(layer: nn.Sequential) -> tuple[Tensor, Tensor | None]:
    """Return a layer's kernel between sublattices and its bias, with the batch normalisation in evaluation in them."""
    weight, normalization = layer.convolution.weight, getattr(layer, "normalization", None)
    if normalization is None:
        return _kernel(layer, weight), None
    scale = normalization.weight / torch.sqrt(normalization.running_var + normalization.eps)
    kernel = _kernel(layer, weight * scale[:, None, None, None, None])
    return kernel, normalization.bias - normalization.running_mean * scale


def _matrices(kernels: Sequence[Tensor], sizes: Sequence[int]) -> list[FrequencyMatrices]:
    """Return the matrices of each kernel for the sublattices of patches of sizes (X, Y, Z)."""
    halves, taps = tuple(size // 2 for size in sizes), [kernel.shape[2] for kernel in kernels]
    of_taps = {size: frequency_matrices(halves, size, kernels[0].dtype) for size in set(taps)}
    return [of_taps[size] for size in taps]


def _levels(source: Tensor) -> list[float | None]:
    """Return the value of each patch (N, 1, X, Y, Z) that has but one, None for the others."""
    voxels = source.flatten(1)
    constant = (voxels == voxels[:, :1]).all(1)
    return [level if same else None for level, same in zip(voxels[:, 0].tolist(), constant.tolist(), strict=True)]


def _state(layers: nn.ModuleList) -> list[Tensor]:
    return [*layers.parameters(), *layers.buffers()]
