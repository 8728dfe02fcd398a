"""A short command in a process of its own, whose text is wanted when it ends: a self-check, adding a model."""

from collections.abc import Callable
from dataclasses import dataclass

from slicer.i18n import tr as _

from MRSynthesisLib.ChildProcess import ChildProcess, ProcessListener
from MRSynthesisLib.Ticker import Ticker
from MRSynthesisLib.WorkerLaunch import WorkerLaunch

CANCELLED = 130
"""The exit code of a command that was cancelled, as a shell gives it to an interrupted one."""
_LOOK_EVERY_S = 0.05


@dataclass(frozen=True)
class CommandResult:
    """How a command ended.

    Attributes:
        exitCode: 0 for success; -1 if it could not be started, broke down or fell silent; 130 if it was cancelled.
        output: Its standard output.
        messages: Its standard error, or what was wrong with it.
    """

    exitCode: int
    output: str
    messages: str


@dataclass(frozen=True)
class CommandLimits:
    """How long to wait for a command, in seconds during which this process was awake.

    Attributes:
        silenceS: For another word, while it runs.
        graceS: For its end after it was asked to end; it takes about a second.
        killS: For its end after it was killed.
    """

    silenceS: float = 300.0
    graceS: float = 3.0
    killS: float = 6.0


class CommandRun:
    """Runs one command, once; the main thread never waits.

    Args:
        launch: What to start.
        finished: Called once with the result, never from inside ``start`` or ``cancel``, and not after ``stopAtOnce``.
        limits: How long to wait.
    """

    def __init__(
        self, launch: WorkerLaunch, finished: Callable[[CommandResult], None], limits: CommandLimits | None = None
    ) -> None:
        self._launch, self._finished, self._limits = launch, finished, limits or CommandLimits()
        self._state = "new"  # then "due", "running", "asked", "killed", "over"
        self._cancelled = False
        self._waitedS = 0.0
        self._process = ChildProcess()
        self._ticker = Ticker(int(_LOOK_EVERY_S * 1000), self._look)

    @property
    def isRunning(self) -> bool:
        """Whether it was started and the end is still to come."""
        return self._state in ("due", "running", "asked", "killed")

    def start(self) -> None:
        """Begin; returns at once.

        Raises:
            RuntimeError: It was started before; a command runs once.
        """
        if self._state != "new":
            raise RuntimeError("expected a command that was not started yet, found one that was")
        self._state = "due"
        self._ticker.start()

    def cancel(self) -> None:
        """Ask it to end, and end it with all it has started if it does not; ``finished`` follows."""
        self._cancelled = True

    def stopAtOnce(self) -> None:
        """End it with all it has started, without a word, within a second or two."""
        self._state = "over"
        self._process.stopAtOnce()
        self._letGo()

    def _look(self) -> None:
        self._waitedS += _LOOK_EVERY_S
        if self._state == "due":
            self._begin()
        elif self._state == "running" and self._cancelled:
            self._state, self._waitedS = "asked", 0.0
            self._process.ask()
        elif self._waitedS < self._patienceS:
            return
        elif self._state == "killed":
            self._onEnded(None)
        else:
            self._state, self._waitedS = "killed", 0.0
            self._process.kill()

    @property
    def _patienceS(self) -> float:
        """How long to wait in this state."""
        limits = self._limits
        return {"running": limits.silenceS, "asked": limits.graceS, "killed": limits.killS}[self._state]

    def _begin(self) -> None:
        """Start the process; from the event loop, as a start that fails at once is told of within it."""
        if self._cancelled:
            self._tell(CommandResult(CANCELLED, "", _("Cancelled.")))
            return
        self._state, self._waitedS = "running", 0.0
        self._process.start(self._launch, ProcessListener(self._onHeard, self._onEnded, self._onFailedToStart))

    def _onHeard(self) -> None:
        """Note the sign of life; what was said is read at the end."""
        if self._state == "running":
            self._waitedS = 0.0

    def _onEnded(self, exitCode: int | None) -> None:
        output, messages = (data.decode("utf-8", "replace") for data in self._process.take())
        code = -1 if exitCode is None else exitCode
        if self._cancelled and code != 0:  # what was done before it could be asked is done
            code, messages = CANCELLED, _("Cancelled.")
        elif self._state == "killed":
            text = _("The background process said nothing for {0:.0f} seconds and was ended. Try again.")
            code, messages = -1, "\n".join(filter(None, [messages.strip(), text.format(self._limits.silenceS)]))
        self._tell(CommandResult(code, output, messages))

    def _onFailedToStart(self, reason: str) -> None:
        self._tell(CommandResult(-1, "", _("{0} could not be started.").format(self._launch.program)))

    def _tell(self, result: CommandResult) -> None:
        finished, self._state = self._finished, "over"
        self._letGo()
        finished(result)

    def _letGo(self) -> None:
        """Hold nobody any more: neither those who are told nor, through Qt, this object itself."""
        self._ticker.stop()
        self._process.release()
        self._finished = _ignore


def _ignore(result: CommandResult) -> None:
    """Nobody wants to know any more."""
