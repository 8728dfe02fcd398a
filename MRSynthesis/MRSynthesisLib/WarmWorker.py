"""The worker that stays for the next job, one at most: importing PyTorch takes longer than many a synthesis."""

import contextlib
import os
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mrsynth.job_file import JobRequest
from MRSynthesisLib.ChildProcess import ChildProcess, ProcessListener
from MRSynthesisLib.LentWorker import LentWorker
from MRSynthesisLib.Ticker import Ticker
from MRSynthesisLib.WorkerLaunch import WorkerLaunch, warmLaunch
from MRSynthesisLib.WorkerProcess import WorkerProcess

_LOOK_EVERY_S = 1.0


@dataclass(frozen=True)
class WarmLimits:
    """How long a worker stays, and what for.

    Attributes:
        answerS: How long it may take to begin with a job before another process does it; a second, where Python is on a
            fast disk.
        idleS: How long it waits for another job.
        leastFreeBytes: It goes at once where programs could get less than this of the computer's memory.
    """

    answerS: float = 15.0
    idleS: float = 240.0
    leastFreeBytes: float = 1e9


class WarmWorker:
    """Keeps a worker between two jobs; every method but ``stopAtOnce`` returns at once.

    A worker that cannot be kept, or that does not take a job, is no harm: a process of its own does the job then.

    Args:
        limits: How long it stays.
        launch: Tells what is started; another one for tests.
    """

    def __init__(self, limits: WarmLimits | None = None, launch: Callable[[], WorkerLaunch] = warmLaunch) -> None:
        self.limits, self._launch = limits or WarmLimits(), launch
        self._child: ChildProcess | None = None
        self._worker: Any | None = None
        self._startedWith: tuple[WorkerLaunch, tuple[int, ...]] | None = None
        self._idleS = 0.0
        self._isWanted = self._isTrusted = True
        self._ticker: Ticker | None = None

    @property
    def number(self) -> int:
        """Number of the process that waits for a job; 0 if there is none."""
        return self._child.number if self._child else 0

    def lend(self, request: JobRequest) -> WorkerProcess:
        """Return what does a job: the process that waits, or else a new one that waits afterwards."""
        self._isWanted = True
        return LentWorker(request, self) if self._isTrusted else WorkerProcess(request.run_id)

    def letGo(self) -> None:
        """End the worker: at once if it waits, else after its job."""
        self._isWanted = False
        self._end()

    def stopAtOnce(self) -> None:
        """End the worker that waits, and wait a second or two until it is gone: Slicer or the module goes."""
        self._isWanted = False
        child, worker = self._forget()
        if child is not None:
            child.stopAtOnce([worker])

    def take(self, listener: ProcessListener) -> tuple[ChildProcess, bool]:
        """Hand out the process that waits; for the worker that is lent.

        Args:
            listener: Whom the process tells from now on; of a failed start from inside.

        Returns:
            The process, and whether it was started just now.
        """
        launch = self._launch()
        startedWith = launch, _packageTimes()
        if self._child is not None and not (self._child.isRunning and self._startedWith == startedWith):
            self._end()
        child, _worker = self._forget()
        if child is not None:
            child.listen(listener)
            return child, False
        self._startedWith = startedWith
        child = ChildProcess(isFed=True)
        child.start(launch, listener)
        return child, True

    def takeBack(self, child: ChildProcess, worker: Any | None) -> None:
        """Keep a process whose job is done, if it is wanted still.

        Args:
            child: The process.
            worker: The interpreter in it, as ``watchedProcess`` gave it.
        """
        self._end()
        self._child, self._worker, self._idleS = child, worker, 0.0
        child.listen(ProcessListener(lambda: self._drain(child), lambda exitCode: self._end(), lambda reason: None))
        if self._isWanted and not self._isShort:
            self._ticker = Ticker(int(_LOOK_EVERY_S * 1000), self._look)
            self._ticker.start()
        else:
            self._end()

    def distrust(self) -> None:
        """Start no more of them: one that was new did not take its first job."""
        self._isTrusted = False

    def _look(self) -> None:
        self._idleS += _LOOK_EVERY_S
        if self._idleS >= self.limits.idleS or self._isShort:
            self._end()

    @property
    def _isShort(self) -> bool:
        """Whether others need the memory more."""
        with contextlib.suppress(ImportError, OSError):
            import psutil

            return psutil.virtual_memory().available < self.limits.leastFreeBytes
        return False

    def _drain(self, child: ChildProcess) -> None:
        """Nobody wants to know what a worker says between two jobs."""
        child.take()

    def _end(self) -> None:
        child, worker = self._forget()
        if child is not None:
            child.dismiss([worker])

    def _forget(self) -> tuple[ChildProcess | None, Any | None]:
        child, worker = self._child, self._worker
        self._child = self._worker = None
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None
        return child, worker


def _packageTimes() -> tuple[int, ...]:
    """When a package was last added or removed, by whatever means: a worker that runs still has the old ones."""
    folders = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    return tuple(os.stat(folder).st_mtime_ns for folder in sorted(folders) if os.path.isdir(folder))
