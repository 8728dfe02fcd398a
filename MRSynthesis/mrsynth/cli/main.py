"""The command ``mrsynth``."""

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import mrsynth
from mrsynth.cli import compare, demo, models, self_check, synthesize
from mrsynth.cli.interruption import Interruption
from mrsynth.cli.terminal import Terminal
from mrsynth.job_protocol import ExitCode, Failure
from mrsynth.process_memory import ask_for_large_pages

EPILOG = """\
examples:
  mrsynth synthesize t2.nii.gz pd.nii.gz --model t2-to-pd
  mrsynth compare pd.nii.gz acquired-pd.nii.gz --source t2.nii.gz --picture pd.png
  mrsynth models list
  mrsynth demo demo-output

"mrsynth COMMAND --help" tells more. Exit codes: 0 done, 1 failure, 2 bad input, 130 cancelled.
Synthetic images are estimates. They are for research, not for diagnosis.
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(int(ExitCode.BAD_INPUT), f"error: {message} (see {self.prog} --help)\n")


def command_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; each command sets ``run``."""
    parser = _Parser(
        prog="mrsynth",
        description="Synthesise PD- from T2-weighted brain MRI and the reverse.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mrsynth {mrsynth.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (synthesize, compare, models, self_check, demo):
        command.add_command(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    _make_printable()
    ask_for_large_pages()
    options = command_parser().parse_args(arguments)
    terminal = Terminal(as_json=getattr(options, "json", False))
    try:
        with Interruption() as interruption:
            code = options.run(options, terminal, interruption)
            sys.stdout.flush()
            return int(code)
    except BrokenPipeError:
        # Whoever read the output has gone; Python would complain once more when it closes the stream.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.FAILURE)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 (the one place where every failure becomes a line)
        return _report(error, terminal)


def _report(error: BaseException, terminal: Terminal) -> int:
    failure = Failure.of(error)
    if failure.unexpected:
        traceback.print_exception(error)
    (terminal.note if failure.exit_code is ExitCode.CANCELLED else terminal.error)(failure.message)
    failed = {"code": failure.code, "message": failure.message}
    terminal.document({"exit_code": int(failure.exit_code), "error": failed})
    return int(failure.exit_code)


def _make_printable() -> None:
    """Let no file name stop the program where the terminal's encoding lacks one of its characters."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
