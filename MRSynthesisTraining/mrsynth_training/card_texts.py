"""What a model's card says for people: the words of the experiment's file, or else words that hold for any run."""

from collections.abc import Mapping
from pathlib import Path

from mrsynth_training.experiments import read_document, require
from mrsynth_training.training_data import TrainingData

CARD_TEXTS = ("data", "data_licence", "protocol", "intended_use", "not_for", "limitations", "licence")

INTENDED_USE = (
    "Research: a {target}-weighted image that resembles what an acquisition would have shown, from a {source}-weighted "
    "scan of a head like those it was trained on"
)
NOT_FOR = (
    "Diagnosis, treatment or any other clinical decision; heads and sequences unlike those it was trained on; a "
    "replacement of an acquisition that can be made"
)
LIMITATIONS = (
    "What it has not seen in training it cannot be expected to know: other sequences and contrasts, other ages, "
    "contrast agents, implants, large lesions"
)
SIMULATED = "Trained on simulated scans alone: it has never seen an acquired one"
LICENCE = "not stated; up to whoever trained it"


def read_card_texts(path: Path) -> dict[str, str]:
    """Return what an experiment file says for the model's card, its table ``[card]``; nothing if it has none.

    Raises:
        MissingFile: If there is no such file.
        InputError: If it is not TOML, or the table has a text that no card has, or something else than text.
    """
    texts = read_document(path).get("card", {})
    require(isinstance(texts, dict), f"{path}: expected a table [card], found {texts!r}")
    unknown = sorted(set(texts) - set(CARD_TEXTS))
    require(not unknown, f"{path}: expected in [card] only {', '.join(CARD_TEXTS)}, found {', '.join(unknown)}")
    for name, text in texts.items():
        require(isinstance(text, str), f"{path}: expected {name} in [card] as text, found {text!r}")
    return {name: " ".join(text.split()) for name, text in texts.items()}


def card_texts(data: TrainingData, contrasts: tuple[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Return every text of a card.

    Args:
        data: What the model was trained on.
        contrasts: Source and target.
        own: Texts that somebody wrote; they take the place of the others.
    """
    general = {
        "data": data.data,
        "data_licence": data.data_licence,
        "protocol": data.protocol,
        "intended_use": INTENDED_USE.format(source=contrasts[0], target=contrasts[1]),
        "not_for": NOT_FOR,
        "limitations": f"{SIMULATED}. {LIMITATIONS}" if data.simulated else LIMITATIONS,
        "licence": LICENCE,
    }
    return general | dict(own)
