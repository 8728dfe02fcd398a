"""A warning in every view that shows a synthetic volume, in slices and in 3D, in whatever layout and module."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import slicer
import slicer.util
from slicer import vtkMRMLNode, vtkMRMLScene, vtkMRMLSliceCompositeNode, vtkMRMLSliceNode, vtkMRMLVolumeNode
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin
from vtk import VTK_OBJECT, calldata_type, vtkCommand

from MRSynthesisLib.FollowedObjects import FollowedObjects
from MRSynthesisLib.SyntheticNode import isSynthetic, kindOf, shownContrastOf
from MRSynthesisLib.ViewText import Place, ViewText

_AMBER = (1.0, 0.82, 0.25)
_AFTER_LAYOUT_MANAGER = -1.0
"""Slicer's layout manager listens with priority 0; our turn comes when it has made its views."""

_BACKGROUND = vtkMRMLSliceCompositeNode.LayerBackground
_LAYERS = vtkMRMLSliceCompositeNode.Layer_Last
_CHANGES_WHAT_IS_SHOWN = ("vtkMRMLSliceNode", "vtkMRMLViewNode", "vtkMRMLVolumeNode")


@dataclass(frozen=True, eq=False)
class _Slice:
    """A slice view: its name, its widget and the volumes it shows."""

    name: str
    widget: object
    volumes: tuple[vtkMRMLVolumeNode, ...]

    @property
    def node(self) -> vtkMRMLSliceNode:
        return self.widget.sliceLogic().GetSliceNode()


class SyntheticAnnotation(VTKObservationMixin):
    """Writes the warning, follows what the views show, and takes it away again."""

    def __init__(self, scene: vtkMRMLScene, layoutManager: object | None = None) -> None:
        """Begin; without views, as in a Slicer without its window, there is nothing to write on.

        Args:
            scene: The scene that is looked at.
            layoutManager: Slicer's, unless given.
        """
        VTKObservationMixin.__init__(self)
        self._scene = scene
        self._texts: dict[str, ViewText] = {}
        self._composites = FollowedObjects((vtkCommand.ModifiedEvent,), self._onChanged)
        self._sliceNodes = FollowedObjects((vtkCommand.ModifiedEvent,), self._onSliceNode)
        displayModified = slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent
        self._volumes = FollowedObjects((vtkCommand.ModifiedEvent, displayModified), self._onChanged)
        self._places: dict[str, tuple] = {}
        self._layoutManager = layoutManager or slicer.app.layoutManager()
        if self._layoutManager is None:
            return
        layoutNode = self._layoutManager.layoutLogic().GetLayoutNode()
        self.addObserver(layoutNode, vtkCommand.ModifiedEvent, self._onChanged, priority=_AFTER_LAYOUT_MANAGER)
        for event in (vtkMRMLScene.NodeAddedEvent, vtkMRMLScene.NodeRemovedEvent):
            self.addObserver(scene, event, self._onNode, priority=_AFTER_LAYOUT_MANAGER)
        self.addObserver(scene, vtkMRMLScene.EndBatchProcessEvent, self._onChanged, priority=_AFTER_LAYOUT_MANAGER)
        self.update()

    def textIn(self, view: str) -> str:
        """The warning in a slice view of that name, or in the 3D view whose node has that ID; empty without one."""
        return self._texts[view].text if view in self._texts else ""

    def update(self) -> None:
        """Look at all views; called whenever something changes."""
        if self._layoutManager is None:
            return
        slices = list(self._slices())
        spaces = list(self._threeDViews())
        volumes = slicer.util.getNodesByClass("vtkMRMLVolumeNode", self._scene)
        texts = {each.name: (each.widget.sliceView(), warningFor(each.volumes)) for each in slices}
        for identifier, view in spaces:
            texts[identifier] = (view, warningFor(_shownIn3D(identifier, slices, volumes)))
        for gone in set(self._texts) - set(texts):
            self._texts.pop(gone).remove()
        for key, (view, warning) in texts.items():
            self._write(key, view, warning)
        self._composites.follow(each.widget.sliceLogic().GetSliceCompositeNode() for each in slices)
        # Any volume may become synthetic while it is shown, or be shown in 3D without a view's node saying so.
        self._volumes.follow(volumes)
        self._sliceNodes.follow(each.node for each in slices if spaces)
        self._places = {each.node.GetID(): _placeIn3D(each.node) for each in slices}

    def cleanup(self) -> None:
        """Take all warnings away and stop."""
        self.removeObservers()
        for followed in (self._composites, self._sliceNodes, self._volumes):
            followed.release()
        for text in self._texts.values():
            text.remove()
        self._texts = {}

    def _slices(self) -> Iterator[_Slice]:
        for name in self._layoutManager.sliceViewNames():
            widget = self._layoutManager.sliceWidget(name)
            composite = widget.sliceLogic().GetSliceCompositeNode()
            if composite is not None:
                yield _Slice(name, widget, tuple(self._shown(composite)))

    def _threeDViews(self) -> Iterator[tuple[str, object]]:
        """ID of the node and view."""
        for index in range(self._layoutManager.threeDViewCount):
            widget = self._layoutManager.threeDWidget(index)
            node = widget.threeDView().mrmlViewNode() if widget is not None else None
            if node is not None:
                yield node.GetID(), widget.threeDView()

    def _write(self, key: str, view: object, warning: str) -> None:
        if warning and key not in self._texts:
            self._texts[key] = ViewText(view, (Place.TOP_RIGHT, Place.BOTTOM_RIGHT), _AMBER)
        if key in self._texts:
            self._texts[key].setText(warning)

    def _shown(self, composite: vtkMRMLSliceCompositeNode) -> list[vtkMRMLVolumeNode]:
        """The volumes in a view's layers, those that are transparent left out."""
        layers = range(_LAYERS + composite.GetNumberOfAdditionalLayers())
        visible = [layer for layer in layers if layer == _BACKGROUND or composite.GetNthLayerOpacity(layer) > 0]
        volumes = (self._scene.GetNodeByID(composite.GetNthLayerVolumeID(layer) or "") for layer in visible)
        return [volume for volume in volumes if volume is not None]

    def _onChanged(self, _caller: object, _event: str) -> None:
        if not self._scene.IsBatchProcessing():
            self.update()

    def _onSliceNode(self, node: vtkMRMLSliceNode, event: str) -> None:
        """A slice may be put into the 3D views; scrolling, which comes here too, must cost nothing."""
        if self._places.get(node.GetID()) != _placeIn3D(node):
            self._onChanged(node, event)

    @calldata_type(VTK_OBJECT)
    def _onNode(self, _caller: vtkMRMLScene, _event: str, node: vtkMRMLNode) -> None:
        if any(map(node.IsA, _CHANGES_WHAT_IS_SHOWN)):
            self._onChanged(node, "")


