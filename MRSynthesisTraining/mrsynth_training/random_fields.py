"""Smooth random fields: the texture of tissue, the outline of lesions and the shading of coils are drawn from them."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


class Randomness:
    """One seed behind every random number of a simulated scan: scalars from NumPy, fields from PyTorch."""

    def __init__(self, seed: int) -> None:
        self.scalars = np.random.default_rng(seed)
        self.generator = torch.Generator().manual_seed(seed)

    def uniform(self, low: float, high: float) -> float:
        return float(self.scalars.uniform(low, high))

    def chance(self, probability: float) -> bool:
        return bool(self.scalars.random() < probability)

    def integer(self, low: int, high: int) -> int:
        """Return an integer from ``low`` up to and without ``high``."""
        return int(self.scalars.integers(low, high))

    def normal(self, shape: Sequence[int]) -> Tensor:
        return torch.randn(tuple(shape), generator=self.generator)

    def field(self, shape: Sequence[int], correlation: float) -> Tensor:
        """Return a field of ``shape`` that varies over about ``correlation`` voxels: mean 0, variance 1 everywhere."""
        nodes = [max(2, math.ceil(size / correlation) + 1) for size in shape]
        return self.field_of_nodes(shape, nodes)

    def field_of_nodes(self, shape: Sequence[int], nodes: Sequence[int]) -> Tensor:
        """Return a field of ``shape`` interpolated between ``nodes`` independent normal values an axis, variance 1."""
        values = self.normal([1, 1, *nodes])
        field = F.interpolate(values, size=tuple(shape), mode="trilinear", align_corners=True)[0, 0]
        for axis, (size, count) in enumerate(zip(shape, nodes, strict=True)):
            field /= _interpolated_deviation(size, count).view([-1 if a == axis else 1 for a in range(3)])
        return field


def _interpolated_deviation(size: int, nodes: int) -> Tensor:
    """Return the standard deviation that linear interpolation between unit normal nodes leaves at each position."""
    share = torch.linspace(0, nodes - 1, size) % 1
    return torch.sqrt((1 - share) ** 2 + share**2)
