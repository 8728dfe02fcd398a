"""From a run to a model that can be listed, verified and used."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mrsynth.models.installed import InstalledModel
from mrsynth.models.store import ModelStore
from mrsynth.models.weights import load_model, write_model
from mrsynth.networks.registry import build_network
from mrsynth_training.card_texts import card_texts
from mrsynth_training.finished_run import HEADS, FinishedRun, read_finished_run


@dataclass(frozen=True)
class ExportOptions:
    """What a person decides about a model.

    Attributes:
        version: Such as 1.0.0.
        name: Of the model; empty for the experiment's.
        texts: Texts of its card, in place of those that the run's experiment came with.
        force: Whether it may take the place of a model that was added before.
    """

    version: str = "1.0.0"
    name: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    force: bool = False


def export_model(run: Path, store: ModelStore, options: ExportOptions) -> InstalledModel:
    """Add a run's weights, with a card that says how they came about, to the models of a store.

    Raises:
        MissingFile: If the folder is not of a run, or the run has finished no epoch.
        InputError: If a file of the run is damaged, it is not far enough, or the card is none, such as one of a name
            that no model can have; code ``bad_card``.
        OutputExists: If the store has a model of this name and ``force`` is not set.
        OutputError: If it cannot be written.
    """
    finished = read_finished_run(run)
    network = build_network(finished.experiment.network["name"], finished.experiment.network["configuration"])
    network.load_state_dict(finished.weights)
    with tempfile.TemporaryDirectory(prefix="mrsynth-") as folder:
        write_model(Path(folder), _description(finished, options), network)
        return store.add(Path(folder), options.force, load_model)


def _description(finished: FinishedRun, options: ExportOptions) -> dict[str, Any]:
    """Return the fields of a model card that the run, its data and a person decide."""
    experiment, record = finished.experiment, finished.record
    contrasts = (experiment.source_contrast, experiment.target_contrast)
    heads = {HEADS: list(finished.heads)} if finished.heads else {}
    texts = card_texts(record.data, contrasts, record.texts | dict(options.texts))
    training = {
        "data": texts["data"],
        "data_licence": texts["data_licence"],
        "simulated": record.data.simulated,
        "subjects": record.data.subjects,
        "protocol": "; ".join(filter(None, (texts["protocol"], finished.stage))),
        "seed": finished.seed,
        "steps": finished.steps,
        "seconds": round(finished.seconds),
        "hardware": "; ".join(record.hardware),
        "software": "; ".join(record.software),
        "configuration": experiment.to_dict() | heads,
    }
    timing = {} if finished.timing is None else {"timing": finished.timing}
    return timing | {
        "schema_version": 1,
        "name": options.name or experiment.name,
        "version": options.version,
        "title": experiment.title,
        "source_contrast": contrasts[0],
        "target_contrast": contrasts[1],
        "network": experiment.network,
        "grid": record.data.grid,
        "normalization": record.data.normalization,
        "inference": finished.inference,
        "training": training,
        "figures": finished.figures,
        "intended_use": texts["intended_use"],
        "not_for": texts["not_for"],
        "limitations": texts["limitations"],
        "licence": texts["licence"],
        "url": None,
    }
