"""The layout manager: a scene's views, and where the layout's XML puts them. A double over real MRML layout logic."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import slicer
import vtk

from slicer_host.rendering import BAR_HEIGHT, SliceWidget
from slicer_host.three_d import ThreeDWidget

Rectangle = tuple[int, int, int, int]
"""Left, top, width, height in pixels from the top left corner."""

_GAP = 2
_managers: list[LayoutManager] = []


@dataclass(frozen=True)
class PlacedView:
    """A view node and where it lies."""

    node: slicer.vtkMRMLAbstractViewNode
    rectangle: Rectangle


class LayoutManager:
    """The part of ``qSlicerLayoutManager`` that scripts use.

    As in Slicer, views come into being with their nodes, at once; their sizes come later (``layOut``), when Qt gets
    round to it.
    """

    def __init__(self, scene: slicer.vtkMRMLScene, applicationLogic: slicer.vtkMRMLApplicationLogic) -> None:
        self.width, self.height = 1200, 800
        self.tableViewCount = self.plotViewCount = 0
        self._scene = scene
        self._applicationLogic = applicationLogic
        self._widgets: dict[str, SliceWidget] = {}
        self._threeDWidgets: dict[str, ThreeDWidget] = {}
        self._slots: list[Callable[[int], None]] = []
        self._layoutLogic = slicer.vtkMRMLLayoutLogic()
        self._layoutLogic.SetMRMLScene(scene)
        self._shownLayout = self.layout
        self._observations = [
            (scene, scene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, self._onNodeAdded)),
            (scene, scene.AddObserver(slicer.vtkMRMLScene.NodeRemovedEvent, self._onNodeRemoved)),
        ]
        node = self._layoutLogic.GetLayoutNode()
        self._observations.append((node, node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._onLayoutModified)))
        for viewNode in slicer.util.getNodesByClass("vtkMRMLAbstractViewNode", scene):
            self._addWidget(viewNode)

    @property
    def layout(self) -> int:
        """The layout's number, as in ``vtkMRMLLayoutNode``."""
        return self._layoutLogic.GetLayoutNode().GetViewArrangement()

    def setLayout(self, layout: int) -> None:
        """Change the layout; missing views are made."""
        self._layoutLogic.GetLayoutNode().SetViewArrangement(layout)

    def layoutLogic(self) -> slicer.vtkMRMLLayoutLogic:
        """The real layout logic."""
        return self._layoutLogic

    def mrmlScene(self) -> slicer.vtkMRMLScene:
        """The scene whose views these are."""
        return self._scene

    def mrmlSliceLogics(self) -> vtk.vtkCollection:
        """The logics of all slice views."""
        return self._applicationLogic.GetSliceLogics()

    def sliceViewNames(self) -> tuple[str, ...]:
        """All slice views, those that the layout does not show included."""
        return tuple(self._widgets)

    def sliceWidget(self, name: str) -> SliceWidget | None:
        """The slice view of that name, or None."""
        return self._widgets.get(name)

    def viewWidget(self, node: slicer.vtkMRMLNode) -> SliceWidget | None:
        """The slice view of that node; None for a view of another kind."""
        return self._widgets.get(node.GetLayoutName()) if node.IsA("vtkMRMLSliceNode") else None

    @property
    def threeDViewCount(self) -> int:
        """The number of 3D views, those that the layout does not show included."""
        return len(self._threeDWidgets)

    def threeDWidget(self, index: int) -> ThreeDWidget | None:
        """The 3D view of that number, or None; nothing but text is drawn in it."""
        return dict(enumerate(self._threeDWidgets.values())).get(index)

    def plotWidget(self, _index: int) -> None:
        """There are no plots here."""

    def tableWidget(self, _index: int) -> None:
        """There are no tables here."""

    def resetThreeDViews(self) -> None:
        """There is nothing in the 3D views here."""

    def resetSliceViews(self) -> None:
        """Fit every slice view to what it shows."""
        for widget in self._widgets.values():
            widget.sliceLogic().FitSliceToAll()

    def connect(self, signal: str, slot: Callable[[int], None]) -> bool:
        """Connect to ``layoutChanged(int)``; ``destroyed()`` never comes."""
        if signal not in ("layoutChanged(int)", "destroyed()"):
            raise ValueError(f"expected layoutChanged(int) or destroyed(), found {signal}")
        if signal == "layoutChanged(int)":
            self._slots.append(slot)
        return True

    def disconnect(self, _signal: str, slot: Callable[[int], None]) -> bool:
        """Undo ``connect``."""
        self._slots.remove(slot)
        return True

    def resize(self, width: int, height: int) -> None:
        """Give the whole a new size and lay it out."""
        self.width, self.height = width, height
        self.layOut()

    def layOut(self) -> None:
        """Give every view its place and size: in Slicer, Qt does it when control returns to its event loop."""
        for view in self.placedViews():
            widget = self.viewWidget(view.node)
            if widget is not None:
                _left, _top, width, height = view.rectangle
                widget.resize(width, height - BAR_HEIGHT)

    def placedViews(self) -> list[PlacedView]:
        """The views of the current layout."""
        description = self._layoutLogic.GetLayoutNode().GetCurrentLayoutDescription()
        if not description:
            return []
        whole = (0, 0, self.width, self.height)
        return [PlacedView(*placed) for placed in self._placed(ElementTree.fromstring(description), whole)]

    def finalize(self) -> None:
        """Let go of scene and graphics."""
        for subject, tag in self._observations:
            subject.RemoveObserver(tag)
        for name in list(self._widgets):
            self._widgets.pop(name).finalize()
        self._layoutLogic.SetMRMLScene(None)

    def _placed(self, element: ElementTree.Element, whole: Rectangle) -> Iterator[tuple[object, Rectangle]]:
        if element.tag == "view":
            node = self._viewNode(element)
            if node is not None:
                yield node, whole
            return
        children = [child for item in element.findall("item") for child in item]
        shares = [float(item.get("splitSize") or 1) for item in element.findall("item")]
        horizontal = element.get("type", "vertical") == "horizontal"
        for child, rectangle in zip(children, _divided(whole, shares, horizontal), strict=True):
            yield from self._placed(child, rectangle)

    def _viewNode(self, element: ElementTree.Element) -> slicer.vtkMRMLAbstractViewNode | None:
        return self._scene.GetSingletonNode(element.get("singletontag"), element.get("class"))

    def _onLayoutModified(self, _caller: object, _event: str) -> None:
        if self._shownLayout != self.layout:
            self._shownLayout = self.layout
            for slot in list(self._slots):
                slot(self._shownLayout)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAdded(self, _caller: object, _event: str, node: slicer.vtkMRMLNode) -> None:
        self._addWidget(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeRemoved(self, _caller: object, _event: str, node: slicer.vtkMRMLNode) -> None:
        if node.IsA("vtkMRMLSliceNode") and node.GetLayoutName() in self._widgets:
            self._widgets.pop(node.GetLayoutName()).finalize()
        elif node.IsA("vtkMRMLViewNode"):
            self._threeDWidgets.pop(node.GetLayoutName(), None)

    def _addWidget(self, node: slicer.vtkMRMLNode) -> None:
        if node.IsA("vtkMRMLSliceNode") and node.GetLayoutName() not in self._widgets:
            self._widgets[node.GetLayoutName()] = SliceWidget(node, self._applicationLogic)
        elif node.IsA("vtkMRMLViewNode"):
            self._threeDWidgets.setdefault(node.GetLayoutName(), ThreeDWidget(node))


def openLayoutManager(size: tuple[int, int] = (1200, 800)) -> LayoutManager:
    """The layout manager of ``slicer.mrmlScene``, made on the first call."""
    manager = currentLayoutManager()
    if manager is None:
        manager = LayoutManager(slicer.mrmlScene, _applicationLogic(slicer.mrmlScene))
        _managers.append(manager)
        _tellApplication()
    manager.width, manager.height = size
    return manager


def currentLayoutManager() -> LayoutManager | None:
    """The layout manager of ``slicer.mrmlScene``; None before there is one, as in a Slicer without main window."""
    return next((manager for manager in _managers if manager.mrmlScene() is slicer.mrmlScene), None)


def closeLayoutManager() -> None:
    """Close the views of ``slicer.mrmlScene``; nothing happens where there are none."""
    manager = currentLayoutManager()
    if manager is not None:
        _managers.remove(manager)
        manager.finalize()


def _tellApplication() -> None:
    """From now on ``slicer.app.layoutManager()`` has one to give."""
    from PySide6.QtWidgets import QApplication

    application = QApplication.instance()
    if hasattr(application, "_layoutManager"):
        application._layoutManager = currentLayoutManager


def _applicationLogic(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLApplicationLogic:
    """The application's logic, with the collections that slice logics need and the colours of volumes."""
    application = getattr(slicer, "app", None)
    logic = application.applicationLogic() if application is not None else slicer.vtkSlicerApplicationLogic()
    if logic.GetMRMLScene() is not scene:
        logic.SetMRMLScene(scene)
    if logic.GetSliceLogics() is None:
        logic.SetSliceLogics(vtk.vtkCollection())
    if logic.GetViewLogics() is None:
        logic.SetViewLogics(vtk.vtkCollection())
    if scene.GetNodeByID("vtkMRMLColorTableNodeGrey") is None:
        colors = logic.GetColorLogic()
        colors.SetMRMLScene(scene)
        colors.AddDefaultColorNodes()
    return logic


def _divided(whole: Rectangle, shares: list[float], horizontal: bool) -> list[Rectangle]:
    """Cut a rectangle into parts side by side or one above the other."""
    left, top, width, height = whole
    length = width if horizontal else height
    edges = [0]
    for share in shares:
        edges.append(edges[-1] + round((length + _GAP) * share / sum(shares)))
    edges[-1] = length + _GAP
    spans = [(start, end - start - _GAP) for start, end in zip(edges, edges[1:], strict=False)]
    if horizontal:
        return [(left + start, top, size, height) for start, size in spans]
    return [(left, top + start, width, size) for start, size in spans]
