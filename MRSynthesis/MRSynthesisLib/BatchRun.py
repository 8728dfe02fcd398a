"""A folder of scans, one after the other, each in a worker of its own, past those that fail."""

import contextlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
import slicer.util

from mrsynth.job_file import JobRequest
from mrsynth.synthesis_job import SynthesisJob, new_run_id
from mrsynth.timing import Timing
from MRSynthesisLib.BatchCases import BatchCase, scanName, slicerSuffix
from MRSynthesisLib.BlockingJob import BlockingJob
from MRSynthesisLib.EarlierResult import earlierResult, workerName
from MRSynthesisLib.JobOutcome import JobEnd, JobOutcome
from MRSynthesisLib.VolumeExchange import exportVolume

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

    from mrsynth.models.card import ModelCard

DONE, SKIPPED, FAILED, CANCELLED = "done", "skipped", "failed", "cancelled"


@dataclass(frozen=True)
class BatchOptions:
    """How every case of a batch is done; names as on the command line."""

    model: str
    device: str = "auto"
    mode: str | None = None
    force: bool = False
    timing: Timing = field(default_factory=Timing)
    modelFolders: tuple[Path, ...] = ()


@dataclass(frozen=True)
class CaseReport:
    """What became of a case: ``status`` is one of ``done``, ``skipped``, ``failed`` and ``cancelled``."""

    case: BatchCase
    status: str
    message: str
    seconds: float
    comparison: dict[str, Any] | None = field(default=None, repr=False)


class BatchRun:
    """Does cases one by one.

    Args:
        options: How.
        card: Of the model.
        folder: An empty one for temporary files.
        work: Does one job; another one for tests.
    """

    def __init__(
        self,
        options: BatchOptions,
        card: "ModelCard",
        folder: Path,
        work: Callable[[JobRequest], BlockingJob] = BlockingJob,
    ) -> None:
        self._options, self._card, self._folder, self._work = options, card, folder, work

    def run(self, case: BatchCase) -> CaseReport:
        """Do one case, unless an earlier batch has.

        Raises:
            KeyboardInterrupt: Somebody interrupted it; nothing of it is left.
        """
        began = time.monotonic()
        options = self._options
        earlier = None if options.force else earlierResult(case, self._card, options.mode, options.timing)
        if earlier is not None:
            return CaseReport(case, SKIPPED, "was done before", 0.0, earlier.get("comparison"))
        try:
            status, message, comparison = self._do(case)
        except (ValueError, OSError, RuntimeError, MemoryError) as error:
            status, message, comparison = FAILED, _oneLine(str(error)), None
        return CaseReport(case, status, message, time.monotonic() - began, comparison)

    def _do(self, case: BatchCase) -> tuple[str, str, dict[str, Any] | None]:
        """Status, message and comparison of a case that has not been done before."""
        from mrsynth.output_checks import check_outputs

        folder = self._folder / new_run_id()
        (folder / "run").mkdir(parents=True)
        try:
            job = self._job(case, folder)
            check_outputs([job])
            work = self._work(JobRequest(folder / "run", job))
            outcome = work.run()
            message = outcome.message.replace(str(job.source), str(case.source))
            return _status(outcome), _oneLine("; ".join([message, *work.warnings])), _comparison(outcome)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _job(self, case: BatchCase, folder: Path) -> SynthesisJob:
        options = self._options
        return SynthesisJob(
            source=_readable(case.source, folder),
            output=case.output,
            model=options.model,
            reference=None if case.reference is None else _readable(case.reference, folder),
            mode=options.mode,
            device=options.device,
            model_folders=options.modelFolders,
            force=options.force,
            timing=options.timing,
        )


def _readable(scan: Path, folder: Path) -> Path:
    """The scan itself, or what Slicer makes of it where the worker cannot read it, with the sidecar beside it.

    Raises:
        InputError: It is no scalar volume.
        RuntimeError: Slicer cannot read it.
    """
    if not slicerSuffix(scan):
        return scan
    from mrsynth.sidecar import sidecar_path

    copy = folder / workerName(scan)
    with contextlib.suppress(OSError):
        shutil.copyfile(scan.with_name(f"{scanName(scan)}.json"), sidecar_path(copy))
    node = loadVolume(scan)
    try:
        exportVolume(node, copy)
    finally:
        for each in (node.GetDisplayNode(), node.GetStorageNode(), node):
            slicer.mrmlScene.RemoveNode(each) if each is not None else None
    return copy


def loadVolume(path: Path) -> "vtkMRMLScalarVolumeNode":
    """Load a volume as Slicer does; without the application, by the storage node that Slicer uses.

    Raises:
        RuntimeError: It cannot be read.
    """
    if hasattr(getattr(slicer, "app", None), "coreIOManager"):
        return slicer.util.loadVolume(str(path), {"show": False, "singleFile": True})
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", path.stem)
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path))
    storage.SetSingleFile(True)
    node.SetAndObserveStorageNodeID(storage.GetID())
    if not storage.ReadData(node):
        for each in (storage, node):
            slicer.mrmlScene.RemoveNode(each)
        raise RuntimeError(f"{path}: expected a volume that Slicer can read, found another file")
    return node


def _status(outcome: JobOutcome) -> str:
    return {JobEnd.SUCCEEDED: DONE, JobEnd.CANCELLED: CANCELLED, JobEnd.FAILED: FAILED}[outcome.end]


def _comparison(outcome: JobOutcome) -> dict[str, Any] | None:
    return (outcome.result or {}).get("comparison")


def _oneLine(text: str) -> str:
    return " ".join(text.strip("; ").split())
