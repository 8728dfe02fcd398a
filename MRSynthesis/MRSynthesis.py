"""The module as Slicer looks for it; what it does lives in MRSynthesisLib, what it computes in mrsynth."""

import sys
import unittest
from typing import Any

import slicer
import slicer.util
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from MRSynthesisLib.CompareSection import CompareSection
from MRSynthesisLib.ComparisonLayouts import registerLayouts
from MRSynthesisLib.JobOutcome import logTail
from MRSynthesisLib.ModelList import ModelList
from MRSynthesisLib.ModelsSection import ModelsSection
from MRSynthesisLib.PanelState import PanelState, stateIn
from MRSynthesisLib.RunRequest import RunListener, RunOutcome, RunRequest
from MRSynthesisLib.SampleScans import registerSampleScans, stopSampleScans
from MRSynthesisLib.SelfCheck import SelfCheck
from MRSynthesisLib.SetupSection import SetupSection
from MRSynthesisLib.SynthesisRun import SynthesisRun
from MRSynthesisLib.SynthesizeSection import SynthesizeSection
from MRSynthesisLib.SyntheticAnnotation import SyntheticAnnotation
from MRSynthesisLib.SyntheticNode import isSynthetic
from MRSynthesisLib.TextDialog import TextDialog
from MRSynthesisLib.WarmWorker import WarmWorker

_OWN_PACKAGES = ("MRSynthesisLib", "mrsynth")


class MRSynthesis(ScriptedLoadableModule):
    """What the application knows of the module before anyone opens it."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        parent.title = _("MRSynthesis")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Image Synthesis")]
        parent.dependencies = []
        parent.contributors = ["The MRSynthesis contributors"]
        parent.helpText = _(
            "Makes a PD-weighted brain scan from a T2-weighted one, and back, with trained networks, and compares the "
            "result with an acquired scan. For research: a synthetic image was never acquired, and no diagnosis may "
            "rest on it."
        )
        parent.acknowledgementText = _(
            "After Nie et al., Medical Image Synthesis with Deep Convolutional Adversarial Networks, 2018."
        )
        self._annotation: SyntheticAnnotation | None = None
        slicer.app.connect("startupCompleted()", self._onStartupCompleted)
        slicer.app.connect("aboutToQuit()", self._onAboutToQuit)

    def _onStartupCompleted(self) -> None:
        # From the start and whichever module is open: a saved scene may show a synthetic volume.
        if slicer.app.layoutManager() is not None:
            self._annotation = SyntheticAnnotation(slicer.mrmlScene, slicer.app.layoutManager())
            # A scene that was saved while it was compared comes back in the same layout.
            registerLayouts(slicer.app.layoutManager().layoutLogic().GetLayoutNode())
        registerSampleScans(self.parent.path)

    def _onAboutToQuit(self) -> None:
        stopSampleScans()
        if self._annotation is not None:
            self._annotation.cleanup()
            self._annotation = None


class MRSynthesisLogic(ScriptedLoadableModuleLogic):
    """Starts, follows and stops the one run there may be at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._run: SynthesisRun | None = None
        self._warm = WarmWorker()

    def getParameterNode(self) -> PanelState:
        """Return the choices that the scene remembers."""
        return stateIn(super().getParameterNode())

    @property
    def isRunning(self) -> bool:
        """Whether a synthesis goes on."""
        return self._run is not None and self._run.isRunning

    def startSynthesis(self, request: RunRequest, listener: RunListener) -> None:
        """Begin a synthesis in the background; returns at once.

        Raises:
            RuntimeError: One goes on already.
            InputError: A volume is no scan.
            OutputExists: The output is not ours to replace.
            OSError: There is no place for temporary files.
        """
        if self.isRunning:
            raise RuntimeError(_("A synthesis goes on already. Wait for it, or cancel it first."))
        self._run = SynthesisRun(request, listener, self._warm)
        self._run.start()

    @property
    def logTail(self) -> str:
        """The last lines of the log of the synthesis that goes on."""
        log = self._run.logFile if self._run is not None else None
        return logTail(log) if log is not None else ""

    def cancel(self) -> None:
        """Ask the synthesis to stop; its listener hears when it has."""
        if self._run is not None:
            self._run.cancel()

    def stopAtOnce(self) -> None:
        """End without a word, for the end of the module or of the application."""
        if self._run is not None:
            self._run.stopAtOnce()
        self._warm.stopAtOnce()

    @property
    def waitingWorker(self) -> int:
        """Number of the process that waits for the next synthesis; 0 if there is none."""
        return self._warm.number

    def endWarmWorker(self, wait: bool = False) -> None:
        """Let go of the process that may wait for the next synthesis: it would only hold memory, or files.

        Args:
            wait: Whether it must be gone on return, which takes a second at most; else it goes by itself.
        """
        self._warm.stopAtOnce() if wait else self._warm.letGo()


class MRSynthesisWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: sections over one state, which lives in the scene."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: MRSynthesisLogic | None = None
        self._state: PanelState | None = None
        self._guiTag: Any = None

    def setup(self) -> None:
        """Build the panel; called once, when the module is first opened."""
        super().setup()
        panel = slicer.util.loadUI(self.resourcePath("UI/MRSynthesis.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = MRSynthesisLogic()
        self.models = ModelList()
        self.dialog = TextDialog(panel)
        self.setupSection = SetupSection(self.ui)
        self.synthesize = SynthesizeSection(self.ui, self.logic, self.models, self.dialog)
        self.compare = CompareSection(self.ui)
        self.modelsSection = ModelsSection(self.ui, self.models, self.dialog)
        self.selfCheck = SelfCheck(self.ui, self.dialog)
        self.synthesize.finished = self._onSynthesisFinished
        self.synthesize.prepare = self.setupSection.prepare
        self.modelsSection.changed = self.synthesize.update
        self.setupSection.aboutToInstall = self._onAboutToInstall
        self.setupSection.installed = self._refreshModels
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._onSceneAboutToClose)
        self.addObserver(scene, scene.StartImportEvent, self._onSceneAboutToChange)
        for event in (scene.EndCloseEvent, scene.EndImportEvent):
            self.addObserver(scene, event, self._onSceneChanged)
        slicer.app.connect("aboutToQuit()", self.cleanup)
        self._refreshModels()
        self._initializeState()

    def cleanup(self) -> None:
        """Leave nothing behind: no process, no observer, no window."""
        if self.logic is None:
            return
        self.logic.stopAtOnce()
        self._setState(None)
        self.removeObservers()
        self.compare.close()
        self.modelsSection.stop()
        self.selfCheck.stop()
        stopSampleScans()
        self.dialog.close()
        slicer.app.disconnect("aboutToQuit()", self.cleanup)
        self.logic = None

    def enter(self) -> None:
        """The panel is shown: follow the scene again."""
        self._initializeState()

    def exit(self) -> None:
        """Another module is shown: no need to follow the scene."""
        self._setState(None)

    def onReload(self) -> None:
        """Forget our packages as well, which the application would keep."""
        self.cleanup()
        for name in [each for each in sys.modules if each.split(".")[0] in _OWN_PACKAGES]:
            del sys.modules[name]
        super().onReload()

    def _refreshModels(self) -> None:
        self.models.refresh()
        self.setupSection.update()
        self.modelsSection.update()
        self.synthesize.update()
        self.compare.update()

    def _onAboutToInstall(self) -> None:
        # It has loaded the packages that are about to change; on Windows it would keep their files from being replaced.
        self.logic.endWarmWorker(wait=True)

    def _onSceneAboutToChange(self, caller: Any, event: str) -> None:
        # While a scene is read its choices name volumes that are not there yet.
        self._setState(None)

    def _onSceneAboutToClose(self, caller: Any, event: str) -> None:
        # Whoever closes the scene is done with it for now, and may need the memory.
        self.logic.endWarmWorker()
        self._onSceneAboutToChange(caller, event)

    def _onSceneChanged(self, caller: Any, event: str) -> None:
        if self.parent.isEntered:
            self._initializeState()

    def _initializeState(self) -> None:
        state = self.logic.getParameterNode()
        if state.sourceVolume is None:
            state.sourceVolume = _firstScan()
        self._setState(state)

    def _setState(self, state: PanelState | None) -> None:
        if self._state is not None:
            self._state.disconnectGui(self._guiTag)
            self.removeObserver(self._state, vtk.vtkCommand.ModifiedEvent, self._onStateModified)
        self._state = state
        if state is not None:
            self._guiTag = state.connectGui(self.ui)
            self.addObserver(state, vtk.vtkCommand.ModifiedEvent, self._onStateModified)
        self.synthesize.setState(state)
        self.compare.setState(state)

    def _onStateModified(self, caller: Any = None, event: str = "") -> None:
        self.synthesize.update()
        self.compare.update()

    def _onSynthesisFinished(self, outcome: RunOutcome) -> None:
        """Offer the result for comparison, and show it."""
        if outcome.synthetic is None:
            return
        state = self._state or self.logic.getParameterNode()  # another module may be open by now
        with slicer.util.NodeModify(state):  # one change: a new volume must not be measured against an old reference
            state.comparedVolume, state.comparedReference = outcome.synthetic, outcome.reference
        if self._state is not None:
            self.compare.showResult()


def _firstScan() -> Any:
    """Return the first acquired volume of the scene, to save a click."""
    volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    scans = (each for each in volumes if each.GetClassName() == "vtkMRMLScalarVolumeNode" and each.GetImageData())
    return next((scan for scan in scans if not isSynthetic(scan)), None)


class MRSynthesisTest(ScriptedLoadableModuleTest):
    """What the button "Reload and Test" runs: the panel's own tests, click by click."""

    def runTest(self) -> None:
        """Run them all; the first that fails, or that cannot be run here, tells why."""
        from MRSynthesisLib.PanelTest import PanelTest

        for name in unittest.defaultTestLoader.getTestCaseNames(PanelTest):
            self.delayDisplay(name.replace("_", " "))
            try:
                PanelTest(name).debug()
            except unittest.SkipTest as reason:
                self.delayDisplay(_("Nothing was tested: {0}.").format(reason))
                return
        self.delayDisplay(_("All tests passed"))
