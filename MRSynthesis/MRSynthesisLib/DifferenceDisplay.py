"""Colours, range and colour bar of difference volumes."""

import slicer
from slicer import vtkMRMLColorLegendDisplayNode, vtkMRMLColorTableNode, vtkMRMLScalarVolumeNode, vtkMRMLScene
from slicer.i18n import tr as _

from mrsynth.comparison_display import DIFFERENCE_COLOURS, GRADIENT_COLOURS, colour_table
from mrsynth.errors import InputError

_ENTRIES = 256
_BEHIND_TEXT = 0.65
_LABEL_FORMAT = "%5.3g"
"""As wide for 3 as for -0.75: Slicer fits the size of the letters to the longest label."""
_BAR_LABELS = 3
"""Both ends and the middle, which are short numbers."""


def showColors(node: vtkMRMLScalarVolumeNode, colors: vtkMRMLColorTableNode) -> None:
    """Show a volume in the colours of a node."""
    node.CreateDefaultDisplayNodes()
    node.GetScalarVolumeDisplayNode().SetAndObserveColorNodeID(colors.GetID())


def setSymmetricRange(node: vtkMRMLScalarVolumeNode, limit: float) -> None:
    """Let the colours of a difference span -limit to +limit.

    Raises:
        InputError: The limit is not above 0, or nothing is displayed yet.
    """
    _setRange(node, -limit, limit)


def setRangeFromZero(node: vtkMRMLScalarVolumeNode, limit: float) -> None:
    """Let the colours of a gradient difference span 0 to limit; raises as ``setSymmetricRange``."""
    _setRange(node, 0.0, limit)


def symmetricRange(node: vtkMRMLScalarVolumeNode) -> float:
    """The largest difference that the colours tell apart; 0 where nothing is displayed yet."""
    display = node.GetScalarVolumeDisplayNode()
    return max(abs(display.GetWindowLevelMin()), abs(display.GetWindowLevelMax())) if display is not None else 0.0


def spanDifferences(
    difference: vtkMRMLScalarVolumeNode, gradientDifference: vtkMRMLScalarVolumeNode, limit: float
) -> None:
    """Let the colours of a difference end at a limit, and those of its gradient difference in proportion.

    A gradient difference is in squared units: to half the limit belongs a quarter of its range. So an error of twice
    the size is needed for the same colour in both images, and either is as bright as before beside the other.

    Raises:
        InputError: As ``setSymmetricRange``.
    """
    before = symmetricRange(difference)
    setSymmetricRange(difference, limit)
    steepest = symmetricRange(gradientDifference)
    if before > 0 and steepest > 0:
        setRangeFromZero(gradientDifference, steepest * (limit / before) ** 2)


def differenceColors(scene: vtkMRMLScene) -> vtkMRMLColorTableNode:
    """The scene's one colour node for differences: blue below zero, black at zero, red above."""
    return _colors(scene, "MRSynthesisDifference", _("Synthetic minus reference"), DIFFERENCE_COLOURS)


def gradientColors(scene: vtkMRMLScene) -> vtkMRMLColorTableNode:
    """The scene's one colour node for what is never negative: from black over red to pale yellow."""
    return _colors(scene, "MRSynthesisGradientDifference", _("Gradient difference"), GRADIENT_COLOURS)


def createColorBar(node: vtkMRMLScalarVolumeNode) -> vtkMRMLColorLegendDisplayNode:
    """A small colour bar in every view that shows the volume; it follows the range by itself.

    Views draw only bars that are younger than they are. One that is there already is therefore made anew, so call
    this once more when views were opened since.
    """
    former = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
    if former is not None:
        node.GetScene().RemoveNode(former)
    bar = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
    isGradient = node.GetAttribute("MRSynthesis.Kind") == "gradientDifference"
    bar.SetTitleText(_("SD²") if isGradient else _("SD"))
    bar.SetLabelFormat(_LABEL_FORMAT)
    bar.SetNumberOfLabels(_BAR_LABELS)
    bar.SetMaxNumberOfColors(_ENTRIES)
    bar.SetPosition(0.97, 0.5)
    bar.SetSize(0.1, 0.4)
    for text in (bar.GetTitleTextProperty(), bar.GetLabelTextProperty()):  # legible on a bright rim, too
        text.SetBackgroundColor(0, 0, 0)
        text.SetBackgroundOpacity(_BEHIND_TEXT)
    bar.SetVisibility(True)
    return bar


def _setRange(node: vtkMRMLScalarVolumeNode, low: float, high: float) -> None:
    display = node.GetScalarVolumeDisplayNode()
    if display is None or not 0 < high < float("inf"):
        message = _("Expected a displayed volume and an end of its colour scale above 0, found {0} and {1}.")
        raise InputError(message.format(node.GetName(), high), "bad_range")
    modifying = display.StartModify()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(low, high)
    display.EndModify(modifying)


def _colors(scene: vtkMRMLScene, tag: str, name: str, stops: tuple[str, ...]) -> vtkMRMLColorTableNode:
    """A singleton: scenes that are loaded into this one bring no second node, and saving writes one file."""
    node = scene.GetSingletonNode(tag, "vtkMRMLColorTableNode")
    if node is not None and node.GetNumberOfColors() == _ENTRIES:
        return node
    colors = node or slicer.vtkMRMLColorTableNode()
    colors.SetTypeToUser()
    colors.SetName(name)
    colors.SetSingletonTag(tag)
    colors.SetNumberOfColors(_ENTRIES)
    for entry, color in enumerate(colour_table(stops, _ENTRIES)):
        colors.SetColor(entry, f"{entry}", *(float(channel) for channel in color))
    return node or scene.AddNode(colors)
