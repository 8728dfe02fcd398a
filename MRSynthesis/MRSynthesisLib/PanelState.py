"""What the panel remembers, in the scene: every choice, so that a saved scene opens as it was left."""

from enum import Enum
from typing import Annotated

from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper


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
    """How overlapping patches are joined; values are those of `mrsynth`'s ``--mode``."""

    MODEL = "model"
    SMOOTH = "smooth"
    PAPER = "paper"

    def label(self) -> str:
        return {
            SynthesisMode.MODEL: _("As the model's card says"),
            SynthesisMode.SMOOTH: _("Smooth"),
            SynthesisMode.PAPER: _("As published"),
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
        mode: How overlapping patches are joined.
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
    makeUncertainty: bool = False
    keepFiles: bool = False
    comparedVolume: vtkMRMLScalarVolumeNode
    comparedReference: vtkMRMLScalarVolumeNode
    layoutName: str = ""
    orientation: Orientation = Orientation.ACQUIRED
    linked: bool = True
    blend: Annotated[float, WithinRange(0.0, 1.0)] = 0.0
    differenceRange: Annotated[float, WithinRange(0.05, 5.0)] = 1.5
