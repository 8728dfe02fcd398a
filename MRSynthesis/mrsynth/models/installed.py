"""A model with its place on disk, and why a folder is not one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mrsynth.models.card import WEIGHTS_NAME, ModelCard


@dataclass(frozen=True, eq=False)
class InstalledModel:
    """A model with its place on disk.

    Attributes:
        card: What it is.
        folder: Where its card lies.
        shipped: Whether it came with the program.
        weights_folder: Where its weights lie, or belong once downloaded, if that is not ``folder``.
    """

    card: ModelCard
    folder: Path
    shipped: bool = False
    weights_folder: Path | None = None

    @property
    def weights(self) -> Path:
        return (self.weights_folder or self.folder) / WEIGHTS_NAME

    @property
    def is_complete(self) -> bool:
        """Whether the weights are there; a card alone can be listed, and its weights downloaded."""
        return self.weights.is_file()


@dataclass(frozen=True)
class ModelProblem:
    """Why a folder of the store is not a usable model.

    Attributes:
        folder: The folder.
        message: One line that names the file, what was expected and what was found.
    """

    folder: Path
    message: str

    def __str__(self) -> str:
        return self.message


ModelCheck = Callable[[InstalledModel], object]


def accept(model: InstalledModel) -> None:
    """Ask no more of a model than that its files are what its card says."""
