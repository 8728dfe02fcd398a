"""A process that behaves as a worker should not: ``python scripted_worker.py job.json BEHAVIOUR``.

It writes its own number, and those of processes it starts, into the file ``pids`` of the run's folder.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mrsynth.job_file import JobRequest, read_request
from mrsynth.staged_outputs import staging_folder

FOREVER_S = 120


def main() -> int:
    path, behaviour = Path(sys.argv[1]), sys.argv[2]
    request = read_request(path)
    note(request, os.getpid())
    return BEHAVIOURS[behaviour](request)


def note(request: JobRequest, pid: int) -> None:
    with open(request.folder / "pids", "a", encoding="ascii") as file:
        file.write(f"{pid}\n")


def write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def say(request: JobRequest, event: str, **fields: object) -> None:
    write(json.dumps({"run_id": request.run_id, "event": event, **fields}).encode("ascii") + b"\n")


def stage(request: JobRequest) -> None:
    """Begin an output, as if there had been time to."""
    folder = staging_folder(request.job.output, request.run_id)
    folder.mkdir(parents=True)
    (folder / "half").write_bytes(b"half of a head")


def begin(request: JobRequest) -> None:
    stage(request)
    say(request, "started", pid=os.getpid(), version="0", source="", model="")


def succeed(request: JobRequest, run_id: str = "", output: bool = True) -> int:
    if output:
        request.job.output.parent.mkdir(exist_ok=True)
        request.job.output.write_bytes(b"a head")
    request.result_file.write_text(json.dumps({"run_id": run_id or request.run_id}), encoding="ascii")
    say(request, "finished", result=str(request.result_file))
    return 0


def noise(request: JobRequest) -> int:
    """Everything a process may print between two lines that count, and these in pieces."""
    begin(request)
    write(b"\xff\xfe\x00 not a text \x80\n\n{}\n[1, 2]\nnull\n" + b"[" * 200_000 + b"\n")
    write(json.dumps({"run_id": "another", "event": "warning", "message": "not ours"}).encode() + b"\n")
    for fields in ({"done": "x", "total": None}, {"stage": 3}, {"done": 1, "total": 2, "eta_s": "soon"}):
        say(request, "progress", **fields)
    line = json.dumps({"run_id": request.run_id, "event": "progress", "stage": "synthesis", "done": 1, "total": 4})
    for piece in (line[:7], line[7:30], line[30:] + "\r\n" + line[:5]):
        write(piece.encode())
        time.sleep(0.02)
    write(line[5:].replace(": 1", ": 3").encode() + b"\n")
    say(request, "warning", message="a warning")
    staging_folder(request.job.output, request.run_id).joinpath("half").unlink()
    staging_folder(request.job.output, request.run_id).rmdir()
    succeed(request)
    write(b"and no end of line")
    return 0


def flood(request: JobRequest) -> int:
    begin(request)
    for _ in range(8):
        write(b"x" * (1 << 20))
    say(request, "never", message="the line that began with a flood is lost")
    return 3


def silent(request: JobRequest) -> int:
    begin(request)
    time.sleep(FOREVER_S)
    return 0


def closed(request: JobRequest) -> int:
    """Closes its output, but does not end."""
    begin(request)
    os.close(1)
    time.sleep(FOREVER_S)
    return 0


def deaf(request: JobRequest) -> int:
    """Shows signs of life, takes no notice of anything, and has a child."""
    if hasattr(signal, "SIGTERM"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({FOREVER_S})"])
    note(request, child.pid)
    begin(request)
    end = time.monotonic() + FOREVER_S
    while time.monotonic() < end:
        say(request, "heartbeat", elapsed_s=1)
        time.sleep(0.05)
    return 0


def launcher(request: JobRequest) -> int:
    """Starts the real work in a child, as PythonSlicer does."""
    return subprocess.call([sys.executable, __file__, sys.argv[1], "silent"])


def broken(request: JobRequest) -> int:
    begin(request)
    print("the last word ü", file=sys.stderr, flush=True)
    return 3


def killed(request: JobRequest) -> int:
    begin(request)
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def refused(request: JobRequest) -> int:
    begin(request)
    say(request, "error", code="constant", message="expected an image, found that every voxel is 0", exit_code=2)
    return 2


def unprepared(request: JobRequest) -> int:
    import no_such_package  # noqa: F401

    return 0


def unprepared_later(request: JobRequest) -> int:
    say(request, "error", code="internal", message="ModuleNotFoundError: No module named 'torch'", exit_code=1)
    return 1


def stopped(request: JobRequest) -> int:
    begin(request)
    return 130


def late(request: JobRequest) -> int:
    """Is asked to stop when all is done."""
    say(request, "started", pid=os.getpid(), version="0", source="", model="")
    while not request.cancel_file.exists():
        time.sleep(0.01)
    return succeed(request)


def empty_handed(request: JobRequest) -> int:
    begin(request)
    return 0


BEHAVIOURS: dict[str, Callable[[JobRequest], int]] = {
    "succeed": succeed,
    "other-result": lambda request: succeed(request, run_id="another"),
    "no-output": lambda request: succeed(request, output=False),
    "no-result": empty_handed,
    **{
        each.__name__.replace("_", "-"): each for each in (noise, flood, silent, closed, deaf, launcher, broken, killed)
    },
    **{each.__name__.replace("_", "-"): each for each in (broken, killed, refused, stopped, late)},
    **{each.__name__.replace("_", "-"): each for each in (unprepared, unprepared_later)},
}

if __name__ == "__main__":
    sys.exit(main())
