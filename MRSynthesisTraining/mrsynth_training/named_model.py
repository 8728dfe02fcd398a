"""Models as commands name them: by folder, or by the name that they are installed under."""

from pathlib import Path

from mrsynth.models.card import read_card
from mrsynth.models.installed import InstalledModel
from mrsynth.models.store import default_store


def installed_model(name: str) -> InstalledModel:
    """Return a model by its folder, or an installed one by its name.

    Raises:
        MissingFile: If the folder has no card.
        InputError: If there is no such model, or its card is none; code ``unknown_model`` or ``bad_card``.
    """
    folder = Path(name)
    return InstalledModel(read_card(folder), folder) if folder.is_dir() else default_store().find(name)
