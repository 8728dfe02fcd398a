"""The upper part of the panel: from a source volume and a model to one large button."""

import time
from typing import Any

import vtk
from slicer import vtkMRMLVolumeNode
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from MRSynthesisLib.BackgroundJob import JobEnd, JobProgress
from MRSynthesisLib.ModelList import ModelList, cardText
from MRSynthesisLib.OptionTips import showPresets, uncertaintyTip
from MRSynthesisLib.PanelState import PanelState, SourceContrast
from MRSynthesisLib.ProgressText import progressText
from MRSynthesisLib.RunRequest import RunListener, RunOutcome, RunRequest
from MRSynthesisLib.SourceContrast import FoundContrast, findContrast
from MRSynthesisLib.SyntheticNode import kindOf
from MRSynthesisLib.TextDialog import TextDialog
from MRSynthesisLib.TimingSection import TimingSection

_BAR_PARTS = 1000
_DOUBLE_CLICK_S = 0.6
"""A second click as early as this was meant for the first: it does not cancel."""


class SynthesizeSection(VTKObservationMixin):
    """Shows what can be synthesised, and how it goes.

    Args:
        ui: The panel's widgets by name.
        logic: Starts and cancels runs.
        models: What is installed.
        dialog: Where long texts are shown.
    """

    def __init__(self, ui: Any, logic: Any, models: ModelList, dialog: TextDialog) -> None:
        super().__init__()
        self._ui, self._logic, self._models, self._dialog = ui, logic, models, dialog
        self._state: PanelState | None = None
        self._timing = TimingSection(ui)
        self._found = FoundContrast(None, "")
        self._foundFor: tuple[str, int] | None = None
        self._lastLog = ""
        self._startedS = 0.0
        self._cancelling = False
        self._watched: vtkMRMLVolumeNode | None = None
        self.finished = RunListener().finished
        self.prepare = _nothingMissing
        ui.progressBar.maximum = _BAR_PARTS
        ui.modelComboBox.connect("currentIndexChanged(int)", self._onModelChosen)
        ui.modelCardButton.connect("clicked(bool)", self._onCard)
        ui.synthesizeButton.connect("clicked(bool)", self._onSynthesize)
        ui.logButton.connect("clicked(bool)", self._onLog)

    def setState(self, state: PanelState | None) -> None:
        """Follow another scene's choices; None: there is none at the moment."""
        self._state = state
        self.update()

    def update(self) -> None:
        """Show what the choices mean."""
        self._watch(self._state.sourceVolume if self._state else None)
        if self._state is None:
            self._ui.synthesizeButton.enabled = False
            return
        self._findContrast()
        self._fillModels()
        self._updateButton()
        showPresets(self._ui.modeComboBox, self._model)
        self._ui.uncertaintyCheckBox.toolTip = uncertaintyTip(self._model)
        self._timing.update(self._state, self._model)

    @property
    def contrast(self) -> str | None:
        """The source's contrast: what the user says, else what was found."""
        chosen = self._state.sourceContrast if self._state else SourceContrast.AUTOMATIC
        return self._found.contrast if chosen is SourceContrast.AUTOMATIC else chosen.value

    def _watch(self, source: vtkMRMLVolumeNode | None) -> None:
        """Follow the source: its name tells the contrast, and voxels may come after the node."""
        if source is self._watched:
            return
        self.removeObservers()
        self._watched = source
        for event in (vtk.vtkCommand.ModifiedEvent, vtkMRMLVolumeNode.ImageDataModifiedEvent) if source else ():
            self.addObserver(source, event, self._onSourceModified)

    def _onSourceModified(self, caller: vtkMRMLVolumeNode, event: str) -> None:
        self.update()

    def _findContrast(self) -> None:
        source = self._state.sourceVolume
        if source is None or source.GetImageData() is None:
            self._found, self._foundFor = FoundContrast(None, ""), None
        elif self._foundFor != (source.GetID(), source.GetMTime()):
            self._found, self._foundFor = findContrast(source), (source.GetID(), source.GetMTime())
        automatic = self._state.sourceContrast is SourceContrast.AUTOMATIC
        self._ui.contrastFoundLabel.text = self._found.reason if automatic else ""

    def _fillModels(self) -> None:
        names = [model.card.name for model in self._models.fitting(self.contrast)]
        combo = self._ui.modelComboBox
        shown = [combo.itemData(index) for index in range(combo.count)]
        blocked = combo.blockSignals(True)
        if shown != names:
            combo.clear()
            for name in names:
                combo.addItem(self._models.find(name).card.title, name)
        wanted = self._state.modelName
        combo.currentIndex = names.index(wanted) if wanted in names else (0 if names else -1)
        combo.blockSignals(blocked)
        self._ui.modelCardButton.enabled = bool(names)

    @property
    def _model(self) -> Any:
        combo = self._ui.modelComboBox
        return self._models.find(combo.itemData(combo.currentIndex)) if combo.currentIndex >= 0 else None

    def _updateButton(self) -> None:
        button, model = self._ui.synthesizeButton, self._model
        if self._logic.isRunning:
            button.text, button.enabled = _("Cancel"), not self._cancelling
            button.toolTip = _("Stop the synthesis. Nothing is changed by what was done so far.")
            return
        target = model.card.target_contrast if model and self._state.sourceVolume else ""
        button.text = _("Synthesize {0}").format(target).strip()
        obstacle = self._obstacle(model)
        button.enabled = not obstacle
        button.toolTip = obstacle or _("Make a {0}-weighted volume from {1}, in the background.").format(
            target, self._state.sourceVolume.GetName()
        )

    def _obstacle(self, model: Any) -> str:
        """Return what keeps a synthesis from being started, in plain words; empty if nothing does."""
        source, reference = self._state.sourceVolume, self._state.referenceVolume
        if source is None or source.GetImageData() is None:
            return _("Choose a source volume: load a T2- or PD-weighted scan first.")
        if any(kindOf(node) not in ("", "synthetic") for node in (source, reference) if node is not None):
            return _("Differences and uncertainties cannot be source or reference. Choose a scan.")
        if not self._models.models:
            return _("Install the packages named above first.")
        if model is None:
            contrast = self.contrast
            return _("No installed model takes {0}.").format(contrast) if contrast else _("Choose a model.")
        if reference is source:
            return _("The reference is the source itself. Choose an acquired {0} volume, or none.").format(
                model.card.target_contrast
            )
        if self._state.outputVolume is not None and self._state.outputVolume in (source, reference):
            return _("The output would replace an acquired volume. Choose another, or a new one.")
        return ""

    def _onModelChosen(self, index: int) -> None:
        if self._state is not None and index >= 0:
            self._state.modelName = self._ui.modelComboBox.itemData(index)
            self._updateButton()

    def _onCard(self, checked: bool = False) -> None:
        model = self._model
        if model is not None:
            self._dialog.show(model.card.title, cardText(model))

    def _onSynthesize(self, checked: bool = False) -> None:
        if self._logic.isRunning:
            if time.monotonic() > self._startedS + _DOUBLE_CLICK_S:
                self._cancelling = True
                self._ui.statusLabel.text = _("Cancelling...")
                self._updateButton()
                self._logic.cancel()
            return
        if self.prepare():
            self._start()

    def _start(self) -> None:
        state = self._state
        request = RunRequest(
            source=state.sourceVolume,
            model=self._model.card.name,
            reference=state.referenceVolume,
            output=state.outputVolume,
            device=state.device.value,
            mode=state.mode.jobValue(),
            timing=self._timing.timing(state, self._model),
            makeUncertainty=state.makeUncertainty,
            keepFiles=state.keepFiles,
        )
        try:
            self._logic.startSynthesis(request, RunListener(self._onProgress, self._onFinished))
        except (ValueError, OSError, RuntimeError) as error:
            self._showEnd(JobEnd.FAILED, str(error))
            return
        self._startedS, self._cancelling = time.monotonic(), False
        self._ui.logButton.enabled = True
        self._ui.statusLabel.styleSheet = ""
        self._ui.progressBar.visible = True
        self._updateButton()

    def _onProgress(self, progress: JobProgress) -> None:
        # A stage of one step has no measure: the bar then only shows that something goes on.
        self._ui.progressBar.maximum = _BAR_PARTS if progress.total > 1 else 0
        self._ui.progressBar.value = round(_BAR_PARTS * progress.fraction)
        self._ui.statusLabel.text = progressText(progress)

    def _onFinished(self, outcome: RunOutcome) -> None:
        self._ui.progressBar.visible = False
        self._lastLog = outcome.logTail
        lines = [outcome.message, *outcome.warnings]
        if outcome.folder is not None:
            lines.append(_("The files are kept in {0}.").format(outcome.folder))
        self._showEnd(outcome.end, "\n".join(lines))
        self._ui.logButton.enabled = bool(outcome.logTail)
        self.update()
        self.finished(outcome)

    def _showEnd(self, end: JobEnd, message: str) -> None:
        self._ui.statusLabel.text = message
        self._ui.statusLabel.styleSheet = "color: #b3261e" if end is JobEnd.FAILED else ""

    def _onLog(self, checked: bool = False) -> None:
        running = self._logic.isRunning
        title = _("Log of this run") if running else _("Log of the last run")
        self._dialog.show(title, (self._logic.logTail if running else self._lastLog) or _("The log is empty."))


def _nothingMissing() -> bool:
    """Nobody looks whether packages are missing."""
    return True
