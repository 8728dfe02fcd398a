"""``mrsynth-train evaluate-runs``: runs of `train` on the test subjects, beside baselines and one another."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrsynth.cli.terminal import Terminal, table
from mrsynth.job_protocol import ExitCode
from mrsynth_training.thread_option import add_threads, use_threads

if TYPE_CHECKING:
    from mrsynth_training.evaluated_run import EvaluatedRun

WHAT = "measure runs of train on the test subjects, beside baselines and one another"
EPILOG = """\
examples:
  mrsynth-train evaluate-runs CACHE RUNS/g1 RUNS/g2 RUNS/g3 RUNS/g4 --output TABLES
  mrsynth-train evaluate-runs CACHE RUNS/g1 --stride 16 16 16          a quarter of the time, a coarser average
  mrsynth-train report RUNS/g1 RUNS/g2 RUNS/g3 RUNS/g4 REPORT          afterwards: one page of it all

The best epoch of each run synthesises the test subjects with overlapping patches. Each RUN gets a folder test: figures
and synthetic volume of each subject, in standard deviations of the acquired one, and the tables subjects.csv,
summary.csv, comparisons.csv and tissues.csv. What is there already and still true is not computed again. Figures are
given inside the head and over the whole volume, PSNR for two ranges: maximum - minimum, and the 0.5 to 99.5 percentile.
"""


def add_command(commands: Any) -> None:
    """Add the command to the parser's sub-commands."""
    layout = {"epilog": EPILOG, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = commands.add_parser("evaluate-runs", help=WHAT, description=WHAT[0].upper() + WHAT[1:] + ".", **layout)
    parser.add_argument("cache", type=Path, metavar="CACHE", help="folder of the prepared subjects")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of runs")
    parser.add_argument(
        "--split", type=Path, help="the split that the runs were trained on (default: CACHE/split.json)"
    )
    parser.add_argument(
        "--stride",
        type=int,
        nargs=3,
        default=(8, 8, 8),
        metavar=("X", "Y", "SLICE"),
        help="from patch to patch in voxels (default: 8 8 8, as the report had it)",
    )
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="folder for the tables of all runs together")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:N or mps")
    add_threads(parser)
    parser.set_defaults(command=evaluate_runs)


def evaluate_runs(options: argparse.Namespace) -> ExitCode:
    """Run the command.

    Raises:
        InputError: If a run, the split or a subject is not as it should be.
        OutputError: If a folder cannot be written to or the disk is full.
        Cancelled: If a signal came; subjects that are finished are kept.
    """
    import torch

    from mrsynth.devices import resolve_device
    from mrsynth_training.evaluated_run import read_evaluated_runs
    from mrsynth_training.evaluation_record import FOLDER
    from mrsynth_training.interruption import stop_on_signals
    from mrsynth_training.run_evaluation import EvaluationOptions, RunEvaluation
    from mrsynth_training.split_file import SPLIT_NAME
    from mrsynth_training.study_tables import write_study_tables
    from mrsynth_training.trained_run import read_trained_runs

    use_threads(options.threads)
    torch.set_flush_denormal(True)  # a CPU is many times slower on numbers too small to matter
    split, device = options.split or options.cache / SPLIT_NAME, resolve_device(options.device)
    how = EvaluationOptions(options.cache, split, tuple(options.stride), device)
    evaluation, terminal = RunEvaluation(read_trained_runs(options.runs), how), Terminal()
    with stop_on_signals() as stopped, terminal.progress("evaluate") as show:
        evaluation.evaluate(show, stopped)
    evaluated = read_evaluated_runs(options.runs)
    for run in evaluated:
        write_study_tables(run.run.folder / FOLDER, [run])
    if options.output:
        write_study_tables(options.output, evaluated)
    terminal.say(_summary(evaluated))
    return ExitCode.OK


def _summary(runs: "Sequence[EvaluatedRun]") -> str:
    """The figures over the whole volume, mean (standard deviation), for a terminal."""
    from mrsynth.metrics import WHOLE_VOLUME
    from mrsynth_training.study_tables import IMAGES
    from mrsynth_training.study_words import mean_and_deviation

    rows = []
    for run in runs:
        for image in IMAGES:
            figures = run.metrics(image, WHOLE_VOLUME)
            rows.append(
                (run.name, image, *(mean_and_deviation(figures, name) for name in ("mae", "psnr_range", "ssim")))
            )
    titles = ("run", "image", "MAE", "PSNR dB (max-min)", "SSIM")
    note = f"Test subjects: {len(runs[0].subjects)}; mean (standard deviation), whole volume, standardised units."
    return f"{table(rows, titles)}\n\n{note}"
