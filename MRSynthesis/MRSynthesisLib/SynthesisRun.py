"""One click on "Synthesize": the scan goes out, the worker runs, the result comes in, and nothing else is left."""

import json
import shutil
from pathlib import Path

import vtk
from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode, vtkMRMLScene
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from mrsynth.job_file import JobRequest
from mrsynth.synthesis_job import SynthesisJob, new_run_id
from MRSynthesisLib.BackgroundJob import BackgroundJob, JobCallbacks, JobEnd, JobOutcome, JobProgress
from MRSynthesisLib.BackgroundTask import BackgroundTask
from MRSynthesisLib.ComparisonNodes import SYNTHETIC_ROLE
from MRSynthesisLib.RunFolder import makeRunFolder, removeStaleFolders
from MRSynthesisLib.RunRequest import RunListener, RunOutcome, RunRequest, withLastWords
from MRSynthesisLib.VolumeExchange import Provenance, checkTarget, placeVolume, takeVolume
from MRSynthesisLib.VolumeFile import RESULT_SUFFIX, SOURCE_SUFFIX, GridVolume, readGridVolume, writeGridVolume
from MRSynthesisLib.WarmWorker import WarmWorker

_Read = tuple[list[GridVolume], Provenance]


class SynthesisRun(VTKObservationMixin):
    """Takes one request through; the main thread never waits.

    If the source is deleted or the scene closed meanwhile, the run is cancelled. An output node that was deleted is
    made anew; names may change freely.

    Args:
        request: What is asked for.
        listener: Who is told.
        keeper: Lends a worker; None: the run has a process of its own.

    Raises:
        InputError: The source or the reference is no scan.
        OutputExists: The output holds something that is not ours to replace.
        OSError: There is no place for temporary files.
    """

    def __init__(self, request: RunRequest, listener: RunListener, keeper: WarmWorker | None = None) -> None:
        super().__init__()
        checkTarget(request.output, request.source)
        self._request, self._listener, self._keeper = request, listener, keeper
        self._volumes = [takeVolume(request.source)]
        if request.reference is not None:
            self._volumes.append(takeVolume(request.reference, request.source))
        self._outputGone, self._ended = False, False
        self._cancelMessage = ""
        self._warnings: list[str] = []
        self._job: BackgroundJob | None = None
        self._task: BackgroundTask | None = None
        self._log: Path | None = None
        self._runFolder = folder = makeRunFolder(kept=request.keepFiles)
        uncertainty = folder / f"uncertainty{RESULT_SUFFIX}" if request.makeUncertainty else None
        self._synthesis = SynthesisJob(
            source=folder / f"source{SOURCE_SUFFIX}",
            output=folder / f"synthetic{RESULT_SUFFIX}",
            model=request.model,
            uncertainty=uncertainty,
            reference=folder / f"reference{SOURCE_SUFFIX}" if request.reference is not None else None,
            mode=request.mode,
            device=request.device,
            timing=request.timing.timing,
            run_id=new_run_id(),
        )

    @property
    def isRunning(self) -> bool:
        """Whether the end is still to come."""
        return not self._ended

    @property
    def logFile(self) -> Path | None:
        """The worker's log, once there is a worker."""
        return self._log

    def start(self) -> None:
        """Begin; returns at once."""
        scene = self._request.source.GetScene()
        self.addObserver(scene, vtkMRMLScene.NodeAboutToBeRemovedEvent, self._onNodeAboutToBeRemoved)
        self.addObserver(scene, vtkMRMLScene.StartCloseEvent, self._onSceneClose)
        self._tell(_("Writing the scan"))
        files = list(zip(self._volumes, (self._synthesis.source, self._synthesis.reference), strict=False))
        self._volumes = []

        def write() -> None:
            removeStaleFolders(self._runFolder.parent)
            for each in files:
                writeGridVolume(*each)

        self._task = BackgroundTask(write, self._onWritten)
        self._task.start()

    def cancel(self, message: str = "") -> None:
        """Ask the run to stop; its end follows soon."""
        if self._ended:
            return
        self._cancelMessage = self._cancelMessage or message or _("Cancelled. Nothing was changed.")
        if self._job is not None and self._job.isRunning:
            self._job.cancel()

    def stopAtOnce(self) -> None:
        """End without a word, for the end of the application or of the module."""
        if self._ended:
            return
        self._listener = RunListener()
        if self._job is not None:
            self._job.stopAtOnce()
        if self._task is not None:
            # Files that it still writes could not be removed, or would be written anew.
            self._task.abandon()
            self._task.join()
        self._end(JobEnd.CANCELLED, "")

    def _onWritten(self, nothing: None, error: Exception | None) -> None:
        if self._cancelMessage:
            self._end(JobEnd.CANCELLED, self._cancelMessage)
        elif error is not None:
            self._end(JobEnd.FAILED, str(error))
        else:
            callbacks = JobCallbacks(self._listener.progress, self._warnings.append, self._onJobFinished)
            job = JobRequest(self._runFolder / "run", self._synthesis)
            lent = {"worker": self._keeper.lend(job)} if self._keeper else {}
            self._job = BackgroundJob(job, callbacks, **lent)
            self._log = self._job.logFile
            self._job.start()

    def _onJobFinished(self, outcome: JobOutcome) -> None:
        if self._cancelMessage:
            self._end(JobEnd.CANCELLED, self._cancelMessage, outcome.logTail)
        elif outcome.end is not JobEnd.SUCCEEDED:
            self._end(outcome.end, self._inTheScenesWords(withLastWords(outcome)), outcome.logTail)
        else:
            self._tell(_("Reading the result"))
            self._task = BackgroundTask(self._read, self._onRead)
            self._task.start()

    def _inTheScenesWords(self, message: str) -> str:
        """Name volumes as the user knows them, in place of the files they were sent in."""
        sent = (self._synthesis.source, self._request.source), (self._synthesis.reference, self._request.reference)
        for path, node in sent:
            if path is not None:
                message = message.replace(str(path), node.GetName()).replace(path.name, node.GetName())
        return message

    def _read(self) -> _Read:
        from mrsynth.sidecar import sidecar_path

        sidecar = json.loads(sidecar_path(self._synthesis.output).read_text(encoding="utf-8"))
        volumes = [readGridVolume(path) for path in self._synthesis.outputs]
        return volumes, Provenance.fromSidecar(sidecar, self._synthesis.run_id, self._request.timing)

    def _onRead(self, read: _Read | None, error: Exception | None) -> None:
        if self._cancelMessage:
            self._end(JobEnd.CANCELLED, self._cancelMessage)
            return
        if error is None:
            try:
                nodes = self._place(*read)
            except Exception as failure:  # noqa: BLE001 (whatever it is, the user has to hear how the run ended)
                error = failure
        if error is not None:
            self._end(JobEnd.FAILED, _("The result could not be brought into the scene. {0}").format(error))
        else:
            self._end(JobEnd.SUCCEEDED, _("{0} is ready.").format(nodes[0].GetName()), nodes=nodes)

    def _place(self, volumes: list[GridVolume], provenance: Provenance) -> list[vtkMRMLScalarVolumeNode]:
        """Put the volumes into the scene, all of them or none: the one that may fill a given node comes last."""
        source, output = self._request.source, None if self._outputGone else self._request.output
        synthetic, *others = volumes
        made = [placeVolume(volume, source, None, provenance, "uncertainty") for volume in others]
        try:
            node = placeVolume(synthetic, source, output, provenance)
        except Exception:
            for node in made:
                source.GetScene().RemoveNode(node)
            raise
        for other in made:
            other.SetNodeReferenceID(SYNTHETIC_ROLE, node.GetID())
        return [node, *made]

    def _tell(self, stage: str) -> None:
        self._listener.progress(JobProgress(stage, 0, 0, None, None))

    def _end(
        self, end: JobEnd, message: str, logTail: str = "", nodes: list[vtkMRMLScalarVolumeNode] | None = None
    ) -> None:
        listener, self._listener = self._listener, RunListener()
        self._ended, self._task, self._job = True, None, None
        self.removeObservers()
        if not self._request.keepFiles:
            shutil.rmtree(self._runFolder, ignore_errors=True)
        synthetic, uncertainty = [*(nodes or []), None, None][:2]
        kept, warnings = self._runFolder if self._request.keepFiles else None, tuple(self._warnings)
        reference = node if (node := self._request.reference) and node.GetScene() else None
        listener.finished(RunOutcome(end, message, logTail, synthetic, uncertainty, kept, warnings, reference))

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAboutToBeRemoved(self, scene: vtkMRMLScene, event: str, node: vtkMRMLNode) -> None:
        if node is self._request.source:
            self.cancel(_("The source volume was deleted during the synthesis, so it was cancelled."))
        elif node is self._request.output:
            self._outputGone = True

    def _onSceneClose(self, scene: vtkMRMLScene, event: str) -> None:
        self.cancel(_("The scene was closed during the synthesis, so it was cancelled."))
