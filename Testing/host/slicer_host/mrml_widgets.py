"""Doubles of qMRMLWidget, the table view and the plot view; names after Slicer's headers (Libs/MRML/Widgets)."""

from PySide6 import QtCore, QtGui, QtWidgets

from slicer_host.ctk_buttons import ctkCollapsibleButton
from slicer_host.ctk_values import ctkRangeWidget, ctkSliderWidget
from slicer_host.declared import stored, weakly

_SCENE_CHANGED = {"mrmlSceneChanged(PyObject)": "mrmlSceneChanged(vtkMRMLScene*)"}


class qMRMLWidget(QtWidgets.QWidget):
    """A widget that knows its scene and says when it changes."""

    mrmlSceneChanged = QtCore.Signal(object)
    _signatures = _SCENE_CHANGED
    _scene = None

    def mrmlScene(self) -> object:
        return self._scene

    def setMRMLScene(self, scene: object) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)


class qSlicerWidget(qMRMLWidget):
    """What a module's .ui file has for its root."""


class qMRMLCollapsibleButton(ctkCollapsibleButton):
    """A collapsible button that hands the scene on."""

    mrmlSceneChanged = QtCore.Signal(object)
    _signatures = _SCENE_CHANGED
    mrmlScene, setMRMLScene, _scene = qMRMLWidget.mrmlScene, qMRMLWidget.setMRMLScene, None


class qMRMLSliderWidget(ctkSliderWidget):
    """A slider with the scene's units, which the double leaves out."""

    quantity = stored(str, "")
    mrmlScene, _scene = qMRMLWidget.mrmlScene, None

    def setMRMLScene(self, scene: object) -> None:
        self._scene = scene


class qMRMLSpinBox(QtWidgets.QDoubleSpinBox):
    """A spin box with the scene's units, which the double leaves out."""


class qMRMLRangeWidget(ctkRangeWidget):
    """A range with the scene's units, which the double leaves out."""


class qMRMLTableView(QtWidgets.QTableView):
    """Shows the cells of a table node; the double does not let them be changed."""

    mrmlSceneChanged = QtCore.Signal(object)
    _signatures = _SCENE_CHANGED
    _scene = _tableNode = _tag = None
    mrmlScene, setMRMLScene = qMRMLWidget.mrmlScene, qMRMLWidget.setMRMLScene

    def mrmlTableNode(self) -> object:
        return self._tableNode

    def setMRMLTableNode(self, node: object) -> None:
        if self._tableNode:
            self._tableNode.RemoveObserver(self._tag)
        self._tableNode = node
        self._tag = node.AddObserver("ModifiedEvent", weakly(self._fill)) if node else None
        self._fill()

    def _fill(self, *_: object) -> None:
        node = self._tableNode
        rows, columns = (node.GetNumberOfRows(), node.GetNumberOfColumns()) if node else (0, 0)
        model = QtGui.QStandardItemModel(rows, columns, self)
        for column in range(columns):
            for row in range(rows):
                model.setItem(row, column, QtGui.QStandardItem(node.GetCellText(row, column)))
            name = node.GetColumnName(column)
            title = node.GetColumnTitle(name) if node.GetUseColumnTitleAsColumnHeader() else ""
            model.setHeaderData(column, QtCore.Qt.Horizontal, title or name)
        self.setModel(model)
        self.resizeColumnsToContents()

    transposed = stored(bool, False)
    firstRowLocked = stored(bool, False)
    firstColumnLocked = stored(bool, False)


class qMRMLPlotView(QtWidgets.QLabel):
    """Says which chart it would show; the double draws nothing."""

    mrmlSceneChanged = QtCore.Signal(object)
    _signatures = _SCENE_CHANGED
    _scene = _viewNode = None
    mrmlScene, setMRMLScene = qMRMLWidget.mrmlScene, qMRMLWidget.setMRMLScene

    def setMRMLPlotViewNode(self, node: object) -> None:
        self._viewNode = node
        chart = node.GetPlotChartNode() if node else None
        self.setText(f"Plot: {chart.GetName()}" if chart else "")

    def mrmlPlotViewNode(self) -> object:
        return self._viewNode

    def fitToContent(self) -> None:
        self.update()
