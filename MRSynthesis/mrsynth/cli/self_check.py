"""``mrsynth self-check``."""

import argparse
from typing import Any

from mrsynth.cli.interruption import Interruption
from mrsynth.cli.terminal import Terminal
from mrsynth.job_protocol import ExitCode


def add_command(commands: Any) -> None:
    """Add the command to the parser's sub-commands."""
    parser = commands.add_parser(
        "self-check",
        help="show versions and devices, try each device, and tell why a GPU is not used",
        description="Show versions and devices, try a convolution on each device, and tell why a GPU is not used. "
        "Exit code 1 if something that is needed is missing or does not work.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal, interruption: Interruption) -> ExitCode:
    """Check, and show what was found."""
    from mrsynth.self_check import self_check

    found = self_check()
    terminal.say("\n".join(found.lines()))
    if not found.passed:
        terminal.error("a package is missing or the CPU fails the test convolution; see the lines above")
    terminal.document(found.to_dict())
    return ExitCode.OK if found.passed else ExitCode.FAILURE
