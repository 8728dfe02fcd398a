"""One worker that is waited for: for scripts, which have no event loop to keep going. Touches neither Qt nor MRML."""

import contextlib
import os
import queue
import subprocess
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from mrsynth.job_file import JobRequest
from mrsynth.staged_outputs import remove_staging
from MRSynthesisLib.JobOutcome import Evidence, JobEnd, JobOutcome, WorkerEnd, eventIn, judge
from MRSynthesisLib.ProcessTree import endTrees, ownStart, watchedProcess
from MRSynthesisLib.WorkerLaunch import WorkerLaunch, workerLaunch

_LOOK_EVERY_S = 0.2
_GRACE_S = 4.0


class BlockingJob:
    """Runs one job to its end.

    Args:
        request: What to do; its folder is the run's own and must exist.
        launch: What to start instead of the worker; for tests.
        silenceS: For how long the worker may say nothing before it is ended.

    Attributes:
        warnings: What the worker had to say, in order.
    """

    def __init__(self, request: JobRequest, launch: WorkerLaunch | None = None, silenceS: float = 60.0) -> None:
        self._request, self._launch, self._silenceS = request, launch, silenceS
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._end = WorkerEnd()
        self._processes: list[Any] = []
        self.warnings: list[str] = []

    def run(self) -> JobOutcome:
        """Start the worker, hear it out and tell what came of it; its process is gone afterwards.

        Raises:
            OutputError: The job could not be handed over.
            KeyboardInterrupt: Somebody interrupted the wait; the worker was asked to stop, and has.
        """
        log = self._request.log_file
        jobFile = replace(self._request, parent_pid=os.getpid(), parent_created=ownStart()).write()
        launch = self._launch or workerLaunch(jobFile)
        try:
            process = _started(launch, log)
        except OSError as error:
            self._end.fault, self._end.detail = "start_failed", f"{launch.program}: {error.strerror or error}."
        else:
            self._attend(process)
        outcome = judge(self._end, Evidence.of(self._request, log))
        if outcome.end is not JobEnd.SUCCEEDED:
            remove_staging(self._request.job.outputs, self._request.run_id)
        return outcome

    def _attend(self, process: subprocess.Popen) -> None:
        self._processes.append(watchedProcess(process.pid))
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()
        try:
            self._hear()
            self._end.exitCode = None if self._end.fault else process.wait(self._silenceS)
        except KeyboardInterrupt:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                self._request.cancel_file.touch()
                process.wait(_GRACE_S)
            raise
        except subprocess.TimeoutExpired:
            self._end.fault, self._end.detail = "stalled", f"{self._silenceS:.0f}"
        finally:
            endTrees(self._processes)
            process.kill()
            process.wait()
            if self._end.exitCode is None:
                remove_staging(self._request.job.outputs, self._request.run_id)

    def _read(self, stream: BinaryIO) -> None:
        """On a thread, as reading cannot be given up."""
        with stream:
            for line in stream:
                self._lines.put(line)
        self._lines.put(None)

    def _hear(self) -> None:
        """Take the worker's lines until there are no more, or none comes for too long."""
        silentS = 0.0
        while silentS < self._silenceS:
            try:
                line = self._lines.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                silentS += _LOOK_EVERY_S
                continue
            if line is None:
                return
            if (event := eventIn(line, self._request.run_id)) is not None:
                silentS = 0.0
                self._heed(event)
        self._end.fault, self._end.detail = "stalled", f"{self._silenceS:.0f}"

    def _heed(self, event: dict[str, Any]) -> None:
        if event["event"] == "started" and type(event.get("pid")) is int:
            self._processes.append(watchedProcess(event["pid"]))
        elif event["event"] == "warning":
            self.warnings.append(str(event.get("message", "")))
        elif event["event"] == "error":
            self._end.error = event


def _started(launch: WorkerLaunch, log: Path) -> subprocess.Popen:
    options = {"creationflags": subprocess.CREATE_NO_WINDOW} if os.name == "nt" else {}
    with open(log, "wb") as errors:
        return subprocess.Popen(
            [launch.program, *launch.arguments],
            env=dict(launch.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            **options,
        )
