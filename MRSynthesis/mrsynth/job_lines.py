"""The jobs that come to a warm worker, one after the other on its standard input."""

import queue
import threading
from pathlib import Path
from typing import BinaryIO


class JobLines:
    """Paths of job files, in UTF-8, one a line; blank lines are passed over.

    A thread of its own reads them, so that waiting for the next one can come to an end.

    Args:
        stream: Where they come from; it is read to its end.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="job-lines", daemon=True).start()

    def next(self, patience_s: float) -> Path | None:
        """Wait for a job and return the path of its file; None if none came in time, or none will come any more."""
        try:
            line = self._lines.get(timeout=patience_s)
        except queue.Empty:
            return None
        return None if line is None else Path(line.decode("utf-8", "surrogateescape"))

    def _read(self) -> None:
        try:
            for line in iter(self._stream.readline, b""):
                if line.strip():
                    self._lines.put(line.rstrip(b"\r\n"))
        finally:
            self._lines.put(None)  # whether the stream has ended or cannot be read
