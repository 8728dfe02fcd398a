"""The PSNR that the benchmarks give."""

import numpy as np

from mrsynth.metrics import full_range, psnr, standardize


def standardized_psnr(image: np.ndarray, reference: np.ndarray) -> float:
    """Return the PSNR over a whole image in dB, both standardised, with the reference's range of minimum to maximum."""
    truth = standardize(reference)
    return psnr(float(np.mean(np.square(standardize(image) - truth, dtype=np.float64))), full_range(truth))
