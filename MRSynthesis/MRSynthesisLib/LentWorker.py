"""One job's hold on the worker that stays: it gives the job, hears it out, and hands the worker back."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrsynth.job_file import JOB_NAME, JobRequest
from mrsynth.job_protocol import ExitCode
from MRSynthesisLib.ChildProcess import ChildProcess, ProcessListener
from MRSynthesisLib.Ticker import Ticker
from MRSynthesisLib.WorkerLaunch import WorkerLaunch
from MRSynthesisLib.WorkerProcess import WorkerListener, WorkerProcess

if TYPE_CHECKING:
    from MRSynthesisLib.WarmWorker import WarmWorker

_LOOK_EVERY_S = 0.1
_STAYS_AFTER = (ExitCode.OK, ExitCode.BAD_INPUT, ExitCode.CANCELLED)
"""What a worker that goes on afterwards says of a job; after all else it ends."""
_LONGEST_TAIL_BYTES = 8192


class LentWorker(WorkerProcess):
    """Does one job as a process of its own would: for the job, its end is the process' end.

    If the process ends before it has begun with the job, or does not begin in time, the job is done by a process of its
    own after all.

    Args:
        request: The job.
        keeper: Whose the worker is.
    """

    def __init__(self, request: JobRequest, keeper: WarmWorker) -> None:
        super().__init__(request.run_id)
        self._jobFile, self._keeper = request.folder / JOB_NAME, keeper
        self._launch: WorkerLaunch | None = None
        self._log = Path()
        self._isNew = self._hasBegun = self._isOver = self._isAlone = self._isKilled = False
        self._exitCode: int | None = None
        self._waitedS = 0.0
        self._tail = b""
        self._ticker = Ticker(int(_LOOK_EVERY_S * 1000), self._look)

    def start(self, launch: WorkerLaunch, logFile: Path, listener: WorkerListener) -> None:
        """Give the job to the worker that stays.

        Args:
            launch: What does the job if that worker does not.
            logFile: Where its standard error goes; the worker that stays knows the place from the job.
            listener: Who is told.
        """
        self._launch, self._log, self._listener = launch, logFile, listener
        told = ProcessListener(self._onOutput, self._onFinished, listener.failedToStart)
        self._child, self._isNew = self._keeper.take(told)
        if self._child.isRunning:  # else somebody was told so by now
            self._ticker.start()
            self._child.write(str(self._jobFile).encode("utf-8", "surrogateescape") + b"\n")

    def kill(self) -> None:
        """End the process and all it has started, without waiting; ``ended`` follows."""
        self._isKilled = True
        super().kill()

    def stopAtOnce(self) -> None:
        """End the process and all it has started, wait for that a second or two, and tell nobody."""
        self._isKilled = True
        super().stopAtOnce()

    def release(self) -> None:
        """Hold nobody any more; the worker stays for the next job, if it can."""
        self._ticker.stop()
        self._listener = None
        child, self._child = self._child, ChildProcess()
        if self._isOver and self._exitCode in _STAYS_AFTER and not self._isKilled and child.isRunning:
            self._keeper.takeBack(child, self._worker)
        else:
            child.dismiss([self._worker])

    def endLeftovers(self) -> None:
        """See to it that an interpreter did not outlive its launcher; one that has only ended its job may stay."""
        if not self._isOver:
            super().endLeftovers()

    def _onOutput(self) -> None:
        output, messages = self._child.take()
        self._tail = (self._tail + messages)[-_LONGEST_TAIL_BYTES:]
        self._read(output)

    def _heed(self, event: dict[str, Any]) -> None:
        self._hasBegun = True
        self._ticker.stop()
        super()._heed(event)
        if event["event"] not in ("finished", "error") or self._isAlone or self._listener is None:
            return
        self._isOver, self._exitCode = True, ExitCode.OK if event["event"] == "finished" else event.get("exit_code")
        self._listener.ended(self._exitCode)

    def _onFinished(self, exitCode: int | None) -> None:
        self._onOutput()
        if self._isOver or self._listener is None:
            return
        if not (self._hasBegun or self._isAlone or self._isKilled):
            self._goAlone()
            return
        with contextlib.suppress(OSError), open(self._log, "ab") as log:
            log.write(self._tail)
        self._listener.ended(exitCode)

    def _look(self) -> None:
        self._waitedS += _LOOK_EVERY_S
        if self._waitedS >= self._keeper.limits.answerS:
            self._ticker.stop()
            self._child.kill()

    def _goAlone(self) -> None:
        """Let a process of its own do the job: the worker that stays has gone, and was the wrong one if it was new."""
        if self._isNew:
            self._keeper.distrust()
        self._ticker.stop()
        self._child.release()
        self._isAlone, self._child = True, ChildProcess()
        told = ProcessListener(self._onOutput, self._onFinished, self._listener.failedToStart)
        self._child.start(self._launch, told, self._log)
