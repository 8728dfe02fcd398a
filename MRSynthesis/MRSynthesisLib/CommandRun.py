"""A short command in a process of its own, whose text is wanted when it ends: a self-check, adding a model."""

from collections.abc import Callable
from dataclasses import dataclass

import qt
from slicer.i18n import tr as _

from MRSynthesisLib.WorkerLaunch import WorkerLaunch


@dataclass(frozen=True)
class CommandResult:
    """How a command ended.

    Attributes:
        exitCode: 0 for success; -1 if it could not be started or broke down.
        output: Its standard output.
        messages: Its standard error, or why it could not be started.
    """

    exitCode: int
    output: str
    messages: str


class CommandRun:
    """Runs one command; the main thread never waits.

    Args:
        launch: What to start.
        finished: Called once with the result, never from inside ``start``, and not after ``stopAtOnce``.
    """

    def __init__(self, launch: WorkerLaunch, finished: Callable[[CommandResult], None]) -> None:
        self._launch, self._finished = launch, finished
        self._process = qt.QProcess()
        environment = qt.QProcessEnvironment()
        for name, value in launch.environment.items():
            environment.insert(name, value)
        self._process.setProcessEnvironment(environment)
        self._process.connect("finished(int,QProcess::ExitStatus)", self._onFinished)
        self._process.connect("errorOccurred(QProcess::ProcessError)", self._onError)

    @property
    def isRunning(self) -> bool:
        """Whether the end is still to come."""
        return self._process.state() != qt.QProcess.NotRunning

    def start(self) -> None:
        """Begin; returns at once."""
        # A start that fails at once is told of within the call; the caller hears of it after it.
        qt.QTimer.singleShot(0, lambda: self._process.start(self._launch.program, list(self._launch.arguments)))

    def stopAtOnce(self) -> None:
        """End without a word."""
        self._finished = _ignore
        if self.isRunning:
            self._process.kill()
            self._process.waitForFinished(2000)

    def _onFinished(self, exitCode: int, status: qt.QProcess.ExitStatus) -> None:
        output, messages = (
            data.data().decode("utf-8", "replace")
            for data in (self._process.readAllStandardOutput(), self._process.readAllStandardError())
        )
        broken = status != qt.QProcess.NormalExit
        self._finished(CommandResult(-1 if broken else exitCode, output, messages))

    def _onError(self, error: qt.QProcess.ProcessError) -> None:
        if error == qt.QProcess.FailedToStart:
            message = _("{0} could not be started.").format(self._launch.program)
            self._finished(CommandResult(-1, "", message))


def _ignore(result: CommandResult) -> None:
    """Nobody wants to know any more."""
