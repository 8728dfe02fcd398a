"""What the tests of the scene share: an empty scene, and the volumes of a comparison in it."""

import pytest
from compared_nodes import addSynthetic, addVolume, headVoxels
from volume_nodes import slicer


@pytest.fixture
def a_scene():
    slicer.mrmlScene.Clear()
    yield slicer.mrmlScene
    slicer.mrmlScene.Clear()


@pytest.fixture
def a_synthetic(a_scene):
    return addSynthetic(addVolume(headVoxels(1), "T2"), headVoxels(2))


@pytest.fixture
def a_reference(a_scene):
    """Of another scale and offset than the synthetic volume, which no figure may depend on."""
    return addVolume(3 * headVoxels(3) + 50, "PD")
