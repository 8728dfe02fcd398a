"""A stand-in for 3D Slicer's application over the real MRML of slicer-core: see ../README.md."""

import os
from pathlib import Path

from slicer_host.installation import install

# PySide6 reads both when it is first imported, which this package does. PythonQt's enumerations are integers.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["PYSIDE6_OPTION_PYTHON_ENUM"] = "0x2"

__all__ = ["click", "install", "loadModule"]


def loadModule(path: Path) -> object:
    """Load a scripted module and enter its panel: see module_loading.py."""
    install()
    from slicer_host import module_loading

    return module_loading.loadModule(path)


def click(button: object) -> None:
    """Press a button as a user can: see events.py."""
    from slicer_host import events

    events.click(button)
