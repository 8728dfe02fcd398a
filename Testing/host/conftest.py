"""What the tests of the test host share: the host, an empty scene, and no error that left a slot unseen."""

import pytest
import slicer_host

slicer_host.install()

import slicer  # noqa: E402
import slicer.packaging  # noqa: E402
from slicer_host import messages, uncaught  # noqa: E402


@pytest.fixture(autouse=True)
def a_scene():
    """The application's scene, empty, with nothing said or asked yet."""
    slicer.mrmlScene.Clear(0)
    messages.clear()
    slicer.packaging.reset()
    yield slicer.mrmlScene
    # First, so that a panel which still follows the scene though its widgets are gone is noticed.
    slicer.mrmlScene.Clear(0)
    assert uncaught.taken() == []


@pytest.fixture
def a_volume(a_scene):
    return a_scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "T2 axial")
