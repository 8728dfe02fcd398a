"""The command ``mrsynth-train``: simulate scans, fit a generator, export it as a model, measure it."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mrsynth import __version__
from mrsynth.errors import InputError, OutputError

EXIT_OK, EXIT_FAILURE, EXIT_BAD_INPUT, EXIT_CANCELLED = 0, 1, 2, 130

# Far from the seeds of training, so that no head is evaluated as it was trained on.
EVALUATION_SEED = 900_000

EPILOG = """examples:
  mrsynth-train simulate t2-to-pd.toml LABEL_MAPS CACHE
  mrsynth-train fit t2-to-pd.toml CACHE RUN
  mrsynth-train fit t2-to-pd.toml CACHE RUN --resume
  mrsynth-train export t2-to-pd.toml CACHE RUN MODELS
  mrsynth-train evaluate MODELS/t2-to-pd CACHE LABEL_MAPS --pairs pairs.csv
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code: 0, 1 failure, 2 bad input, 130 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except (InputError, OutputError) as error:
        print(f"mrsynth-train: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return EXIT_CANCELLED
    except (OSError, RuntimeError) as error:
        print(f"mrsynth-train: {error}", file=sys.stderr)
        return EXIT_FAILURE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mrsynth-train", description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"mrsynth-train {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_simulate(commands)
    _add_fit(commands)
    _add_export(commands)
    _add_evaluate(commands)
    return parser


def _add_simulate(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("simulate", help="simulate the scans of an experiment from label maps")
    parser.add_argument("experiment", type=Path, help="experiment file (TOML)")
    parser.add_argument("label_maps", type=Path, help="folder of whole-head label maps at 1 mm (*.nii.gz)")
    parser.add_argument("cache", type=Path, help="folder for the simulated scans; scans that are there are kept")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="scans at a time (default: %(default)s)")
    parser.set_defaults(command=_simulate)


def _add_fit(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("fit", help="train a generator; Ctrl-C leaves a checkpoint to resume from")
    parser.add_argument("experiment", type=Path, help="experiment file (TOML)")
    parser.add_argument("cache", type=Path, help="folder of simulated scans")
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="folder for the checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument("--threads", type=int, help="CPU threads (default: PyTorch's choice)")
    parser.set_defaults(command=_fit)


def _add_export(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("export", help="write a finished run as a model: weights and card")
    parser.add_argument("experiment", type=Path, help="experiment file (TOML) with a table [card]")
    parser.add_argument("cache", type=Path, help="folder of the simulated scans it was trained on")
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="folder of the run")
    parser.add_argument("models", type=Path, help="folder that the model's own folder is made in")
    parser.add_argument("--model-version", default="1.0.0", help="version for the card (default: %(default)s)")
    parser.set_defaults(command=_export)


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("evaluate", help="measure a model beside its baselines")
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument(
        "cache", type=Path, help="folder of the simulated scans it was trained on (for the map baseline)"
    )
    parser.add_argument("label_maps", type=Path, help="folder of label maps; those after the training heads are used")
    parser.add_argument("--pairs", type=Path, help="CSV table (name, T2, PD) of real pairs")
    parser.add_argument(
        "--scans", type=int, default=4, help="simulated scans a head and protocol (default: %(default)s)"
    )
    parser.add_argument("--csv", type=Path, help="write every figure of every case")
    parser.add_argument("--write-card", action="store_true", help="write the figures into the model's card")
    parser.set_defaults(command=_evaluate)


def _simulate(options: argparse.Namespace) -> int:
    from mrsynth_training.experiments import read_experiment
    from mrsynth_training.label_maps import list_label_maps
    from mrsynth_training.pair_cache import fill_cache, plan_simulations

    simulation = read_experiment(options.experiment).simulation
    heads = list_label_maps(options.label_maps)[: simulation.training_heads]
    tasks = plan_simulations(heads, options.cache, simulation.scans, simulation.seed)
    with _progress_bar(len(tasks), "scans") as bar:
        new = fill_cache(tasks, options.processes, lambda done, total: bar.update())
    print(f"{len(tasks)} scans of {len(heads)} heads in {options.cache}, {new} of them new")
    return EXIT_OK


def _fit(options: argparse.Namespace) -> int:
    import torch

    from mrsynth_training.experiments import read_experiment
    from mrsynth_training.interruption import stop_on_signals
    from mrsynth_training.pair_cache import read_cache
    from mrsynth_training.trainer import Trainer

    if options.threads:
        torch.set_num_threads(options.threads)
    experiment = read_experiment(options.experiment)
    trainer = Trainer(experiment, read_cache(options.cache), options.run_folder, options.resume)
    with stop_on_signals() as stopped, _progress_bar(experiment.optimization.steps, "steps", trainer.step) as bar:

        def report(status) -> None:
            bar.set_postfix_str(f"loss {status.loss:.4f}, {status.patches_per_second:.1f} patches/s", refresh=False)
            bar.update(status.step - bar.n)

        finished = trainer.fit(report, stopped)
    state = "finished" if finished else "stopped; go on with --resume"
    print(f"{options.run_folder}: {trainer.step} of {experiment.optimization.steps} steps, {state}")
    return EXIT_OK if finished else EXIT_CANCELLED


def _export(options: argparse.Namespace) -> int:
    from mrsynth_training.export import export_model, read_card_texts
    from mrsynth_training.pair_cache import read_cache

    texts, pairs = read_card_texts(options.experiment), read_cache(options.cache)
    folder = export_model(options.run_folder, pairs, texts, options.models, options.model_version)
    print(f"{folder}: model written; its figures are written by `mrsynth-train evaluate {folder} ... --write-card`")
    return EXIT_OK


def _evaluate(options: argparse.Namespace) -> int:
    from mrsynth.models.card import read_card
    from mrsynth.models.installed import InstalledModel
    from mrsynth.models.weights import load_model
    from mrsynth_training.evaluation import evaluate_case, results_table, write_results
    from mrsynth_training.export import write_figures
    from mrsynth_training.pair_cache import read_cache
    from mrsynth_training.trained_intensity_map import fit_to_training

    card = read_card(options.model)
    cases = list(_cases(options, card.training["subjects"]))
    model = load_model(InstalledModel(card, options.model))
    intensity_map = fit_to_training(read_cache(options.cache), card.source_contrast, card.target_contrast)
    with _progress_bar(len(cases), "scans") as bar:
        results = []
        for case in cases:
            results.append(evaluate_case(model, case, intensity_map))
            bar.update()
    print(results_table(results))
    if options.csv:
        write_results(results, options.csv)
    if options.write_card:
        write_figures(options.model, card, results)
    return EXIT_OK


def _cases(options: argparse.Namespace, training_heads: int):
    """Yield the simulated cases of the heads that were not trained on, then the real ones."""
    from mrsynth_training.evaluation_cases import real_cases, simulated_cases
    from mrsynth_training.label_maps import list_label_maps

    heads = list_label_maps(options.label_maps)[training_heads:]
    if not heads:
        raise InputError(f"{options.label_maps}: expected heads beyond the {training_heads} trained on, found none")
    for protocol in ("ixi", "random"):
        yield from simulated_cases(heads, protocol, options.scans, EVALUATION_SEED)
    if options.pairs:
        yield from real_cases(options.pairs)


def _progress_bar(total: int, unit: str, initial: int = 0):
    from tqdm import tqdm

    return tqdm(total=total, initial=initial, unit=" " + unit, file=sys.stderr, mininterval=1.0)
