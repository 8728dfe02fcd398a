"""``mrsynth-train report``: one page of HTML about runs that were measured, to be read, printed and mailed."""

import argparse
import math
from pathlib import Path
from typing import Any

from mrsynth.cli.terminal import Terminal
from mrsynth.errors import InputError
from mrsynth.job_protocol import ExitCode

WHAT = "put runs that were measured side by side on one page of HTML"
EPILOG = """\
examples:
  mrsynth-train report RUNS/g1 RUNS/g2 RUNS/g3 RUNS/g4 REPORT
  mrsynth-train report RUNS/g3 RUNS/g4 REPORT --subjects IXI012 IXI104 --energy g3 4.1 --energy g4 0.3

The runs must have been measured by `mrsynth-train evaluate-runs`. REPORT gets report.html, which holds all of it, and
the same tables and pictures as files of their own.
"""


def add_command(commands: Any) -> None:
    """Add the command to the parser's sub-commands."""
    layout = {"epilog": EPILOG, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = commands.add_parser("report", help=WHAT, description=WHAT[0].upper() + WHAT[1:] + ".", **layout)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of runs")
    parser.add_argument("output", type=Path, metavar="REPORT", help="folder of the report; made if it is missing")
    parser.add_argument("--title", default="", help="of the page")
    parser.add_argument(
        "--subjects",
        nargs="+",
        default=(),
        metavar="NAME",
        help="test subjects to show pictures of (default: the middle and the worst one of each direction)",
    )
    parser.add_argument("--cache", type=Path, help="folder of the prepared subjects, if it has moved")
    parser.add_argument(
        "--energy",
        nargs=2,
        action="append",
        default=[],
        metavar=("RUN", "KWH"),
        help="energy that a training took, where somebody measured it; once for each run",
    )
    parser.add_argument("--force", action="store_true", help="replace a report that is there")
    parser.set_defaults(command=report)


def report(options: argparse.Namespace) -> ExitCode:
    """Run the command.

    Raises:
        InputError: If a run was not measured, or a subject, the cache or an option is not as it should be.
        OutputError: If the folder cannot be written to or the disk is full.
    """
    from mrsynth_training.evaluated_run import read_evaluated_runs
    from mrsynth_training.study_report import ReportOptions, write_study_report

    chosen = ReportOptions(
        title=options.title,
        cache=options.cache,
        subjects=tuple(options.subjects),
        energy_kwh={name: _energy(name, text) for name, text in options.energy},
        replace=options.force,
    )
    page = write_study_report(options.output, read_evaluated_runs(options.runs), chosen)
    count = len(options.runs)
    Terminal().say(f"{page}: report of {count} run{'s' if count > 1 else ''}")
    return ExitCode.OK


def _energy(run: str, text: str) -> float:
    try:
        energy = float(text)
    except ValueError:
        energy = math.nan
    if not 0 <= energy < math.inf:
        raise InputError(f"--energy {run}: expected kilowatt-hours of at least 0, found {text!r}")
    return energy
