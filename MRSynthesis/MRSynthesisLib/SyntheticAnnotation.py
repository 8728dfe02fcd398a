"""A warning in every slice view that shows a synthetic volume, in whatever layout and module."""

from collections.abc import Iterable

import slicer
from slicer import vtkMRMLNode, vtkMRMLScene, vtkMRMLSliceCompositeNode, vtkMRMLVolumeNode
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin
from vtk import VTK_OBJECT, calldata_type, vtkCommand

from MRSynthesisLib.SyntheticNode import contrastOf, isSynthetic, kindOf
from MRSynthesisLib.ViewText import Place, ViewText

_AMBER = (1.0, 0.82, 0.25)
_AFTER_LAYOUT_MANAGER = -1.0
"""Slicer's layout manager listens with priority 0; our turn comes when it has made its views."""

_BACKGROUND = vtkMRMLSliceCompositeNode.LayerBackground
_LAYERS = vtkMRMLSliceCompositeNode.Layer_Last


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
        self._composites: dict[str, vtkMRMLSliceCompositeNode] = {}
        self._volumes: set[vtkMRMLVolumeNode] = set()
        self._layoutManager = layoutManager or slicer.app.layoutManager()
        if self._layoutManager is None:
            return
        layoutNode = self._layoutManager.layoutLogic().GetLayoutNode()
        self.addObserver(layoutNode, vtkCommand.ModifiedEvent, self._onChanged, priority=_AFTER_LAYOUT_MANAGER)
        for event in (vtkMRMLScene.NodeAddedEvent, vtkMRMLScene.NodeRemovedEvent):
            self.addObserver(scene, event, self._onNode, priority=_AFTER_LAYOUT_MANAGER)
        self.addObserver(scene, vtkMRMLScene.EndBatchProcessEvent, self._onChanged, priority=_AFTER_LAYOUT_MANAGER)
        self.update()

    def textIn(self, viewName: str) -> str:
        """The warning in a view; empty where it has none."""
        return self._texts[viewName].text if viewName in self._texts else ""

    def update(self) -> None:
        """Look at all views; called whenever something changes."""
        if self._layoutManager is None:
            return
        names = set(self._layoutManager.sliceViewNames())
        for name in set(self._texts) - names:
            self._texts.pop(name).remove()
        for name in names:
            self._follow(name, self._layoutManager.sliceWidget(name))
        for name in set(self._composites) - names:
            self.removeObserver(self._composites.pop(name), vtkCommand.ModifiedEvent, self._onChanged)
        self._followVolumes({volume for composite in self._composites.values() for volume in self._shown(composite)})

    def cleanup(self) -> None:
        """Take all warnings away and stop."""
        self.removeObservers()
        for text in self._texts.values():
            text.remove()
        self._texts, self._composites, self._volumes = {}, {}, set()

    def _follow(self, name: str, sliceWidget: object) -> None:
        composite = sliceWidget.sliceLogic().GetSliceCompositeNode()
        if composite is None:
            return
        known = self._composites.get(name)
        if known is not composite:
            if known is not None:
                self.removeObserver(known, vtkCommand.ModifiedEvent, self._onChanged)
            self.addObserver(composite, vtkCommand.ModifiedEvent, self._onChanged)
            self._composites[name] = composite
        warning = warningFor(self._shown(composite))
        if warning and name not in self._texts:
            self._texts[name] = ViewText(sliceWidget.sliceView(), (Place.TOP_RIGHT, Place.BOTTOM_RIGHT), _AMBER)
        if name in self._texts:
            self._texts[name].setText(warning)

    def _shown(self, composite: vtkMRMLSliceCompositeNode) -> list[vtkMRMLVolumeNode]:
        """The volumes in a view's layers, those that are transparent left out."""
        layers = range(_LAYERS + composite.GetNumberOfAdditionalLayers())
        visible = [layer for layer in layers if layer == _BACKGROUND or composite.GetNthLayerOpacity(layer) > 0]
        volumes = (self._scene.GetNodeByID(composite.GetNthLayerVolumeID(layer) or "") for layer in visible)
        return [volume for volume in volumes if volume is not None]

    def _followVolumes(self, volumes: set[vtkMRMLVolumeNode]) -> None:
        """A volume may become synthetic while it is shown."""
        for volume in self._volumes - volumes:
            self.removeObserver(volume, vtkCommand.ModifiedEvent, self._onChanged)
        for volume in volumes - self._volumes:
            self.addObserver(volume, vtkCommand.ModifiedEvent, self._onChanged)
        self._volumes = volumes

    def _onChanged(self, _caller: object, _event: str) -> None:
        if not self._scene.IsBatchProcessing():
            self.update()

    @calldata_type(VTK_OBJECT)
    def _onNode(self, _caller: vtkMRMLScene, _event: str, node: vtkMRMLNode) -> None:
        if node.IsA("vtkMRMLSliceNode") or node in self._volumes:
            self._onChanged(node, "")


def warningFor(volumes: Iterable[vtkMRMLNode]) -> str:
    """What a view of these volumes must say; empty where all are acquired."""
    synthetic = [volume for volume in volumes if isSynthetic(volume)]
    if not synthetic:
        return ""
    contrasts = ", ".join(dict.fromkeys(filter(None, map(contrastOf, synthetic))))
    isMap = all(kindOf(volume) not in ("", "synthetic") for volume in synthetic)
    warning = _("From SYNTHETIC {0} - not acquired") if isMap else _("SYNTHETIC {0} - not acquired")
    return " ".join(warning.format(contrasts).split())
