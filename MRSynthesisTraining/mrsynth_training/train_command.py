"""``mrsynth-train train``: a generator on prepared subjects, epoch by epoch, with or without a discriminator."""

import argparse
import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrsynth.cli.terminal import Terminal
from mrsynth.job_protocol import ExitCode
from mrsynth_training import experiment_changes, followed_command
from mrsynth_training.thread_option import add_threads, use_threads

if TYPE_CHECKING:
    import torch

    from mrsynth_training.epoch_experiment import EpochExperiment
    from mrsynth_training.epoch_trainer import EpochTrainer
    from mrsynth_training.run_options import RunOptions
    from mrsynth_training.run_pace import EpochStatus

WHAT = "train a generator on prepared subjects as the report did, with or without a discriminator"
EPILOG = """\
examples:
  mrsynth-train train g1 CACHE RUNS/g1
  mrsynth-train train g3 CACHE RUNS/g3              again with --resume after Ctrl-C or a crash
  mrsynth-train train g4 CACHE RUNS/g4              starts from the best epoch of RUNS/g3
  mrsynth-train train g1 CACHE RUNS/quick --set schedule.epochs=2 --set schedule.learning_rate=0.001
  torchrun --nproc-per-node 4 -m mrsynth_training train g3 CACHE RUNS/g3      on four GPUs

CACHE is what `mrsynth-train prepare` or `mrsynth-train simulate-subjects` filled. RUN gets checkpoint.pt, best.pt (the
epoch with the highest mean validation PSNR), run.json (data, hardware, software, baselines), epochs.csv (a row an
epoch) and validation.csv (a row a subject and epoch); where pyarrow or tensorboard are installed, Parquet tables and
events for TensorBoard as well. An interrupted run, also a killed one, goes on from its last checkpoint with --resume.
"""


def add_command(commands: Any) -> None:
    """Add the command to the parser's sub-commands."""
    layout = {"epilog": EPILOG, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = commands.add_parser("train", help=WHAT, description=WHAT[0].upper() + WHAT[1:] + ".", **layout)
    parser.add_argument("experiment", type=Path, help="experiment file (TOML), or the name of a shipped experiment")
    parser.add_argument("cache", type=Path, metavar="CACHE", help="folder of the prepared subjects")
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="folder for checkpoints and tables")
    parser.add_argument("--split", type=Path, help="split to train on (default: CACHE/split.json)")
    parser.add_argument(
        "--start",
        type=Path,
        metavar="RUN",
        help="run whose best epoch an experiment like g4 continues (default: beside RUN, named like its experiment)",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint, bit for bit on a CPU")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:N or mps")
    add_threads(parser)
    parser.add_argument(
        "--checkpoint-minutes",
        type=float,
        default=5.0,
        help="longest time that a crash may cost (default: %(default)s)",
    )
    experiment_changes.add_option(parser)
    followed_command.add_option(parser)
    parser.set_defaults(command=train)


def train(options: argparse.Namespace) -> ExitCode:
    """Run the command.

    Raises:
        InputError: If the experiment, the subjects or the run are not as they should be.
        OutputError: If the run's folder cannot be written to or the disk is full.
        TrainingDiverged: If a loss is no longer a number.
    """
    from mrsynth.devices import available_devices, resolve_device
    from mrsynth_training.epoch_experiment import read_epoch_experiment
    from mrsynth_training.process_group import device_of_process, joined_processes
    from mrsynth_training.run_options import RunOptions

    experiment, start = read_epoch_experiment(options.experiment, options.changes), options.start
    if experiment.continues and start is None and not options.resume:
        start = options.run_folder.parent / experiment.continues
    device = resolve_device(device_of_process(options.device, available_devices()))
    _set_up(device, options.threads, experiment.schedule.mixed_precision)
    with joined_processes(device) as processes:
        run = RunOptions(options.run_folder, options.resume, start, device, processes, 60 * options.checkpoint_minutes)
        return _fit(experiment, options, run)


def _set_up(device: "torch.device", threads: int | None, mixed_precision: bool) -> None:
    import torch

    use_threads(threads)
    torch.set_flush_denormal(True)  # a CPU is many times slower on numbers too small to matter
    torch.backends.cudnn.deterministic = True  # or a GPU picks algorithms by their speed at the moment
    torch.backends.cudnn.allow_tf32 = mixed_precision  # or what is in single precision would be rounded to ten bits
    if device.type == "cuda":
        torch.cuda.set_device(device)


def _fit(experiment: "EpochExperiment", options: argparse.Namespace, run: "RunOptions") -> ExitCode:
    from mrsynth_training.card_texts import read_card_texts
    from mrsynth_training.epoch_subjects import read_epoch_subjects
    from mrsynth_training.epoch_trainer import EpochTrainer
    from mrsynth_training.interruption import stop_on_signals
    from mrsynth_training.run_recording import record_training
    from mrsynth_training.split_file import SPLIT_NAME

    subjects = read_epoch_subjects(options.cache, options.split or options.cache / SPLIT_NAME)
    texts = read_card_texts(options.experiment)
    trainer, follower = EpochTrainer(experiment, subjects, run), options.follower
    record_training(trainer, texts)
    with stop_on_signals() as stopped:
        if follower is not None:
            tell = partial(_tell, follower, trainer)
            finished = trainer.fit(tell, lambda: stopped() or follower.asked_to_stop())
            follower.end(_summary(trainer, finished), _figures(trainer))
        else:
            finished = _fit_in_terminal(trainer, stopped)
    return ExitCode.OK if finished else ExitCode.CANCELLED


def _fit_in_terminal(trainer: "EpochTrainer", stopped: Callable[[], bool]) -> bool:
    """Train with a progress bar, of the first process, and say what came of it."""
    terminal = Terminal()
    if not trainer.run.processes.is_first:
        return trainer.fit(stop=stopped)
    with terminal.progress(trainer.experiment.name) as show:
        finished = trainer.fit(lambda status: show(status.progress), stopped)
    terminal.say(_summary(trainer, finished))
    return finished


def _tell(follower: followed_command.Follower, trainer: "EpochTrainer", status: "EpochStatus") -> None:
    progress = status.progress
    details = {
        "device": progress.device,
        "losses": dict(status.losses),
        "patches_per_second": round(status.patches_per_second, 2),
    }
    follower.tell(progress.done, progress.total, status.eta_s, details | _figures(trainer))


def _figures(trainer: "EpochTrainer") -> dict[str, Any]:
    """Return how many epochs are done of all, and the rows of the last and of the best one."""
    history = trainer.history
    last = history.epochs[-1] if history.epochs else None
    rows = {name: row and _in_json(row) for name, row in (("last", last), ("best", history.best))}
    return {"epoch": history.epoch, "epochs": trainer.schedule.epochs, **rows}


def _in_json(row: Mapping[str, float]) -> dict[str, float | None]:
    """Return a row without what JSON does not know: a perfect synthesis has an infinite PSNR."""
    return {name: value if math.isfinite(value) else None for name, value in row.items()}


def _summary(trainer: "EpochTrainer", finished: bool) -> str:
    best, history = trainer.history.best, trainer.history
    state = "finished" if finished else "stopped; go on with --resume"
    line = f"{trainer.run.folder}: {history.epoch} of {trainer.schedule.epochs} epochs, {state}"
    if best is None:
        return line
    figures = f"PSNR {best['psnr_range']:.2f} dB (range: maximum - minimum), MAE {best['mae']:.4f}"
    where = f"whole volume, validation subjects: {len(trainer.subjects.validation)}"
    return f"{line}\nbest epoch {best['epoch']}: mean {figures}; {where}"
