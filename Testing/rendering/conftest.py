"""What the tests of slice views share: one layout manager for all of them, an empty scene and a few small volumes."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import slicer_host

slicer_host.install()

import slicer  # noqa: E402  the host comes first
from slicer_host import layout  # noqa: E402

from MRSynthesisLib.ComparisonView import ComparedImages, ComparisonView  # noqa: E402

AXIAL_STACK = np.diag([4.0, 4.0, 10.0, 1.0])


@pytest.fixture
def a_layout_manager() -> Iterator[layout.LayoutManager]:
    manager = layout.openLayoutManager((900, 600))
    slicer.mrmlScene.Clear(False)
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    manager.resize(900, 600)
    yield manager
    slicer.mrmlScene.Clear(False)


@pytest.fixture
def a_volume(a_layout_manager: layout.LayoutManager) -> Callable[..., slicer.vtkMRMLScalarVolumeNode]:
    """A function that makes volumes: a bright block, so that a picture of it is neither black nor even."""

    def make(
        name: str, value: float = 100.0, affine: np.ndarray = AXIAL_STACK, kind: str = "", contrast: str = "PD"
    ) -> slicer.vtkMRMLScalarVolumeNode:
        voxels = np.zeros((10, 48, 40), np.float32)  # (k, j, i)
        voxels[1:9, 6:42, 5:35] = value * (1 + np.arange(30, dtype=np.float32) / 30)
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        slicer.util.updateVolumeFromArray(node, voxels)
        node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(affine))
        node.CreateDefaultDisplayNodes()
        if kind:
            for key, text in (("Synthetic", "true"), ("Kind", kind), ("Contrast", contrast)):
                node.SetAttribute(f"MRSynthesis.{key}", text)
        return node

    return make


@pytest.fixture
def some_images(a_volume: Callable[..., slicer.vtkMRMLScalarVolumeNode]) -> ComparedImages:
    return ComparedImages(
        source=a_volume("T2", 300),
        synthetic=a_volume("T2 synthetic PD", 120, kind="synthetic"),
        reference=a_volume("PD", 100),
        difference=a_volume("difference", 20, kind="difference"),
        gradientDifference=a_volume("gradient difference", 5, kind="gradientDifference"),
        uncertainty=a_volume("uncertainty", 7, kind="uncertainty"),
    )


@pytest.fixture
def a_comparison(a_layout_manager: layout.LayoutManager) -> Iterator[ComparisonView]:
    comparison = ComparisonView(slicer.mrmlScene, a_layout_manager)
    yield comparison
    comparison.cleanup()
