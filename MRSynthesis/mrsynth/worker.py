"""Synthesis in a process of its own: one job, or one job after the other.

What comes in and goes out is described in ``job_file`` (files) and ``job_protocol`` (lines on standard output, exit
codes). Diagnostics of every kind go to standard error.

``python -X utf8 -u -m mrsynth.worker job.json`` does one job and ends with its exit code.

``python -X utf8 -u -m mrsynth.worker --warm`` stays for further jobs, which spares them the start: importing PyTorch
takes longer than many a synthesis. It begins to import at once, before there is a job. Its protocol:

1. A job is given by one line on standard input: the path of its job file in UTF-8, then a newline. The next line may be
   written once the job before it has ended.
2. A job has ended when its ``finished`` or ``error`` line has come (with its run id), or when the process has ended. It
   was successful if the line is ``finished`` *and* there is a ``result.json`` with the run's id. The exit code tells
   nothing more of a job whose line has come; if the process ends before, the job has failed.
3. Cancelling is as ever: the flag file in the run's folder, or a signal. If the work stops by itself the process stays;
   if it has to be stopped, the process ends with it (exit code 130).
4. The process stays after ``finished``, after bad input (exit code 2 in the line) and after a cancelled job. It ends
   after any other failure, after a job file whose run id cannot be read, once standard input is closed and the jobs
   that came before are done, or when no job has come for ``IDLE_S``. So whoever started it finds the process either
   gone, and starts another, or ready. While a job is done its ``parent_pid`` counts as well.
5. While a job is done, standard error is the file ``worker.log`` in its folder, where the folder takes one.
6. Nothing of a job is kept for the next one, neither the model nor memory: between jobs the process holds what it
   imported (some 300 MB), and a job's result does not depend on those before it.
"""

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import mrsynth
from mrsynth.atomic_file import refused_write
from mrsynth.errors import InputError
from mrsynth.job_file import LOG_NAME, JobRequest, read_document, read_request
from mrsynth.job_lines import JobLines
from mrsynth.job_protocol import EventWriter, ExitCode, Failure
from mrsynth.job_watch import JobWatch
from mrsynth.json_file import write_json
from mrsynth.process_memory import ask_for_large_pages, give_back_memory
from mrsynth.progress import EtaClock, Progress

PROGRESS_EVERY_S = 0.1
IDLE_S = 300.0
WARM = "--warm"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for, see above, and return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    stream = claim_standard_output()
    ask_for_large_pages()
    if list(arguments) == [WARM]:
        return serve(JobLines(sys.stdin.buffer), stream)
    return _do(arguments, EventWriter(stream, None), _at_once)


def serve(jobs: JobLines, stream: BinaryIO, idle_s: float = IDLE_S) -> int:
    """Do one job after the other, as a warm worker, and return the exit code of the process.

    Args:
        jobs: Where the jobs come from.
        stream: Where the events go.
        idle_s: How long to wait for another job.
    """
    imports = threading.Thread(target=_import_ahead, name="imports", daemon=True)
    imports.start()
    with contextlib.suppress(KeyboardInterrupt):  # nobody loses a result by it
        while (path := jobs.next(idle_s)) is not None:
            events = EventWriter(stream, None)
            with _signals_restored(), _log_in(path.parent):
                code = _do([str(path)], events, imports.join)
            if events.run_id is None or code == ExitCode.FAILURE:
                return code
            give_back_memory()
    return int(ExitCode.OK)


def _do(arguments: Sequence[str], events: EventWriter, ready: Callable[[], None]) -> int:
    """Do the job in the file that is named, and return its exit code."""
    try:
        request = _request(arguments, events)
        events.run_id = request.run_id
        run_request(request, events, ready)
    except BaseException as error:  # noqa: BLE001 (whatever ends the work, the other side must be told)
        return report_failure(Failure.of(error), "mrsynth.worker", events)
    events.write("finished", result=str(request.result_file))
    return int(ExitCode.OK)


def _at_once() -> None:
    """Wait for nothing."""


def _import_ahead() -> None:
    """Import what takes longest; what fails here fails again, and is told, when a job needs it."""
    with contextlib.suppress(Exception):
        import mrsynth.models.weights
        import mrsynth.synthesis
        import mrsynth.synthesis_run  # noqa: F401


def claim_standard_output() -> BinaryIO:
    """Keep standard output for the protocol, and send what libraries print there to standard error.

    The file descriptor itself is turned over, as native code does not know of ``sys.stdout``.
    """
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return stream


@contextlib.contextmanager
def _log_in(folder: Path) -> Iterator[None]:
    """Send what is written to standard error, by native code too, to a run's own log."""
    usual = os.dup(2)
    with contextlib.suppress(OSError), open(folder / LOG_NAME, "ab") as log:
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(usual, 2)
        os.close(usual)


def run_request(request: JobRequest, events: EventWriter, ready: Callable[[], None] = _at_once) -> None:
    """Do a job, telling of it as it goes on, and write its result last.

    Args:
        request: The job.
        events: Who is told.
        ready: Waits until the process can begin with the work.

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
        ready()
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

    for number in _ending_signals():
        signal.signal(number, handle)


@contextlib.contextmanager
def _signals_restored() -> Iterator[None]:
    """Let signals mean afterwards what they meant before: a process that waits for a job is ended by them."""
    before = {number: signal.getsignal(number) for number in _ending_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ending_signals() -> list[signal.Signals]:
    names = ("SIGINT", "SIGTERM", "SIGBREAK")  # the last is what Windows has instead of the second
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def report_failure(failure: Failure, program: str, events: EventWriter) -> int:
    """Tell why a job ended without a result, in the log and to whoever follows it; return the exit code.

    Args:
        failure: Of the exception that is being handled.
        program: Who says so in the log.
        events: Where lines for the follower go.
    """
    if failure.unexpected:
        traceback.print_exc(file=sys.stderr)
    print(f"{program}: {failure.message}", file=sys.stderr)
    events.write("error", code=failure.code, message=failure.message, exit_code=int(failure.exit_code))
    return int(failure.exit_code)


if __name__ == "__main__":
    sys.exit(main())
