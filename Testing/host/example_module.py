"""A small scripted module with the idioms of today's modules, written to a folder for the host to load."""

from pathlib import Path

SOURCE = '''
"""Counts the voxels above a level."""
from typing import Annotated

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule, ScriptedLoadableModuleLogic, ScriptedLoadableModuleTest, ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class VoxelCount(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Voxel count")
        parent.categories = ["Examples"]
        parent.helpText = self.getDefaultModuleDocumentationLink()
        slicer.app.connect("startupCompleted()", register)


def register():
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="Examples", sampleName="Ones", uris="https://example.org/ones.nrrd", fileNames="ones.nrrd",
    )


@parameterNodeWrapper
class State:
    volume: slicer.vtkMRMLScalarVolumeNode
    level: Annotated[float, WithinRange(0, 10)] = 2.5


class VoxelCountWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.state, self.tag, self.events = None, None, []

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/VoxelCount.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = VoxelCountLogic()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.ui.countButton.connect("clicked(bool)", self.onCount)
        self.attach(self.logic.getParameterNode())

    def attach(self, state):
        if self.state:
            self.state.disconnectGui(self.tag)
            self.removeObserver(self.state, vtk.vtkCommand.ModifiedEvent, self.onState)
        self.state = state
        if state:
            self.tag = state.connectGui(self.ui)
            self.addObserver(state, vtk.vtkCommand.ModifiedEvent, self.onState)
            self.onState()

    def onState(self, caller=None, event=None):
        self.ui.countButton.enabled = self.state.volume is not None

    def onCount(self):
        with slicer.util.tryWithErrorDisplay(_("Counting failed."), waitCursor=True):
            self.ui.countLabel.text = str(self.logic.count(self.state.volume, self.state.level))

    def enter(self):
        self.events.append("enter")
        self.attach(self.logic.getParameterNode())

    def exit(self):
        self.events.append("exit")
        self.attach(None)

    def cleanup(self):
        self.events.append("cleanup")
        # The parameter node is a singleton: it outlives the panel, and would go on writing into its widgets.
        self.attach(None)
        self.removeObservers()

    def onSceneStartClose(self, caller, event):
        self.attach(None)

    def onSceneEndClose(self, caller, event):
        if self.parent.isEntered:
            self.attach(self.logic.getParameterNode())


class VoxelCountLogic(ScriptedLoadableModuleLogic):
    def getParameterNode(self):
        return State(super().getParameterNode())

    def count(self, volume, level):
        return int((slicer.util.arrayFromVolume(volume) > level).sum())


class VoxelCountTest(ScriptedLoadableModuleTest):
    def runTest(self):
        self.setUp()
        self.test_count()

    def test_count(self):
        import numpy as np

        slicer.mrmlScene.Clear()
        volume = slicer.util.addVolumeFromArray(np.arange(8.0).reshape(2, 2, 2))
        self.assertEqual(VoxelCountLogic().count(volume, 5), 2)
        self.delayDisplay("passed")
'''

PANEL = """<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0"><class>VoxelCount</class>
 <widget class="qMRMLWidget" name="VoxelCount"><layout class="QVBoxLayout" name="column">
  <item><widget class="ctkCollapsibleButton" name="section"><property name="text"><string>Count</string></property>
   <property name="collapsed"><bool>false</bool></property>
   <layout class="QFormLayout" name="form">
    <item row="0" column="0"><widget class="QLabel" name="volumeLabel">
     <property name="text"><string>Volume:</string></property>
     <property name="buddy"><cstring>volumeSelector</cstring></property></widget></item>
    <item row="0" column="1"><widget class="qMRMLNodeComboBox" name="volumeSelector">
     <property name="toolTip"><string>What to count in</string></property>
     <property name="accessibleName"><string>Volume</string></property>
     <property name="nodeTypes"><stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
     <property name="noneEnabled"><bool>true</bool></property>
     <property name="SlicerParameterName" stdset="0"><string>volume</string></property></widget></item>
    <item row="1" column="0"><widget class="QLabel" name="levelLabel">
     <property name="text"><string>Level:</string></property>
     <property name="buddy"><cstring>levelSlider</cstring></property></widget></item>
    <item row="1" column="1"><widget class="ctkSliderWidget" name="levelSlider">
     <property name="toolTip"><string>The level</string></property>
     <property name="accessibleName"><string>Level</string></property>
     <property name="decimals"><number>1</number></property>
     <property name="maximum"><double>5.5</double></property>
     <property name="SlicerParameterName" stdset="0"><string>level</string></property></widget></item>
   </layout></widget></item>
  <item><widget class="ctkPathLineEdit" name="folderEdit"><property name="toolTip"><string>Folder</string></property>
   <property name="accessibleName"><string>Folder</string></property>
   <property name="filters"><set>ctkPathLineEdit::Dirs|ctkPathLineEdit::Readable</set></property></widget></item>
  <item><widget class="QPushButton" name="countButton"><property name="text"><string>Count</string></property>
   <property name="toolTip"><string>Count the voxels</string></property></widget></item>
  <item><widget class="QLabel" name="countLabel"/></item>
 </layout></widget>
 <tabstops><tabstop>volumeSelector</tabstop><tabstop>levelSlider</tabstop><tabstop>folderEdit</tabstop>
  <tabstop>countButton</tabstop></tabstops>
 <connections><connection><sender>VoxelCount</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
  <receiver>volumeSelector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections>
</ui>
"""


def writeModule(folder: Path) -> Path:
    """Write the module and its panel; returns the module's file."""
    (folder / "Resources" / "UI").mkdir(parents=True)
    (folder / "Resources" / "UI" / "VoxelCount.ui").write_text(PANEL, encoding="utf-8")
    path = folder / "VoxelCount.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path
