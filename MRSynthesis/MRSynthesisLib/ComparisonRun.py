"""One comparison in a process of its own: volumes go out as files, figures and differences come back.

Measuring takes seconds of arithmetic. On a thread it would hold Python's lock now and then, and with it the event loop.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from slicer.i18n import tr as _

from mrsynth.errors import InputError
from MRSynthesisLib.BackgroundTask import BackgroundTask
from MRSynthesisLib.CommandRun import CommandResult, CommandRun
from MRSynthesisLib.ComparisonMeasurement import ComparedVolumes, Measurements, measurementsIn
from MRSynthesisLib.RunFolder import makeRunFolder
from MRSynthesisLib.VolumeFile import RESULT_SUFFIX, SOURCE_SUFFIX, writeGridVolume
from MRSynthesisLib.WorkerLaunch import commandLaunch

_Finished = Callable[[Measurements | None, Exception | None], None]


class ComparisonRun:
    """Measures once, with ``mrsynth compare``; the main thread never waits.

    Args:
        compared: What to measure.
        finished: Called once on the main thread with what was measured and None, or with None and why not; never from
            inside ``start``, and not after ``abandon`` or ``stopAtOnce``.
    """

    def __init__(self, compared: ComparedVolumes, finished: _Finished) -> None:
        self._compared = compared
        self._finished: _Finished | None = finished
        self._task: BackgroundTask | None = None
        self._command: CommandRun | None = None
        self._folder: Path | None = None

    @property
    def isRunning(self) -> bool:
        """Whether a thread, a process or a file of it is left."""
        return self._folder is not None

    def start(self) -> None:
        """Begin; returns at once.

        Raises:
            OSError: There is no place for temporary files.
        """
        self._folder = makeRunFolder()
        files = [(volume, path) for volume, path in zip(self._compared.grids, self._inputs, strict=True) if volume]

        def write() -> None:
            for volume, path in files:
                writeGridVolume(volume, path)

        self._do(write, self._onWritten)

    def abandon(self) -> None:
        """End soon, without a word; returns at once."""
        self._finished = None
        if self._command is not None:
            self._command.cancel()

    def stopAtOnce(self) -> None:
        """End without a word, within a second or two: for the end of the application or of the module."""
        if not self.isRunning:
            return
        self._finished = None
        if self._command is not None:
            self._command.stopAtOnce()
        if self._task is not None:
            self._task.abandon()
            self._task.join()
        self._end(None, None)

    @property
    def _inputs(self) -> tuple[Path, Path, Path]:
        names = ("synthetic", "reference", "source")
        return tuple(self._folder / f"{name}{SOURCE_SUFFIX}" for name in names)

    @property
    def _outputs(self) -> tuple[Path, Path]:
        return tuple(self._folder / f"{name}{RESULT_SUFFIX}" for name in ("difference", "gradient-difference"))

    def _do(self, function: Callable[[], object], then: Callable[..., None]) -> None:
        self._task = BackgroundTask(function, then)
        self._task.start()

    def _onWritten(self, nothing: None, error: Exception | None) -> None:
        self._task = None
        if error is not None or self._finished is None:
            self._end(None, error)
            return
        synthetic, reference, source = map(str, self._inputs)
        difference, gradient = map(str, self._outputs)
        baselines = () if self._compared.grids[2] is None else ("--source", source)
        written = ("--difference", difference, "--gradient-difference", gradient, "--json")
        launch = commandLaunch(("compare", synthetic, reference, *baselines, *written))
        self._command = CommandRun(launch, self._onMeasured)
        self._command.start()

    def _onMeasured(self, result: CommandResult) -> None:
        self._command = None
        if self._finished is None:
            self._end(None, None)
        elif result.exitCode:
            self._end(None, InputError(self._inTheScenesWords(_complaint(result)), "not_measured"))
        else:
            differences, warnings = self._outputs, self._compared.warnings
            self._do(lambda: measurementsIn(json.loads(result.output), differences, warnings), self._onRead)

    def _onRead(self, measurements: Measurements | None, error: Exception | None) -> None:
        self._task = None
        self._end(measurements, error)

    def _inTheScenesWords(self, message: str) -> str:
        """Name volumes as the user knows them, in place of the files they were sent in."""
        for path, name in zip(self._inputs, self._compared.names, strict=True):
            message = message.replace(str(path), name)
        return message

    def _end(self, measurements: Measurements | None, error: Exception | None) -> None:
        finished, self._finished = self._finished, None
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = self._task = self._command = None
        if finished is not None:
            finished(measurements, error)


def _complaint(result: CommandResult) -> str:
    """What the command said was wrong; where it broke down before it could, the last line of what it printed."""
    try:
        return json.loads(result.output)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        lines = [line for line in result.messages.splitlines() if line.strip()]
        return _("The comparison broke down. {0}").format(lines[-1] if lines else "").strip()
