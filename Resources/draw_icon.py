"""Draw the extension's icon: one slice of the demo's head, half T2 and half the PD that belongs to it.

Run it from the project's root: ``python Resources/draw_icon.py``. It needs the package and its extra ``demo``.
"""

from pathlib import Path

import numpy as np
from matplotlib.image import imsave
from scipy import ndimage

from mrsynth.demo_head import build_demo_head

SIZE = 128
SLICE = 19
BACKGROUND = np.array((0.055, 0.075, 0.11))
COOL = np.array((0.80, 0.93, 1.00))
WARM = np.array((1.00, 0.90, 0.74))
LINE = np.array((1.00, 0.70, 0.20))
CORNER = 24
MARGIN = 14
AIR = 60  # noise that shall be black


def icon() -> np.ndarray:
    """Return the icon: (128, 128, 4), red, green, blue and opacity from 0 to 1."""
    head = build_demo_head()
    t2, pd = _framed(head.t2.voxels[:, :, SLICE], 0.85), _framed(head.pd.voxels[:, :, SLICE], 1.7)
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    across = x + 0.18 * y  # a slightly slanted cut
    left = np.clip(0.5 - across, 0, 1)[..., None]
    picture = BACKGROUND + (left * t2[..., None] * COOL + (1 - left) * pd[..., None] * WARM) * (1 - BACKGROUND)
    line = np.clip(1.4 - np.abs(across), 0, 1)[..., None] * (np.abs(y) < 54)[..., None]
    picture = picture * (1 - line) + LINE * line
    edge = np.hypot(*(np.maximum(np.abs(axis) - (SIZE / 2 - CORNER), 0) for axis in (x, y)))
    opacity = np.clip(CORNER - edge, 0, 1)[..., None]
    return np.clip(np.concatenate([picture, opacity], axis=2), 0, 1)


def _framed(plane: np.ndarray, gamma: float) -> np.ndarray:
    """Fit an axial slice, axes (right, front), into the icon: front at the top, the patient's right on the left."""
    bright = plane > 0.15 * np.percentile(plane, 99)
    box = [np.flatnonzero(ndimage.binary_opening(bright, iterations=2).any(axis=1 - axis))[[0, -1]] for axis in (0, 1)]
    cropped = plane[tuple(slice(low, high + 1) for low, high in box)]
    side = max(cropped.shape) + 2 * MARGIN
    padding = [((side - n) // 2, side - n - (side - n) // 2) for n in cropped.shape]
    square = np.pad(cropped, padding)[::-1, ::-1].T
    small = ndimage.zoom(ndimage.gaussian_filter(square, 0.35 * side / SIZE), SIZE / side, order=1)
    return np.clip((small - AIR) / (np.percentile(small, 98.5) - AIR), 0, 1) ** gamma


if __name__ == "__main__":
    imsave(Path(__file__).parent / "MRSynthesis.png", icon())
