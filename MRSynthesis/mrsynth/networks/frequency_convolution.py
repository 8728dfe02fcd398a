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

The planes of equal fx are taken one after the other: what one of them needs fits into the cache.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mrsynth.networks.frequency_matrices import FrequencyMatrices

# From a number and its kind of plane (fy fz, 3 N, C) to the plane of the result (fy fz, 2 N, C').
PlaneProduct = Callable[[int, Tensor], Tensor]


def kernel_spectrum(kernel: Tensor, matrices: FrequencyMatrices) -> Tensor:
    """Return a kernel at all frequencies; gradients flow through it.

    Args:
        kernel: Shape (C', C, K, K, K), as in ``nn.Conv3d``: a correlation, not flipped.
        matrices: For the volumes' size and K.

    Returns:
        Shape (fx, fy fz, 2, C, C'), the third axis being U and V.
    """
    taps, to = kernel.shape[2], matrices.kernel
    lines = to.x @ kernel.permute(2, 3, 4, 1, 0).reshape(taps, -1)  # (fx p, K K C C')
    lines = _left(to.y, lines.view(-1, 2 * taps, lines.shape[1] // taps))  # (fx, fy p, K C C')
    lines = _left(to.z, lines.view(-1, 2 * taps, lines.shape[2] // taps))  # (fx fy, fz p, C C')
    return lines.view(len(to.x) // 2, -1, 2, kernel.shape[1], kernel.shape[0])


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
    rows = 2 * volumes.shape[3]
    return _at_frequencies(volumes, matrices, lambda number, plane: _product(plane, spectrum[number], rows))


class _FrequencyConvolution(torch.autograd.Function):
    """`frequency_convolution` with its gradient; the volumes are kept as frequencies."""

    @staticmethod
    def forward(ctx: Any, volumes: Tensor, spectrum: Tensor, matrices: FrequencyMatrices) -> Tensor:
        ctx.matrices, rows, planes = matrices, 2 * volumes.shape[3], []

        def product(number: int, plane: Tensor) -> Tensor:
            planes.append(plane)
            return _product(plane, spectrum[number], rows)

        result = _at_frequencies(volumes, matrices, product)
        ctx.save_for_backward(spectrum, *planes)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        spectrum, *planes = ctx.saved_tensors
        rows = 2 * gradient.shape[3]
        of_volumes, of_spectrum = ctx.needs_input_grad[:2]
        spectrum_gradient = torch.empty_like(spectrum) if of_spectrum else None

        def product(number: int, plane: Tensor) -> Tensor:
            if of_spectrum:
                _add_outer(planes[number], plane, spectrum_gradient[number], rows)
            return _adjoint_product(plane, spectrum[number], rows) if of_volumes else plane[:, :0]

        volumes_gradient = _at_frequencies(gradient, ctx.matrices, product)
        return volumes_gradient if of_volumes else None, spectrum_gradient, None


def _at_frequencies(volumes: Tensor, matrices: FrequencyMatrices, product: PlaneProduct) -> Tensor:
    """Take volumes (X, Y, Z, N, C) to frequencies, apply a product to each plane, and come back with C' channels."""
    to, back = matrices.analysis, matrices.synthesis
    x, y, z, n, channels = volumes.shape
    lines = (to.x @ volumes.reshape(x, -1)).view(-1, 2 * y, z * n * channels)  # (fx, p Y, Z N C)
    result = None
    for number, line in enumerate(lines):
        plane = (to.y @ line).view(-1, 2 * z, n * channels)  # (fy, p Z, N C)
        plane = _left(to.z, plane)  # (fy, fz q, N C)
        plane = product(number, plane.view(-1, 3 * n, channels))  # (fy fz, p N, C')
        plane = plane.view(len(to.y) // 2, back.z.shape[1], -1)
        plane = _left(back.z, plane)  # (fy, p Z, N C')
        plane = plane.view(back.y.shape[1], -1)
        if result is None:
            result = plane.new_empty(len(lines), len(back.y), plane.shape[1])  # (fx, p Y, Z N C')
        torch.mm(back.y, plane, out=result[number])
    return (back.x @ result.view(2 * len(lines), -1)).view(x, y, z, n, -1)


def _left(matrix: Tensor, stack: Tensor) -> Tensor:
    """Multiply each matrix of a stack from the left by the same matrix."""
    return torch.bmm(matrix.expand(len(stack), -1, -1), stack)


def _product(plane: Tensor, spectrum: Tensor, rows: int) -> Tensor:
    """Return a U + (i a) V for a plane (fy fz, 3 N, C) and rows = 2 N."""
    result = torch.bmm(plane[:, -rows:], spectrum[:, 0])
    return result.baddbmm_(plane[:, :rows], spectrum[:, 1])


def _adjoint_product(plane: Tensor, spectrum: Tensor, rows: int) -> Tensor:
    """Return g U^T - (i g) V^T."""
    result = torch.bmm(plane[:, -rows:], spectrum[:, 0].mT)
    return result.baddbmm_(plane[:, :rows], spectrum[:, 1].mT, alpha=-1)


def _add_outer(plane: Tensor, gradient: Tensor, result: Tensor, rows: int) -> None:
    """Write a^T g and (i a)^T g into a plane (fy fz, 2, C, C') of the spectrum's gradient."""
    result[:, 0] = torch.bmm(plane[:, -rows:].mT, gradient[:, -rows:])
    result[:, 1] = torch.bmm(plane[:, :rows].mT, gradient[:, -rows:])
