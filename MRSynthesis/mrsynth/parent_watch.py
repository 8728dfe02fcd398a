"""Is the process that asked for this work still there?"""

import psutil

_SAME_START_S = 2.0
"""Two readings of one process' start may differ by this much, as the system's clock is set now and then."""


class ParentWatch:
    """Knows one process by its number and its start, so that a later one with the same number is not taken for it.

    Args:
        pid: The process, or None for one that never ends.
        created: When it began, in seconds since 1970; None if that is not known.
    """

    def __init__(self, pid: int | None, created: float | None = None) -> None:
        self._watched = pid is not None
        self._process = _find(pid, created) if self._watched else None

    def is_gone(self) -> bool:
        """Whether the process has ended."""
        if not self._watched:
            return False
        if self._process is None:
            return True
        try:
            # One that nobody has waited for still has its number, though it has ended.
            return not self._process.is_running() or self._process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False


def _find(pid: int, created: float | None) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        if created is not None and abs(process.create_time() - created) > _SAME_START_S:
            return None
    except psutil.NoSuchProcess:
        return None
    return process
