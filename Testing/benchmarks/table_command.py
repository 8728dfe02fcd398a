"""The command line of a benchmark that prints tables."""

import argparse
from collections.abc import Callable, Sequence

from document import Section
from machine import in_words, machine


def print_tables(description: str, parts: Sequence[Callable[[int], Section]]) -> None:
    """Read the number of rounds from the command line and print what each part measures in so many.

    Args:
        description: Of the command.
        parts: Given the rounds, each returns a table.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each row")
    options = parser.parse_args()
    print(f"{in_words(machine())}\n", flush=True)
    for measured in parts:
        print(measured(options.rounds).markdown(), flush=True)
