"""The discrete Fourier transform of short lines, as real matrices."""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class AxisMatrices:
    """Real matrices that take the lines along the three axes to frequencies or back, one for each axis."""

    x: Tensor
    y: Tensor
    z: Tensor


@dataclass(frozen=True, eq=False)
class FrequencyMatrices:
    """What a 'same' convolution of one size needs to happen at frequencies.

    A line of n voxels and a kernel that reaches r voxels to either side need m = n + r frequencies, not n + 2 r: what a
    cyclic convolution of length m wraps around lands beyond the n voxels that are kept. The frequencies are
    ``(f + 1/2) / m``: the cyclic convolution changes sign where it wraps around, and for even m there is no frequency
    that is its own mirror image, so that along x the first ``ceil(m / 2)`` frequencies are enough for real voxels.

    A complex number is two rows or columns of a real matrix, p = re, im. With lines scaled by ``1 / sqrt(m)`` (along x
    ``sqrt(2 / m)``, as each frequency stands for two) the way back is the transposed way there.

    Attributes:
        analysis: Voxels to frequencies: x (fx p, X), y (fy p, p Y), z (fz q, p Z), where q = -im, re, im: two
            neighbouring blocks of the three are the number and, from one further left, i times the number.
        synthesis: Frequencies to voxels: x (X, fx p), y (p Y, fy p), z (p Z, fz p).
        kernel: Taps to frequencies: x (fx p, K), y (fy p, p K), z (fz p, p K).
    """

    analysis: AxisMatrices
    synthesis: AxisMatrices
    kernel: AxisMatrices


def frequency_matrices(sizes: tuple[int, int, int], taps: int, dtype: torch.dtype) -> FrequencyMatrices:
    """Return the matrices for volumes of sizes (X, Y, Z) and a kernel of odd size.

    Args:
        sizes: Voxels along each axis.
        taps: Size of the kernel along each axis.
        dtype: Type of the matrices; they are computed in double precision.
    """
    voxels = [torch.arange(size, dtype=torch.float64) for size in sizes]
    offsets = torch.arange(taps, dtype=torch.float64) - taps // 2
    frequencies = [_frequencies(size, taps) for size in sizes]
    scales = [len(angles) ** -0.5 for angles in frequencies]
    frequencies[0], half_scale = _half(frequencies[0])
    there = [_waves(f, -place) * scale for f, place, scale in zip(frequencies, voxels, scales, strict=True)]
    there[0] = there[0] * half_scale[:, None]
    # A tap that reaches beyond the whole line meets only zeros, and m does not provide for it.
    kernel = [_waves(f, offsets) * (offsets.abs() < n) for f, n in zip(frequencies, sizes, strict=True)]
    x, y, z = (_of_real(there[0]), _of_complex(there[1]), _of_complex(there[2]))
    turned = torch.stack([-z[1::2], z[::2], z[1::2]], 1).flatten(0, 1)  # rows (fz q)
    return FrequencyMatrices(
        analysis=_axes(dtype, x, y, turned),
        synthesis=_axes(dtype, x.T, y.T, z.T),
        kernel=_axes(dtype, _of_real(kernel[0]), _of_complex(kernel[1]), _of_complex(kernel[2])),
    )


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # what is kept may be needed for gradients later
def matrices_on(device: torch.device, sizes: tuple[int, int, int], taps: int, dtype: torch.dtype) -> FrequencyMatrices:
    """Return what `frequency_matrices` does on a device; the latest are kept, as a graphics card waits for them."""
    found = frequency_matrices(sizes, taps, dtype)
    moved = (_axes_on(device, part) for part in (found.analysis, found.synthesis, found.kernel))
    return FrequencyMatrices(*moved)


def _axes_on(device: torch.device, matrices: AxisMatrices) -> AxisMatrices:
    return AxisMatrices(matrices.x.to(device), matrices.y.to(device), matrices.z.to(device))


def _frequencies(size: int, taps: int) -> Tensor:
    """Return the frequencies, in radians a voxel, that suffice for a line and a kernel."""
    count = size + min(taps // 2, size - 1)
    return 2 * math.pi * (torch.arange(count, dtype=torch.float64) + 0.5) / count


def _half(frequencies: Tensor) -> tuple[Tensor, Tensor]:
    """Return the frequencies up to half a turn, and the root of how many each stands for."""
    kept = (len(frequencies) + 1) // 2
    weights = torch.full((kept,), 2.0, dtype=torch.float64)
    if len(frequencies) % 2:
        weights[-1] = 1.0  # half a turn is its own mirror image
    return frequencies[:kept], weights.sqrt()


def _waves(frequencies: Tensor, places: Tensor) -> Tensor:
    """Return exp(i frequency place), complex, of shape (frequencies, places)."""
    angles = torch.outer(frequencies, places)
    return torch.complex(angles.cos(), angles.sin())


def _of_real(matrix: Tensor) -> Tensor:
    """Return a complex matrix (F, J) as a real one for real lines, (F p, J)."""
    return torch.stack([matrix.real, matrix.imag], 1).flatten(0, 1)


def _of_complex(matrix: Tensor) -> Tensor:
    """Return a complex matrix (F, J) as a real one for complex lines, (F p, p J)."""
    real, imaginary = torch.cat([matrix.real, -matrix.imag], 1), torch.cat([matrix.imag, matrix.real], 1)
    return torch.stack([real, imaginary], 1).flatten(0, 1)


def _axes(dtype: torch.dtype, *matrices: Tensor) -> AxisMatrices:
    return AxisMatrices(*(matrix.to(dtype).contiguous() for matrix in matrices))
