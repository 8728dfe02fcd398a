"""Overlapping predictions put together again: their weighted mean and how far they disagree."""

import numpy as np


class Mosaic:
    """The weighted mean of predictions that overlap, of a target or of an error, kept in float32 on the CPU.

    Mean and spread are updated prediction by prediction (D. H. D. West, "Updating mean and variance estimates: an
    improved method", Communications of the ACM 22(9), 1979): no large sums are subtracted from each other, so equal
    predictions have a spread of exactly zero.

    Args:
        shape: Voxels of the padded stack.
        with_spread: Whether the disagreement is kept as well.
    """

    def __init__(self, shape: tuple[int, int, int], with_spread: bool = False) -> None:
        self._weight = np.zeros(shape, np.float32)
        self._mean = np.zeros(shape, np.float32)
        self._squares = np.zeros(shape, np.float32) if with_spread else None

    def add(self, where: tuple[slice, slice, slice], prediction: np.ndarray, window: np.ndarray) -> None:
        """Add one prediction.

        Args:
            where: Its place in the padded stack.
            prediction: float32 array of that place's shape.
            window: What each of its voxels weighs: positive float32 array of the same shape.
        """
        self._weight[where] += window
        step = prediction - self._mean[where]  # before the mean moves
        self._mean[where] += window / self._weight[where] * step
        if self._squares is not None:
            self._squares[where] += window * step * (prediction - self._mean[where])

    def mean(self) -> np.ndarray:
        """Return the weighted mean of the predictions at each voxel, float32; zero where there was none."""
        return self._mean

    def spread(self) -> np.ndarray:
        """Return the weighted standard deviation of the predictions at each voxel, float32.

        Raises:
            ValueError: If it was not asked for.
        """
        if self._squares is None:
            raise ValueError("expected a mosaic made with with_spread=True, found one without")
        return np.sqrt(np.maximum(self._squares, 0) / np.maximum(self._weight, np.finfo(np.float32).tiny))
