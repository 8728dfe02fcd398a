"""Processes that this one has started, together with what they have started themselves. No Qt, no MRML.

``PythonSlicer`` is a launcher: ending it alone would leave the interpreter behind. psutil is imported late, since
Slicer has it only once the panel's packages were installed.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

GONE_WITHIN_S = 3.0


def watchedProcess(pid: int) -> Any | None:
    """A process that is known by its start, too, so that no later one is taken for it; None if it cannot be watched."""
    try:
        import psutil
    except ImportError:
        return None
    try:
        return psutil.Process(pid)
    except (psutil.Error, ValueError):
        return None


def ownStart() -> float | None:
    """When this process began, in seconds since 1970, if that can be found out."""
    process = watchedProcess(os.getpid())
    return None if process is None else process.create_time()


def askToEnd(root: Any) -> None:
    """Ask a process to end by itself, with what it has started; not on Windows, which knows no such question.

    Those are asked that do the work and have started no others: a launcher ends with them, and if it ended before,
    nobody would learn when the work has.

    Args:
        root: As ``watchedProcess`` gave it.
    """
    import psutil

    with contextlib.suppress(psutil.Error):
        for process in [root, *root.children(recursive=True)]:
            if not process.children():
                process.terminate()


def endTrees(processes: Iterable[Any | None], withinS: float = GONE_WITHIN_S) -> bool:
    """End processes and all that they have started, and wait a little until they are gone.

    Args:
        processes: As ``watchedProcess`` gave them; None is passed over.
        withinS: How long to wait.

    Returns:
        Whether none is left.
    """
    roots = [process for process in processes if process is not None]
    if not roots:
        return True
    import psutil

    doomed: list[Any] = []
    for root in roots:
        try:
            # The children first: afterwards nobody knows any more whose they were.
            doomed += [*root.children(recursive=True), root]
        except psutil.Error:
            continue
    for process in doomed:
        try:
            process.kill()
        except psutil.Error:
            continue
    return areGone(doomed, withinS)


def areGone(processes: Sequence[Any], withinS: float) -> bool:
    """Whether all have ended in time; one that only its parent has still to take note of has.

    Args:
        processes: As ``watchedProcess`` gave them.
        withinS: How long to wait.
    """
    import psutil

    end = time.monotonic() + withinS
    while True:
        if not any(process.is_running() and _status(process) != psutil.STATUS_ZOMBIE for process in processes):
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.02)


def _status(process: Any) -> str:
    import psutil

    try:
        return process.status()
    except psutil.NoSuchProcess:
        return psutil.STATUS_ZOMBIE
    except psutil.Error:
        return psutil.STATUS_RUNNING
