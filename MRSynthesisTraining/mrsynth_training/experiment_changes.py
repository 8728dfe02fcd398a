"""An experiment with some of its values changed on the command line: a shorter schedule, a smaller network."""

import argparse
import tomllib
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from mrsynth.errors import InputError

HELP = (
    "change a value of the experiment, such as schedule.epochs=2 or network.configuration.filters=[4,4,4,8,8,8,4,4]; "
    "values as in TOML; may be given more than once"
)


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--set`` to a command that takes an experiment; its values are for `changed`."""
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="NAME=VALUE", help=HELP)


def changed(document: dict[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """Return the tables of an experiment file with some values replaced; whether they fit is checked later.

    Args:
        document: The tables; left as they are.
        changes: ``TABLE.NAME=VALUE`` each, the value as in TOML; what is not TOML is taken as text.

    Raises:
        InputError: If one is no assignment, or names something inside a value that is no table.
    """
    document = deepcopy(document)
    for change in changes:
        name, equals, text = change.partition("=")
        *tables, last = (part.strip() for part in name.split("."))
        if not equals or not all((*tables, last)):
            raise InputError(f"expected a change such as schedule.epochs=2, found {change!r}")
        table = document
        for part in tables:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise InputError(f"expected a change inside a table, found {change!r}, where {part} is a value")
        table[last] = _value(text)
    return document


def _value(text: str) -> Any:
    try:
        document = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return document["value"] if document.keys() == {"value"} else text
