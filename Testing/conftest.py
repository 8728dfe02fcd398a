"""What every test shares: a bound on threads, and the way to real scans where there are any."""

import os
import signal
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


def pytest_configure():
    """Bound the threads before a test file is imported, and torch with it: timing is then alike on all machines."""
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    os.environ.setdefault("MKL_NUM_THREADS", "2")
    # A shell has those whom it starts in the background ignore Ctrl-C, and theirs too: here it is to be tested.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real scans and label maps, which are no part of the project: ../shared/data or $MRSYNTH_DATA."""
    folder = Path(os.environ.get("MRSYNTH_DATA") or PROJECT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"needs scans that are no part of the project: no folder {folder}; name one in MRSYNTH_DATA")
    return folder
