"""The results of an evaluation in a folder: summaries, tables and the plots that need all cases of a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrsynth.atomic_file import make_folder, write_bytes
from mrsynth.json_file import write_json
from mrsynth.metrics import HEAD
from mrsynth.models.card import ModelCard
from mrsynth_training.evaluation_pictures import write_reliability_picture
from mrsynth_training.evaluation_tables import write_evaluation_tables
from mrsynth_training.evaluation_text import evaluation_text
from mrsynth_training.model_examination import Findings

SUMMARY = "summary"
RELIABILITY_PICTURE = "reliability.png"


def write_evaluation(folder: Path, cards: Mapping[str, ModelCard], findings: Mapping[str, Findings]) -> None:
    """Write the summaries and tables of all models, and of each model the plot of error beside uncertainty.

    Args:
        folder: Made if it is missing.
        cards: The models' cards with what was found, by the models' labels.
        findings: What was found, by the same.

    Raises:
        OutputError: If they cannot be written.
    """
    make_folder(folder)
    texts = (evaluation_text(card, findings[label].results) for label, card in cards.items())
    write_bytes(folder / f"{SUMMARY}.md", "\n".join(texts).encode())
    write_json(folder / f"{SUMMARY}.json", {label: evaluation_summary(card) for label, card in cards.items()})
    write_evaluation_tables(folder, findings)
    for label, found in findings.items():
        if found.uncertainty[HEAD]:
            make_folder(folder / label)
            write_reliability_picture(folder / label / RELIABILITY_PICTURE, found.uncertainty[HEAD])


def evaluation_summary(card: ModelCard) -> dict[str, Any]:
    """Return what the summary of an evaluation says of a model, as JSON holds it."""
    return {
        "name": card.name,
        "version": card.version,
        "sha256": card.sha256,
        "direction": [card.source_contrast, card.target_contrast],
        "figures": card.figures,
        "reliability": card.reliability,
    }
