"""``mrsynth compare``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrsynth.cli.interruption import Interruption
from mrsynth.cli.terminal import Terminal
from mrsynth.errors import InputError
from mrsynth.job_protocol import ExitCode

if TYPE_CHECKING:
    from mrsynth.comparison import Comparison, Differences
    from mrsynth.staged_outputs import StagedOutputs
    from mrsynth.volume import Volume

EPILOG = """\
examples:
  mrsynth compare pd.nii.gz acquired-pd.nii.gz
  mrsynth compare pd.nii.gz acquired-pd.nii.gz --source t2.nii.gz --picture pd.png --csv pd.csv
  mrsynth compare pd.nii.gz acquired-pd.nii.gz --json > pd-metrics.json

With --source the table has two baselines: the source after the best linear and the best one-dimensional intensity map
onto that very reference. A reference on another grid is brought to a common one. --json tells of each slice as well.
"""
_WRITTEN = ("csv", "picture", "difference", "gradient_difference")


def add_command(commands: Any) -> None:
    """Add the command to the parser's sub-commands."""
    parser = commands.add_parser(
        "compare",
        help="measure a synthetic volume against an acquired one",
        description="Measure a synthetic volume against an acquired one, inside the head and over the whole volume.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("synthetic", metavar="SYNTHETIC", type=Path, help="synthesised volume")
    parser.add_argument("reference", metavar="REFERENCE", type=Path, help="acquired volume of the same contrast")
    parser.add_argument("--source", type=Path, metavar="VOLUME", help="what it was made from; adds the baselines")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="also write the table as CSV")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw three planes (.png, .pdf, .svg)")
    parser.add_argument("--difference", type=Path, metavar="FILE", help="write synthetic minus reference as a volume")
    parser.add_argument("--gradient-difference", type=Path, metavar="FILE", help="write the difference of the edges")
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    parser.add_argument("--json", action="store_true", help="print one JSON document in place of the table")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal, interruption: Interruption) -> ExitCode:
    """Compare, show the figures and write what was asked for."""
    from mrsynth.comparison import compare_volumes, difference_volumes
    from mrsynth.staged_outputs import StagedOutputs
    from mrsynth.synthesis_job import new_run_id
    from mrsynth.volume import require_variation
    from mrsynth.volume_reading import read_volume

    _check(options)
    synthetic, reference = read_volume(options.synthetic), read_volume(options.reference)
    source = None if options.source is None else read_volume(options.source)
    for volume, path in ((synthetic, options.synthetic), (reference, options.reference)):
        require_variation(volume, path)
    comparison = compare_volumes(synthetic, reference, source)
    differences = difference_volumes(synthetic, reference)
    with StagedOutputs(new_run_id()) as staged:
        _write_table(options, comparison, staged)
        _write_volumes(options, differences, staged)
        if options.picture is not None:
            from mrsynth.picture import write_comparison_picture

            write_comparison_picture(staged.path_for(options.picture), source, synthetic, reference)
        with interruption.shielded():
            staged.commit()
    terminal.say(comparison.to_table().rstrip())
    for path in _written(options):
        terminal.note(f"written: {path}")
    terminal.document(_document(options, comparison) | _slices(terminal, (synthetic, reference), differences))
    return ExitCode.OK


def _check(options: argparse.Namespace) -> None:
    from mrsynth.output_checks import check_places, check_volume_name
    from mrsynth.picture import PICTURE_SUFFIXES

    if options.picture is not None and options.picture.suffix.lower() not in PICTURE_SUFFIXES:
        endings = ", ".join(PICTURE_SUFFIXES)
        raise InputError(f"{options.picture}: expected a picture named {endings}", "unsupported_format")
    for path in (options.difference, options.gradient_difference):
        if path is not None:
            check_volume_name(path, "a volume")
    inputs = [path for path in (options.synthetic, options.reference, options.source) if path is not None]
    check_places(_written(options), inputs, options.force)


def _written(options: argparse.Namespace) -> list[Path]:
    return [path for name in _WRITTEN if (path := getattr(options, name)) is not None]


def _write_table(options: argparse.Namespace, comparison: "Comparison", staged: "StagedOutputs") -> None:
    from mrsynth.atomic_file import write_bytes

    if options.csv is not None:
        write_bytes(staged.path_for(options.csv), comparison.to_csv().encode())


def _write_volumes(options: argparse.Namespace, differences: "Differences", staged: "StagedOutputs") -> None:
    from mrsynth.volume_writing import write_volume

    if options.difference is not None:
        write_volume(differences.difference, staged.path_for(options.difference))
    if options.gradient_difference is not None:
        write_volume(differences.gradient_difference, staged.path_for(options.gradient_difference))


def _slices(terminal: Terminal, volumes: "tuple[Volume, Volume]", differences: "Differences") -> dict[str, Any]:
    """The figures slice by slice, for the document only: a terminal would be full of them."""
    from mrsynth.slice_metrics import measure_slices

    return {"slices": measure_slices(*volumes, differences.difference).to_dict()} if terminal.as_json else {}


def _document(options: argparse.Namespace, comparison: "Comparison") -> dict[str, Any]:
    named = ("synthetic", "reference", "source", *_WRITTEN)
    paths = {name: None if getattr(options, name) is None else str(getattr(options, name)) for name in named}
    return {"exit_code": int(ExitCode.OK)} | paths | comparison.to_dict()
