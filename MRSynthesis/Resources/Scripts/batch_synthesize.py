"""Synthesise the other contrast of every scan in a folder, without a window.

    Slicer --no-main-window --no-splash --python-script .../batch_synthesize.py --
        --input FOLDER --model NAME --output FOLDER [--reference-suffix _PD]

It goes on after a case that fails, and a second call goes on where the first one stopped. Exit codes: the number of
cases that failed, 100 for more than that; 2 as well for arguments that cannot be used or packages that are missing
(then no summary.csv is written), 130 if it was interrupted.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

# Slicer knows the folder once the module is loaded; this script works before that, too.
sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

import slicer  # noqa: E402
import slicer.util  # noqa: E402

from mrsynth.cli.interruption import Interruption  # noqa: E402
from mrsynth.errors import InputError, OutputError  # noqa: E402
from mrsynth.job_protocol import ExitCode  # noqa: E402
from mrsynth.presets import MODES, PRESETS  # noqa: E402
from mrsynth.synthesis_job import SynthesisJob  # noqa: E402
from mrsynth.timing import Timing  # noqa: E402
from mrsynth.volume import VOLUME_SUFFIXES  # noqa: E402
from MRSynthesisLib import Dependencies  # noqa: E402
from MRSynthesisLib.BatchCases import BatchCase, BatchPlan  # noqa: E402
from MRSynthesisLib.BatchRun import CANCELLED, DONE, FAILED, BatchOptions, BatchRun, CaseReport  # noqa: E402
from MRSynthesisLib.BatchSummary import writeSummary  # noqa: E402

if TYPE_CHECKING:
    from mrsynth.models.card import ModelCard

MOST_COUNTED = 100


def batchParser() -> argparse.ArgumentParser:
    """The parser of the arguments after ``--``."""
    parser = argparse.ArgumentParser("batch_synthesize.py", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--input", required=True, type=Path, metavar="FOLDER", help="volumes, or DICOM series")
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="for the results and summary.csv")
    parser.add_argument("--model", required=True, metavar="NAME", help="an installed model, such as t2-to-pd")
    parser.add_argument("--models", type=Path, action="append", default=[], metavar="FOLDER", help="look here first")
    parser.add_argument("--reference-suffix", default="", metavar="_PD", help="x_PD is what x or x_T2 is compared with")
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda:N|mps", help="default: auto")
    presets = {"choices": MODES, "metavar": "|".join(PRESETS)}
    parser.add_argument(
        *("--preset", "--mode"), dest="mode", **presets, help="how exact and how fast (default: what the card says)"
    )
    where = "default: what each scan came with"
    parser.add_argument("--te", type=float, metavar="MS", help=f"echo time of the scans ({where})")
    parser.add_argument("--tr", type=float, metavar="MS", help=f"repetition time of the scans ({where})")
    parser.add_argument(
        "--target-te", type=float, metavar="MS", help="echo time to synthesize (default: the model's usual one)"
    )
    formats = [suffix.removeprefix(".") for suffix in VOLUME_SUFFIXES]
    parser.add_argument("--format", choices=formats, default="nii.gz", help="of the results (default: nii.gz)")
    parser.add_argument("--force", action="store_true", help="replace results that exist")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Do the batch and return the exit code."""
    options = batchParser().parse_args(arguments)
    try:
        cases, settings, card = _prepared(options)
    except (InputError, OutputError) as error:
        _say(f"error: {error}")
        return int(ExitCode.BAD_INPUT)
    reports: list[CaseReport] = []
    try:
        with Interruption(), tempfile.TemporaryDirectory(prefix="mrsynthesis-") as folder:
            run = BatchRun(settings, card, Path(folder))
            for case in cases:
                reports.append(run.run(case))
                _say(f"[{len(reports)}/{len(cases)}] {_line(reports[-1])}")
                writeSummary(reports, options.output)
    except (KeyboardInterrupt, OutputError) as error:
        _say(f"stopped after {len(reports)} of {len(cases)} cases: {error}")
        return int(ExitCode.CANCELLED if isinstance(error, KeyboardInterrupt) else ExitCode.FAILURE)
    failed = sum(report.status in (FAILED, CANCELLED) for report in reports)
    _say(f"{len(reports) - failed} of {len(cases)} cases are done, {failed} failed; see summary.csv")
    return min(failed, MOST_COUNTED)


def _prepared(options: argparse.Namespace) -> tuple[list[BatchCase], BatchOptions, "ModelCard"]:
    """The cases, how to do them, and what is known of the model.

    Raises:
        InputError: An option cannot be used, or packages are missing.
        OutputError: The output folder cannot be written to.
    """
    missing = [*Dependencies.missingPackages(), *([] if Dependencies.hasTorch() else ["torch"])]
    if missing:
        raise InputError(f"expected the packages of MRSynthesis, found that {', '.join(missing)} are missing")
    from mrsynth.output_checks import check_folder
    from mrsynth.synthesis_run import find_model

    settings = _settings(options)
    pattern = SynthesisJob(
        options.input,
        options.output / "x.nii",
        options.model,
        model_folders=settings.modelFolders,
        timing=settings.timing,
    )
    card = find_model(pattern).card
    check_folder(options.output)
    plan = BatchPlan(
        options.input, options.output, card.target_contrast, f".{options.format}", options.reference_suffix
    )
    return plan.cases(), settings, card


def _settings(options: argparse.Namespace) -> BatchOptions:
    return BatchOptions(
        options.model,
        options.device,
        options.mode,
        options.force,
        Timing(options.te, options.tr, options.target_te),
        tuple(options.models),
    )


def _line(report: CaseReport) -> str:
    told = [report.case.output.name] if report.status == DONE else []
    return ": ".join([f"{report.status} {report.case.source.name}", *told, *filter(None, [report.message])])


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _leave(code: int) -> None:
    """End Slicer, which a script's own end does not; without the application, this process."""
    if hasattr(getattr(slicer, "app", None), "commandOptions"):
        slicer.util.exit(code)
    else:
        sys.exit(code)


if __name__ == "__main__":
    given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    try:
        exitCode = main(given)
    except SystemExit as end:
        exitCode = end.code if isinstance(end.code, int) else int(ExitCode.BAD_INPUT)
    _leave(exitCode)
