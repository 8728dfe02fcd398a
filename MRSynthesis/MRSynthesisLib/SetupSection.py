"""The line that appears while packages are missing, and the button that installs them."""

from typing import Any

import slicer.util
from slicer.i18n import tr as _

from MRSynthesisLib import Dependencies


class SetupSection:
    """Tells what is missing before the first synthesis; installs it when the user asks for it.

    Args:
        ui: The panel's widgets by name.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self.aboutToInstall = _nothing
        self.installed = self.update
        ui.setupButton.connect("clicked(bool)", self._onInstall)

    def update(self) -> None:
        """Look again at what is missing."""
        missing = self.missing()
        self._ui.setupFrame.visible = bool(missing)
        self._ui.setupLabel.text = _("Before the first synthesis these packages have to be installed: {0}.").format(
            ", ".join(missing)
        )

    def prepare(self) -> bool:
        """Return whether a synthesis can begin; what is missing is installed after asking."""
        return not self.missing() or self.install()

    def missing(self) -> list[str]:
        """Return the names of what has to be installed."""
        return [*Dependencies.missingPackages(), *([] if Dependencies.hasTorch() else ["torch"])]

    def _onInstall(self, checked: bool = False) -> None:
        self.install()

    def install(self) -> bool:
        """Install what is missing, after asking; return whether all is there now."""
        self.aboutToInstall()
        try:
            with slicer.util.tryWithErrorDisplay(_("The packages could not be installed.")):
                return Dependencies.ensureInstalled()
        finally:
            self.installed()


def _nothing() -> None:
    """Nobody has to know."""
