"""A process that stays for further jobs, and behaves as none should: ``scripted_warm_worker.py BEHAVIOUR``."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from scripted_worker import FOREVER_S, begin, deaf, note, say, silent, stage, succeed

from mrsynth.job_file import JobRequest, read_request
from mrsynth.staged_outputs import remove_staging


def jobs() -> Iterator[JobRequest]:
    for line in sys.stdin.buffer:
        request = read_request(Path(line.decode().rstrip("\n")))
        note(request, os.getpid())
        yield request


def do(request: JobRequest) -> None:
    """A job as it should be done."""
    begin(request)
    remove_staging(request.job.outputs, request.run_id)
    succeed(request)


def good() -> int:
    for request in jobs():
        do(request)
        print("between two jobs", flush=True)
        print("between two jobs", file=sys.stderr, flush=True)
    return 0


def gone() -> int:
    """Has no input."""
    return 0


def unanswering() -> int:
    if hasattr(signal, "SIGTERM"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(FOREVER_S)
    return 0


def once() -> int:
    do(next(jobs()))
    return 0


def once_and_unanswering() -> int:
    do(next(jobs()))
    return unanswering()


def breaking_down() -> int:
    stage(request := next(jobs()))
    say(request, "started", pid=os.getpid(), version="0", source="", model="")
    print("the last word ü", file=sys.stderr, flush=True)
    return 3


def staying_after_failure() -> int:
    request = next(jobs())
    begin(request)
    say(request, "error", code="internal", message="a defect", exit_code=1)
    return unanswering()


def launcher() -> int:
    """Starts the real work in a child, as PythonSlicer does."""
    return subprocess.call([sys.executable, __file__, "good"])


BEHAVIOURS: dict[str, Callable[[], int]] = {
    **{
        each.__name__.replace("_", "-"): each
        for each in (
            good,
            gone,
            unanswering,
            once,
            once_and_unanswering,
            breaking_down,
            staying_after_failure,
            launcher,
        )
    },
    "silent": lambda: silent(next(jobs())),
    "deaf": lambda: deaf(next(jobs())),
}

if __name__ == "__main__":
    sys.exit(BEHAVIOURS[sys.argv[1]]())
