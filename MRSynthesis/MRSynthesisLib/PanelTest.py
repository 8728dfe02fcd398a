"""Tests that click through the panel with the real worker; they run in the application and in the test host alike."""

import math
import time
import unittest
from collections.abc import Callable

import numpy as np
import slicer
import slicer.util
import vtk
from slicer import vtkMRMLScalarVolumeNode

from MRSynthesisLib.Dependencies import hasTorch, missingPackages
from MRSynthesisLib.SyntheticNode import isSynthetic, sourceOf

_LONGEST_RUN_S = 120.0
_SHAPE = (8, 48, 40)  # (k, j, i): small enough for seconds


class PanelTest(unittest.TestCase):
    """What a radiologist does, click by click."""

    def setUp(self) -> None:
        if missingPackages() or not hasTorch():
            self.skipTest("the packages that a synthesis needs are not installed")
        slicer.mrmlScene.Clear()
        self.widget = slicer.modules.mrsynthesis.widgetRepresentation().self()
        self.widget.enter()
        self.ui = self.widget.ui

    def tearDown(self) -> None:
        self.widget.logic.stopAtOnce()
        slicer.mrmlScene.Clear()

    def test_a_click_makes_a_volume_that_lies_on_its_source(self) -> None:
        source = aScan("Head T2", obliqueMatrix())
        transform = aTransform()
        source.SetAndObserveTransformNodeID(transform.GetID())
        self.choose(source)
        self.assertEqual(self.ui.synthesizeButton.text, "Synthesize PD")
        result = self.synthesize()
        self.assertTrue(isSynthetic(result))
        self.assertIs(sourceOf(result), source)
        self.assertEqual(slicer.util.arrayFromVolume(result).shape, _SHAPE)
        for corner in ((0, 0, 0), (39, 47, 7), (39, 0, 3)):
            np.testing.assert_allclose(inWorld(result, corner), inWorld(source, corner), atol=1e-4)
        self.assertGreater(float(slicer.util.arrayFromVolume(result).std()), 0.0)

    def test_a_left_handed_source_stays_where_it_is(self) -> None:
        source = aScan("Head PD", np.diag([-1.0, 1.0, 4.0, 1.0]))
        self.choose(source)
        self.assertEqual(self.ui.synthesizeButton.text, "Synthesize T2")
        result = self.synthesize()
        np.testing.assert_allclose(inWorld(result, (3, 4, 5)), inWorld(source, (3, 4, 5)), atol=1e-4)

    def test_a_later_click_cancels_and_leaves_the_scene_as_it_was(self) -> None:
        self.choose(aScan("Head T2", np.diag([1.0, 1.0, 4.0, 1.0])))
        before = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
        self.ui.synthesizeButton.click()
        self.assertEqual(self.ui.synthesizeButton.text, "Cancel")
        self.ui.synthesizeButton.click()
        self.assertNotIn("Cancelling", self.ui.statusLabel.text, "a double click is one click")
        later = time.monotonic() + 1.0
        self.wait(lambda: time.monotonic() > later)
        self.ui.synthesizeButton.click()
        self.assertIn("Cancelling", self.ui.statusLabel.text)
        self.wait(lambda: not self.widget.logic.isRunning)
        self.assertIn("Cancelled", self.ui.statusLabel.text)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"), before)
        self.assertEqual(self.ui.synthesizeButton.text, "Synthesize PD")

    def test_a_reference_brings_differences_and_figures(self) -> None:
        source, reference = (
            aScan("Head T2", np.diag([1.0, 1.0, 4.0, 1.0])),
            aScan("Head PD", np.diag([1.0, 1.0, 4.0, 1])),
        )
        self.choose(source)
        self.ui.referenceSelector.setCurrentNode(reference)
        result = self.synthesize()
        self.assertIs(self.ui.comparedSelector.currentNode(), result)
        self.wait(lambda: self.ui.reportButton.enabled)
        kinds = [node.GetAttribute("MRSynthesis.Kind") for node in slicer.util.getNodesByClass("vtkMRMLVolumeNode")]
        self.assertIn("difference", kinds)
        self.assertIn("gradientDifference", kinds)

    def test_the_worker_of_a_synthesis_does_the_next_one_too(self) -> None:
        self.choose(aScan("Head T2", np.diag([1.0, 1.0, 4.0, 1.0])))
        result, logic = self.synthesize(), self.widget.logic
        worker = logic.waitingWorker
        self.assertNotEqual(worker, 0)
        self.ui.outputSelector.setCurrentNode(result)
        self.assertIs(self.synthesize(), result)
        self.assertEqual(logic.waitingWorker, worker)
        slicer.mrmlScene.Clear()
        self.assertEqual(logic.waitingWorker, 0)

    def choose(self, source: vtkMRMLScalarVolumeNode) -> None:
        """Choose a source in the panel."""
        self.ui.sourceSelector.setCurrentNode(source)
        self.assertTrue(self.ui.synthesizeButton.enabled, self.ui.synthesizeButton.toolTip)

    def synthesize(self) -> vtkMRMLScalarVolumeNode:
        """Click the button, wait for the end, and return the new volume."""
        self.ui.synthesizeButton.click()
        self.wait(lambda: not self.widget.logic.isRunning)
        made = [node for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if isSynthetic(node)]
        made = [node for node in made if node.GetAttribute("MRSynthesis.Kind") == "synthetic"]
        self.assertEqual(len(made), 1, self.ui.statusLabel.text)
        return made[0]

    def wait(self, condition: Callable[[], bool]) -> None:
        """Let the application go on until a condition holds."""
        end = time.monotonic() + _LONGEST_RUN_S
        while not condition():
            self.assertLess(time.monotonic(), end, "waited too long")
            slicer.app.processEvents()
            time.sleep(0.01)


def aScan(name: str, ijkToRas: np.ndarray) -> vtkMRMLScalarVolumeNode:
    """Make a volume that looks a little like a head: bright inside, with a darker core, in air."""
    k, j, i = np.meshgrid(*(np.linspace(-1, 1, size) for size in _SHAPE), indexing="ij")
    radius = np.sqrt(i**2 + j**2 + 0.3 * k**2)
    voxels = 400.0 * (radius < 0.8) - 150.0 * (radius < 0.6) + 300.0 * (radius < 0.2)
    voxels += np.random.default_rng(0).normal(0, 4, _SHAPE)
    return slicer.util.addVolumeFromArray(np.abs(voxels).astype(np.float32), ijkToRAS=ijkToRas, name=name)


def obliqueMatrix() -> np.ndarray:
    """Return an oblique grid of 1 x 1 x 4 mm, IJK to RAS."""
    angle = math.radians(20)
    turn = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ np.diag([1.0, 1.0, 4.0])
    matrix[:3, 3] = (-20.0, 15.0, 7.0)
    return matrix


def aTransform() -> slicer.vtkMRMLLinearTransformNode:
    """Make a linear transform that turns and shifts."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform = vtk.vtkTransform()
    transform.RotateX(30)
    transform.Translate(5, -3, 12)
    node.SetMatrixTransformToParent(transform.GetMatrix())
    return node


def inWorld(node: vtkMRMLScalarVolumeNode, ijk: tuple[int, int, int]) -> list[float]:
    """Return where a voxel's centre lies in the scene, in mm."""
    matrix, point = vtk.vtkMatrix4x4(), [0.0, 0.0, 0.0]
    node.GetIJKToRASMatrix(matrix)
    node.TransformPointToWorld(matrix.MultiplyPoint((*ijk, 1))[:3], point)
    return point
