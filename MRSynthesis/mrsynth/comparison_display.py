"""How a comparison is shown, the same in pictures, views and tables: colours, ranges and digits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mrsynth.metrics import Metrics

DIFFERENCE_COLOURS = ("#9be8ff", "#1f77ff", "#0a1a4a", "#000000", "#4a1206", "#ff5a1f", "#ffe08a")
"""Blue where the synthetic volume is too dark, red where it is too bright, black, as air is, where nothing differs."""

GRADIENT_COLOURS = ("#000000", "#2b0b57", "#7a1d6d", "#c73e4c", "#f3781b", "#fbbc21", "#fcffa4")
"""From nothing up, brighter all the way, so that the order survives without colour vision."""

NOT_MEASURED = "-"

_EXCEEDED_PERCENTILE = 99.0
_NICE_STEPS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0)
_SMALLEST_RANGE = 0.01


def colour_table(stops: tuple[str, ...], count: int) -> np.ndarray:
    """Colours spaced evenly over stops such as ``"#1f77ff"``: float64 of shape (count, 3), 0 to 1.

    Raises:
        ValueError: Fewer than two colours are asked for.
    """
    if count < 2:
        raise ValueError(f"expected at least 2 colours, found {count}")
    channels = np.array([[int(stop[start : start + 2], 16) for start in (1, 3, 5)] for stop in stops]) / 255
    places = np.linspace(0, len(stops) - 1, count)
    return np.stack([np.interp(places, np.arange(len(stops)), channel) for channel in channels.T], axis=1)


def upper_limit(magnitudes: np.ndarray) -> float:
    """A round number that few magnitudes exceed; never zero, so that identical volumes give an empty map."""
    wanted = max(float(np.percentile(magnitudes, _EXCEEDED_PERCENTILE)), _SMALLEST_RANGE)
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(step * power for step in _NICE_STEPS if step * power >= wanted * (1 - 1e-9))


def figures_in_words(metrics: Metrics) -> tuple[str, ...]:
    """MAE, MSE, both PSNR (dB), SSIM and gradient difference with the digits that are worth reading."""
    decibels = (metrics.psnr_range, metrics.psnr_percentile)
    return (
        f"{metrics.mae:.4f}",
        f"{metrics.mse:.4f}",
        *(NOT_MEASURED if value is None else f"{value:.2f}" for value in decibels),
        NOT_MEASURED if metrics.ssim is None else f"{metrics.ssim:.4f}",
        f"{metrics.gradient_difference:.5f}",
    )
