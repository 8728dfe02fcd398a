"""Synthetic and acquired volumes on one grid in a real MRML scene, for tests of comparisons."""

import numpy as np
from volume_nodes import PROVENANCE, affineOf, ijkToRas, slicer

from MRSynthesisLib.SyntheticNode import describe

SHAPE_KJI = (8, 12, 14)
DIRECTIONS = np.diag([1.0, 1.0, 4.0])


def headVoxels(seed=0):
    """A bright ellipsoid with texture in noisy air, (k, j, i)."""
    k, j, i = (index / size - 0.5 for index, size in zip(np.indices(SHAPE_KJI), SHAPE_KJI, strict=True))
    rng = np.random.default_rng(seed)
    inside = k**2 + j**2 + i**2 < 0.42**2
    return (inside * (400 + 80 * np.sin(9 * i + seed) + 60 * j) + rng.uniform(0, 12, SHAPE_KJI)).astype(np.float32)


def addVolume(voxels, name, affine=None):
    node = slicer.util.addVolumeFromArray(np.ascontiguousarray(voxels), name=name)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(affineOf(DIRECTIONS) if affine is None else affine))
    return node


def addSynthetic(source, voxels, name="T2 synthetic PD"):
    node = addVolume(voxels, name, ijkToRas(source))
    node.SetAndObserveTransformNodeID(source.GetTransformNodeID())
    describe(node, source, PROVENANCE, "synthetic")
    return node


def rangeOf(node):
    display = node.GetScalarVolumeDisplayNode()
    return display.GetWindowLevelMin(), display.GetWindowLevelMax()
