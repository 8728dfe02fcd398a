"""One synthesis in a process of its own: ``python -X utf8 -u -m mrsynth.worker job.json``.

What comes in and goes out is described in ``job_file`` (files) and ``job_protocol`` (lines on standard output, exit
codes). Diagnostics of every kind go to standard error.
"""

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import mrsynth
from mrsynth.atomic_file import refused_write
from mrsynth.errors import InputError
from mrsynth.job_file import JobRequest, read_document, read_request
from mrsynth.job_protocol import EventWriter, ExitCode, Failure
from mrsynth.job_watch import JobWatch
from mrsynth.json_file import write_json
from mrsynth.progress import EtaClock, Progress

PROGRESS_EVERY_S = 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the job in the file that the command line names, and return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    events = EventWriter(claim_standard_output(), None)
    try:
        request = _request(arguments, events)
        events.run_id = request.run_id
        run_request(request, events)
    except BaseException as error:  # noqa: BLE001 (whatever ends the work, the other side must be told)
        return _report(error, events)
    events.write("finished", result=str(request.result_file))
    return int(ExitCode.OK)


def claim_standard_output() -> BinaryIO:
    """Keep standard output for the protocol, and send what libraries print there to standard error.

    The file descriptor itself is turned over, as native code does not know of ``sys.stdout``.
    """
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return stream


def run_request(request: JobRequest, events: EventWriter) -> None:
    """Do a job, telling of it as it goes on, and write its result last.

    Raises:
        InputError: Something that was given cannot be used.
        OutputError: An output or the result could not be written.
        Cancelled: The run was asked to stop.
    """
    _discard_result(request)
    watch = JobWatch(request, events)
    _cancel_on_signals(watch)
    job = request.job
    events.write("started", pid=os.getpid(), version=mrsynth.__version__, source=str(job.source), model=job.model)
    watch.start()
    try:
        # Only now, as importing takes a while during which the watch should be on.
        from mrsynth.synthesis_run import RunHooks, run_job

        def warn(message: str) -> None:
            events.write("warning", message=message)

        result = run_job(job, RunHooks(_ProgressTeller(events), warn, watch.cancelled, watch.committing))
    finally:
        watch.stop()
    write_json(request.result_file, result.to_dict())


class _ProgressTeller:
    """Writes progress, but not oftener than anyone can look."""

    def __init__(self, events: EventWriter) -> None:
        self._events = events
        self._clock = EtaClock()
        self._told: tuple[str, str, float] = ("", "", 0.0)

    def __call__(self, progress: Progress) -> None:
        eta_s, now = self._clock.eta_s(progress), time.monotonic()
        *stage, told_s = self._told
        soon = stage == [progress.stage, progress.device] and now - told_s < PROGRESS_EVERY_S
        if soon and progress.done < progress.total:
            return
        self._told = (progress.stage, progress.device, now)
        self._events.write(
            "progress",
            stage=progress.stage,
            done=progress.done,
            total=progress.total,
            eta_s=None if eta_s is None else round(eta_s, 1),
            device=progress.device or None,
        )


def _request(arguments: Sequence[str], events: EventWriter) -> JobRequest:
    if len(arguments) != 1:
        raise InputError(f"expected one argument, the job file, found {len(arguments)}", "bad_job")
    path = Path(arguments[0])
    # A job that cannot be done may still say whose it is.
    with contextlib.suppress(InputError):
        run_id = read_document(path).get("run_id")
        events.run_id = run_id if isinstance(run_id, str) else None
    return read_request(path)


def _discard_result(request: JobRequest) -> None:
    """Remove the result of an earlier attempt, which must not be taken for this one's."""
    try:
        request.result_file.unlink(missing_ok=True)
    except OSError as error:
        raise refused_write(request.result_file, error) from error


def _cancel_on_signals(watch: JobWatch) -> None:
    def handle(number: int, frame: FrameType | None) -> None:
        watch.cancel()

    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last is what Windows has instead of the second
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), handle)


def _report(error: BaseException, events: EventWriter) -> int:
    failure = Failure.of(error)
    if failure.unexpected:
        traceback.print_exc(file=sys.stderr)
    print(f"mrsynth.worker: {failure.message}", file=sys.stderr)
    events.write("error", code=failure.code, message=failure.message, exit_code=int(failure.exit_code))
    return int(failure.exit_code)


if __name__ == "__main__":
    sys.exit(main())
