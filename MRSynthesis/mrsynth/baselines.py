"""What anyone could do without a network: change the source's intensities until it looks most like the reference.

Both baselines are oracles: they are fitted on the very pair they are then measured on, so they know the answer and no
method that has to guess it can use them. A network that beats the intensity map has used the anatomy, as no look-up
table of intensities, however good, does as well.
"""

from dataclasses import dataclass

import numpy as np

from mrsynth.errors import InputError

BINS = 256


def linear_fit(source: np.ndarray, reference: np.ndarray, within: np.ndarray | None = None) -> np.ndarray:
    """The source after the scale and offset that bring it nearest to the reference in the least-squares sense.

    Args:
        source: Intensities, any shape.
        reference: Intensities, the same shape.
        within: Boolean array of that shape: the voxels to fit on; all by default.

    Returns:
        float32 array of the same shape, in the reference's units.

    Raises:
        InputError: Code ``constant``, if the source has one value.
    """
    x, y = _pairs(source, reference, within)
    mean_x, mean_y = x.mean(), y.mean()
    slope = np.mean((x - mean_x) * (y - mean_y)) / np.mean((x - mean_x) ** 2)
    return ((source - mean_x) * slope + mean_y).astype(np.float32)


@dataclass(frozen=True, eq=False)
class IntensityMap:
    """A map from one intensity to another, monotone or not, linear between its knots and constant beyond them.

    Attributes:
        knots: Source intensities, float64, rising.
        values: What they become, float64.
    """

    knots: np.ndarray
    values: np.ndarray

    @classmethod
    def fit(cls, source: np.ndarray, reference: np.ndarray, within: np.ndarray | None = None) -> "IntensityMap":
        """Return the best map: the reference's mean over the voxels of each source intensity.

        The intensities are taken in 256 bins that hold about equally many voxels: an estimate of the conditional mean,
        which is the map of least squared error.

        Args:
            source: Intensities, any shape.
            reference: Intensities, the same shape.
            within: Boolean array of that shape: the voxels to fit on; all by default.

        Raises:
            InputError: Code ``constant``, if the source has one value.
        """
        x, y = _pairs(source, reference, within)
        edges = np.unique(np.quantile(x, np.linspace(0, 1, BINS + 1)))
        bins = np.searchsorted(edges[1:-1], x, side="right")
        counts = np.bincount(bins)
        filled = counts > 0
        means = (np.bincount(bins, weights=intensities)[filled] / counts[filled] for intensities in (x, y))
        return cls(*means)

    def apply(self, source: np.ndarray) -> np.ndarray:
        """Return the mapped intensities, float32 of the same shape."""
        return np.interp(source, self.knots, self.values).astype(np.float32)


def intensity_map(source: np.ndarray, reference: np.ndarray, within: np.ndarray | None = None) -> np.ndarray:
    """The source after the best map of its intensities to the reference's; see ``IntensityMap.fit`` for the arguments.

    Returns:
        float32 array of the same shape, in the reference's units.
    """
    return IntensityMap.fit(source, reference, within).apply(source)


def _pairs(source: np.ndarray, reference: np.ndarray, within: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Intensities of both at the voxels to fit on, as float64."""
    if source.shape != reference.shape:
        raise ValueError(f"expected a reference of shape {source.shape}, as the source has, found {reference.shape}")
    counted = slice(None) if within is None else within
    x, y = source[counted].ravel().astype(np.float64), reference[counted].ravel().astype(np.float64)
    if not x.min() < x.max():
        raise InputError(f"expected an image as source, found that every voxel is {x.min():g}", code="constant")
    return x, y
