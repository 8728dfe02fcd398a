"""One slice view of a comparison: what it shows, its title, and its fit to the window."""

from dataclasses import dataclass

import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSliceCompositeNode, vtkMRMLSliceLogic, vtkMRMLSliceNode
from slicer.util import VTKObservationMixin

from MRSynthesisLib.ComparisonLayouts import VIEW_GROUP
from MRSynthesisLib.SlicePlane import leftSide, turnSlice
from MRSynthesisLib.SyntheticNode import isSynthetic
from MRSynthesisLib.ViewText import Place, ViewText

_WHITE = (1.0, 1.0, 1.0)
_GREY = (0.75, 0.75, 0.75)


@dataclass(frozen=True)
class SliceContent:
    """What a view shows.

    Attributes:
        label: A word for the bar above the view.
        title: A line for its corner.
        background: The image; None where there is none.
        foreground: An image over it; None for none.
        opacity: The foreground's, from 0 to 1.
        note: What to say in the middle of the view where there is no image.
    """

    label: str
    title: str
    background: vtkMRMLScalarVolumeNode | None
    foreground: vtkMRMLScalarVolumeNode | None = None
    opacity: float = 0.0
    note: str = ""


class ComparedSlice(VTKObservationMixin):
    """A slice view while it takes part in a comparison."""

    def __init__(self, sliceWidget: object) -> None:
        VTKObservationMixin.__init__(self)
        self._logic: vtkMRMLSliceLogic = sliceWidget.sliceLogic()
        self._title = ViewText(sliceWidget.sliceView(), (Place.TOP_LEFT, Place.TOP), _WHITE)
        self._note = ViewText(sliceWidget.sliceView(), (Place.CENTRE,), _GREY)
        self._side = ViewText(sliceWidget.sliceView(), (Place.LEFT,), _GREY)
        self._fittedTo: vtkMRMLScalarVolumeNode | None = None
        self._fitted: tuple | None = None
        self.node.SetViewGroup(VIEW_GROUP)
        self.addObserver(self.node, vtk.vtkCommand.ModifiedEvent, self._onSliceModified)
        renderer = sliceWidget.sliceView().renderWindow().GetRenderers().GetFirstRenderer()
        self.addObserver(renderer, vtk.vtkCommand.StartEvent, self._onRender)

    @property
    def node(self) -> vtkMRMLSliceNode:
        """The slice node."""
        return self._logic.GetSliceNode()

    @property
    def composite(self) -> vtkMRMLSliceCompositeNode:
        """The node that holds the view's layers."""
        return self._logic.GetSliceCompositeNode()

    @property
    def texts(self) -> tuple[ViewText, ...]:
        """Whatever is written into the view."""
        return self._title, self._note, self._side

    @property
    def title(self) -> str:
        """The line in the view's corner."""
        return self._title.text

    @property
    def side(self) -> str:
        """The letter at the left edge: which side of the patient lies there; none in a view without image."""
        return self._side.text

    @property
    def note(self) -> str:
        """What stands in the middle of a view without image."""
        return self._note.text

    def show(self, content: SliceContent) -> None:
        """Show images and words."""
        composite = self.composite
        flags = composite.GetInteractionFlags()
        # Slicer's colour bars come and go with the layers only where these flags say that layers have changed. The
        # linking of views asks for an interaction besides, so that nothing is passed on to the other views.
        composite.SetInteractionFlags(composite.BackgroundVolumeFlag | composite.ForegroundVolumeFlag)
        wasModifying = composite.StartModify()
        composite.SetBackgroundVolumeID(_identifier(content.background))
        composite.SetForegroundVolumeID(_identifier(content.foreground))
        composite.SetForegroundOpacity(content.opacity)
        composite.SetLabelVolumeID(None)
        composite.EndModify(wasModifying)
        composite.SetInteractionFlags(flags)
        self.node.SetLayoutLabel(content.label)
        # An image that was not acquired has its warning in the other corner.
        self._title.setText(content.title, isAlone=not any(map(isSynthetic, (content.background, content.foreground))))
        self._note.setText(content.note)
        self._tellSide()

    def setLinked(self, linked: bool, hot: bool) -> None:
        """Link the view with the others of its group; hot: also while the mouse button is down."""
        self.composite.SetLinkedControl(linked)
        self.composite.SetHotLinkedControl(hot)

    def turn(self, volume: vtkMRMLScalarVolumeNode, orientation: str) -> None:
        """Turn to a plane of a volume's grid and show its middle slice in full."""
        turnSlice(self.node, volume, orientation)
        self._fittedTo = volume
        self._fit()

    def setOffset(self, offset: float) -> None:
        """Go to a slice, in mm along the plane's normal."""
        self._logic.SetSliceOffset(offset)

    @property
    def offset(self) -> float:
        """The slice shown, in mm along the plane's normal."""
        return self._logic.GetSliceOffset()

    def remove(self) -> None:
        """Leave the view empty and to itself."""
        self.removeObservers()
        if self.composite is not None:
            self.show(SliceContent(self.node.GetLayoutLabel(), "", None))
        for text in self.texts:
            text.remove()

    def _fit(self) -> None:
        width, height, _one = self.node.GetDimensions()
        if self._fittedTo is None or self._fittedTo.GetScene() is None or min(width, height) < 1:
            return
        self._fitted = None
        self._logic.FitSliceToVolume(self._fittedTo, width, height)
        self._fitted = self._fieldOfView()

    def _onSliceModified(self, _caller: vtkMRMLSliceNode, _event: str) -> None:
        """Tell the side, and notice that the user has zoomed or panned: that stays, whatever becomes of the window."""
        self._tellSide()
        if self._fitted is not None and self._fieldOfView() != self._fitted and not self._isResized:
            self._fitted = None

    def _tellSide(self) -> None:
        self._side.setText(leftSide(self.node) if self.composite.GetBackgroundVolumeID() else "")

    def _onRender(self, _caller: vtk.vtkRenderer, _event: str) -> None:
        """Fit again to a window that has another size now; Qt gives a new view its size long after it was made."""
        if self._fitted is not None and self._isResized:
            offset = self.offset
            self._fit()
            self.setOffset(offset)

    @property
    def _isResized(self) -> bool:
        return self.node.GetDimensions() != self._fitted[0]

    def _fieldOfView(self) -> tuple:
        return self.node.GetDimensions(), self.node.GetFieldOfView(), self.node.GetXYZOrigin()


def _identifier(volume: vtkMRMLScalarVolumeNode | None) -> str | None:
    return volume.GetID() if volume is not None else None
