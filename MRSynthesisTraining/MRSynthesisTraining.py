"""The headless module as Slicer looks for it: training runs in the background, for scripts and the Python console."""

import unittest
from typing import Any

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
)

from MRSynthesisLib.JobOutcome import logTail
from MRSynthesisTrainingLib.TrainingCommand import TrainingCommand, TrainingOutcome
from MRSynthesisTrainingLib.TrainingRun import TrainingListener, TrainingRun

__all__ = ["MRSynthesisTraining", "MRSynthesisTrainingLogic", "MRSynthesisTrainingTest"]


class MRSynthesisTraining(ScriptedLoadableModule):
    """What the application knows of the module: that it has no panel."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        parent.title = _("MRSynthesis Training")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Image Synthesis")]
        parent.dependencies = ["MRSynthesis"]
        parent.contributors = ["The MRSynthesis contributors"]
        parent.hidden = True
        parent.helpText = _(
            "Starts, follows and stops the training runs of mrsynth-train from scripts, in a process of their own: "
            "see MRSynthesisTrainingLogic."
        )
        parent.acknowledgementText = _(
            "After Nie et al., Medical Image Synthesis with Deep Convolutional Adversarial Networks, 2018."
        )


class MRSynthesisTrainingLogic(ScriptedLoadableModuleLogic):
    """Starts, follows and stops the one training run there may be at a time.

    From the Python console, on subjects that ``mrsynth-train prepare`` has prepared::

        from pathlib import Path
        from MRSynthesisTraining import MRSynthesisTrainingLogic, TrainingCommand

        logic = MRSynthesisTrainingLogic()
        logic.startTraining(TrainingCommand("g1", Path("cache"), Path("runs/g1")))
        logic.stop()  # writes a checkpoint; TrainingCommand(..., resume=True) goes on from it
    """

    def __init__(self) -> None:
        super().__init__()
        self._run: TrainingRun | None = None
        self._listener = TrainingListener()

    @property
    def isRunning(self) -> bool:
        """Whether a training goes on."""
        return self._run is not None

    @property
    def logTail(self) -> str:
        """The last lines of the log of the training that goes on."""
        return logTail(self._run.logFile) if self._run is not None else ""

    def startTraining(self, command: TrainingCommand, listener: TrainingListener | None = None) -> None:
        """Begin a training in the background; returns at once.

        Args:
            command: What to train.
            listener: Who is told; the application's log by default.

        Raises:
            RuntimeError: One goes on already.
            OSError: There is no place for temporary files.
        """
        if self.isRunning:
            raise RuntimeError(_("A training goes on already. Wait for it, or stop it first."))
        self._listener = listener or TrainingListener()
        self._run = TrainingRun(command, TrainingListener(self._listener.progress, self._onFinished))
        slicer.app.connect("aboutToQuit()", self.stopAtOnce)
        self._run.start()

    def stop(self) -> None:
        """Ask the training to stop with a checkpoint; its listener hears when it has."""
        if self._run is not None:
            self._run.stop()

    def stopAtOnce(self) -> None:
        """End without a word, for the end of the application; there are some seconds for a checkpoint."""
        if self._run is not None:
            run = self._run
            self._letGo()
            run.stopAtOnce()

    def _onFinished(self, outcome: TrainingOutcome) -> None:
        listener = self._listener
        self._letGo()
        listener.finished(outcome)

    def _letGo(self) -> None:
        """Hold nobody any more: neither those who are told nor, through Qt, this object itself."""
        self._run, self._listener = None, TrainingListener()
        slicer.app.disconnect("aboutToQuit()", self.stopAtOnce)


class MRSynthesisTrainingTest(ScriptedLoadableModuleTest):
    """What Slicer's self-test runs: the module's own tests, with the real training on a few small patches."""

    def runTest(self) -> None:
        """Run them all; the first that fails tells why."""
        from MRSynthesisTrainingLib.TrainingTest import TrainingTest

        for name in unittest.defaultTestLoader.getTestCaseNames(TrainingTest):
            self.delayDisplay(name.replace("_", " "))
            TrainingTest(name).debug()
        self.delayDisplay(_("All tests passed"))
