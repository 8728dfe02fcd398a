"""Ctrl-C and its relatives: the work stops at once, except where stopping would leave half of something."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

from mrsynth.job_protocol import ExitCode

SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
"""Windows knows the first and the third, other systems all but the third."""

GRACE_S = 1.0
"""Python notices a signal between two of its own steps. A convolution that takes longer than this is not waited for."""


class Interruption:
    """Turns signals into ``KeyboardInterrupt`` in the main thread, while the context lasts."""

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._committing = threading.Lock()
        self._shielded = False
        self._earlier: dict[int, Any] = {}
        self._bells: tuple[socket.socket, socket.socket] | None = None
        self._earlier_bell = -1

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        for name in SIGNALS:
            number = getattr(signal, name, None)
            # What was told to be ignored (by nohup, say) stays ignored.
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._earlier[number] = signal.signal(number, self._handle)
        # The system writes to the one end as soon as a signal comes, whatever the main thread is in the middle of.
        self._bells = socket.socketpair()
        self._bells[1].setblocking(False)
        self._earlier_bell = signal.set_wakeup_fd(self._bells[1].fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._listen, args=(self._bells[0],), name="signal-listener", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        if self._bells is not None:
            signal.set_wakeup_fd(self._earlier_bell)
            self._bells[1].close()  # which ends the listener, who closes the other

    def requested(self) -> bool:
        """Whether a signal has come."""
        return self._requested.is_set()

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """A context that signals do not break into; they are remembered."""
        with self._committing:
            self._shielded = True
            try:
                yield
            finally:
                self._shielded = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._requested.set()
        if not self._shielded:
            raise KeyboardInterrupt("cancelled")

    def _listen(self, bell: socket.socket) -> None:
        """End the process if a signal has come and the main thread does not get to notice it."""
        with bell:
            while rung := bell.recv(1):
                if rung[0] not in self._earlier or self._requested.wait(GRACE_S):
                    continue
                with self._committing:
                    print("\ncancelled", file=sys.stderr, flush=True)
                    os._exit(ExitCode.CANCELLED)
