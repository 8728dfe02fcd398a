"""A process under Qt's event loop, with whatever it starts itself: for the worker and for short commands."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qt
import slicer

from MRSynthesisLib.BackgroundTask import BackgroundTask
from MRSynthesisLib.ProcessTree import askToEnd, endTrees, watchedProcess
from MRSynthesisLib.WorkerLaunch import WorkerLaunch

_STOP_WITHIN_S = 1.0
_FINISHED = "finished(int,QProcess::ExitStatus)"


@dataclass(frozen=True)
class ProcessListener:
    """Who is told of a process; of its end or of a failed start once, not of both.

    Attributes:
        heard: Called when there is something new to read.
        ended: Called with the exit code, None if it broke down or was killed.
        failedToStart: Called with the reason.
    """

    heard: Callable[[], None]
    ended: Callable[[int | None], None]
    failedToStart: Callable[[str], None]


class ChildProcess:
    """One process; ``release`` has to follow its end.

    A connected QProcess keeps its listener in a way that Python's collector cannot see; ``release`` parts them.

    Args:
        isFed: Whether it reads what ``write`` gives it. Otherwise it finds its input empty.
    """

    def __init__(self, isFed: bool = False) -> None:
        self._isFed = isFed
        self._process: qt.QProcess | None = None
        self._connections: dict[str, Callable[..., None]] = {}
        self._listener: ProcessListener | None = None

    @property
    def number(self) -> int:
        """The process' number; 0 if there is none."""
        return int(self._process.processId()) if self._process else 0

    @property
    def isRunning(self) -> bool:
        """Whether it was started and has not ended."""
        return bool(self._process) and self._process.state() != qt.QProcess.NotRunning

    def start(self, launch: WorkerLaunch, listener: ProcessListener, logFile: Path | None = None) -> None:
        """Begin; a start that fails may be told from inside.

        Args:
            launch: What to start.
            listener: Who is told.
            logFile: Where standard error goes, if it is not to be read with ``take``.
        """
        # With a parent it is not deleted with its wrapper, which may happen while it is telling.
        self._process, self._listener = qt.QProcess(slicer.app.moduleManager()), listener
        environment = qt.QProcessEnvironment()
        for name, value in launch.environment.items():
            environment.insert(name, value)
        self._process.setProcessEnvironment(environment)
        if not self._isFed:
            self._process.setStandardInputFile(qt.QProcess.nullDevice())
        if logFile is not None:
            self._process.setStandardErrorFile(str(logFile))
        self._connections = {
            "readyReadStandardOutput()": self._onHeard,
            "readyReadStandardError()": self._onHeard,
            _FINISHED: self._onFinished,
            "errorOccurred(QProcess::ProcessError)": self._onError,
        }
        for signal, function in self._connections.items():
            self._process.connect(signal, function)
        self._process.start(launch.program, list(launch.arguments))

    def listen(self, listener: ProcessListener) -> None:
        """Tell somebody else from now on."""
        self._listener = listener

    def write(self, data: bytes) -> None:
        """Give the process something to read; returns at once."""
        self._process.write(data)

    def take(self) -> tuple[bytes, bytes]:
        """Return what there is to read of standard output and standard error."""
        return self._process.readAllStandardOutput().data(), self._process.readAllStandardError().data()

    def ask(self) -> None:
        """Ask the process, and what it has started, to end; on Windows, where that is not possible, it is ended."""
        root = watchedProcess(self.number)
        if os.name == "nt":
            self.kill()
        elif root is None:
            self._process.terminate()
        else:
            BackgroundTask(lambda: askToEnd(root), lambda nothing, error: None).start()

    def kill(self, known: Iterable[Any | None] = ()) -> None:
        """End the process and all it has started, without waiting; ``ended`` follows.

        Args:
            known: Processes of its tree, as ``watchedProcess`` gave them, which may have lost their parent.
        """
        root = watchedProcess(self.number)
        if root is None:
            self._process.kill()
        else:
            roots = [*known, root]
            BackgroundTask(lambda: endTrees(roots), lambda gone, error: None).start()

    def stopAtOnce(self, known: Iterable[Any | None] = ()) -> None:
        """End the process and all it has started, wait for that a second or two, and tell nobody."""
        process = self._process
        self._part()
        if process and process.state() != qt.QProcess.NotRunning:
            endTrees([*known, watchedProcess(self.number)], _STOP_WITHIN_S)
            process.kill()
            process.waitForFinished(int(_STOP_WITHIN_S * 1000))
        self.release()

    def dismiss(self, known: Iterable[Any | None] = ()) -> None:
        """End the process, if it runs, and all it has started, without waiting, and tell nobody."""
        if self.isRunning:
            self.kill(known)
        self.release()

    def release(self) -> None:
        """Hold nobody any more, and leave the process to Qt; more than one call does no harm."""
        process = self._process
        self._part()
        self._process = None
        if not process:
            return
        if process.state() == qt.QProcess.NotRunning or process.processId() == 0:
            process.deleteLater()
        else:
            # Deleting one that runs would wait for its end.
            process.connect(_FINISHED, process, "deleteLater()")

    def _part(self) -> None:
        for signal, function in self._connections.items():
            if self._process:
                self._process.disconnect(signal, function)
        self._connections, self._listener = {}, None

    def _onHeard(self) -> None:
        if self._listener is not None:
            self._listener.heard()

    def _onFinished(self, exitCode: int, status: int) -> None:
        if self._listener is not None:
            self._listener.ended(exitCode if status == qt.QProcess.NormalExit else None)

    def _onError(self, error: int) -> None:
        if error == qt.QProcess.FailedToStart and self._listener is not None:
            self._listener.failedToStart(f"{self._process.program()}: {self._process.errorString()}.")
