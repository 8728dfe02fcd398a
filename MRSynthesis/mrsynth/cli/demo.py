"""``mrsynth demo``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrsynth.cli.interruption import Interruption
from mrsynth.cli.terminal import Terminal
from mrsynth.errors import InputError
from mrsynth.job_protocol import ExitCode

if TYPE_CHECKING:
    from mrsynth.demo import DemoOutcome, DemoResult

DEFAULT_FOLDER = Path("demo-output")
EPILOG = """\
examples:
  mrsynth demo demo-output
  mrsynth demo demo-output --scan t2.nii.gz --model t2-to-pd --reference pd.nii.gz

Files of an earlier demo in the folder are replaced. Nothing is downloaded.
"""


def add_command(commands: Any) -> None:
    """Add the command to the parser's sub-commands."""
    parser = commands.add_parser(
        "demo",
        help="synthesise each contrast of a simulated head (or of your scan), with figures and pictures",
        description="Build a head from an anatomical template, simulate its T2 and PD, synthesise each from the other, "
        "and write volumes, figures and pictures. With --scan, do it with a scan of yours.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="OUTPUT_FOLDER", nargs="?", type=Path, help=f"default: {DEFAULT_FOLDER}")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="the output folder, named as an option")
    parser.add_argument("--scan", type=Path, metavar="SCAN", help="volume or DICOM folder to use in place of the head")
    parser.add_argument("--model", metavar="NAME", help="model for --scan (default: guessed from its intensities)")
    parser.add_argument("--reference", type=Path, metavar="VOLUME", help="acquired target to compare with, for --scan")
    parser.add_argument("--head-only", action="store_true", help="write the simulated T2 and PD, synthesise nothing")
    parser.add_argument("--models", type=Path, action="append", default=[], metavar="FOLDER", help="look here first")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal, interruption: Interruption) -> ExitCode:
    """Run the demo and show what it made."""
    if options.scan is None and (options.model or options.reference):
        raise InputError("expected --scan with --model and --reference, found none")
    if options.scan is not None and options.head_only:
        raise InputError("expected --scan or --head-only, found both")
    from mrsynth.demo import DemoResult, DemoSetting, run_demo, run_scan_demo, write_demo_head

    folder, models = options.folder or options.output or DEFAULT_FOLDER, tuple(options.models)
    with terminal.progress("demo") as progress:
        if options.head_only:
            _, paths = write_demo_head(DemoSetting(folder, progress, interruption.requested))
            result = DemoResult(folder, ())
        elif options.scan is None:
            result = run_demo(folder, progress, interruption.requested, models)
        else:
            setting = DemoSetting(folder, progress, interruption.requested, models)
            result = run_scan_demo(options.scan, setting, options.model, options.reference)
    for path in paths.values() if options.head_only else ():
        terminal.say(f"{path}")
    for outcome in result.outcomes:
        _show(outcome, terminal)
    terminal.document(_document(result))
    return ExitCode.OK


def _show(outcome: "DemoOutcome", terminal: Terminal) -> None:
    job = outcome.job
    for warning in job.warnings:
        terminal.warn(f"{job.job.source.name}: {warning}")
    terminal.say(job.headline())
    for path in (job.job.output, outcome.picture, outcome.metrics):
        if path is not None:
            terminal.say(f"  {path}")
    if job.comparison is not None:
        terminal.say(f"\n{job.comparison.to_table()}")
    if outcome.lesion_contrast is not None:
        found = ", ".join(f"{value:.2f} in the {name}" for name, value in outcome.lesion_contrast.items())
        terminal.say(f"Lesions are this many times as bright as their surroundings: {found}.\n")


def _document(result: "DemoResult") -> dict[str, Any]:
    outcomes = [
        outcome.job.to_dict() | {"picture": str(outcome.picture), "lesion_contrast": outcome.lesion_contrast}
        for outcome in result.outcomes
    ]
    return {"exit_code": int(ExitCode.OK), "folder": str(result.folder), "outcomes": outcomes}
