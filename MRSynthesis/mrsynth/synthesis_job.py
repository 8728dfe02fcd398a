"""What one synthesis from files to files is to do. It imports nothing heavy: Slicer's own process writes these jobs."""

import re
import uuid
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

from mrsynth.errors import InputError
from mrsynth.presets import MODES
from mrsynth.timing import Timing

_RUN_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_PATHS = ("source", "output", "uncertainty", "reference")


def new_run_id() -> str:
    """A name for one run that no other run has."""
    return uuid.uuid4().hex


def is_run_id(value: object) -> bool:
    """Whether something can name a run: its folder as well."""
    return isinstance(value, str) and _RUN_ID.fullmatch(value) is not None


@dataclass(frozen=True)
class SynthesisJob:
    """What to synthesise, from what, with what, and where to.

    Attributes:
        source: Volume file or DICOM series folder.
        output: Volume file to write; its folder is made if only that is missing.
        model: Name of an installed model.
        uncertainty: Volume file for how unsure the output is (``ModelCard.uncertainty_meaning``), if wanted.
        reference: Acquired volume of the target contrast to measure against, if there is one.
        mode: A preset, see ``presets``, or None for what the model's card says.
        device: ``"auto"``, ``"cpu"``, ``"cuda:N"`` or ``"mps"``.
        batch_size: Patches at a time, or None to choose.
        model_folders: Folders to look for models in, before the user's and the shipped ones.
        force: Whether outputs that exist may be replaced.
        timing: The source's echo and repetition time, where it does not come with them or they are wrong; the echo time
            that is wanted, if the model can be asked for one.
        run_id: Names the run and its temporary folder.

    Raises:
        InputError: ``bad_job``, a field has a value that no run could use.
    """

    kind: ClassVar[str] = "synthesis"

    source: Path
    output: Path
    model: str
    uncertainty: Path | None = None
    reference: Path | None = None
    mode: str | None = None
    device: str = "auto"
    batch_size: int | None = None
    model_folders: tuple[Path, ...] = ()
    force: bool = False
    timing: Timing = field(default_factory=Timing)
    run_id: str = field(default_factory=new_run_id)

    def __post_init__(self) -> None:
        _expect(isinstance(self.model, str) and self.model != "", "model", "the name of a model", self.model)
        _expect(self.mode is None or self.mode in MODES, "mode", f"one of {MODES} or null", self.mode)
        _expect(isinstance(self.device, str) and self.device != "", "device", "a device's name", self.device)
        whole = isinstance(self.batch_size, int) and not isinstance(self.batch_size, bool) and self.batch_size >= 1
        _expect(self.batch_size is None or whole, "batch_size", "a number above 0 or null", self.batch_size)
        _expect(isinstance(self.force, bool), "force", "true or false", self.force)
        _expect(is_run_id(self.run_id), "run_id", "1 to 64 letters, digits or hyphens", self.run_id)

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The volumes that the run writes, without their sidecars."""
        return (self.output,) if self.uncertainty is None else (self.output, self.uncertainty)

    def to_dict(self) -> dict[str, Any]:
        """The job as a JSON document that ``from_dict`` reads."""
        document = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}
        return document | {"model_folders": [str(folder) for folder in self.model_folders]}

    @classmethod
    def from_dict(cls, document: Any) -> "SynthesisJob":
        """The job in a JSON document.

        Raises:
            InputError: ``bad_job``, naming the field that is missing, unknown or wrong.
        """
        _expect(isinstance(document, dict), "synthesis", "an object", document)
        unknown = sorted(set(document) - {each.name for each in fields(cls)})
        missing = [name for name in ("source", "output", "model") if document.get(name) is None]
        if unknown or missing:
            found = f"unknown {', '.join(unknown)}" if unknown else f"no {', '.join(missing)}"
            raise InputError(f"job: expected source, output, model and known options, found {found}", "bad_job")
        paths = {name: _path(name, document[name]) for name in _PATHS if document.get(name) is not None}
        folders = document.get("model_folders", [])
        _expect(isinstance(folders, list), "model_folders", "a list of folders", folders)
        parts = {
            "model_folders": tuple(_path("model_folders", each) for each in folders),
            "timing": _timing(document.get("timing", {})),
        }
        return cls(**document | paths | parts)


def _expect(holds: bool, name: str, expected: str, found: object) -> None:
    if not holds:
        raise InputError(f"job: expected {name} to be {expected}, found {found!r}", "bad_job")


def _timing(document: Any) -> Timing:
    names = [each.name for each in fields(Timing)]
    known = isinstance(document, dict) and set(document) <= set(names)
    _expect(known, "timing", f"an object of {', '.join(names)}", document)
    try:
        return Timing(**document)
    except InputError as error:
        raise InputError(f"job: timing: {error}", "bad_job") from error


def _path(name: str, value: object) -> Path:
    _expect(isinstance(value, str) and value != "" and "\0" not in value, name, "a path", value)
    return Path(value)
