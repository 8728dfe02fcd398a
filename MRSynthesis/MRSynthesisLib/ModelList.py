"""The models at hand, as the panel shows them: found by the same store as the worker's, without PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from MRSynthesisLib.Dependencies import missingPackages

if TYPE_CHECKING:
    from mrsynth.models.installed import InstalledModel


class ModelList:
    """What is installed, read again on ``refresh``.

    Attributes:
        models: Usable models, shipped ones first.
        problems: Why other folders are not usable models, a line each.
        userFolder: Where the user's own models are kept; empty until packages are installed.
    """

    def __init__(self) -> None:
        self.models: tuple[InstalledModel, ...] = ()
        self.problems: tuple[str, ...] = ()
        self.userFolder = ""

    def refresh(self) -> None:
        """Look again; without the packages that read a card there is nothing to see."""
        self.models, self.problems, self.userFolder = (), (), ""
        if missingPackages():
            return
        try:
            from mrsynth.models.store import default_store
        except ImportError as error:  # a package is there, but broken
            self.problems = (str(error),)
            return
        store = default_store()
        models, problems = store.scan()
        self.models, self.problems = tuple(models), tuple(str(problem) for problem in problems)
        self.userFolder = str(store.user_folder)

    def fitting(self, contrast: str | None) -> list[InstalledModel]:
        """Return the models that take a contrast; all of them while it is not known."""
        return [model for model in self.models if contrast in (None, model.card.source_contrast)]

    def find(self, name: str) -> InstalledModel | None:
        """Return the model of a name."""
        return next((model for model in self.models if model.card.name == name), None)


def cardText(model: InstalledModel) -> str:
    """Return a model's card as text: purpose, limits, figures beside their baselines, licence."""
    from mrsynth.models.summary import card_summary

    return card_summary(model.card)
