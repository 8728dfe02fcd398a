"""A patch as eight interleaved sublattices, on which a dilation of two is no dilation at all."""

import torch
from torch import Tensor
from torch.nn import functional as F


def split(volumes: Tensor) -> Tensor:
    """Take volumes apart into every other voxel.

    A convolution with dilation 2, stride 1 and 'same' zero padding joins voxels of equal parity only. On each of the
    eight sublattices it is an ordinary convolution with the same kernel and 'same' padding, provided that all sides are
    even.

    Args:
        volumes: Shape (N, 1, X, Y, Z), even X, Y and Z.

    Returns:
        Shape (X / 2, Y / 2, Z / 2, N, 8); the last axis is the parity of (x, y, z), z fastest.
    """
    pairs = volumes[:, 0].unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).unflatten(1, (-1, 2))
    return pairs.permute(1, 3, 5, 0, 2, 4, 6).flatten(4)  # from (N, X / 2, 2, Y / 2, 2, Z / 2, 2)


def join(sublattices: Tensor) -> Tensor:
    """Undo `split`: (X / 2, Y / 2, Z / 2, N, 8) to (N, 1, X, Y, Z)."""
    pairs = sublattices.unflatten(4, (2, 2, 2)).permute(3, 0, 4, 1, 5, 2, 6)
    return pairs.flatten(5, 6).flatten(3, 4).flatten(1, 2)[:, None]


def interleaved_kernel(kernel: Tensor) -> Tensor:
    """Return the kernel between sublattices that does what an undilated kernel does between voxels.

    Voxel ``2 i + a`` reads voxel ``2 j + b`` through the tap at ``2 (j - i) + b - a``: for each pair of parities every
    other tap of the kernel, so that eight times the channels go through a kernel of half the size.

    Args:
        kernel: Shape (out, in, K, K, K), odd K.

    Returns:
        Shape (8 out, 8 in, L, L, L), odd L; channels are (parity of (x, y, z), channel), as after `split`.
    """
    reach = kernel.shape[2] // 2
    steps = torch.arange(-((reach + 1) // 2), (reach + 1) // 2 + 1, device=kernel.device)  # j - i
    parity = torch.arange(2, device=kernel.device)
    # Taps out of reach are found in a margin of two zeros.
    taps = 2 * steps + parity[None, :, None] - parity[:, None, None] + reach + 2  # (a, b, L)
    kernel = F.pad(kernel, (2,) * 6)
    for axis in (2, 5, 8):
        kernel = kernel.index_select(axis, taps.flatten()).unflatten(axis, taps.shape)
    kernel = kernel.permute(2, 5, 8, 0, 3, 6, 9, 1, 4, 7, 10)  # (a, a, a, out, b, b, b, in, L, L, L)
    return kernel.flatten(4, 7).flatten(0, 3)
