"""What one run is asked for, how it ended, and who is told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slicer import vtkMRMLScalarVolumeNode

from mrsynth.acquired_timing import UsedTiming
from MRSynthesisLib.BackgroundJob import JobEnd, JobOutcome, JobProgress
from MRSynthesisLib.SyntheticNode import NOTHING_KNOWN

_LAST_LINES, _LONGEST_LINE = 2, 200


@dataclass(frozen=True)
class RunRequest:
    """What was chosen when the button was clicked.

    Attributes:
        source: Acquired volume.
        model: Name of the model.
        reference: Acquired volume of the target contrast, for figures.
        output: Node for the result; None for a new one.
        device: As `mrsynth`'s ``--device``.
        mode: As ``--mode``, or None for the model's own.
        timing: What is known of the source's echo and repetition time, and where from; the echo time that is asked for.
        makeUncertainty: Whether to make an uncertainty volume as well.
        keepFiles: Whether the run's folder stays.
    """

    source: vtkMRMLScalarVolumeNode
    model: str
    reference: vtkMRMLScalarVolumeNode | None = None
    output: vtkMRMLScalarVolumeNode | None = None
    device: str = "auto"
    mode: str | None = None
    timing: UsedTiming = NOTHING_KNOWN
    makeUncertainty: bool = False
    keepFiles: bool = False


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended.

    Attributes:
        end: Whether there is a result, and if not, whether somebody wanted that.
        message: What to tell the user, in plain words.
        logTail: The last lines of the worker's log.
        synthetic: The new volume.
        uncertainty: Its uncertainty, if asked for.
        folder: The run's files, if they were kept.
        warnings: What the user should know about the result.
        reference: The run's reference, if there was one and it is still in the scene.
    """

    end: JobEnd
    message: str
    logTail: str = ""
    synthetic: vtkMRMLScalarVolumeNode | None = None
    uncertainty: vtkMRMLScalarVolumeNode | None = None
    folder: Path | None = None
    warnings: tuple[str, ...] = ()
    reference: vtkMRMLScalarVolumeNode | None = None


@dataclass
class RunListener:
    """Who is told: of progress (None while a stage has no measure), and once of the end."""

    progress: Callable[[JobProgress], None] = lambda progress: None
    finished: Callable[[RunOutcome], None] = lambda outcome: None


def withLastWords(outcome: JobOutcome) -> str:
    """Return a job's message; after a failure of unknown cause with the last two lines of the log below it.

    They add nothing where the worker has said itself what was wrong, or where the message was read off them.
    """
    if outcome.end is not JobEnd.FAILED or outcome.code == "missing_package" or outcome.message in outcome.logTail:
        return outcome.message
    lines = [line.strip() for line in outcome.logTail.splitlines() if line.strip()]
    short = (line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 3] + "..." for line in lines[-_LAST_LINES:])
    return "\n".join([outcome.message, *short])
