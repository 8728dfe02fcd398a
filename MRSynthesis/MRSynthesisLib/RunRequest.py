"""What one run is asked for, how it ended, and who is told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slicer import vtkMRMLScalarVolumeNode

from MRSynthesisLib.BackgroundJob import JobEnd, JobProgress


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
        makeUncertainty: Whether to make an uncertainty volume as well.
        keepFiles: Whether the run's folder stays.
    """

    source: vtkMRMLScalarVolumeNode
    model: str
    reference: vtkMRMLScalarVolumeNode | None = None
    output: vtkMRMLScalarVolumeNode | None = None
    device: str = "auto"
    mode: str | None = None
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
    """

    end: JobEnd
    message: str
    logTail: str = ""
    synthetic: vtkMRMLScalarVolumeNode | None = None
    uncertainty: vtkMRMLScalarVolumeNode | None = None
    folder: Path | None = None
    warnings: tuple[str, ...] = ()


@dataclass
class RunListener:
    """Who is told: of progress (None while a stage has no measure), and once of the end."""

    progress: Callable[[JobProgress], None] = lambda progress: None
    finished: Callable[[RunOutcome], None] = lambda outcome: None
