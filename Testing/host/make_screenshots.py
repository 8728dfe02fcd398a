"""Writes the pictures of README.md: the panel in its states, and the four layouts through real displayable managers.

    python Testing/host/make_screenshots.py Resources/Screenshots

The demo head's small pictures, which Slicer shows among its sample data, go into the module's icons.

It clicks through the panel as a radiologist does, with the demo head and the models that ship.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path[:0] = [str(PROJECT / "Testing" / "host"), str(PROJECT / "MRSynthesis")]

import slicer_host  # noqa: E402

slicer_host.install()

import numpy as np  # noqa: E402
import slicer  # noqa: E402
import slicer.util  # noqa: E402
from matplotlib.image import imsave  # noqa: E402
from scipy import ndimage  # noqa: E402
from slicer_host.events import wait_until  # noqa: E402
from slicer_host.layout import openLayoutManager  # noqa: E402
from slicer_host.rendering import picture  # noqa: E402

PANEL_WIDTH = 480
VIEWS = (1320, 460)
SIX_VIEWS = (1320, 900)
PATIENCE_S = 600
ICONS = PROJECT / "MRSynthesis" / "Resources" / "Icons"
ICON_SIZE = 256


def main() -> int:
    """Write all pictures into the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    layoutManager = openLayoutManager(VIEWS)
    widget = slicer_host.loadModule(PROJECT / "MRSynthesis" / "MRSynthesis.py")
    with tempfile.TemporaryDirectory() as temporary:
        source, reference = demoHead(Path(temporary))
        for contrast, node in (("T2", source), ("PD", reference)):
            writeIcon(slicer.util.arrayFromVolume(node), ICONS / f"DemoHead{contrast}.png")
        for name in panelStates(widget, source, reference):
            grabPanel(widget, folder / f"panel-{name}.png")
    for name, button in layoutButtons(widget.ui).items():
        layoutManager.resize(*(SIX_VIEWS if name == "six-views" else VIEWS))
        button.click()
        slicer.app.processEvents()
        imsave(folder / f"layout-{name}.png", picture(layoutManager))
    widget.cleanup()
    return 0


def demoHead(folder: Path) -> tuple[Any, Any]:
    """Build the demo head and load its T2 and its PD."""
    from MRSynthesisLib.VolumeFile import readGridVolume
    from MRSynthesisLib.WorkerLaunch import commandLaunch

    launch = commandLaunch(("demo", str(folder), "--head-only"))
    subprocess.run([launch.program, *launch.arguments], env=dict(launch.environment), check=True, capture_output=True)
    nodes = []
    for contrast in ("T2", "PD"):
        volume = readGridVolume(folder / f"{contrast}.nii.gz")
        node = slicer.util.addVolumeFromArray(volume.voxels, ijkToRAS=volume.ijkToRas, name=f"DemoHead {contrast}")
        node.CreateDefaultDisplayNodes()
        nodes.append(node)
    return nodes[0], nodes[1]


def writeIcon(voxels: np.ndarray, path: Path) -> None:
    """Write the middle slice of a head that lies along the axes, seen from its feet, as a small square.

    Args:
        voxels: With the axes inferior to superior, posterior to anterior, left to right of the scene's space.
        path: Where to.
    """
    plane = np.asarray(voxels[len(voxels) // 2, ::-1, ::-1], dtype=np.float64)
    edge = max(plane.shape)
    before = [(edge - size) // 2 for size in plane.shape]
    square = np.pad(plane, [(first, edge - size - first) for first, size in zip(before, plane.shape, strict=True)])
    small = ndimage.zoom(square, ICON_SIZE / edge, order=1)
    imsave(path, small, cmap="gray", vmin=0, vmax=np.percentile(plane, 99.5))


def panelStates(widget: Any, source: Any, reference: Any) -> Iterator[str]:
    """Bring the panel into one state after another, and name each."""
    ui = widget.ui
    ui.sourceSelector.setCurrentNode(source)
    ui.referenceSelector.setCurrentNode(reference)
    yield "idle"
    ui.advancedCollapsibleButton.collapsed = False
    yield "advanced"
    ui.advancedCollapsibleButton.collapsed = True
    ui.synthesizeButton.click()
    wait_until(lambda: isUnderWay(ui) or not widget.logic.isRunning, PATIENCE_S)
    yield "running"
    wait_until(lambda: not widget.logic.isRunning, PATIENCE_S)
    wait_until(lambda: ui.reportButton.enabled, PATIENCE_S)
    yield "done"
    constant = slicer.util.addVolumeFromArray(slicer.util.arrayFromVolume(source) * 0, name="Empty T2")
    ui.sourceSelector.setCurrentNode(constant)
    ui.referenceSelector.setCurrentNode(None)
    ui.synthesizeButton.click()
    wait_until(lambda: not widget.logic.isRunning, PATIENCE_S)
    yield "error"


def isUnderWay(ui: Any) -> bool:
    """Whether a part of the synthesis is done; a bar without a measure does not tell more than that it goes on."""
    bar = ui.progressBar
    return ui.statusLabel.text.startswith("Synthesizing") and (bar.maximum == 0 or bar.value >= bar.maximum // 4)


def layoutButtons(ui: Any) -> dict[str, Any]:
    """Return the buttons of the layouts by the names of their pictures."""
    return {
        "side-by-side": ui.sideBySideButton,
        "difference": ui.differenceButton,
        "gradient-difference": ui.gradientDifferenceButton,
        "six-views": ui.sixViewsButton,
    }


def grabPanel(widget: Any, path: Path) -> None:
    """Write what the panel shows, at its natural height."""
    panel = widget.parent
    panel.show()
    for _ in range(2):  # the second pass knows the height that the first laid out
        panel.resize(PANEL_WIDTH, max(panel.sizeHint.height(), panel.minimumSizeHint.height()))
        slicer.app.processEvents()
    if not panel.grab().save(str(path)):
        raise OSError(f"{path}: expected to write a picture, could not")


if __name__ == "__main__":
    sys.exit(main())
