"""The button that writes a comparison to a folder, in the background."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import qt
import slicer.util
from slicer.i18n import tr as _

from mrsynth.errors import OutputExists
from MRSynthesisLib.BackgroundTask import BackgroundTask
from MRSynthesisLib.MeasuredComparison import ComparisonProducts


class ReportExport:
    """Asks for a folder and writes the report there; what is there already is replaced only after a yes.

    Args:
        ui: The panel's widgets by name.
        products: Gives what was measured, or None.
    """

    def __init__(self, ui: Any, products: Callable[[], ComparisonProducts | None]) -> None:
        self._ui, self._products = ui, products
        self._task: BackgroundTask | None = None
        ui.compareStatusLabel.openExternalLinks = True
        ui.reportButton.connect("clicked(bool)", self._onClicked)

    @property
    def isRunning(self) -> bool:
        """Whether a report is being written."""
        return self._task is not None

    def write(self, folder: Path, replace: bool = False) -> None:
        """Write the report of what was measured; returns at once and says in the panel how it went."""
        from MRSynthesisLib.ComparisonReport import namesOf, reportOf

        products = self._products()
        nodes = namesOf(*products.pair)

        def write() -> Path:
            from mrsynth.comparison_report import write_report

            return write_report(folder, reportOf(products.compared, products.measurements, nodes), replace)

        def written(page: Path | None, error: Exception | None) -> None:
            self._task = None
            self._ui.reportButton.enabled = True
            self._tell(folder, page, error)

        self._ui.reportButton.enabled = False
        self._say(_("Writing the report..."))
        self._task = BackgroundTask(write, written)
        self._task.start()

    def stop(self) -> None:
        """Forget the report that is being written; files appear whole or not at all."""
        if self._task is not None:
            self._task.abandon()
            self._task = None

    def _tell(self, folder: Path, page: Path | None, error: Exception | None) -> None:
        if isinstance(error, OutputExists):
            self._say(str(error))
            question = _("{0} holds a report already. Replace it?").format(folder)
            if slicer.util.confirmOkCancelDisplay(question, _("Export a report")):
                self.write(folder, replace=True)
        elif error is not None:
            self._say(_("The report could not be written. {0}").format(error))
        else:
            link = f'<a href="{escape(page.resolve().as_uri())}">{escape(str(page))}</a>'
            self._say(escape(_("The report is ready: {0}")).format(link), qt.Qt.RichText)

    def _onClicked(self, checked: bool = False) -> None:
        folder = qt.QFileDialog.getExistingDirectory(self._ui.reportButton, _("Folder for the report"))
        if folder:
            self.write(Path(folder))

    def _say(self, text: str, textFormat: int = qt.Qt.PlainText) -> None:
        self._ui.compareStatusLabel.setTextFormat(textFormat)
        self._ui.compareStatusLabel.text = text
        self._ui.compareStatusLabel.visible = bool(text)
