"""A training run that another program starts, follows and stops. It imports nothing heavy: Slicer's process does it.

The program makes a folder for the session, with ``job.json`` as `mrsynth.job_file` describes it, starts ``python -X
utf8 -u -m mrsynth_training train ... --follow FOLDER`` and reads lines of JSON, see `mrsynth.job_protocol`. A file
``cancel`` in the folder asks the run to stop: it ends the mini-batch, writes a checkpoint and exits. If the program
itself is gone, the same happens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from mrsynth.errors import InputError
from mrsynth.synthesis_job import is_run_id, new_run_id

FOLLOW = "--follow"
STAGE = "training"


@dataclass(frozen=True)
class TrainingJob:
    """What to train, as the command line says it.

    Attributes:
        arguments: Of ``mrsynth-train``, from the sub-command on.
        run_id: Names the session.

    Raises:
        InputError: ``bad_job``, if there are no arguments, or one is no text.
    """

    kind: ClassVar[str] = "training"

    arguments: tuple[str, ...]
    run_id: str = field(default_factory=new_run_id)

    def __post_init__(self) -> None:
        texts = isinstance(self.arguments, tuple) and self.arguments and all(isinstance(a, str) for a in self.arguments)
        if not texts or not is_run_id(self.run_id):
            raise InputError(f"job: expected the arguments of a command and a run's id, found {self}", "bad_job")

    @property
    def outputs(self) -> tuple[Path, ...]:
        """Nothing that would be left half made: checkpoints are replaced as a whole."""
        return ()

    def to_dict(self) -> dict[str, Any]:
        """The job as a JSON document that ``from_dict`` reads."""
        return {"arguments": list(self.arguments), "run_id": self.run_id}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> "TrainingJob":
        """The job in a JSON document.

        Raises:
            InputError: ``bad_job``, if a field is missing, unknown or wrong.
        """
        if set(document) != {"arguments", "run_id"} or not isinstance(document["arguments"], list):
            raise InputError(f"job: expected arguments and a run's id, found {sorted(document)}", "bad_job")
        return cls(tuple(document["arguments"]), document["run_id"])


def followed_arguments(arguments: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Return what makes a process of a command that tells of itself to whoever made the folder of its session."""
    return ("-u", "-m", "mrsynth_training", *arguments, FOLLOW, str(folder))
