"""Where models lie: those that ship with the program, and those a user adds."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

USER_FOLDER_VARIABLE = "MRSYNTH_MODELS"
PACKAGE_FOLDER = Path(__file__).resolve().parents[1]  # of mrsynth


def shipped_models_folder(package: Path = PACKAGE_FOLDER) -> Path:
    """Return the folder of the models that ship with the program.

    Args:
        package: The folder of the package ``mrsynth``. A wheel carries the models inside it; a source tree and
            Slicer have them beside it, among the module's resources.
    """
    inside = package / "shipped_models"
    return inside if inside.is_dir() else package.parent / "Resources" / "Models"


def user_models_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Return the folder for models the user adds, which need not exist yet.

    Args:
        environment: Environment variables; ``MRSYNTH_MODELS`` names the folder, otherwise the system's folder for
            a user's application data is taken.
        platform: As in ``sys.platform``.
    """
    if named := environment.get(USER_FOLDER_VARIABLE):
        return Path(named).expanduser()
    return _application_data(environment, platform) / "mrsynth" / "models"


def _application_data(environment: Mapping[str, str], platform: str) -> Path:
    if platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
