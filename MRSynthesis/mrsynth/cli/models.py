"""``mrsynth models list|show|add|verify``."""

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrsynth.cli.interruption import Interruption
from mrsynth.cli.terminal import Terminal, table
from mrsynth.errors import InputError, OutputExists
from mrsynth.job_protocol import ExitCode

if TYPE_CHECKING:
    from mrsynth.models.card import ModelCard
    from mrsynth.models.installed import InstalledModel
    from mrsynth.models.store import ModelStore

EPILOG = """\
examples:
  mrsynth models list
  mrsynth models show t2-to-pd
  mrsynth models add my-model              a folder with card.json and weights.safetensors
  mrsynth models add my-model/card.json    a card; if it has an address, its weights are downloaded after a question
  mrsynth models add https://example.org/my-model/card.json     the same, the card too is fetched after a question
  mrsynth models verify                    every model's weights against its card

Added models are kept in a folder of yours ("models list" names it); MRSYNTH_MODELS names another.
"""


def add_command(commands: Any) -> None:
    """Add the command and its sub-commands to the parser's sub-commands."""
    layout = {"epilog": EPILOG, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = commands.add_parser("models", help="list, show, add and verify models", **layout)
    actions = parser.add_subparsers(title="what to do", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the models at hand")
    listing.set_defaults(run=list_models)
    showing = actions.add_parser("show", help="show a model's card: what it is for, how good, made from what")
    showing.add_argument("source", metavar="NAME|ADDRESS", help="a model at hand, or where a card can be fetched")
    showing.add_argument("--yes", action="store_true", help="fetch without asking")
    showing.set_defaults(run=show_model)
    adding = actions.add_parser("add", help="add a model, after checking its card and weights")
    adding.add_argument("source", metavar="FOLDER|CARD|ADDRESS|NAME", help="NAME: fetch the weights of a listed model")
    adding.add_argument("--force", action="store_true", help="replace a model that was added before")
    adding.add_argument("--yes", action="store_true", help="download without asking")
    adding.set_defaults(run=add_model)
    verifying = actions.add_parser("verify", help="check weights against their cards")
    verifying.add_argument("names", metavar="NAME", nargs="*", help="default: every model")
    verifying.set_defaults(run=verify_models)
    for each in (listing, showing, adding, verifying):
        each.add_argument("--models", type=Path, action="append", default=[], metavar="FOLDER", help="look here first")
        each.add_argument("--json", action="store_true", help="print one JSON document")


def list_models(options: argparse.Namespace, terminal: Terminal, interruption: Interruption) -> ExitCode:
    """Show a table of the models."""
    store = _store(options)
    models = store.list()
    rows = [_row(model) for model in models]
    if rows:
        terminal.say(table(rows, ("name", "version", "from", "to", "size", "origin", "title")))
    else:
        terminal.say("no models found")
    terminal.say(f"\nAdded models are kept in {store.user_folder}")
    for problem in store.problems:
        terminal.warn(f"left out: {problem}")
    terminal.document(
        {
            "exit_code": int(ExitCode.OK),
            "models": [_entry(model) for model in models],
            "problems": [str(problem) for problem in store.problems],
            "user_folder": str(store.user_folder),
        }
    )
    return ExitCode.OK


def show_model(options: argparse.Namespace, terminal: Terminal, interruption: Interruption) -> ExitCode:
    """Show one model's card."""
    from mrsynth.models.card import read_card
    from mrsynth.models.download import is_address
    from mrsynth.models.summary import card_summary

    if is_address(options.source):
        with _fetched_card(options, terminal) as path:
            card = read_card(path)
        terminal.say(card_summary(card))
        terminal.document({"exit_code": int(ExitCode.OK), "card": card.to_dict()})
        return ExitCode.OK
    model = _store(options).find(options.source)
    terminal.say(card_summary(model.card))
    terminal.say(f"\nFolder            {model.folder}")
    terminal.document({"exit_code": int(ExitCode.OK)} | _entry(model) | {"card": model.card.to_dict()})
    return ExitCode.OK


def add_model(options: argparse.Namespace, terminal: Terminal, interruption: Interruption) -> ExitCode:
    """Add a model from a folder, a card or an address, or fetch the weights of a listed one."""
    from mrsynth.models.download import is_address

    if is_address(options.source):
        with _fetched_card(options, terminal) as path:
            model = _add_with_download(_store(options), path, options, terminal, interruption)
    else:
        model = _add_from_here(options, terminal, interruption)
    terminal.say(f"{model.card.name} {model.card.version} is in {model.folder}")
    terminal.document({"exit_code": int(ExitCode.OK)} | _entry(model))
    return ExitCode.OK


def _add_from_here(options: argparse.Namespace, terminal: Terminal, interruption: Interruption) -> "InstalledModel":
    from mrsynth.models.card import WEIGHTS_NAME, read_card

    store, source = _store(options), Path(options.source)
    if not source.exists() and source.name == options.source:
        model = store.find(options.source)
        if not model.is_complete:
            _download(model.card, model.weights.parent, options, terminal, interruption)
    else:
        card = read_card(source)
        folder = source if source.is_dir() else source.parent
        needs_weights = card.url is not None and not (folder / WEIGHTS_NAME).is_file()
        add = _add_with_download if needs_weights else _add
        model = add(store, source, options, terminal, interruption)
    return model


def verify_models(options: argparse.Namespace, terminal: Terminal, interruption: Interruption) -> ExitCode:
    """Check the weights of the named models, or of all."""
    from mrsynth.models.weights import load_model

    store = _store(options)
    models = [store.find(name) for name in options.names] or store.list()
    problems = [] if options.names else [str(problem) for problem in store.problems]
    passed = []
    for model in models:
        try:
            load_model(model)
        except InputError as error:
            problems.append(str(error))
        else:
            passed.append(model.card.name)
            terminal.say(f"{model.card.name} {model.card.version}: the weights are those of its card, and fit it")
    for problem in problems:
        terminal.error(problem)
    code = ExitCode.BAD_INPUT if problems else ExitCode.OK
    terminal.document({"exit_code": int(code), "passed": passed, "problems": problems})
    return code


def _store(options: argparse.Namespace) -> "ModelStore":
    from mrsynth.models.store import default_store

    return default_store(options.models)


def _row(model: "InstalledModel") -> tuple[str, ...]:
    card = model.card
    origin = "shipped" if model.shipped else "added"
    size = f"{card.size_bytes / 1e6:.1f} MB" if model.is_complete else "no weights"
    return card.name, card.version, card.source_contrast, card.target_contrast, size, origin, card.title


def _entry(model: "InstalledModel") -> dict[str, Any]:
    card = model.card
    return {
        "name": card.name,
        "version": card.version,
        "title": card.title,
        "source_contrast": card.source_contrast,
        "target_contrast": card.target_contrast,
        "size_bytes": card.size_bytes,
        "shipped": model.shipped,
        "complete": model.is_complete,
        "folder": str(model.folder),
    }


def _add(
    store: "ModelStore", source: Path, options: argparse.Namespace, terminal: Terminal, interruption: Interruption
) -> "InstalledModel":
    from mrsynth.models.weights import load_model

    return store.add(source, options.force, load_model)


def _add_with_download(
    store: "ModelStore", source: Path, options: argparse.Namespace, terminal: Terminal, interruption: Interruption
) -> "InstalledModel":
    """Bring card and weights together in a temporary folder, and add that: what breaks off leaves nothing."""
    from mrsynth.models.card import CARD_NAME, read_card

    card = read_card(source)
    target = store.user_folder / card.name
    if target.exists() and not options.force:
        raise OutputExists(f"{target}: expected no model {card.name!r} there yet, found one; --force replaces it")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / card.name
        folder.mkdir()
        shutil.copyfile(source / CARD_NAME if source.is_dir() else source, folder / CARD_NAME)
        _download(card, folder, options, terminal, interruption)
        return _add(store, folder, options, terminal, interruption)


def _download(
    card: "ModelCard", folder: Path, options: argparse.Namespace, terminal: Terminal, interruption: Interruption
) -> None:
    from mrsynth.models.download import download_weights

    with terminal.progress(card.name) as progress:
        download_weights(card, folder, _consent(options, terminal), progress, interruption.requested)


@contextmanager
def _fetched_card(options: argparse.Namespace, terminal: Terminal) -> Iterator[Path]:
    """The card at an address, in a folder that is gone afterwards."""
    from mrsynth.models.download import fetch_card

    with tempfile.TemporaryDirectory() as temporary:
        yield fetch_card(options.source, Path(temporary), _consent(options, terminal))


def _consent(options: argparse.Namespace, terminal: Terminal) -> Callable[[str], bool]:
    return (lambda question: True) if options.yes else terminal.confirm
