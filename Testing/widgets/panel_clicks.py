"""What a radiologist does in the panel, for tests: choosing, clicking, waiting."""

import slicer_host
from job_examples import a_ball
from slicer_host.events import PATIENCE_S, wait_until

import slicer.util  # isort: skip (the host is there once slicer_host is)

__all__ = ["PATIENCE_S", "a_scan", "choose", "of_kind", "synthesize"]


def a_scan(name: str, contrast: str = "T2"):
    """Make a volume node of the ball, in either contrast."""
    ball = a_ball(contrast)
    return slicer.util.addVolumeFromArray(ball.voxels.transpose().copy(), ijkToRAS=ball.affine, name=name)


def choose(panel, source, reference=None, model: str = "same") -> None:
    """Choose volumes and a model in the panel."""
    panel.ui.sourceSelector.setCurrentNode(source)
    panel.ui.referenceSelector.setCurrentNode(reference)
    combo = panel.ui.modelComboBox
    combo.currentIndex = [combo.itemData(index) for index in range(combo.count)].index(model)


def synthesize(panel):
    """Click the button, wait for the end, and return the volume that the panel offers to compare."""
    slicer_host.click(panel.ui.synthesizeButton)
    wait_until(lambda: not panel.logic.isRunning, PATIENCE_S)
    return panel.ui.comparedSelector.currentNode()


def of_kind(kind: str):
    """Return the scene's volume of a kind, such as ``difference``."""
    nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    return next(node for node in nodes if node.GetAttribute("MRSynthesis.Kind") == kind)
