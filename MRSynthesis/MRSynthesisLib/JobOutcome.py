"""What a worker's words and its end mean for the user. Touches neither Qt nor MRML."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from mrsynth.job_file import JobRequest, read_result
from mrsynth.job_protocol import ExitCode, read_event

_TAIL_BYTES, _TAIL_LINES = 8192, 20
_PROGRESS_FIELDS = {"run_id", "event", "stage", "done", "total", "eta_s", "device"}
_MISSING_MODULE = re.compile(r"No module named '?([A-Za-z_][\w]*)")


class JobEnd(Enum):
    """The three ways in which a job ends."""

    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class JobProgress:
    """How far a job is; ``total`` is 0 and ``etaS`` and ``device`` are None as long as they are unknown.

    ``details`` is what else the line said; nobody has looked at it.
    """

    stage: str
    done: int
    total: int
    etaS: float | None
    device: str | None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fraction(self) -> float:
        """The done part of the stage, from 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total > 0 else 0.0

    @classmethod
    def fromEvent(cls, event: dict[str, Any]) -> "JobProgress | None":
        """What a line of the worker says, or None if it says something else."""
        counts, eta, device = (event.get("done"), event.get("total")), event.get("eta_s"), event.get("device")
        sound = isinstance(event.get("stage"), str) and all(type(count) is int for count in counts)
        sound = sound and (eta is None or type(eta) in (int, float)) and (device is None or isinstance(device, str))
        details = {name: value for name, value in event.items() if name not in _PROGRESS_FIELDS}
        return cls(event["stage"], *counts, eta, device, details) if sound else None


@dataclass(frozen=True)
class JobOutcome:
    """How a job ended.

    Attributes:
        end: In which way.
        code: A stable word for programs: the worker's own, or ``start_failed``, ``crashed``, ``missing_package``,
            ``stalled``, ``no_result``, ``no_output``, ``unending``, ``job_unwritable``; ``""`` for success.
        message: For people, in plain words; ``""`` for success.
        logTail: The last lines that the worker wrote to its log.
        result: The worker's ``result.json``, after success only.
    """

    end: JobEnd
    code: str
    message: str
    logTail: str
    result: dict[str, Any] | None = None


@dataclass(frozen=True)
class JobCallbacks:
    """Who is told: of progress, of warnings, and once of the end; all on the main thread."""

    progress: Callable[[JobProgress], None]
    warning: Callable[[str], None]
    finished: Callable[[JobOutcome], None]


@dataclass
class WorkerEnd:
    """What is known about a worker whose end is to be judged.

    Attributes:
        exitCode: None if it broke down or was killed.
        error: The worker's own last word, if it was one of failure.
        cancelled: Whether somebody here asked it to stop.
        fault: ``stalled``, ``start_failed``, ``unending``, ``job_unwritable``, or ``""`` for none on this side.
        detail: What the system said about the fault.
    """

    exitCode: int | None = None
    error: dict[str, Any] | None = None
    cancelled: bool = False
    fault: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Evidence:
    """What a run has left on disk.

    Attributes:
        result: The worker's ``result.json``, if it is this run's.
        absent: Outputs that are not there.
        logTail: The last lines of the worker's log.
    """

    result: dict[str, Any] | None
    absent: tuple[Path, ...]
    logTail: str

    @classmethod
    def of(cls, request: JobRequest, log: Path) -> "Evidence":
        """Look at what there is; on any thread."""
        absent = tuple(path for path in request.job.outputs if not path.is_file())
        return cls(read_result(request), absent, logTail(log))

    @property
    def isComplete(self) -> bool:
        """Whether there is everything that a successful run leaves."""
        return self.result is not None and not self.absent


def eventIn(line: bytes, runId: str) -> dict[str, Any] | None:
    """The event in a line, or None for whatever else a process may print."""
    try:
        return read_event(line, runId)
    except RecursionError:
        return None


def judge(end: WorkerEnd, evidence: Evidence) -> JobOutcome:
    """Tell how a job ended; success takes exit code 0, this run's result and its output files."""
    if end.exitCode == ExitCode.OK and end.error is None and not end.fault and evidence.isComplete:
        # Also after a request to cancel that came when the outputs were in place.
        return JobOutcome(JobEnd.SUCCEEDED, "", "", evidence.logTail, evidence.result)
    if end.cancelled and end.fault != "unending":
        return JobOutcome(JobEnd.CANCELLED, "cancelled", _("Cancelled."), evidence.logTail)
    code, message = _failure(end, evidence)
    ended = JobEnd.CANCELLED if code == "cancelled" else JobEnd.FAILED
    return JobOutcome(ended, code, message, evidence.logTail)


def logTail(log: Path) -> str:
    """The last lines of a log, of which nobody knows the encoding or the length; ``""`` if there is none."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-_TAIL_LINES:]).strip()


def _failure(end: WorkerEnd, evidence: Evidence) -> tuple[str, str]:
    """The code and the message of a job that did not succeed."""
    said = str((end.error or {}).get("message") or "")
    missing = _MISSING_MODULE.search(evidence.logTail if end.error is None else said)
    if end.fault:
        return end.fault, _faults()[end.fault].format(end.detail)
    if missing and end.exitCode != ExitCode.OK:
        message = _("The Python package {0} is missing. Install the packages that the panel needs, then try again.")
        return "missing_package", message.format(missing.group(1))
    if end.error is not None:
        return str(end.error.get("code") or "internal"), said or _("The background process gave no reason.")
    if end.exitCode == ExitCode.CANCELLED:
        return "cancelled", _("The background process was asked to stop from outside.")
    if end.exitCode != ExitCode.OK:
        how = _("it was killed") if end.exitCode is None else _("exit code {0}").format(end.exitCode)
        return "crashed", _faults()["crashed"].format(how)
    if evidence.result is None:
        return "no_result", _("The background process said that all went well, but left no result of this run.")
    return "no_output", _("A result was promised, but there is no file {0}.").format(evidence.absent[0].name)


def _faults() -> dict[str, str]:
    return {
        "start_failed": _(
            "The background process could not be started: {0} Expected Slicer's own Python there; if it is missing, "
            "reinstall Slicer."
        ),
        "crashed": _(
            "The background process broke down ({0}) before there was a result. Often too little memory is the reason: "
            "close other programs, or choose the CPU under Advanced, and try again."
        ),
        "stalled": _(
            "The background process gave no sign of life for {0} seconds and was ended. Try again; if it happens "
            "anew, choose the CPU under Advanced."
        ),
        "unending": _(
            "The background process was told to end, but does not (process {0}). End it in the system's list of "
            "processes, or restart the computer."
        ),
        "job_unwritable": _("The job could not be handed over: {0}"),
    }
