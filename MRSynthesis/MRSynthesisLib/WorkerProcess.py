"""The worker as a process under Qt's event loop: its lines as events, its end, and how to end it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qt

from MRSynthesisLib.BackgroundTask import BackgroundTask
from MRSynthesisLib.JobOutcome import eventIn
from MRSynthesisLib.ProcessTree import endTrees, watchedProcess
from MRSynthesisLib.WorkerLaunch import WorkerLaunch

_LONGEST_LINE_BYTES = 1 << 20
_STOP_WITHIN_S = 1.0


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
        listener: Who is told; it may be told from inside ``start``.
    """

    def __init__(self, runId: str, listener: WorkerListener) -> None:
        self._runId, self._listener = runId, listener
        self._pending = b""
        self._worker: Any | None = None
        self._killing: BackgroundTask | None = None
        self._process = qt.QProcess()
        self._process.connect("readyReadStandardOutput()", self._onOutput)
        self._process.connect("finished(int,QProcess::ExitStatus)", self._onFinished)
        self._process.connect("errorOccurred(QProcess::ProcessError)", self._onError)

    @property
    def number(self) -> int:
        """The process' number; 0 if there is none."""
        return int(self._process.processId())

    def start(self, launch: WorkerLaunch, logFile: Path) -> None:
        """Begin, with standard error in a file."""
        environment = qt.QProcessEnvironment()
        for name, value in launch.environment.items():
            environment.insert(name, value)
        self._process.setProcessEnvironment(environment)
        self._process.setStandardErrorFile(str(logFile))
        self._process.setStandardInputFile(os.devnull)
        self._process.start(launch.program, list(launch.arguments))

    def kill(self) -> None:
        """End the process and all it has started, without waiting; ``ended`` follows."""
        root = watchedProcess(self.number)
        if root is None:
            self._process.kill()
        else:
            self._killing = BackgroundTask(lambda: endTrees([self._worker, root]), lambda gone, error: None)
            self._killing.start()

    def stopAtOnce(self) -> None:
        """End the process and all it has started, and wait for that a second or two."""
        if self._process.state() != qt.QProcess.NotRunning:
            endTrees([self._worker, watchedProcess(self.number)], _STOP_WITHIN_S)
            self._process.kill()
            self._process.waitForFinished(int(_STOP_WITHIN_S * 1000))

    def endLeftovers(self) -> None:
        """After the end: see to it that the worker did not outlive its launcher. On any thread; it may wait."""
        endTrees([self._worker])

    def _onOutput(self) -> None:
        *lines, self._pending = (self._pending + self._process.readAllStandardOutput().data()).split(b"\n")
        self._pending = self._pending[-_LONGEST_LINE_BYTES:]
        for line in lines:
            event = eventIn(line, self._runId)
            if event is None:
                continue
            if event["event"] == "started" and type(event.get("pid")) is int:
                # Known by itself, as the launcher between here and there may be gone before it.
                self._worker = watchedProcess(event["pid"])
            self._listener.heard(event)

    def _onFinished(self, exitCode: int, status: int) -> None:
        self._onOutput()
        self._listener.ended(exitCode if status == qt.QProcess.NormalExit else None)

    def _onError(self, error: int) -> None:
        if error == qt.QProcess.FailedToStart:
            self._listener.failedToStart(f"{self._process.program()}: {self._process.errorString()}.")
