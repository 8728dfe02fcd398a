"""The temporary folder of a run: named after the process that made it, so that one left behind is known as such."""

import os
import re
import shutil
import tempfile
from pathlib import Path

import slicer

_OWN = re.compile(r"mrsynthesis-(\d+)-\w+")
_KEPT_PREFIX = "mrsynthesis-kept-"
"""Of folders that are somebody else's to remove: the user asked for them."""


def makeRunFolder(kept: bool = False) -> Path:
    """Make a folder for one run among the application's temporary files; on the main thread.

    Args:
        kept: Whether its files shall stay.

    Raises:
        OSError: There is no place for it.
    """
    prefix = _KEPT_PREFIX if kept else f"mrsynthesis-{os.getpid()}-"
    return Path(tempfile.mkdtemp(prefix=prefix, dir=slicer.app.temporaryPath))


def removeStaleFolders(place: Path) -> None:
    """Remove the folders of runs whose process is gone, scans and all; on any thread.

    Without psutil nothing is removed, as nobody knows then which process lives.
    """
    try:
        import psutil
    except ImportError:
        return
    try:
        names = [path for path in place.iterdir() if path.is_dir() and not path.is_symlink()]
    except OSError:
        return
    for path in names:
        match = _OWN.fullmatch(path.name)
        if match and not psutil.pid_exists(int(match.group(1))):
            shutil.rmtree(path, ignore_errors=True)
