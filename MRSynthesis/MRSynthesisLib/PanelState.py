"""What the panel remembers, in the scene: every choice, so that a saved scene opens as it was left."""

from enum import Enum
from typing import Annotated

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScriptedModuleNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

from mrsynth.acquired_timing import LONGEST_TE_MS, LONGEST_TR_MS


class SourceContrast(Enum):
    """The contrast of the source: found, or what the user says."""

    AUTOMATIC = "automatic"
    T2 = "T2"
    PD = "PD"

    def label(self) -> str:
        return _("Automatic") if self is SourceContrast.AUTOMATIC else self.value


class Device(Enum):
    """Where the network runs; values are those of `mrsynth`'s ``--device``."""

    AUTOMATIC = "auto"
    CPU = "cpu"
    GPU = "cuda:0"
    APPLE = "mps"

    def label(self) -> str:
        return {
            Device.AUTOMATIC: _("Automatic"),
            Device.CPU: _("CPU"),
            Device.GPU: _("First NVIDIA graphics card"),
            Device.APPLE: _("Apple graphics"),
        }[self]


class SynthesisMode(Enum):
    """How much time the synthesis may take; values are those of `mrsynth`'s ``--mode``, which calls them presets."""

    MODEL = "model"
    PAPER = "paper"
    STANDARD = "standard"
    DRAFT = "draft"

    def label(self) -> str:
        return {
            SynthesisMode.MODEL: _("As the model's card says"),
            SynthesisMode.PAPER: _("Paper: as published, slow"),
            SynthesisMode.STANDARD: _("Standard"),
            SynthesisMode.DRAFT: _("Draft: a quick look"),
        }[self]

    def jobValue(self) -> str | None:
        """Return what a job asks for: a mode, or None for the model's own."""
        return None if self is SynthesisMode.MODEL else self.value


class Orientation(Enum):
    """How the views of a comparison cut the volume; values are those of `ComparisonView.setOrientation`."""

    ACQUIRED = ""
    AXIAL = "Axial"
    SAGITTAL = "Sagittal"
    CORONAL = "Coronal"

    def label(self) -> str:
        return {
            Orientation.ACQUIRED: _("As acquired"),
            Orientation.AXIAL: _("Axial"),
            Orientation.SAGITTAL: _("Sagittal"),
            Orientation.CORONAL: _("Coronal"),
        }[self]


@parameterNodeWrapper
class PanelState:
    """The panel's choices.

    Attributes:
        sourceVolume: Acquired volume to synthesise from.
        sourceContrast: Its contrast, unless what is found is right.
        modelName: Name of the chosen model.
        referenceVolume: Acquired volume of the target contrast, to compare with.
        outputVolume: Node for the result; none for a new one.
        device: Where the network runs.
        mode: How much time the synthesis may take.
        sourceTeMs: Echo time of the source; 0 for the one it came with.
        sourceTrMs: Repetition time of the source; 0 for the one it came with.
        timedVolume: The source whose times these are.
        targetTeMs: Echo time to synthesise; 0 for the model's usual one.
        makeUncertainty: Whether to make an uncertainty volume as well.
        keepFiles: Whether the files of the exchange with the worker stay.
        comparedVolume: Synthetic volume that is looked at.
        comparedReference: Acquired volume it is compared with.
        layoutName: Layout of the comparison that is shown; empty for none.
        orientation: How its views cut the volume.
        linked: Whether the comparison's views move together.
        blend: Share of the reference over the synthetic image.
        differenceRange: Difference at which its colours end, in standard deviations.
    """

    sourceVolume: vtkMRMLScalarVolumeNode
    sourceContrast: SourceContrast = SourceContrast.AUTOMATIC
    modelName: str = ""
    referenceVolume: vtkMRMLScalarVolumeNode
    outputVolume: vtkMRMLScalarVolumeNode
    device: Device = Device.AUTOMATIC
    mode: SynthesisMode = SynthesisMode.MODEL
    sourceTeMs: Annotated[float, WithinRange(0.0, LONGEST_TE_MS)] = 0.0
    sourceTrMs: Annotated[float, WithinRange(0.0, LONGEST_TR_MS)] = 0.0
    timedVolume: vtkMRMLScalarVolumeNode
    targetTeMs: Annotated[float, WithinRange(0.0, LONGEST_TE_MS)] = 0.0
    makeUncertainty: bool = False
    keepFiles: bool = False
    comparedVolume: vtkMRMLScalarVolumeNode
    comparedReference: vtkMRMLScalarVolumeNode
    layoutName: str = ""
    orientation: Orientation = Orientation.ACQUIRED
    linked: bool = True
    blend: Annotated[float, WithinRange(0.0, 1.0)] = 0.0
    differenceRange: Annotated[float, WithinRange(0.05, 5.0)] = 1.5


_CHOICES: dict[str, type[Enum]] = {
    "sourceContrast": SourceContrast,
    "device": Device,
    "mode": SynthesisMode,
    "orientation": Orientation,
}
_RENAMED = {("mode", "SMOOTH"): SynthesisMode.STANDARD.name}
"""What choices of earlier versions are called today."""


def stateIn(node: vtkMRMLScriptedModuleNode) -> PanelState:
    """Return the choices that a node keeps, which may come from another version of the panel.

    A choice that there is no more becomes the one that means the same, or else the default: the wrapper around the
    node would refuse it, and with it the whole scene.
    """
    for name, choices in _CHOICES.items():
        if not node.HasParameter(name) or node.GetParameter(name) in choices.__members__:
            continue
        renamed = _RENAMED.get((name, node.GetParameter(name)))
        node.SetParameter(name, renamed) if renamed else node.UnsetParameter(name)
    return PanelState(node)
