"""The demo head among Slicer's sample data: built on this computer, so that nothing is downloaded."""

import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import slicer
import slicer.util
from slicer.i18n import tr as _

from MRSynthesisLib.CommandRun import CommandResult, CommandRun
from MRSynthesisLib.WorkerLaunch import commandLaunch

CONTRASTS = ("T2", "PD")
_CATEGORY = "MRSynthesis"
_building: set[CommandRun] = set()
"""Runs that go on: an object nobody holds would end its process."""


def registerSampleScans(modulePath: str) -> None:
    """List the demo head's two scans in the Sample Data module.

    Args:
        modulePath: The module's file; its resources lie beside it.
    """
    import SampleData

    resources = Path(modulePath).parent / "Resources"
    for contrast in CONTRASTS:
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category=_CATEGORY,
            sampleName=f"MRSynthesisDemoHead{contrast}",
            nodeNames=nodeName(contrast),
            thumbnailFileName=str(resources / "Icons" / f"DemoHead{contrast}.png"),
            customDownloader=partial(buildDemoHead, resources, contrast),
        )


def nodeName(contrast: str) -> str:
    """Return the name of a demo scan in the scene; its contrast can be read off it."""
    return f"DemoHead {contrast}"


def buildDemoHead(resources: Path, contrast: str, source: Any = None) -> None:
    """Build the demo head in the background and load one of its scans when it is done.

    Args:
        resources: The module's resources.
        contrast: ``"T2"`` or ``"PD"``.
        source: What Sample Data tells of the request; it says nothing more.
    """
    import slicer.packaging

    # Its brain is that of a template in a package that nothing else needs.
    requirements = slicer.packaging.load_requirements(str(resources / "demo-requirements.txt"))
    slicer.packaging.pip_ensure(requirements, requester="MRSynthesis")
    folder = Path(tempfile.mkdtemp(prefix="mrsynthesis-head-", dir=slicer.app.temporaryPath))

    def built(result: CommandResult) -> None:
        _building.discard(run)
        try:
            _load(folder / f"{contrast}.nii.gz", contrast, result)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    run = CommandRun(commandLaunch(("demo", str(folder), "--head-only")), built)
    _building.add(run)
    run.start()


def _load(path: Path, contrast: str, result: CommandResult) -> None:
    from MRSynthesisLib.VolumeFile import readGridVolume

    if result.exitCode:
        slicer.util.errorDisplay(_("The demo head could not be built."), detailedText=result.messages)
        return
    volume = readGridVolume(path)
    node = slicer.util.addVolumeFromArray(volume.voxels, ijkToRAS=volume.ijkToRas, name=nodeName(contrast))
    node.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=node, fit=True)
