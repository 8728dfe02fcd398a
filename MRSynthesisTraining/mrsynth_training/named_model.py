"""Models as commands name them: by folder, or by the name that they are installed under."""

from pathlib import Path

from mrsynth.models.card import read_card
from mrsynth.models.installed import InstalledModel
from mrsynth.models.store import default_store


def installed_model(name: str) -> InstalledModel:
    """Return a model by its folder, or an installed one by its name.

    Raises:
        InputError: If there is none, or its card is none; code ``bad_card`` or ``unknown_model``.
    """
    folder = Path(name)
    return InstalledModel(read_card(folder), folder) if folder.is_dir() else default_store().find(name)
