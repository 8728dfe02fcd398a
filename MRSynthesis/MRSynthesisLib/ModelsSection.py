"""The part of the panel about models: what is installed, adding one, its folder."""

import json
import shutil
from pathlib import Path
from typing import Any

import qt
import slicer.util
from slicer.i18n import tr as _

from MRSynthesisLib.CommandRun import CANCELLED, CommandResult, CommandRun
from MRSynthesisLib.ModelList import ModelList, cardText
from MRSynthesisLib.TextDialog import TextDialog
from MRSynthesisLib.WorkerLaunch import commandLaunch


class ModelsSection:
    """Lists models and adds others; nothing is downloaded before the user agrees.

    Args:
        ui: The panel's widgets by name.
        models: What is installed.
        dialog: Where cards are shown.
    """

    def __init__(self, ui: Any, models: ModelList, dialog: TextDialog) -> None:
        self._ui, self._models, self._dialog = ui, models, dialog
        self._command: CommandRun | None = None
        self._parts: set[Path] = set()
        self.changed = _nothing
        ui.modelsTree.connect("itemActivated(QTreeWidgetItem*,int)", self._onActivated)
        ui.addFileButton.connect("clicked(bool)", self._onAddFile)
        ui.addAddressButton.connect("clicked(bool)", self._onAddAddress)
        ui.openFolderButton.connect("clicked(bool)", self._onOpenFolder)
        ui.cancelModelButton.connect("clicked(bool)", self._onCancel)
        ui.cancelModelButton.visible = False

    def update(self) -> None:
        """Show what is installed."""
        tree = self._ui.modelsTree
        tree.clear()
        for model in self._models.models:
            card = model.card
            origin = _("shipped") if model.shipped else _("added")
            row = qt.QTreeWidgetItem(tree)
            texts = (card.title, card.source_contrast, card.target_contrast, card.version, origin)
            for column, text in enumerate(texts):
                row.setText(column, text)
            row.setToolTip(0, f"{card.name}: {card.intended_use}")
        for column in range(tree.columnCount):
            tree.resizeColumnToContents(column)
        self._say("\n".join(_("Left out: {0}").format(problem) for problem in self._models.problems))
        self._enable(self._models.userFolder != "")

    def stop(self) -> None:
        """End what is running, without a word."""
        if self._command is not None:
            self._command.stopAtOnce()

    def addModel(self, source: str, agreed: bool = False) -> None:
        """Add a model from a folder, a card or an address, in the background.

        Args:
            source: A path or an https address of a card.
            agreed: Whether the user has agreed to a download.
        """
        arguments = ("models", "add", source, "--json", *(("--yes",) if agreed else ()))
        self._run(arguments, self._onAdded, _("Adding {0}").format(source))

    def _run(self, arguments: tuple[str, ...], finished: Any, doing: str) -> None:
        self._enable(False)
        self._ui.cancelModelButton.visible = self._ui.cancelModelButton.enabled = True
        self._say(doing)
        self._parts = self._unfinished()
        self._command = CommandRun(commandLaunch(arguments), finished)
        self._command.start()

    def _onCancel(self, checked: bool = False) -> None:
        self._ui.cancelModelButton.enabled = False
        self._say(_("Cancelling..."))
        self._command.cancel()

    def _unfinished(self) -> set[Path]:
        """Folders in which models are being put together: a command that was killed leaves its own behind."""
        return set(Path(self._models.userFolder).glob(".*.part"))

    def _onAdded(self, result: CommandResult) -> None:
        if result.exitCode in (CANCELLED, -1):
            for folder in self._unfinished() - self._parts:
                shutil.rmtree(folder, ignore_errors=True)
        self._models.refresh()
        self.update()
        self._say(result.messages.strip() if result.exitCode else _("{0} was added.").format(_nameIn(result.output)))
        self.changed()

    def _onAddFile(self, checked: bool = False) -> None:
        path = qt.QFileDialog.getOpenFileName(
            self._ui.modelsTree, _("Card of the model to add"), "", _("Model card (card.json)")
        )
        if path:
            self.addModel(path)

    def _onAddAddress(self, checked: bool = False) -> None:
        address = qt.QInputDialog.getText(
            self._ui.modelsTree, _("Add a model"), _("Address of the model's card (https://.../card.json):")
        )
        if address:
            self.askForCard(address)

    def askForCard(self, address: str) -> None:
        """Ask for leave to fetch a card, then, with what it says, for leave to download the weights."""
        question = _("Fetch the model's card from\n{0}\n\nNothing about you or your scans is sent.")
        if slicer.util.confirmOkCancelDisplay(question.format(address), _("Add a model")):
            arguments = ("models", "show", address, "--json", "--yes")
            self._run(arguments, lambda result: self._onCardFetched(address, result), _("Fetching the card"))

    def _onCardFetched(self, address: str, result: CommandResult) -> None:
        self._enable(True)
        if result.exitCode:
            self._say(result.messages.strip())
            return
        self._say("")
        card = json.loads(result.output)["card"]
        question = _(
            "Download {title} ({name} {version}), {megabytes:.1f} MB, from\n{url}\n\nLicence: {licence}\n"
            "The weights are kept only if their checksum is the one of the card:\n{sha256}"
        ).format(megabytes=card["size_bytes"] / 1e6, **card)
        if slicer.util.confirmOkCancelDisplay(question, _("Add a model")):
            self.addModel(address, agreed=True)

    def _onOpenFolder(self, checked: bool = False) -> None:
        folder = qt.QDir(self._models.userFolder)
        folder.mkpath(".")
        if not qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(self._models.userFolder)):
            self._say(_("Your models are kept in {0}").format(self._models.userFolder))

    def _onActivated(self, row: qt.QTreeWidgetItem, column: int) -> None:
        model = self._models.models[self._ui.modelsTree.indexOfTopLevelItem(row)]
        self._dialog.show(model.card.title, cardText(model))

    def _enable(self, enabled: bool) -> None:
        for button in (self._ui.addFileButton, self._ui.addAddressButton, self._ui.openFolderButton):
            button.enabled = enabled
        if enabled:
            self._ui.cancelModelButton.visible = False

    def _say(self, text: str) -> None:
        self._ui.modelsStatusLabel.text = text


def _nothing() -> None:
    """Nobody listens."""


def _nameIn(output: str) -> str:
    """Return the name in the document that the command printed."""
    try:
        return json.loads(output)["title"]
    except (ValueError, KeyError):
        return _("The model")
