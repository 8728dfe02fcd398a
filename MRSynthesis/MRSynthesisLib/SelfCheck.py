"""The button that tries the devices and says why a graphics card is not used."""

from typing import Any

from slicer.i18n import tr as _

from MRSynthesisLib.CommandRun import CANCELLED, CommandResult, CommandRun
from MRSynthesisLib.TextDialog import TextDialog
from MRSynthesisLib.WorkerLaunch import commandLaunch


class SelfCheck:
    """Runs `mrsynth self-check` in the background and shows what it says.

    Args:
        ui: The panel's widgets by name.
        dialog: Where the outcome is shown.
    """

    def __init__(self, ui: Any, dialog: TextDialog) -> None:
        self._ui, self._dialog = ui, dialog
        self._command: CommandRun | None = None
        self._words = "", ""
        ui.selfCheckButton.connect("clicked(bool)", self._onClicked)

    def stop(self) -> None:
        """End without a word."""
        if self._command is not None:
            self._command.stopAtOnce()

    def _onClicked(self, checked: bool = False) -> None:
        button = self._ui.selfCheckButton
        if self._command is not None and self._command.isRunning:
            button.enabled = False
            self._command.cancel()
            return
        self._words = button.text, button.toolTip
        button.text, button.toolTip = _("Cancel"), _("Stop trying the devices.")
        self._command = CommandRun(commandLaunch(("self-check",)), self._onFinished)
        self._command.start()

    def _onFinished(self, result: CommandResult) -> None:
        button = self._ui.selfCheckButton
        button.enabled, (button.text, button.toolTip) = True, self._words
        if result.exitCode == CANCELLED:
            return
        self._dialog.show(_("Devices"), "\n".join(part.strip() for part in (result.output, result.messages) if part))
