"""A head of nested ellipsoids in the numbers of whole-head label maps, and an experiment on it: small and quick."""

from pathlib import Path

import nibabel as nib
import numpy as np

from mrsynth_training.acquisition import SliceGeometry

SHAPE = (72, 84, 68)
SMALL_SLICES = SliceGeometry("axial", 32, 8, pixel_mm=3.0, spacing_mm=6.0, thickness_mm=5.0)

# From the outside in: label and radius as a share of the head's.
SHELLS = ((511, 1.0), (507, 0.95), (515, 0.85), (24, 0.78), (3, 0.70), (2, 0.55), (4, 0.2))

EXPERIMENT = """
name = "tiny"
title = "A tiny network"
source_contrast = "T2"
target_contrast = "PD"

[network]
name = "residual-unet"

[network.configuration]
widths = [4, 6]
blocks = [1, 1]
slice_strides = [1]

[simulation]
scans = 3
training_heads = 2
seed = 10

[optimization]
steps = 6
batch_size = 2
patch = [16, 16, 4]
averaging = 0.9
seed = 1

[card]
data = "three scans"
data_licence = "none"
protocol = "any"
intended_use = "tests"
not_for = "anything else"
limitations = "many"
licence = "Apache-2.0"
"""


def small_head(stretch: float = 1.0) -> np.ndarray:
    """Return a label map (x, y, z) at 1 mm, int16, with air around the head."""
    centre = np.array([36, 42, 34]).reshape(3, 1, 1, 1)
    axes = np.array([32 * stretch, 38, 30]).reshape(3, 1, 1, 1)
    radius = np.sqrt((((np.indices(SHAPE) - centre) / axes) ** 2).sum(axis=0))
    labels = np.zeros(SHAPE, np.int16)
    for label, share in SHELLS:
        labels[radius < share] = label
    labels[(labels == 2) & (np.indices(SHAPE)[0] > 36)] = 41
    return labels


def write_head(path: Path, stretch: float = 1.0) -> Path:
    nib.save(nib.Nifti1Image(small_head(stretch), np.eye(4)), path)
    return path
