"""``mrsynth-train fit``: a generator on simulated scans, step by step."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrsynth.cli.terminal import Terminal
from mrsynth.job_protocol import ExitCode
from mrsynth.progress import EtaClock, Progress
from mrsynth_training import experiment_changes, followed_command
from mrsynth_training.thread_option import add_threads, use_threads
from mrsynth_training.training_job import STAGE

if TYPE_CHECKING:
    from torch import Tensor

    from mrsynth_training.experiments import Experiment
    from mrsynth_training.trainer import Trainer, TrainingStatus

WHAT = "train a generator on simulated scans; Ctrl-C leaves a checkpoint to resume from"


def add_command(commands: Any) -> None:
    """Add the command to the parser's sub-commands."""
    parser = commands.add_parser("fit", help=WHAT, description=WHAT[0].upper() + WHAT[1:] + ".")
    parser.add_argument("experiment", type=Path, help="experiment file (TOML), or the name of a shipped experiment")
    parser.add_argument("cache", type=Path, help="folder of the experiment's simulated scans, all of them")
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="folder for the checkpoint")
    parser.add_argument(
        "--start",
        metavar="MODEL",
        help="folder of the model, or its name if it is installed, whose weights an experiment that continues it "
        "begins with; not looked at with --resume",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint, bit for bit on a CPU")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:N or mps")
    add_threads(parser)
    experiment_changes.add_option(parser)
    followed_command.add_option(parser)
    parser.set_defaults(command=fit)


def fit(options: argparse.Namespace) -> ExitCode:
    """Run the command.

    Raises:
        InputError: If the experiment, the scans, the run or the model to start from are not as they should be.
        OutputError: If the run's folder cannot be written to or the disk is full.
        TrainingDiverged: If the loss is no longer a number.
    """
    import torch

    from mrsynth.devices import resolve_device
    from mrsynth_training.card_texts import read_card_texts
    from mrsynth_training.experiments import read_experiment
    from mrsynth_training.interruption import stop_on_signals
    from mrsynth_training.pair_cache import read_cache
    from mrsynth_training.run_recording import record_fit
    from mrsynth_training.trainer import Trainer
    from mrsynth_training.training_data import data_of_pairs

    use_threads(options.threads)
    torch.set_flush_denormal(True)  # a CPU is many times slower on numbers too small to matter
    experiment, texts = read_experiment(options.experiment, options.changes), read_card_texts(options.experiment)
    device, start = resolve_device(options.device), None if options.resume else _start(experiment, options.start)
    pairs, follower = read_cache(options.cache, experiment.simulation), options.follower
    trainer = Trainer(experiment, pairs, options.run_folder, options.resume, device)
    if start is not None:
        trainer.start_from(start)
    record_fit(trainer, data_of_pairs(pairs, experiment), texts)
    with stop_on_signals() as stopped:
        if follower is not None:
            finished = trainer.fit(_told(follower, str(device)), lambda: stopped() or follower.asked_to_stop())
            follower.end(_summary(trainer, finished), {"step": trainer.step, "steps": trainer.options.steps})
        else:
            finished = _fit_in_terminal(trainer, stopped)
    return ExitCode.OK if finished else ExitCode.CANCELLED


def _start(experiment: "Experiment", model: str | None) -> "dict[str, Tensor] | None":
    """Return the weights that a new run begins with; None for fresh ones.

    Raises:
        InputError: If the model is not the one that the experiment continues.
    """
    from mrsynth.errors import InputError
    from mrsynth.models.weights import load_model
    from mrsynth_training.named_model import installed_model

    continued = experiment.continues
    if bool(continued) != (model is not None):
        expected = f"the model {continued} (--start)" if continued else "no model"
        raise InputError(f"expected {expected} to start {experiment.name} from, found {model or 'none'}")
    if model is None:
        return None
    installed = installed_model(model)
    for name, expected in (
        ("name", continued),
        ("source_contrast", experiment.source_contrast),
        ("target_contrast", experiment.target_contrast),
    ):
        found = getattr(installed.card, name)
        if found != expected:
            raise InputError(f"{model}: expected a model with the {name} {expected}, found {found}")
    return load_model(installed).network.state_dict()


def _fit_in_terminal(trainer: "Trainer", stopped: Callable[[], bool]) -> bool:
    """Train with a progress bar that shows loss and pace, and say what came of it."""
    import sys

    from tqdm import tqdm

    bar = tqdm(total=trainer.options.steps, initial=trainer.step, unit=" steps", file=sys.stderr, mininterval=1.0)
    with bar:

        def report(status: "TrainingStatus") -> None:
            bar.set_postfix_str(f"loss {status.loss:.4f}, {status.patches_per_second:.1f} patches/s", refresh=False)
            bar.update(status.step - bar.n)

        finished = trainer.fit(report, stopped)
        bar.update(trainer.step - bar.n)
    Terminal().say(_summary(trainer, finished))
    return finished


def _told(follower: followed_command.Follower, device: str) -> Callable[["TrainingStatus"], None]:
    clock = EtaClock()

    def report(status: "TrainingStatus") -> None:
        eta_s = clock.eta_s(Progress(STAGE, status.step, status.steps, device))
        details = {
            "device": device,
            "losses": {"loss": status.loss},
            "patches_per_second": round(status.patches_per_second, 2),
        }
        follower.tell(status.step, status.steps, eta_s, details)

    return report


def _summary(trainer: "Trainer", finished: bool) -> str:
    state = "finished" if finished else "stopped; go on with --resume"
    return f"{trainer.run}: {trainer.step} of {trainer.options.steps} steps, {state}"
