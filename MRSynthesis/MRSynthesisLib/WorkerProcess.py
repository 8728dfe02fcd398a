"""The worker as a process under Qt's event loop: its lines as events, its end, and how to end it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from MRSynthesisLib.ChildProcess import ChildProcess, ProcessListener
from MRSynthesisLib.JobOutcome import eventIn
from MRSynthesisLib.ProcessTree import areGone, endTrees, watchedProcess
from MRSynthesisLib.WorkerLaunch import WorkerLaunch

_LONGEST_LINE_BYTES = 1 << 20


@dataclass(frozen=True)
class JobLimits:
    """How long to wait for a worker, in seconds during which this process was awake.

    Attributes:
        silenceS: For a line, while it runs; it gives a sign of life every second, but not while Python itself starts.
        graceS: For its end after it was asked to stop; it takes about a second.
        killS: For its end after it was killed.
    """

    silenceS: float = 60.0
    graceS: float = 4.0
    killS: float = 6.0


@dataclass(frozen=True)
class WorkerListener:
    """Who is told what a worker says and how it ends; of its end or of a failed start once, not of both.

    Attributes:
        heard: Called with each event of the run.
        ended: Called with the exit code, None if it broke down or was killed.
        failedToStart: Called with the reason.
    """

    heard: Callable[[dict[str, Any]], None]
    ended: Callable[[int | None], None]
    failedToStart: Callable[[str], None]


class WorkerProcess:
    """One process, from its start to the end of whatever it has started itself.

    Args:
        runId: Of the run whose events are wanted.
    """

    def __init__(self, runId: str) -> None:
        self._runId = runId
        self._listener: WorkerListener | None = None
        self._pending = b""
        self._worker: Any | None = None
        self._child = ChildProcess()

    @property
    def number(self) -> int:
        """The process' number; 0 if there is none."""
        return self._child.number

    def start(self, launch: WorkerLaunch, logFile: Path, listener: WorkerListener) -> None:
        """Begin, with standard error in a file; the listener may be told from inside."""
        self._listener = listener
        told = ProcessListener(self._onOutput, self._onFinished, listener.failedToStart)
        self._child.start(launch, told, logFile)

    def kill(self) -> None:
        """End the process and all it has started, without waiting; ``ended`` follows."""
        self._child.kill([self._worker])

    def stopAtOnce(self) -> None:
        """End the process and all it has started, wait for that a second or two, and tell nobody."""
        self._listener = None
        self._child.stopAtOnce([self._worker])

    def endsWithin(self, seconds: float) -> bool:
        """Whether the process ends by itself in time; it holds up whoever asks."""
        watched = [each for each in (self._worker, watchedProcess(self.number)) if each is not None]
        return areGone(watched, seconds)

    def release(self) -> None:
        """Hold nobody any more; to be called when the end was told."""
        self._listener = None
        self._child.release()

    def endLeftovers(self) -> None:
        """After the end: see to it that the worker did not outlive its launcher. On any thread; it may wait."""
        endTrees([self._worker])

    def _onOutput(self) -> None:
        self._read(self._child.take()[0])

    def _read(self, output: bytes) -> None:
        *lines, self._pending = (self._pending + output).split(b"\n")
        self._pending = self._pending[-_LONGEST_LINE_BYTES:]
        for line in lines:
            event = eventIn(line, self._runId)
            if event is not None:
                self._heed(event)

    def _heed(self, event: dict[str, Any]) -> None:
        if event["event"] == "started" and type(event.get("pid")) is int:
            # Known by itself, as the launcher between here and there may be gone before it.
            self._worker = watchedProcess(event["pid"])
        if self._listener is not None:  # whoever heard the line before may have ended all
            self._listener.heard(event)

    def _onFinished(self, exitCode: int | None) -> None:
        self._onOutput()
        if self._listener is not None:
            self._listener.ended(exitCode)
