"""The files by which a job goes to a worker and its result comes back; the words in between are ``job_protocol``.

One run has one folder, made for it and empty: ``job.json`` from whoever starts the worker, ``cancel`` (empty) once the
run shall stop, ``worker.log`` with what the worker says to its standard error, ``result.json`` when it has succeeded. A
run was successful if the worker's exit code is 0 *and* there is a ``result.json`` with the run's id.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from mrsynth.errors import InputError
from mrsynth.job_protocol import PROTOCOL_VERSION
from mrsynth.json_file import write_json
from mrsynth.synthesis_job import SynthesisJob

JOB_NAME = "job.json"
CANCEL_NAME = "cancel"
RESULT_NAME = "result.json"
LOG_NAME = "worker.log"
_LARGEST_JOB_BYTES = 1_000_000
_FIELDS = {"protocol", "run_id", "parent_pid", "parent_created"}


class Job(Protocol):
    """What a request can ask for: a synthesis, or whatever else is told of and stopped in the same way.

    Attributes:
        kind: Name of the job's part of the file.
        run_id: Of the run, in every line it says and in its result.
        outputs: Files that a run which fails must not leave half made.
    """

    kind: ClassVar[str]

    @property
    def run_id(self) -> str: ...

    @property
    def outputs(self) -> tuple[Path, ...]: ...

    def to_dict(self) -> dict[str, Any]: ...

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Self: ...


@dataclass(frozen=True)
class JobRequest:
    """A job for a worker.

    Attributes:
        folder: The run's own.
        job: What to do.
        parent_pid: The process without which the result is of no use; the worker ends when it does. None: never.
        parent_created: When that process began, in seconds since 1970, lest another with its number be taken for it.

    Raises:
        InputError: ``bad_job``.
    """

    folder: Path
    job: Job
    parent_pid: int | None = None
    parent_created: float | None = None

    def __post_init__(self) -> None:
        _expect(self.parent_pid is None or _is_number(self.parent_pid, int), "parent_pid", self.parent_pid)
        created = self.parent_created
        _expect(created is None or _is_number(created, (int, float)), "parent_created", created)

    @property
    def run_id(self) -> str:
        """The run's name, in every line the worker says and in its result."""
        return self.job.run_id

    @property
    def cancel_file(self) -> Path:
        """The file whose existence asks the worker to stop."""
        return self.folder / CANCEL_NAME

    @property
    def log_file(self) -> Path:
        """Where the worker's standard error goes."""
        return self.folder / LOG_NAME

    @property
    def result_file(self) -> Path:
        """The file that says that the run succeeded, and what it made."""
        return self.folder / RESULT_NAME

    def write(self) -> Path:
        """Write the job into its folder and return the path for the worker's command line.

        Raises:
            OutputError: It cannot be written.
        """
        work = self.job.to_dict()
        document = {
            "protocol": PROTOCOL_VERSION,
            "run_id": work.pop("run_id"),
            "parent_pid": self.parent_pid,
            "parent_created": self.parent_created,
            self.job.kind: work,
        }
        write_json(self.folder / JOB_NAME, document)
        return self.folder / JOB_NAME


def read_request(path: Path, kind: type[Job] = SynthesisJob) -> JobRequest:
    """Read a job file.

    Args:
        path: The file, in the run's folder.
        kind: What it must ask for.

    Raises:
        InputError: ``bad_job``, saying what is wrong with it.
    """
    try:
        document = read_document(path)
        unknown = sorted(set(document) - _FIELDS - {kind.kind})
        if unknown or document.get("protocol") != PROTOCOL_VERSION:
            found = f"unknown {', '.join(unknown)}" if unknown else f"protocol {document.get('protocol')!r}"
            raise InputError(f"job: expected protocol {PROTOCOL_VERSION} and its fields, found {found}", "bad_job")
        work = document.get(kind.kind)
        if not isinstance(work, dict):
            raise InputError(f"job: expected {kind.kind} to be an object, found {work!r}", "bad_job")
        job = kind.from_dict(work | {"run_id": document.get("run_id")})
        return JobRequest(path.parent, job, document.get("parent_pid"), document.get("parent_created"))
    except InputError as error:
        raise InputError(f"{path}: {error}", "bad_job") from error


def read_document(path: Path) -> dict[str, Any]:
    """The JSON object in a small file.

    Raises:
        InputError: ``bad_job``, it is missing, unreadable, too long or something else.
    """
    try:
        if path.stat().st_size > _LARGEST_JOB_BYTES:
            raise InputError(f"expected a job of at most {_LARGEST_JOB_BYTES} bytes", "bad_job")
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"expected a job file, found: {error.strerror or error}", "bad_job") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"expected JSON, found: {error}", "bad_job") from error
    if not isinstance(document, dict):
        raise InputError(f"expected a JSON object, found {type(document).__name__}", "bad_job")
    return document


def read_result(request: JobRequest) -> dict[str, Any] | None:
    """What a run has made, or None if it has not succeeded (or what is there belongs to another run)."""
    try:
        document = read_document(request.result_file)
    except InputError:
        return None
    return document if document.get("run_id") == request.run_id else None


def _expect(holds: bool, name: str, found: object) -> None:
    if not holds:
        raise InputError(f"job: expected {name} to be a number above 0 or null, found {found!r}", "bad_job")


def _is_number(value: object, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and value > 0
