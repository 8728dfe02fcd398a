"""The thread beside a worker's work: it gives signs of life, and ends the process when nobody wants the result."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mrsynth.job_file import JobRequest
from mrsynth.job_protocol import EventWriter, ExitCode
from mrsynth.parent_watch import ParentWatch
from mrsynth.staged_outputs import remove_staging

LOOK_EVERY_S = 0.1
HEARTBEAT_EVERY_S = 1.0
GRACE_S = 1.0
"""How long the work may take to notice that it was cancelled, before the process is ended around it."""


class JobWatch:
    """Watches the cancel file and the parent while a job is done.

    Cancelling is cooperative: the work asks ``cancelled`` and stops. If it is somewhere where it cannot ask (reading,
    importing, a long convolution), the process is ended after ``GRACE_S``, but never while outputs are renamed.

    Args:
        request: The job.
        events: Where heartbeats go.
        patient: Whether the work always ends by itself once it is cancelled, after minutes maybe, and does so also when
            the parent is gone: it has something to keep.
    """

    def __init__(self, request: JobRequest, events: EventWriter, patient: bool = False) -> None:
        self._request = request
        self._events = events
        self._patient = patient
        self._parent = ParentWatch(request.parent_pid, request.parent_created)
        self._cancel = threading.Event()
        self._over = threading.Event()
        self._committing = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="job-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the watch: the work has ended by itself."""
        self._over.set()
        self._thread.join(timeout=HEARTBEAT_EVERY_S)

    def cancel(self) -> None:
        """Ask the work to stop; safe in a signal handler."""
        self._cancel.set()

    def cancelled(self) -> bool:
        """Whether somebody asked the work to stop."""
        if not self._cancel.is_set() and self._request.cancel_file.exists():
            self._cancel.set()
        return self._cancel.is_set()

    @contextmanager
    def committing(self) -> Iterator[None]:
        """The context in which outputs get their names: after it the work is done, and no longer to be cancelled."""
        with self._committing:
            yield
            self._over.set()

    def _watch(self) -> None:
        began = heartbeat = time.monotonic()
        cancelled_at: float | None = None
        while not self._over.wait(LOOK_EVERY_S):
            now = time.monotonic()
            if now - heartbeat >= HEARTBEAT_EVERY_S:
                heartbeat = now
                self._events.write("heartbeat", elapsed_s=round(now - began, 1))
            if cancelled_at is None and self.cancelled():
                cancelled_at = now
            if self._parent.is_gone():
                self.cancel()
                self._end("the process that asked for the work is gone")
            elif cancelled_at is not None and now - cancelled_at >= GRACE_S:
                self._end("cancelled")

    def _end(self, reason: str) -> None:
        """End the process, wherever its work is, unless its outputs are in place by now or it ends by itself."""
        if self._patient:
            return
        with self._committing:
            if self._over.is_set():
                return
            remove_staging(self._request.job.outputs, self._request.run_id)
            self._events.write("error", code="cancelled", message=reason, exit_code=int(ExitCode.CANCELLED))
            os._exit(ExitCode.CANCELLED)
