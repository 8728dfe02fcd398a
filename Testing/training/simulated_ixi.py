"""A folder that looks like IXI, its scans simulated at a small scale: slices a third as far apart as prepared ones."""

from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from ixi_examples import OF_PD, write_broken_subjects, write_good_ixi
from small_heads import small_head

from mrsynth_training.acquisition import SliceGeometry
from mrsynth_training.simulation import simulate

# Of the prepared subject 16 x 16 x 8 is kept: two patches of 8 x 8 x 8 along each in-plane axis.
GEOMETRY = SliceGeometry("axial", matrix=20, slices=27, pixel_mm=4.0, spacing_mm=2.5, thickness_mm=2.5)
SIZE = ("--size", "16", "16", "24", "--slice-step", "3")
STRETCHES = (1.0, 0.95, 0.9)


def write_simulated_ixi(folder: Path) -> Path:
    """Write good and broken subjects; what is broken about them is in `ixi_examples.BROKEN`."""
    return write_broken_subjects(write_good_ixi(folder, simulated_scan), simulated_scan)


def simulated_scan(seed: int) -> np.ndarray:
    """Return the T2- or PD-weighted echo of the scan of a seed, int16 (i, j, k) as IXI stores them."""
    pair = _scan(seed % OF_PD)
    return np.rint(900 * (pair.pd if seed >= OF_PD else pair.t2) / pair.pd.max()).astype(np.int16)


@lru_cache(maxsize=1)
def _scan(seed: int):
    return simulate(_head(seed % len(STRETCHES)), seed, "ixi", GEOMETRY)


@cache
def _head(number: int) -> np.ndarray:
    return small_head(STRETCHES[number])
