"""A training run in the background: started, followed and stopped, with a folder of its own for the session."""

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slicer.i18n import tr as _

import mrsynth_training
from mrsynth.job_file import JobRequest
from mrsynth_training.training_job import TrainingJob, followed_arguments
from MRSynthesisLib.BackgroundJob import BackgroundJob, JobCallbacks, JobEnd, JobLimits, JobOutcome, JobProgress
from MRSynthesisLib.RunFolder import makeRunFolder
from MRSynthesisLib.WorkerLaunch import WorkerLaunch, moduleLaunch
from MRSynthesisTrainingLib.TrainingCommand import TrainingCommand, TrainingOutcome, TrainingProgress, trainingText

# A mini-batch of the largest network takes a minute or two on a slow computer, and then comes the checkpoint.
LIMITS = JobLimits(silenceS=120.0, graceS=900.0)
QUIT_WITHIN_S = 10.0
_LOG_EVERY_S = 60.0


def logProgress(progress: TrainingProgress) -> None:
    """Write how far a run is into the application's log."""
    logging.info(trainingText(progress))


def logOutcome(outcome: TrainingOutcome) -> None:
    """Write how a run ended into the application's log."""
    (logging.error if outcome.end is JobEnd.FAILED else logging.info)(outcome.message)


@dataclass(frozen=True)
class TrainingListener:
    """Who is told: of progress, a few times a second at most, and once of the end; by default the application's log."""

    progress: Callable[[TrainingProgress], None] = logProgress
    finished: Callable[[TrainingOutcome], None] = logOutcome


class TrainingRun:
    """Takes one command through; the main thread never waits.

    Args:
        command: What to train.
        listener: Who is told.
        launch: Makes what is started from a session's folder, in place of the training; for tests.
        limits: How long to wait.

    Raises:
        OSError: There is no place for temporary files.
    """

    def __init__(
        self,
        command: TrainingCommand,
        listener: TrainingListener,
        launch: Callable[[Path], WorkerLaunch] | None = None,
        limits: JobLimits = LIMITS,
    ) -> None:
        self._command, self._listener, self._limits = command, listener, limits
        self._folder = makeRunFolder()
        session = self._folder / "session"
        request = JobRequest(session, TrainingJob(command.arguments))
        program = launch(session) if launch else trainingLaunch(command, session)
        callbacks = JobCallbacks(self._onProgress, self._onWarning, self._onFinished)
        self._job = BackgroundJob(request, callbacks, program, limits)

    @property
    def isRunning(self) -> bool:
        """Whether it was started and its end is still to be told."""
        return self._job.isRunning

    @property
    def logFile(self) -> Path:
        """What the process writes to its standard error; it goes with the end of the run."""
        return self._job.logFile

    def start(self) -> None:
        """Begin; returns at once."""
        self._job.start()

    def stop(self) -> None:
        """Ask the run to end its mini-batch, write a checkpoint and exit; ``finished`` follows."""
        self._job.cancel()

    def stopAtOnce(self, graceS: float = QUIT_WITHIN_S) -> None:
        """Stop it without a word to anybody: Slicer or the module goes.

        Args:
            graceS: How long it may take over its checkpoint. If it is ended before, the last one is whole all the same.
        """
        self._job.stopAtOnce(graceS)
        self._removeFolder()

    def _onProgress(self, progress: JobProgress) -> None:
        self._listener.progress(TrainingProgress.of(progress))

    def _onWarning(self, message: str) -> None:
        logging.warning(message)

    def _onFinished(self, outcome: JobOutcome) -> None:
        message = outcomeText(outcome, self._command.hasCheckpoint, self._limits.silenceS)
        self._removeFolder()
        self._listener.finished(TrainingOutcome(outcome.end, outcome.code, message, outcome.logTail))

    def _removeFolder(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def trainingLaunch(command: TrainingCommand, session: Path) -> WorkerLaunch:
    """What starts a training that is followed from a session's folder."""
    return moduleLaunch(followed_arguments(command.arguments, session), [mrsynth_training])


def outcomeText(outcome: JobOutcome, hasCheckpoint: bool, silenceS: float) -> str:
    """Return in plain words how a run ended, and what can be done about it.

    Args:
        outcome: What is known of the process.
        hasCheckpoint: Whether the run can be gone on with.
        silenceS: How long the process could have been silent.
    """
    if outcome.end is JobEnd.SUCCEEDED:
        return str((outcome.result or {}).get("summary") or _("The training is finished."))
    again = _("Start it with resume to go on from its last checkpoint, which is whole.") if hasCheckpoint else ""
    words = {
        "cancelled": _("The training was stopped."),
        "crashed": _("The training broke down. Often too little memory is the reason: close other programs."),
        "stalled": _("The training gave no sign of life for {0:.0f} seconds and was ended.").format(silenceS),
    }
    return " ".join(filter(None, (words.get(outcome.code, outcome.message), again)))
