"""What starts a process of the library: which Python, with which arguments, in which environment.

In Slicer that is ``PythonSlicer``, a launcher that sets up Slicer's own paths and starts the real interpreter as its
child. It is given the environment that Slicer itself runs in, as Slicer's own Python processes are: the environment
from before Slicer's start lacks the paths of its extensions.
"""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import mrsynth

_LAUNCHER = "PythonSlicer"


@dataclass(frozen=True)
class WorkerLaunch:
    """A program, its arguments and its whole environment."""

    program: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]


def workerLaunch(jobFile: Path) -> WorkerLaunch:
    """What does one job: always ``-m``, and text in UTF-8 whatever the system's language."""
    return moduleLaunch(("-u", "-m", "mrsynth.worker", str(jobFile)))


def warmLaunch() -> WorkerLaunch:
    """What does one job after the other, as they are given to its standard input."""
    return moduleLaunch(("-u", "-m", "mrsynth.worker", "--warm"))


def commandLaunch(arguments: Sequence[str]) -> WorkerLaunch:
    """What runs the command ``mrsynth`` with some arguments."""
    return moduleLaunch(("-m", "mrsynth.cli.main", *arguments))


def selfCheckLaunch() -> WorkerLaunch:
    """What tells of versions and devices, as one JSON document."""
    return commandLaunch(("self-check", "--json"))


def pythonProgram() -> str:
    """Slicer's Python, or this process' own where there is no Slicer.

    If neither is to be found, its name is returned: starting it then fails with that name.
    """
    beside = _slicerHome() / "bin" / (f"{_LAUNCHER}.exe" if os.name == "nt" else _LAUNCHER)
    return shutil.which(_LAUNCHER) or (str(beside) if beside.is_file() else sys.executable) or _LAUNCHER


def moduleLaunch(arguments: Sequence[str], packages: Sequence[ModuleType] = ()) -> WorkerLaunch:
    """What runs a module of the library, or of packages that use it.

    Args:
        arguments: Of Python: ``-m`` and the module's name, and what comes before and after.
        packages: Those packages.
    """
    return WorkerLaunch(pythonProgram(), ("-X", "utf8", *arguments), _environment([mrsynth, *packages]))


def _environment(packages: Sequence[ModuleType]) -> dict[str, str]:
    """This process' environment with the folders that hold packages first among Python's."""
    folders = [str(Path(folder).resolve().parent) for package in packages for folder in package.__path__]
    known = os.environ.get("PYTHONPATH", "")
    return os.environ | {"PYTHONPATH": os.pathsep.join([*dict.fromkeys(folders), *filter(None, [known])])}


def _slicerHome() -> Path:
    """Slicer's folder; one that holds nothing of the kind where there is no application."""
    import slicer

    return Path(getattr(getattr(slicer, "app", None), "slicerHome", "") or os.devnull)
