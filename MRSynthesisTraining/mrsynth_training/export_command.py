"""``mrsynth-train export``: a run becomes a model that the panel and the command line list at once."""

import argparse
from pathlib import Path
from typing import Any

from mrsynth.cli.terminal import Terminal
from mrsynth.job_protocol import ExitCode

WHAT = "make a model of a run: weights and a card that says how they came about"
EPILOG = """\
examples:
  mrsynth-train export RUNS/g3                        beside the models that were added; `mrsynth models list` has it
  mrsynth-train export RUNS/t2-to-pd --name mine      a name of its own, as a shipped model is called t2-to-pd
  mrsynth-train export RUNS/g3 --models MODELS        into a folder, for `mrsynth synthesize ... --models MODELS`
  mrsynth-train export RUNS/g3 --card g3.toml         with the texts of the table [card] of that file

Of a run of `train` it is the best epoch so far, of a run of `fit` the averaged weights at its end. The card has what
the run recorded of data, hardware and time, and the figures of the validation subjects beside their baselines.
"""


def add_command(commands: Any) -> None:
    """Add the command to the parser's sub-commands."""
    layout = {"epilog": EPILOG, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = commands.add_parser("export", help=WHAT, description=WHAT[0].upper() + WHAT[1:] + ".", **layout)
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="folder of a run of `fit` or `train`")
    parser.add_argument("--models", type=Path, metavar="FOLDER", help="make the model's folder in here instead")
    parser.add_argument("--name", default="", help="of the model (default: the experiment's)")
    parser.add_argument("--model-version", default="1.0.0", help="version for the card (default: %(default)s)")
    parser.add_argument(
        "--card",
        type=Path,
        metavar="EXPERIMENT",
        help="experiment file, or name of a shipped one, whose table [card] has the card's texts (default: those that "
        "the experiment had when the run began)",
    )
    parser.add_argument("--force", action="store_true", help="replace a model that was added before under this name")
    parser.set_defaults(command=export)


def export(options: argparse.Namespace) -> ExitCode:
    """Run the command.

    Raises:
        InputError: If the run is none or not far enough, or the model's name is taken or none.
        OutputError: If the model cannot be written or the disk is full.
    """
    from mrsynth.models.store import ModelStore, default_store
    from mrsynth_training.card_texts import read_card_texts
    from mrsynth_training.export import ExportOptions, export_model

    store = ModelStore([options.models]) if options.models else default_store()
    texts = read_card_texts(options.card) if options.card else {}
    choices = ExportOptions(options.model_version, options.name, texts, options.force)
    model = export_model(options.run_folder, store, choices)
    card, where = model.card, f" --models {options.models}" if options.models else ""
    terminal = Terminal()
    terminal.say(f"{card.name} {card.version} is in {model.folder}")
    terminal.say(
        f"mrsynth synthesize {card.source_contrast}.nii.gz {card.target_contrast}.nii.gz --model {card.name}{where}"
    )
    return ExitCode.OK