def warningFor(volumes: Iterable[vtkMRMLNode]) -> str:
    """What a view of these volumes must say; empty where all are acquired."""
    synthetic = [volume for volume in volumes if isSynthetic(volume)]
    if not synthetic:
        return ""
    contrasts = ", ".join(dict.fromkeys(filter(None, map(shownContrastOf, synthetic))))
    isMap = all(kindOf(volume) not in ("", "synthetic") for volume in synthetic)
    warning = _("From SYNTHETIC {0} - not acquired") if isMap else _("SYNTHETIC {0} - not acquired")
    return " ".join(warning.format(contrasts).split())


def _shownIn3D(view: str, slices: Iterable[_Slice], volumes: Iterable[vtkMRMLVolumeNode]) -> list[vtkMRMLVolumeNode]:
    """What a 3D view shows: volumes that are rendered, and those on slices that are put into it."""
    inSpace = [each for each in slices if each.node.GetSliceVisible() and each.node.IsDisplayableInThreeDView(view)]
    onSlices = [volume for each in inSpace for volume in each.volumes]
    return [*(volume for volume in volumes if _isRendered(volume, view)), *onSlices]


def _isRendered(volume: vtkMRMLVolumeNode, view: str) -> bool:
    displays = (volume.GetNthDisplayNode(index) for index in range(volume.GetNumberOfDisplayNodes()))
    return any(
        display is not None and display.IsA("vtkMRMLVolumeRenderingDisplayNode") and display.GetVisibility(view)
        for display in displays
    )


def _placeIn3D(node: vtkMRMLSliceNode) -> tuple:
    """Whether a slice is in 3D views, and in which; none named are all."""
    count = node.GetNumberOfThreeDViewIDs()
    return node.GetSliceVisible(), tuple(node.GetNthThreeDViewID(index) for index in range(count))
