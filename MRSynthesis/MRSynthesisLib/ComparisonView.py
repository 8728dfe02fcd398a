"""Source, synthetic and reference image with their differences in linked slice views."""

from dataclasses import replace

import slicer
from slicer import vtkMRMLNode, vtkMRMLPlotChartNode, vtkMRMLScene
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin
from vtk import VTK_OBJECT, calldata_type

from mrsynth.errors import InputError
from MRSynthesisLib.ComparedImages import ComparedImages, Look, contentOf
from MRSynthesisLib.ComparedSlice import ComparedSlice
from MRSynthesisLib.ComparisonLayouts import (
    LAYOUTS,
    PLOT_VIEWS,
    Role,
    arrangementOf,
    isComparisonInFront,
    layoutIdentifier,
    registerLayouts,
)
from MRSynthesisLib.SharedWindowLevel import SharedWindowLevel
from MRSynthesisLib.SlicePlane import acquisitionOrientation, requireOrientation

_AFTER_SLICER = -1.0


class ComparisonView(VTKObservationMixin):
    """Shows a comparison in one of the layouts, and puts everything back afterwards."""

    LAYOUTS = LAYOUTS

    def __init__(self, scene: vtkMRMLScene, layoutManager: object | None = None) -> None:
        """Register the layouts; nothing is shown yet.

        Args:
            scene: The scene of the volumes to come.
            layoutManager: Slicer's, unless given.

        Raises:
            RuntimeError: Slicer runs without views.
        """
        VTKObservationMixin.__init__(self)
        self._layoutManager = layoutManager or slicer.app.layoutManager()
        if self._layoutManager is None:
            raise RuntimeError(_("Expected slice views to compare images in, found Slicer running without its window."))
        self._scene = scene
        self._layoutNode = self._layoutManager.layoutLogic().GetLayoutNode()
        self._images: ComparedImages | None = None
        self._layoutName = ""
        self._charts: tuple[vtkMRMLPlotChartNode, ...] = ()
        self._slices: dict[Role, ComparedSlice] = {}
        self._windows = SharedWindowLevel()
        self._layoutBefore: int | None = None
        self._orientation: str | None = None
        self._linked, self._hot = True, False
        self._look = Look()
        registerLayouts(self._layoutNode)
        self.addObserver(scene, vtkMRMLScene.NodeAboutToBeRemovedEvent, self._onNodeRemoved)
        self.addObserver(scene, vtkMRMLScene.StartCloseEvent, self._onSceneStartClose)
        # Slicer puts the last layout back when it is through with a scene; what is said before that goes unheard.
        self.addObserver(scene, vtkMRMLScene.EndBatchProcessEvent, self._onSceneReady, priority=_AFTER_SLICER)

    @property
    def images(self) -> ComparedImages | None:
        """What is compared now; None before ``show`` and after ``leave``."""
        return self._images

    @property
    def isShown(self) -> bool:
        """Whether a comparison is seen now: it is not while the user looks at another layout."""
        return self._images is not None and self._isInFront

    @property
    def layoutName(self) -> str:
        """The layout of the last ``show``."""
        return self._layoutName

    @property
    def orientation(self) -> str | None:
        """What ``setOrientation`` has set."""
        return self._orientation

    @property
    def blend(self) -> float:
        """What ``setBlend`` has set; 0 before."""
        return self._look.blend or 0.0

    def show(self, images: ComparedImages, layoutName: str) -> None:
        """Show images in a layout; where the same scan was compared before, in the slice that was looked at.

        In the layout that is shown already, the views are not moved at all: images may come one by one.

        Raises:
            InputError: There is no layout of that name.
        """
        hasReference = images.reference is not None
        roles = arrangementOf(layoutName, hasReference).roles
        samePlace = self._images is not None and self._images.grid is images.grid
        offset = self._slices[Role.SYNTHETIC].offset if samePlace else None
        if not self._isInFront:
            self._layoutBefore = self._layoutNode.GetViewArrangement()
        elif self._layoutBefore is None:  # a scene that was saved in a comparison
            self._layoutBefore = self._layoutNode.SlicerLayoutFourUpView
        self._layoutName = layoutName
        identifier = layoutIdentifier(self._layoutNode, layoutName, hasReference, bool(self._charts))
        stays = samePlace and self._layoutNode.GetViewArrangement() == identifier
        self._images, self._look = images, Look(self._look.blend, hasLastView=Role.UNCERTAINTY in roles)
        self._setLayout(identifier)
        self._plot()
        self._takeViews(roles)
        self._update()
        if not stays:
            self._turn(offset)
        self._windows.share(self._images.reference, self._images.synthetic)

    def setCharts(self, charts: tuple[vtkMRMLPlotChartNode, ...]) -> None:
        """Show up to two charts in a row under the images; none takes the row away. The images stay as they are."""
        if charts == self._charts:
            return
        self._charts = charts
        if self.isShown:
            hasReference = self._images.reference is not None
            self._setLayout(layoutIdentifier(self._layoutNode, self._layoutName, hasReference, bool(charts)))
        self._plot()

    def setLinked(self, linked: bool, hot: bool = False) -> None:
        """Scroll, zoom and pan all views together, or each alone; hot: rotate together, too, while the mouse moves."""
        self._linked, self._hot = linked, hot
        for compared in self._slices.values():
            compared.setLinked(linked, hot)

    def setOrientation(self, orientation: str | None) -> None:
        """Turn all views at once: ``"Axial"``, ``"Sagittal"``, ``"Coronal"``, or None for the plane of acquisition.

        Raises:
            InputError: Another orientation.
        """
        if orientation is not None:
            requireOrientation(orientation)
        self._orientation = orientation
        self._turn(None)

    def setBlend(self, fraction: float) -> None:
        """Lay the reference (else the source) over the synthetic image: 0 shows the synthetic image alone, 1 the other.

        Among the six views it is the view for the blend, where there is one, else the synthetic's own.

        Raises:
            InputError: The fraction is not from 0 to 1.
        """
        if not 0 <= fraction <= 1:
            raise InputError(_("Expected a blend from 0 to 1, found {0}.").format(fraction), "bad_blend")
        self._look = replace(self._look, blend=fraction, turn=None)
        self._update()

    def flicker(self) -> str:
        """Show the next of source, synthetic and reference in the synthetic's view, and return its title."""
        if self._images is None or not self._images.blink:
            return ""
        turns = self._images.blink
        shown = self._look.turn or Role.SYNTHETIC
        following = turns[(turns.index(shown) + 1) % len(turns)] if shown in turns else turns[0]
        self._look = replace(self._look, turn=following)
        self._update()
        return self._slices[Role.SYNTHETIC].title

    def leave(self) -> None:
        """Go back to the layout there was, and to the windows of the images, unless the user has changed them since."""
        self._forget()
        if self._layoutBefore is not None and self._isInFront:
            self._setLayout(self._layoutBefore)
        self._layoutBefore = None

    def cleanup(self) -> None:
        """Leave, and let go of the scene; the object is of no use afterwards."""
        self.leave()
        self.removeObservers()

    @property
    def _isInFront(self) -> bool:
        return isComparisonInFront(self._layoutNode)

    def _setLayout(self, identifier: int) -> None:
        self._layoutNode.RemoveAllMaximizedViewNodes()
        self._layoutNode.SetViewArrangement(identifier)

    def _plot(self) -> None:
        for index, tag in enumerate(PLOT_VIEWS):
            view = self._scene.GetSingletonNode(tag, "vtkMRMLPlotViewNode")
            if view is not None:
                view.SetDoPropagatePlotChartSelection(False)  # charts of other modules do not take the place
                view.SetPlotChartNodeID(self._charts[index].GetID() if index < len(self._charts) else None)

    def _takeViews(self, roles: tuple[Role, ...]) -> None:
        for role in [role for role in self._slices if role not in roles]:
            self._slices.pop(role).remove()
        for role in roles:
            if role not in self._slices:
                self._slices[role] = ComparedSlice(self._layoutManager.sliceWidget(role.viewName))
        self.setLinked(self._linked, self._hot)

    def _update(self) -> None:
        for role, compared in self._slices.items():
            compared.show(contentOf(self._images, role, self._look))

    def _turn(self, offset: float | None) -> None:
        """Turn and fit all views; without an offset to the middle slice."""
        grid = self._images.grid if self._images is not None else None
        if grid is None:
            return
        orientation = self._orientation or acquisitionOrientation(grid)
        for compared in self._slices.values():
            compared.turn(grid, orientation)
        # A reference with slices of its own would snap to those; linked views must start in the same place.
        offset = self._slices[Role.SYNTHETIC].offset if offset is None else offset
        for compared in self._slices.values():
            compared.setOffset(offset)

    def _forget(self) -> None:
        self._windows.release()
        for compared in self._slices.values():
            compared.remove()
        self._slices, self._images, self._look, self._orientation = {}, None, Look(), None
        self._charts = ()
        self._plot()

    @calldata_type(VTK_OBJECT)
    def _onNodeRemoved(self, _caller: vtkMRMLScene, _event: str, node: vtkMRMLNode) -> None:
        if self._images is None or all(self._images.of(role) is not node for role in Role):
            return
        self._windows.release()
        self._images = self._images.without(node)
        if self._look.turn is not None and self._images.of(self._look.turn) is None:
            self._look = replace(self._look, turn=None)
        self._update()
        self._windows.share(self._images.reference, self._images.synthetic)

    def _onSceneStartClose(self, _caller: vtkMRMLScene, _event: str) -> None:
        self._forget()

    def _onSceneReady(self, _caller: vtkMRMLScene, _event: str) -> None:
        if self._images is None:
            self.leave()
