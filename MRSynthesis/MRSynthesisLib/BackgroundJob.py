"""One worker's job, watched from Slicer's event loop, which it never holds up.

Whatever the worker does (ends, breaks down, falls silent, talks nonsense, cannot be started), ``finished`` is called
exactly once, and afterwards neither the process nor a half-made output is left.
"""

import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mrsynth.job_file import JOB_NAME, JobRequest
from mrsynth.staged_outputs import remove_staging
from MRSynthesisLib.BackgroundTask import BackgroundTask
from MRSynthesisLib.JobOutcome import Evidence, JobCallbacks, JobEnd, JobOutcome, JobProgress, WorkerEnd, judge
from MRSynthesisLib.ProcessTree import ownStart
from MRSynthesisLib.Ticker import Ticker
from MRSynthesisLib.WorkerLaunch import WorkerLaunch, workerLaunch
from MRSynthesisLib.WorkerProcess import JobLimits, WorkerListener, WorkerProcess

__all__ = ["BackgroundJob", "JobCallbacks", "JobEnd", "JobLimits", "JobOutcome", "JobProgress"]

_LOOK_EVERY_S = 0.1
_NOBODY = JobCallbacks(*[lambda told: None] * 3)


class BackgroundJob:
    """Runs one job; every method returns at once, ``stopAtOnce`` within a few seconds.

    Args:
        request: What to do; its folder is the run's own and made if it is missing. The parent's number is filled in.
        callbacks: Who is told. One that raises is logged and does no harm.
        launch: What to start instead of the worker; for tests.
        limits: How long to wait.
        worker: What does it; a process of its own, unless given.
    """

    def __init__(
        self,
        request: JobRequest,
        callbacks: JobCallbacks,
        launch: WorkerLaunch | None = None,
        limits: JobLimits | None = None,
        worker: WorkerProcess | None = None,
    ) -> None:
        self._request, self._callbacks = request, callbacks
        self._launch, self._limits = launch, limits or JobLimits()
        self._state = "new"  # then "running", "ending", "over"
        self._end = WorkerEnd()
        self._silentS = 0.0
        self._killInS: float | None = None
        self._killed = False
        self._task: BackgroundTask | None = None
        self._worker = worker or WorkerProcess(request.run_id)
        self._ticker = Ticker(int(_LOOK_EVERY_S * 1000), self._look)

    @property
    def isRunning(self) -> bool:
        """Whether it was started and its end is still to be told."""
        return self._state in ("running", "ending")

    @property
    def logFile(self) -> Path:
        """What the worker writes to its standard error."""
        return self._request.log_file

    def start(self) -> None:
        """Begin.

        Raises:
            RuntimeError: It was started before; a job runs once.
        """
        if self._state != "new":
            raise RuntimeError("expected a job that was not started yet, found one that was")
        self._state = "running"
        # Here, as Slicer's folders are asked for, which is no matter for another thread.
        self._launch = self._launch or workerLaunch(self._request.folder / JOB_NAME)
        self._do(self._prepare, self._onPrepared)

    def cancel(self) -> None:
        """Ask the worker to stop, and end it if it does not; ``finished`` follows if the job was started."""
        if self._end.cancelled or self._state == "over":
            return
        self._end.cancelled = True
        self._killInS = self._limits.graceS
        self._askToStop()

    def stopAtOnce(self, graceS: float = 0.0) -> None:
        """End the worker with all it has started, without a word to anybody: Slicer or the module goes.

        Args:
            graceS: How long to wait for it to end by itself, if it has something to keep.
        """
        running, self._state = self.isRunning, "over"
        if running:
            self._task.abandon()
            self._task.join()
            if graceS > 0:
                self._askToStop()
                self._worker.endsWithin(graceS)
            self._worker.stopAtOnce()
            remove_staging(self._request.job.outputs, self._request.run_id)
        self._letGo()

    def _askToStop(self) -> None:
        # If it cannot be asked it is ended all the same, after the time it would have had.
        with contextlib.suppress(OSError):
            self._request.cancel_file.touch()

    def _do(self, function: Callable[[], Any], finished: Callable[[Any, Exception | None], None]) -> None:
        self._task = BackgroundTask(function, finished)
        self._task.start()

    def _prepare(self) -> None:
        """Write the job; on a thread, as a full or distant disk may take its time."""
        self._request.folder.mkdir(parents=True, exist_ok=True)
        replace(self._request, parent_pid=os.getpid(), parent_created=ownStart()).write()

    def _onPrepared(self, nothing: None, error: Exception | None) -> None:
        if error is not None:
            self._fail("job_unwritable", str(error))
        elif self._end.cancelled:
            self._conclude()
        else:
            self._ticker.start()
            listener = WorkerListener(self._onEvent, self._onEnded, self._onFailedToStart)
            self._worker.start(self._launch, self.logFile, listener)

    def _onEvent(self, event: dict[str, Any]) -> None:
        if self._state != "running":
            return
        self._silentS = 0.0
        if (kind := event["event"]) == "progress" and (progress := JobProgress.fromEvent(event)) is not None:
            self._call(self._callbacks.progress, progress)
        elif kind == "warning":
            self._call(self._callbacks.warning, str(event.get("message", "")))
        elif kind == "error":
            self._end.error = event

    def _onEnded(self, exitCode: int | None) -> None:
        if self._state == "running":
            self._end.exitCode = exitCode
            self._conclude()

    def _onFailedToStart(self, reason: str) -> None:
        if self._state == "running":
            self._fail("start_failed", reason)

    def _look(self) -> None:
        """Count down to what has to be done if the worker says and does nothing."""
        self._silentS += _LOOK_EVERY_S
        if self._killInS is not None:
            self._killInS -= _LOOK_EVERY_S
        if self._silentS >= self._limits.silenceS and (self._killInS is None or self._killInS > 0):
            self._end.fault, self._end.detail = "stalled", f"{self._limits.silenceS:.0f}"
            self._killInS = 0.0
        if self._killInS is None or self._killInS > 0:
            return
        if not self._killed:
            self._killed = True
            self._worker.kill()
        elif self._killInS <= -self._limits.killS:
            self._fail("unending", str(self._worker.number))

    def _fail(self, fault: str, detail: str) -> None:
        self._end.fault, self._end.detail = fault, detail
        self._conclude()

    def _conclude(self) -> None:
        self._state = "ending"
        self._ticker.stop()
        self._do(self._tidy, self._tell)

    def _tidy(self) -> Evidence:
        """On a thread: look what there is, and remove what should not be."""
        evidence = Evidence.of(self._request, self.logFile)
        if self._end.exitCode != 0 or not evidence.isComplete:
            self._worker.endLeftovers()
            remove_staging(self._request.job.outputs, self._request.run_id)
        return evidence

    def _tell(self, evidence: Evidence | None, error: Exception | None) -> None:
        self._state = "over"
        finished = self._callbacks.finished
        self._letGo()
        unknown = JobOutcome(JobEnd.FAILED, "internal", str(error), "")
        self._call(finished, judge(self._end, evidence) if evidence else unknown)

    def _letGo(self) -> None:
        """Hold nobody any more: neither those who are told nor, through Qt, this object itself."""
        self._ticker.stop()
        self._worker.release()
        self._task, self._callbacks = None, _NOBODY

    def _call(self, callback: Callable[[Any], None], argument: Any) -> None:
        try:
            callback(argument)
        except Exception:
            logging.exception("MRSynthesis: an error while the panel was told of its background process")
