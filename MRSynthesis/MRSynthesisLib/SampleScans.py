"""The demo head among Slicer's sample data: built on this computer, so that nothing is downloaded."""

import importlib
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import slicer
import slicer.util
from slicer.i18n import tr as _

from MRSynthesisLib.CommandRun import CommandResult, CommandRun
from MRSynthesisLib.RunFolder import makeRunFolder
from MRSynthesisLib.WorkerLaunch import commandLaunch

CONTRASTS = ("T2", "PD")
_CATEGORY = "MRSynthesis"
_TELL_MS = 5000


def registerSampleScans(modulePath: str) -> None:
    """List the demo head's two scans in the Sample Data module, where there is one: it can be switched off.

    Args:
        modulePath: The module's file; its resources lie beside it.
    """
    try:
        import SampleData
    except ImportError:
        return
    resources = Path(modulePath).parent / "Resources"
    for contrast in CONTRASTS:
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category=_CATEGORY,
            sampleName=f"MRSynthesisDemoHead{contrast}",
            # There is nothing to download: as many files and nodes as addresses, none.
            uris=[],
            fileNames=[],
            nodeNames=[],
            thumbnailFileName=str(resources / "Icons" / f"DemoHead{contrast}.png"),
            customDownloader=partial(_onAsked, resources, contrast),
        )


def nodeName(contrast: str) -> str:
    """Return the name of a demo scan in the scene; its contrast can be read off it."""
    return f"DemoHead {contrast}"


def buildDemoHead(resources: Path, contrast: str) -> None:
    """Build the demo head in the background and load one of its scans when it is done.

    If it is being built already, the scan is loaded together with what that was begun for.

    Args:
        resources: The module's resources.
        contrast: ``"T2"`` or ``"PD"``.
    """
    try:
        # The user is asked meanwhile, and may have clicked again.
        if not _builds and _ensurePackages(resources) and not _builds:
            _builds.append(_Build())
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        slicer.util.errorDisplay(_("The demo head could not be built. {0}").format(error))
    for build in _builds:
        build.load(contrast)


def stopSampleScans() -> None:
    """End a build that goes on, without a word: the module or the application goes."""
    while _builds:
        _builds.pop().stopAtOnce()


class _Build:
    """One building of the head, in a folder of its own, and the scans that are wanted of it."""

    def __init__(self) -> None:
        self._wanted: list[str] = []
        self._folder = makeRunFolder()
        self._run = CommandRun(commandLaunch(("demo", str(self._folder), "--head-only")), self._onFinished)
        self._run.start()
        slicer.util.showStatusMessage(_("Building the demo head..."))

    def load(self, contrast: str) -> None:
        """Ask for a scan."""
        if contrast not in self._wanted:
            self._wanted.append(contrast)

    def stopAtOnce(self) -> None:
        """End without a word."""
        self._run.stopAtOnce()
        shutil.rmtree(self._folder, ignore_errors=True)
        slicer.util.showStatusMessage("")

    def _onFinished(self, result: CommandResult) -> None:
        _builds.remove(self)
        told = ""
        try:
            if result.exitCode:
                slicer.util.errorDisplay(_("The demo head could not be built."), detailedText=result.messages)
            else:
                for contrast in self._wanted:
                    _load(self._folder / f"{contrast}.nii.gz", contrast)
                told = _("The demo head was loaded.")
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            slicer.util.showStatusMessage(told, _TELL_MS)


_builds: list[_Build] = []
"""What is being built, one at most. An object that nobody holds would end its process."""


def _onAsked(resources: Path, contrast: str, source: Any) -> None:
    """Called by Sample Data with its own description of the scan.

    It keeps this function when the module is reloaded: what is called must be the new one, which is stopped in time.
    """
    importlib.import_module(__name__).buildDemoHead(resources, contrast)


def _ensurePackages(resources: Path) -> bool:
    """Have what the head is made with, asking before it is installed; False if the user declined."""
    import slicer.packaging

    # Its brain is that of a template in a package that nothing else needs.
    requirements = slicer.packaging.load_requirements(str(resources / "demo-requirements.txt"))
    try:
        slicer.packaging.pip_ensure(requirements, requester="MRSynthesis")
    except RuntimeError as error:
        # The one way in which Slicer tells that the user said no.
        if "declined" not in str(error):
            raise
        return False
    return True


def _load(path: Path, contrast: str) -> None:
    from MRSynthesisLib.VolumeFile import readGridVolume

    volume = readGridVolume(path)
    node = slicer.util.addVolumeFromArray(volume.voxels, ijkToRAS=volume.ijkToRas, name=nodeName(contrast))
    node.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=node, fit=True)
