"""A double of qMRMLNodeComboBox over a real scene; names after Libs/MRML/Widgets/qMRMLNodeComboBox.h."""

import slicer
import slicer.util
from PySide6 import QtCore, QtWidgets

from slicer_host.ctk_buttons import ctkComboBox
from slicer_host.declared import stored, weakly


def _rebuilt(self: "qMRMLNodeComboBox", value: object) -> None:
    self._rebuild()


class qMRMLNodeComboBox(QtWidgets.QWidget):
    """Chooses a node of the scene; follows nodes that are added, renamed and removed."""

    currentNodeChanged = QtCore.Signal((object,), (bool,))
    currentNodeIDChanged = QtCore.Signal(str)
    nodeActivated = QtCore.Signal(object)
    nodeAdded = QtCore.Signal(object)
    nodeAddedByUser = QtCore.Signal(object)
    nodeAboutToBeRemoved = QtCore.Signal(object)
    currentNodeRenamed = QtCore.Signal(str)
    _signatures = {
        f"{name}(PyObject)": f"{name}(vtkMRMLNode*)"
        for name in ("currentNodeChanged", "nodeActivated", "nodeAdded", "nodeAddedByUser", "nodeAboutToBeRemoved")
    }

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene, self._observers, self._attributes, self._shown = None, [], [], []
        self._combo = ctkComboBox(self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        self.setFocusProxy(self._combo)
        self.setEnabled(False)
        self._combo.currentIndexChanged.connect(self._emitChanged)
        self._combo.activated.connect(self._activate)

    def mrmlScene(self) -> object:
        return self._scene

    def setMRMLScene(self, scene: object) -> None:
        if scene is self._scene:
            return
        for observed, tag in self._observers:
            observed.RemoveObserver(tag)
        self._observers.clear()
        self._scene = scene
        if scene:
            events = (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent, scene.EndCloseEvent)
            self._observers += [(scene, scene.AddObserver(event, weakly(self._rebuild))) for event in events]
        self._rebuild()
        self.setEnabled(scene is not None)

    def addAttribute(self, nodeType: str, name: str, value: object = None) -> None:
        self._attributes.append((nodeType, name, value))
        self._rebuild()

    def removeAttribute(self, nodeType: str, name: str) -> None:
        self._attributes = [entry for entry in self._attributes if entry[:2] != (nodeType, name)]
        self._rebuild()

    def nodeCount(self) -> int:
        return len(self._nodes())

    def nodeFromIndex(self, index: int) -> object | None:
        nodes = self._nodes()
        return nodes[index] if 0 <= index < len(nodes) else None

    def currentNode(self) -> object | None:
        index = self._combo.currentIndex()
        return self._shown[index] if 0 <= index < len(self._shown) else None

    def setCurrentNode(self, node: object | None) -> None:
        wanted = node if isinstance(node, str) or node is None else node.GetID()
        known = [shown.GetID() if shown else None for shown in self._shown]
        self._combo.setCurrentIndex(known.index(wanted or None) if (wanted or None) in known else self._indexOfNone())

    def setCurrentNodeID(self, identifier: str) -> None:
        self.setCurrentNode(identifier)

    def setCurrentNodeIndex(self, index: int) -> None:
        self.setCurrentNode(self.nodeFromIndex(index))

    def addNode(self, nodeType: str | None = None) -> object:
        nodeType = nodeType or self.nodeTypes[0]
        name = self._scene.GenerateUniqueName(self.baseName or self._scene.GetTagByClassName(nodeType))
        node = self._scene.AddNewNodeByClass(nodeType, name)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        self._scene.RemoveNode(self.currentNode())

    def _indexOfNone(self) -> int:
        return 0 if self.noneEnabled else -1

    def _nodes(self) -> list:
        """What is offered, in the scene's order; of the scene's many other nodes Python sees none, which takes time."""
        if not self._scene:
            return []
        found = [node for kind in self.nodeTypes for node in slicer.util.getNodesByClass(kind, self._scene)]
        offered = [node for node in dict.fromkeys(found) if self._isOffered(node)]
        if len(self.nodeTypes) > 1:
            nodes = [self._scene.GetNthNode(index) for index in range(self._scene.GetNumberOfNodes())]
            offered.sort(key=nodes.index)
        return offered

    def _isOffered(self, node: object) -> bool:
        exact = not self.showChildNodeTypes
        fitting = [kind for kind in self.nodeTypes if (node.GetClassName() == kind if exact else node.IsA(kind))]
        refused = any(node.IsA(kind) for kind in self.hideChildNodeTypes if kind not in fitting)
        if not fitting or refused or (node.GetHideFromEditors() and not self.showHidden):
            return False
        needed = [(name, value) for kind, name, value in self._attributes if node.IsA(kind)]
        found = [(node.GetAttribute(name), value) for name, value in needed]
        return all(has is not None and value in (None, "", has) for has, value in found)

    def _rebuild(self, *_: object) -> None:
        if self._scene and self._scene.IsBatchProcessing():
            return
        before, position, empty = self.currentNode(), self._combo.currentIndex(), not any(self._shown)
        if self._scene and self.nodeTypes:
            self._combo.setPlaceholderText(f"Select a {self._scene.GetTagByClassName(self.nodeTypes[0])}")
        nodes = self._nodes()
        added = [node for node in nodes if node not in self._shown]
        # What was the current item stays current while it is there; its neighbour takes over as in a QComboBox.
        with QtCore.QSignalBlocker(self._combo):
            self._shown = ([None] if self.noneEnabled else []) + nodes
            self._combo.clear()
            self._combo.addItems([node.GetName() if node else self.noneDisplay or "None" for node in self._shown])
            if before in self._shown:
                position = self._shown.index(before)
            elif before is None:
                position = 0 if empty and not self.noneEnabled else self._indexOfNone()
            self._combo.setCurrentIndex(min(position, len(self._shown) - 1))
        self._followNames(added)
        for node in added:
            self.nodeAdded.emit(node)
        if self.currentNode() is not before:
            self._emitChanged()

    def _followNames(self, added: list) -> None:
        self._observers += [(node, node.AddObserver("ModifiedEvent", weakly(self._rename))) for node in added]

    def _rename(self, node: object, event: str) -> None:
        if node in self._shown and self._combo.itemText(self._shown.index(node)) != node.GetName():
            self._combo.setItemText(self._shown.index(node), node.GetName())

    def _emitChanged(self, *_: object) -> None:
        node = self.currentNode()
        self.currentNodeChanged[object].emit(node)
        self.currentNodeChanged[bool].emit(node is not None)
        self.currentNodeIDChanged.emit(node.GetID() if node else "")

    def _activate(self, index: int) -> None:
        self.nodeActivated.emit(self.currentNode())

    currentNodeID = QtCore.Property(
        str, lambda self: self.currentNode().GetID() if self.currentNode() else "", setCurrentNodeID
    )
    nodeTypes = stored("QStringList", [], _rebuilt)
    hideChildNodeTypes = stored("QStringList", [], _rebuilt)
    showHidden = stored(bool, False, _rebuilt)
    showChildNodeTypes = stored(bool, True, _rebuilt)
    noneEnabled = stored(bool, False, _rebuilt)
    noneDisplay = stored(str, "", _rebuilt)
    baseName = stored(str, "")
    addEnabled = stored(bool, True)
    removeEnabled = stored(bool, True)
    editEnabled = stored(bool, False)
    renameEnabled = stored(bool, False)
    selectNodeUponCreation = stored(bool, True)
    interactionNodeSingletonTag = stored(str, "")
    sizeAdjustPolicy = stored(int, 0)
