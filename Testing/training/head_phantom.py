"""A head of balls within balls: brain with white matter, grey matter and fluid, a dark skull, a scalp."""

import numpy as np
from scipy import ndimage

SHAPE = (32, 32, 12)
SPACING_MM = (6.0, 6.0, 14.0)
# Intensities of white matter, grey matter, fluid, skull and scalp; air is 0.
T2 = (30.0, 48.0, 130.0, 3.0, 35.0)
PD = (60.0, 75.0, 92.0, 8.0, 80.0)
OUTER_MM = (34.0, 54.0, 68.0, 78.0, 92.0)  # radii at which they end
AIR = 5
VENTRICLE_MM = 16.0


def tissue_numbers(stretch=1.0):
    """White matter 0, grey matter 1, fluid 2, skull 3, scalp 4, air 5; a ventricle in the middle."""
    axes = np.indices(SHAPE) - (np.array(SHAPE).reshape(3, 1, 1, 1) - 1) / 2
    radius = np.sqrt(((axes * np.array(SPACING_MM).reshape(3, 1, 1, 1)) ** 2).sum(axis=0)) / stretch
    numbers = np.digitize(radius, OUTER_MM)
    numbers[radius < VENTRICLE_MM] = 2
    return numbers


def image(numbers, intensities, seed=0, noise=1.0):
    """Intensities of the tissues with a little noise."""
    table = np.array([*intensities, 0.0])
    return (table[numbers] + noise * np.random.default_rng(seed).standard_normal(numbers.shape)).astype(np.float32)


def shading(strength=0.2):
    """A slow change of intensity from one side to the other, about 1."""
    return (1 + strength * np.linspace(-1, 1, SHAPE[0])[:, None, None]).astype(np.float32)


def standardized_pair(seed, stretch=1.0):
    """T2 and PD of a head, each with mean 0 and deviation 1: (2, in-plane, in-plane, slice)."""
    numbers = tissue_numbers(stretch)
    pair = [image(numbers, values, 10 * seed + n) for n, values in enumerate((T2, PD))]
    return np.stack([(each - each.mean()) / each.std() for each in pair])


def blurred(voxels, sigma=0.7):
    return ndimage.gaussian_filter(voxels, (sigma, sigma, 0))
