"""The Python packages that a synthesis needs, and their installation with the user's consent.

Nothing is imported to find out what is there, PyTorch least of all: importing it takes seconds, and its files could not
be replaced afterwards.
"""

import importlib
import importlib.util
from pathlib import Path

import slicer.packaging
from slicer.i18n import tr as _

REQUESTER = "MRSynthesis"
TORCH = "torch>=2.5"
REQUIREMENTS = Path(__file__).resolve().parents[1] / "Resources" / "requirements.txt"


class MissingExtension(RuntimeError):
    """Another extension is needed that is not installed."""


def missingPackages() -> list[str]:
    """Names of packages that are missing or too old, PyTorch aside."""
    needed = slicer.packaging.load_requirements(REQUIREMENTS)
    return [requirement.name for requirement in needed if not slicer.packaging.pip_check(requirement)]


def hasTorch() -> bool:
    """Whether PyTorch is installed and recent enough."""
    return slicer.packaging.pip_check(TORCH) and importlib.util.find_spec("torch") is not None


def ensureInstalled() -> bool:
    """Install what is missing, each after asking; call it on the main thread, from what the user has clicked.

    Returns:
        Whether all is there now; False if the user declined.

    Raises:
        MissingExtension: PyTorch is missing, and so is the extension that brings it.
        RuntimeError: The PyTorch extension could not install it.
        subprocess.CalledProcessError: pip failed.
    """
    if not hasTorch() and not _installTorch():
        return False
    try:
        slicer.packaging.pip_ensure(slicer.packaging.load_requirements(REQUIREMENTS), requester=REQUESTER)
    except RuntimeError as error:
        # The one way in which Slicer tells that the user said no.
        if "declined" not in str(error):
            raise
        return False
    importlib.invalidate_caches()
    return hasTorch() and not missingPackages()


def _installTorch() -> bool:
    """Let the PyTorch extension ask and choose the build that fits this computer; False if the user declined."""
    try:
        import PyTorchUtils
    except ImportError as error:
        message = _(
            "Expected the extension PyTorch, which brings the library that the models run on, and did not find it. "
            "Install it with the Extensions Manager (View menu), restart Slicer and try again."
        )
        raise MissingExtension(message) from error
    requirement = TORCH.removeprefix("torch")
    torch = PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True, torchVersionRequirement=requirement)
    importlib.invalidate_caches()
    return torch is not None
