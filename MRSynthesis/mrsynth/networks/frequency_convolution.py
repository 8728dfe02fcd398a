"""Convolutions of small volumes with large kernels, as matrix products at each frequency.

Volumes have the shape (X, Y, Z, N, C). With the channels last and the axes first, the transform along an axis is a
product with a small matrix on the left of everything that follows this axis in memory, and it leaves the two parts of
a complex number (p = re, im) where the next axis needs them:

    (X, Y Z N C) -> (fx, p Y, Z N C) -> (fx, fy, p Z, N C) -> (fx, fy, fz, q N, C), q = -im, re, im

So each frequency ends with a matrix of N rows of C channels for each part, and nothing is ever permuted. There the
convolution is a product with the kernel's frequency W = U + i V (C, C'). With a = re, im and i a = -im, re one below
the other, which q provides as two overlapping views, it is ``a U + (i a) V``, on real numbers alone. The way back
mirrors the way there.

The transform's adjoint is its inverse (`frequency_matrices`), so the gradient with respect to the volumes is the same
convolution with the transposed and conjugated kernel, and that with respect to U and V is ``a^T g`` and ``(i a)^T g``,
g being the transformed gradient of the result.

The planes of equal fx are taken one by one, each by one thread, so that what they need fits into a core's cache; on a
graphics card all at once, so that each product keeps all of it busy. The transform along x, before and after that, is
`frequency_convolution`'s own; or its caller's, who may know what else to do with the voxels while they are at hand
(`convolve_planes`).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mrsynth.networks.frequency_matrices import FrequencyMatrices
from mrsynth.networks.threads import in_threads

ALL_PLANES_ON = ("cuda",)

# Takes the number of a plane, and volumes at its frequencies, (f, 3 N, C), to the result there, (f, 2 N, C').
Product = Callable[[int, Tensor], Tensor]


def kernel_spectrum(kernel: Tensor, matrices: FrequencyMatrices) -> Tensor:
    """Return a kernel at all frequencies; gradients flow through it.

    Args:
        kernel: Shape (C', C, K, K, K), as in ``nn.Conv3d``: a correlation, not flipped.
        matrices: For the volumes' size and K.

    Returns:
        Shape (fx fy fz, 2, C, C'), the second axis being U and V.
    """
    taps, to = kernel.shape[2], matrices.kernel
    lines = to.x @ kernel.permute(2, 3, 4, 1, 0).reshape(taps, -1)  # (fx p, K K C C')
    lines = _left(to.y, lines.view(-1, 2 * taps, lines.shape[1] // taps))  # (fx, fy p, K C C')
    lines = _left(to.z, lines.view(-1, 2 * taps, lines.shape[2] // taps))  # (fx fy, fz p, C C')
    return lines.view(-1, 2, kernel.shape[1], kernel.shape[0])


def frequency_convolution(volumes: Tensor, spectrum: Tensor, matrices: FrequencyMatrices) -> Tensor:
    """Convolve volumes with a kernel, with stride 1 and 'same' zero padding.

    Args:
        volumes: Shape (X, Y, Z, N, C); a copy is made if it is not contiguous.
        spectrum: The kernel's, see `kernel_spectrum`.
        matrices: Those the spectrum was made with.

    Returns:
        Shape (X, Y, Z, N, C'), contiguous.
    """
    if torch.is_grad_enabled() and (volumes.requires_grad or spectrum.requires_grad):
        return _FrequencyConvolution.apply(volumes, spectrum, matrices)
    return _at_frequencies(volumes, spectrum.shape[3], matrices, _product_with(_by_plane(spectrum, matrices)))


def convolve_planes(lines: Tensor, spectrum: Tensor, matrices: FrequencyMatrices) -> Tensor:
    """Do what `frequency_convolution` does between the transforms along x; without gradients.

    Args:
        lines: Volumes at the frequencies of x, shape (fx p, Y, Z N C), contiguous.
        spectrum: The kernel's, see `kernel_spectrum`.
        matrices: Those the spectrum was made with.

    Returns:
        Shape (fx p, Y, Z N C'), contiguous.
    """
    planes = lines.view(len(lines) // 2, -1, lines.shape[2])
    product = _product_with(_by_plane(spectrum, matrices))
    return _planes(planes, (spectrum.shape[2], spectrum.shape[3]), matrices, product).view(
        len(lines), lines.shape[1], -1
    )


class _FrequencyConvolution(torch.autograd.Function):
    """`frequency_convolution` with its gradient; the volumes are kept as frequencies."""

    @staticmethod
    def forward(ctx: Any, volumes: Tensor, spectrum: Tensor, matrices: FrequencyMatrices) -> Tensor:
        by_plane = _by_plane(spectrum, matrices)
        kept: list[Tensor | None] = [None] * len(by_plane)

        def product(plane: int, there: Tensor) -> Tensor:
            kept[plane] = there
            return _product(there, by_plane[plane])

        result = _at_frequencies(volumes, spectrum.shape[3], matrices, product)
        ctx.matrices = matrices
        ctx.save_for_backward(spectrum, *kept)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        spectrum, *kept = ctx.saved_tensors
        of_volumes, of_spectrum = ctx.needs_input_grad[:2]
        spectrum_gradient = torch.empty_like(spectrum) if of_spectrum else None
        by_plane = _by_plane(spectrum, ctx.matrices)
        gradient_by_plane = _by_plane(spectrum_gradient, ctx.matrices) if of_spectrum else ()

        def product(plane: int, there: Tensor) -> Tensor:
            if of_spectrum:
                _outer_product(kept[plane], there, gradient_by_plane[plane])
            return _adjoint_product(there, by_plane[plane]) if of_volumes else there[:, : _rows(there), :0]

        channels = spectrum.shape[2] if of_volumes else 0
        volumes_gradient = _at_frequencies(gradient, channels, ctx.matrices, product)
        return volumes_gradient if of_volumes else None, spectrum_gradient, None


def _at_frequencies(volumes: Tensor, filters: int, matrices: FrequencyMatrices, product: Product) -> Tensor:
    """Take volumes (X, Y, Z, N, C) to frequencies, multiply them there, and come back with C' channels (filters)."""
    x, y, z, n, channels = volumes.shape
    lines = (matrices.analysis.x @ volumes.reshape(x, -1)).view(-1, 2 * y, z * n * channels)
    result = _planes(lines, (channels, filters), matrices, product)
    return (matrices.synthesis.x @ result.view(2 * len(lines), -1)).view(x, y, z, n, filters)


def _planes(lines: Tensor, channels: tuple[int, int], matrices: FrequencyMatrices, product: Product) -> Tensor:
    """Take planes (fx, p Y, Z N C) to all frequencies, multiply them there, and return (fx, p Y, Z N C')."""
    to, back = matrices.analysis, matrices.synthesis
    z, fy = len(back.z) // 2, len(to.y) // 2
    n = lines.shape[2] // z // channels[0]

    def along_z(number: int, plane: Tensor) -> Tensor:
        """Take what has the frequencies of x and y, (fx fy, p Z, N C), to z's, multiply, and come back."""
        there = _left(to.z, plane).view(-1, 3 * n, channels[0])  # (fx fy fz, q N, C)
        there = product(number, there)  # (fx fy fz, p N, C')
        there = there.view(len(plane), back.z.shape[1], n * channels[1])
        return _left(back.z, there)  # (fx fy, p Z, N C')

    if lines.device.type in ALL_PLANES_ON:
        volumes = along_z(0, _left(to.y, lines).view(-1, 2 * z, n * channels[0]))
        return _left(back.y, volumes.view(len(lines), 2 * fy, -1))  # (fx, p Y, Z N C')
    result = lines.new_empty(len(lines), len(back.y), z * n * channels[1])

    def convolve(number: int) -> None:
        plane = along_z(number, (to.y @ lines[number]).view(fy, 2 * z, n * channels[0]))
        torch.mm(back.y, plane.view(2 * fy, -1), out=result[number])  # (p Y, Z N C')

    in_threads(convolve, range(len(lines)))
    return result


def _by_plane(spectrum: Tensor, matrices: FrequencyMatrices) -> Tensor:
    """Return a spectrum (fx fy fz, 2, C, C') as (planes, frequencies of a plane, 2, C, C')."""
    planes = 1 if spectrum.device.type in ALL_PLANES_ON else len(matrices.analysis.x) // 2
    return spectrum.unflatten(0, (planes, -1))


def _product_with(by_plane: Tensor) -> Product:
    return lambda plane, there: _product(there, by_plane[plane])


def _left(matrix: Tensor, stack: Tensor) -> Tensor:
    """Multiply each matrix of a stack from the left by the same matrix."""
    return torch.bmm(matrix.expand(len(stack), -1, -1), stack)


def _rows(there: Tensor) -> int:
    """Return 2 N for volumes at frequencies, (frequencies, q N, C)."""
    return 2 * there.shape[1] // 3


def _product(there: Tensor, spectrum: Tensor) -> Tensor:
    """Return a U + (i a) V."""
    rows = _rows(there)
    return torch.bmm(there[:, -rows:], spectrum[:, 0]).baddbmm_(there[:, :rows], spectrum[:, 1])


def _adjoint_product(there: Tensor, spectrum: Tensor) -> Tensor:
    """Return g U^T - (i g) V^T."""
    rows = _rows(there)
    return torch.bmm(there[:, -rows:], spectrum[:, 0].mT).baddbmm_(there[:, :rows], spectrum[:, 1].mT, alpha=-1)


def _outer_product(volumes: Tensor, gradient: Tensor, result: Tensor) -> None:
    """Write a^T g and (i a)^T g into the spectrum's gradient, (frequencies, 2, C, C')."""
    rows = _rows(volumes)
    torch.bmm(volumes[:, -rows:].mT, gradient[:, -rows:], out=result[:, 0])
    torch.bmm(volumes[:, :rows].mT, gradient[:, -rows:], out=result[:, 1])
