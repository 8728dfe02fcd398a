"""The words between a worker and whoever started it: exit codes, failures and lines of JSON.

A worker's standard output carries one JSON object a line. Each has the ``run_id`` of its job and an ``event``:

===========  =======================================================================================
event        other fields
===========  =======================================================================================
started      ``pid``, ``version`` (of mrsynth), ``source``, ``model``
progress     ``stage``, ``done``, ``total``, ``eta_s`` (null while unknown), ``device`` (null before it is known)
heartbeat    ``elapsed_s``; about once a second, whatever else happens
warning      ``message``
error        ``code``, ``message``, ``exit_code``; the last line of a run that failed or was cancelled
finished     ``result`` (path of result.json); the last line of a run that succeeded
===========  =======================================================================================
"""

import json
import threading
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, BinaryIO

from mrsynth.errors import Cancelled, InputError, OutputError

PROTOCOL_VERSION = 1
EVENTS = ("started", "progress", "heartbeat", "warning", "error", "finished")
STALLED_AFTER_S = 0.5


class ExitCode(IntEnum):
    """How the command line and the worker end."""

    OK = 0
    FAILURE = 1
    BAD_INPUT = 2
    CANCELLED = 130


@dataclass(frozen=True)
class Failure:
    """Why a run ended without a result.

    Attributes:
        code: A stable word for programs.
        message: One line for people.
        exit_code: What the process returns.
    """

    code: str
    message: str
    exit_code: ExitCode

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """The failure that an exception stands for."""
        message = " ".join(str(error).split())
        if isinstance(error, (Cancelled, KeyboardInterrupt)):
            return cls("cancelled", message or "cancelled", ExitCode.CANCELLED)
        if isinstance(error, (InputError, OutputError)):
            return cls(error.code, message, ExitCode.BAD_INPUT)
        # torch.OutOfMemoryError is known by its name, so that torch need not be imported to fail.
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            return cls("out_of_memory", f"not enough memory: {message}".rstrip(": "), ExitCode.FAILURE)
        return cls("internal", f"{type(error).__name__}: {message}".rstrip(": "), ExitCode.FAILURE)

    @property
    def unexpected(self) -> bool:
        """Whether this is a defect of the program, whose traceback someone will want to see."""
        return self.code == "internal"


class EventWriter:
    """Writes the events of one run, from any thread, one whole line at a time.

    A reader that has closed its end is no reason to stop: the outcome stands in ``result.json`` as well.
    """

    def __init__(self, stream: BinaryIO, run_id: str | None) -> None:
        self.run_id = run_id
        self._stream = stream
        self._lock = threading.Lock()
        self._closed = False

    def write(self, event: str, **fields: Any) -> None:
        """Write one event; ``fields`` must be representable in JSON."""
        line = json.dumps({"run_id": self.run_id, "event": event, **fields}) + "\n"
        # A reader that has stalled holds up the thread that is writing, but no other.
        if not self._lock.acquire(timeout=STALLED_AFTER_S):
            return
        try:
            if not self._closed:
                self._stream.write(line.encode("ascii"))
                self._stream.flush()
        except OSError:
            self._closed = True
        finally:
            self._lock.release()


def read_event(line: str | bytes, run_id: str) -> dict[str, Any] | None:
    """The event in one line of a worker's output, or None for noise and for lines of another run."""
    try:
        document = json.loads(line)
    except ValueError:
        return None
    if not isinstance(document, dict) or document.get("event") not in EVENTS or document.get("run_id") != run_id:
        return None
    return document
