"""The command ``mrsynth-train``: simulate scans, fit a generator, export it as a model, measure it."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mrsynth import __version__
from mrsynth.errors import Cancelled, InputError, OutputError
from mrsynth.job_protocol import ExitCode
from mrsynth_training import (
    evaluate_models_command,
    evaluate_runs_command,
    experiment_changes,
    export_command,
    fit_command,
    followed_command,
    prepare_command,
    report_command,
    simulate_subjects_command,
    train_command,
)

DESCRIPTION = "Train models that turn T2 into PD or PD into T2, measure them, and make them available."
EPILOG = """the report's experiments, on IXI or on pairs of your own:
  mrsynth-train prepare IXI CACHE                   or simulate-subjects LABEL_MAPS CACHE
  mrsynth-train train g3 CACHE RUNS/g3              again with --resume after Ctrl-C or a crash
  mrsynth-train evaluate-runs CACHE RUNS/g1 RUNS/g3
  mrsynth-train report RUNS/g1 RUNS/g3 STUDY
  mrsynth-train export RUNS/g3                      the panel and `mrsynth models list` have it at once

a model like the shipped ones, from label maps of whole heads:
  mrsynth-train simulate t2-to-pd-stage-1 LABEL_MAPS CACHE
  mrsynth-train fit t2-to-pd-stage-1 CACHE RUN
  mrsynth-train export RUN --models MODELS            then t2-to-pd likewise, with --start MODELS/t2-to-pd-stage-1
  mrsynth-train evaluate-models MODELS/t2-to-pd LABEL_MAPS --pairs pairs.csv --write-card
  mrsynth synthesize t2.nii.gz pd.nii.gz --model t2-to-pd --models MODELS

g3, t2-to-pd and the like are the names of shipped experiments; the path of a TOML file names one of yours, and --set
changes a value of either, such as --set schedule.epochs=2. LABEL_MAPS holds maps of whole heads at 1 mm, *.nii.gz, in
FreeSurfer's numbers and with tissue outside the brain from 500 on, as in data/training_label_maps of the SynthSeg
repository. CACHE, RUN, RUNS, STUDY and MODELS are folders that are made.
"""
EXPERIMENT = "experiment file (TOML), or the name of a shipped experiment"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code: 0, 1 failure, 2 bad input, 130 interrupted."""
    options = command_parser().parse_args(arguments)
    if getattr(options, "follow", None) is not None:
        return followed_command.run_followed(options)
    try:
        return int(options.command(options))
    except (InputError, OutputError) as error:
        print(f"mrsynth-train: {error}", file=sys.stderr)
        return int(ExitCode.BAD_INPUT)
    except (KeyboardInterrupt, Cancelled) as error:
        print(f"mrsynth-train: {str(error) or 'interrupted'}", file=sys.stderr)
        return int(ExitCode.CANCELLED)
    except (OSError, RuntimeError) as error:
        print(f"mrsynth-train: {error}", file=sys.stderr)
        return int(ExitCode.FAILURE)


def command_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; each command sets ``command``, the function that runs it."""
    parser = argparse.ArgumentParser(
        prog="mrsynth-train",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mrsynth-train {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_simulate(commands)
    fit_command.add_command(commands)
    evaluate_models_command.add_command(commands)
    prepare_command.add_command(commands)
    simulate_subjects_command.add_command(commands)
    train_command.add_command(commands)
    evaluate_runs_command.add_command(commands)
    report_command.add_command(commands)
    export_command.add_command(commands)
    return parser


def _add_simulate(commands: argparse._SubParsersAction) -> None:
    parser = _add_command(commands, "simulate", "simulate the scans of an experiment from label maps")
    parser.add_argument("experiment", type=Path, help=EXPERIMENT)
    parser.add_argument(
        "label_maps",
        type=Path,
        help="folder of whole-head label maps at 1 mm (*.nii.gz); the first ones, in the order of their names, are for "
        "training, as many as the experiment says, and the others for evaluation",
    )
    parser.add_argument("cache", type=Path, help="folder for the simulated scans; scans that are there are kept")
    parser.add_argument(
        "--processes",
        type=int,
        default=os.cpu_count(),
        help="scans at a time, about 1 GB of memory each (default: %(default)s)",
    )
    experiment_changes.add_option(parser)
    parser.set_defaults(command=_simulate)


def _add_command(commands: argparse._SubParsersAction, name: str, what: str) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")


def _simulate(options: argparse.Namespace) -> int:
    from mrsynth_training.experiments import read_experiment
    from mrsynth_training.label_maps import list_label_maps
    from mrsynth_training.pair_cache import fill_cache, plan_simulations

    simulation = read_experiment(options.experiment, options.changes).simulation
    heads = list_label_maps(options.label_maps)
    if len(heads) < simulation.training_heads:
        found = f"expected at least {simulation.training_heads} label maps, as the experiment says, found {len(heads)}"
        raise InputError(f"{options.label_maps}: {found}")
    tasks = plan_simulations(heads, options.cache, simulation)
    with _progress_bar(len(tasks), "scans") as bar:
        new = fill_cache(tasks, options.processes, lambda done, total: bar.update())
    print(f"{len(tasks)} scans of {simulation.training_heads} heads in {options.cache}, {new} of them new")
    return ExitCode.OK


def _progress_bar(total: int, unit: str, initial: int = 0):
    from tqdm import tqdm

    return tqdm(total=total, initial=initial, unit=" " + unit, file=sys.stderr, mininterval=1.0)


if __name__ == "__main__":
    sys.exit(main())
