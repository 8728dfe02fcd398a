"""A double of slicer.packaging that records and installs nothing; after Slicer's Base/Python/slicer/packaging.py."""

import importlib.metadata
import subprocess
from pathlib import Path

from packaging.requirements import Requirement

calls: list[tuple[str, list[str]]] = []
# What happens on an installation: "install", "decline" or "fail".
outcome = "install"
# Names of packages that count as missing, whatever is installed.
pretendedMissing: set[str] = set()


def reset() -> None:
    """Back to the start."""
    global outcome
    outcome = "install"
    calls.clear()
    pretendedMissing.clear()


def load_requirements(path: str | Path) -> list[Requirement]:
    """Requirements of a file, without comments and options of pip."""
    lines = [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def pip_check(req: str | Requirement | list) -> bool:
    """Whether requirements are met."""
    return all(_isMet(Requirement(str(one))) for one in (req if isinstance(req, list) else [req]))


def pip_ensure(requirements: str | Requirement | list, requester: str | None = None, **options: object) -> None:
    """Record what would be installed.

    Raises:
        RuntimeError: the user declines.
        subprocess.CalledProcessError: pip fails.
    """
    missing = [
        one for one in (requirements if isinstance(requirements, list) else [requirements]) if not pip_check(one)
    ]
    calls.append((requester or "", [str(one) for one in missing]))
    if not missing:
        return
    if outcome == "decline":
        raise RuntimeError("User declined package installation")
    if outcome == "fail":
        raise subprocess.CalledProcessError(1, ["pip", "install"])
    pretendedMissing.difference_update(Requirement(str(one)).name for one in missing)


def pip_install(requirements: object, **options: object) -> None:
    """Refused: nothing is installed without asking."""
    raise RuntimeError(f"pip_install was called with {requirements}; use pip_ensure, which asks the user")


def _isMet(requirement: Requirement) -> bool:
    if requirement.marker and not requirement.marker.evaluate():
        return True
    if requirement.name in pretendedMissing:
        return False
    try:
        return requirement.specifier.contains(importlib.metadata.version(requirement.name), prereleases=True)
    except importlib.metadata.PackageNotFoundError:
        return False
