"""Looks whether an object goes with its last reference: Python's collector does not see through PythonQt's objects."""

import gc
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from slicer_host.events import wait_until


@contextmanager
def noCollector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def isFreed(make: Callable[[], object]) -> bool:
    """Whether what a function has made is gone a few turns of the event loop after it was let go of."""
    with noCollector():
        reference = weakref.ref(make())
        turns(0.1)
        return reference() is None


def turns(seconds: float) -> None:
    """Let the event loop go on for a while."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end)
