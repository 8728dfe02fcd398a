"""The models at hand: those that ship with the program, and those the user added."""

import difflib
from collections.abc import Collection, Sequence
from pathlib import Path

from mrsynth.errors import InputError, OutputExists
from mrsynth.models.card import CARD_NAME, WEIGHTS_NAME, ModelCard, read_card
from mrsynth.models.folders import shipped_models_folder, user_models_folder
from mrsynth.models.installed import InstalledModel, ModelCheck, ModelProblem, accept
from mrsynth.models.integrity import read_weights, verify_weights
from mrsynth.models.staging import staged_folder

# Of each source contrast the model to take unless another one is asked for.
DEFAULT_MODELS = {"T2": "t2-to-pd", "PD": "pd-to-t2"}

Scan = tuple[list[InstalledModel], list[ModelProblem]]


class ModelStore:
    """Finds, adds and verifies models; a broken model in a folder does not take the others down.

    Args:
        folders: Folders that hold a folder for each model; of two models with one name the first counts. The last
            folder is the user's, where models are added; the others are only read.
        shipped_folders: Those of ``folders`` that came with the program; nothing added takes a name from there.
    """

    def __init__(self, folders: Sequence[Path], shipped_folders: Collection[Path] = ()) -> None:
        if not folders:
            raise ValueError("expected at least the user's folder, found no folders")
        self.folders = tuple(Path(folder) for folder in folders)
        self.shipped_folders = tuple(Path(folder) for folder in shipped_folders)
        self.user_folder = self.folders[-1]

    def list(self) -> list[InstalledModel]:
        """Return the usable models, folder by folder, in each the default ones first, then by name."""
        return self.scan()[0]

    @property
    def problems(self) -> tuple[ModelProblem, ...]:
        """Why the other folders are not usable models."""
        return tuple(self.scan()[1])

    def fitting(self, source_contrast: str) -> Sequence[InstalledModel]:
        """Return the models that take scans of a contrast, ``"T2"`` or ``"PD"``; none if it is another."""
        return [model for model in self.list() if model.card.source_contrast == source_contrast]

    def find(self, name: str) -> InstalledModel:
        """Return the model of a name.

        Raises:
            InputError: Code ``unknown_model``, naming what there is; or ``bad_card``, if its folder is unusable.
        """
        models, problems = self.scan()
        for model in models:
            if model.card.name == name:
                return model
        for problem in problems:
            if problem.folder.name == name:
                raise InputError(f"model {name!r} cannot be used: {problem}", code="bad_card")
        raise InputError(_unknown(name, [model.card.name for model in models], self.folders), code="unknown_model")

    def verify(self, model: InstalledModel) -> None:
        """Check that a model's weights are the ones its card was written for.

        Raises:
            MissingFile: If the weights are not there.
            InputError: Code ``bad_weights``.
        """
        verify_weights(model.weights, model.card)

    def add(self, source: Path, force: bool = False, check: ModelCheck = accept) -> InstalledModel:
        """Copy a model into the user's folder, where it appears only once everything about it was checked.

        Args:
            source: A model folder, or the card in it.
            force: Whether to replace a model the user added before under this name.
            check: What else is asked of the copy, such as ``mrsynth.models.weights.load_model``.

        Raises:
            MissingFile: If card or weights are not there (weights may be missing if the card has an address for them).
            OutputExists: If the user has a model of this name and ``force`` is not set.
            InputError: Code ``bad_card`` or ``bad_weights``; ``bad_card`` also if a shipped model has this name.
            OutputError: If the user's folder cannot be written.
        """
        card_path = Path(source) / CARD_NAME if Path(source).is_dir() else Path(source)
        card = read_card(card_path)
        target = self.user_folder / card.name
        self._refuse_taken_name(card, card_path, target, force)
        weights = card_path.with_name(WEIGHTS_NAME)
        data = read_weights(weights, card) if weights.is_file() or card.url is None else None
        with staged_folder(target) as part:
            (part / CARD_NAME).write_text(card.to_json(), encoding="utf-8", newline="\n")
            if data is not None:
                (part / WEIGHTS_NAME).write_bytes(data)
                self.verify(InstalledModel(card, part))
                check(InstalledModel(card, part))
        return InstalledModel(card, target)

    def _refuse_taken_name(self, card: ModelCard, card_path: Path, target: Path, force: bool) -> None:
        if card.name in self._shipped_names():
            raise InputError(f"{card_path}: {_name_of_shipped(card.name)}", code="bad_card")
        if target.exists() and not force:
            raise OutputExists(f"{target}: expected no model {card.name!r} there yet, found one; --force replaces it")

    def _shipped_names(self) -> set[str]:
        return {path.name for shipped in self.shipped_folders for path in _visible_folders(shipped)}

    def scan(self) -> Scan:
        """Return what `list` and `problems` say, at the cost of one look."""
        models: dict[str, InstalledModel] = {}
        problems: list[ModelProblem] = []
        for place in self.folders:
            try:
                folders = _visible_folders(place)
            except OSError as error:
                problems.append(ModelProblem(place, f"{place}: expected a readable folder, found: {error.strerror}"))
                continue
            for folder in filter(self._should_hold_a_card, folders):
                try:
                    models[folder.name] = self._read(folder, models)
                except InputError as error:
                    problems.append(ModelProblem(folder, str(error)))
        return list(models.values()), problems

    def _should_hold_a_card(self, folder: Path) -> bool:
        # A program's own folder often cannot be written, so what its cards download goes to the user's folder.
        downloaded = folder.parent == self.user_folder and folder.name in self._shipped_names()
        return not downloaded or (folder / CARD_NAME).exists()

    def _read(self, folder: Path, known: dict[str, InstalledModel]) -> InstalledModel:
        shipped = folder.parent in self.shipped_folders
        card = read_card(folder / CARD_NAME)
        if card.name != folder.name:
            raise InputError(f"{folder}: expected a folder named like its model, {card.name!r}", code="bad_card")
        if not shipped and folder.parent == self.user_folder and card.name in self._shipped_names():
            raise InputError(f"{folder}: {_name_of_shipped(card.name)}", code="bad_card")
        if card.name in known:
            raise InputError(
                f"{folder}: expected a name of its own, found that of {known[card.name].folder}", code="bad_card"
            )
        elsewhere = shipped and not (folder / WEIGHTS_NAME).is_file()
        return InstalledModel(card, folder, shipped, self.user_folder / card.name if elsewhere else None)


def default_store(first_folders: Sequence[Path] = ()) -> ModelStore:
    """Return the store of the models that ship with the program and those the user added.

    Args:
        first_folders: Folders that are looked into before these, and only read.
    """
    shipped = shipped_models_folder()
    return ModelStore([*first_folders, shipped, user_models_folder()], shipped_folders=[shipped])


def _visible_folders(place: Path) -> Sequence[Path]:
    """List the model folders in a place in the order of `ModelStore.list`; a dot begins what is still being written."""
    if not place.is_dir():
        return []
    folders = (path for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))
    return sorted(folders, key=lambda path: (path.name not in DEFAULT_MODELS.values(), path.name))


def _name_of_shipped(name: str) -> str:
    return f"expected a name no shipped model has, found {name!r}; rename the model in its card"


def _unknown(name: str, known: Sequence[str], folders: Sequence[Path]) -> str:
    if not known:
        return f"expected the name of a model, found {name!r}; there are no models in {', '.join(map(str, folders))}"
    close = difflib.get_close_matches(name.lower(), known, n=2)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    return f"expected a model of {', '.join(known)}, found {name!r}{hint}"
