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
        """Return a field of ``shape`` that varies over about ``correlation`` voxels, unit variance at its nodes."""
        nodes = [max(2, math.ceil(size / correlation) + 1) for size in shape]
        return self.field_of_nodes(shape, nodes)

    def field_of_nodes(self, shape: Sequence[int], nodes: Sequence[int]) -> Tensor:
        """Return a field of ``shape`` interpolated linearly between ``nodes`` independent normal values an axis."""
        values = self.normal([1, 1, *nodes])
        return F.interpolate(values, size=tuple(shape), mode="trilinear", align_corners=True)[0, 0]
