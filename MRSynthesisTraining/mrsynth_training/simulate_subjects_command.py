"""``mrsynth-train simulate-subjects``: from label maps to a cache like that of `prepare`, where there is no IXI."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mrsynth.cli.terminal import Terminal
from mrsynth.errors import InputError
from mrsynth.job_protocol import ExitCode
from mrsynth.progress import Progress, ProgressListener

WHAT = "simulate subjects in the protocol's size from label maps, for `mrsynth-train train`"


def add_command(commands: Any) -> None:
    """Add the command to the parser's sub-commands."""
    parser = commands.add_parser("simulate-subjects", help=WHAT, description=WHAT[0].upper() + WHAT[1:] + ".")
    parser.add_argument("label_maps", type=Path, metavar="LABEL_MAPS", help="folder of whole-head label maps at 1 mm")
    parser.add_argument("cache", type=Path, metavar="CACHE", help="folder for the subjects; those that are there stay")
    parser.add_argument("--seed", type=int, default=0, help="of the scans and of the split (default: %(default)s)")
    parser.add_argument(
        "--scans-per-head",
        type=int,
        default=1,
        metavar="N",
        help="subjects made of each head; all of one head are in the same part (default: %(default)s)",
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=os.cpu_count() or 1,
        help="subjects at a time, about 1 GB of memory each (default: %(default)s)",
    )
    counts = ("TRAIN", "VALIDATION", "TEST")
    parser.add_argument(
        "--split",
        nargs=3,
        type=int,
        default=(250, 35, 70),
        metavar=counts,
        help="heads of each part, or their proportion where there are fewer (default: 250 35 70)",
    )
    parser.set_defaults(command=simulate_subjects)


def simulate_subjects(options: argparse.Namespace) -> ExitCode:
    """Run the command.

    Raises:
        InputError: If there are no label maps, or too few for a split, or a number is below what makes sense.
        OutputError: If the cache cannot be written to or the disk is full.
        Cancelled: If a signal came.
    """
    from mrsynth_training.cache_filling import fill_volume_cache
    from mrsynth_training.interruption import stop_on_signals
    from mrsynth_training.label_maps import list_label_maps
    from mrsynth_training.simulated_subjects import plan_subjects, split_heads
    from mrsynth_training.split import SplitOptions
    from mrsynth_training.split_file import SPLIT_NAME, write_split
    from mrsynth_training.subject_table import TABLE_NAME, summary, write_subject_table

    split = SplitOptions(*options.split, seed=options.seed)  # refused before minutes are spent on simulating
    if options.scans_per_head < 1 or options.seed < 0:
        found = f"{options.scans_per_head} and {options.seed}"
        raise InputError(f"expected at least one scan per head and a seed of at least 0, found {found}")
    terminal = Terminal()
    tasks = plan_subjects(list_label_maps(options.label_maps), options.cache, options.seed, options.scans_per_head)
    with terminal.progress("simulate") as show, stop_on_signals() as stopped:
        records = fill_volume_cache(tasks, options.processes, _counted(show), stopped)
    write_subject_table(records, options.cache / TABLE_NAME)
    used = [record.subject for record in records if record.used]
    write_split(split_heads(used, split), options.cache / SPLIT_NAME)
    terminal.say(f"{summary(records)}; {options.cache / TABLE_NAME}")
    return ExitCode.OK


def _counted(show: ProgressListener) -> Callable[[int, int], None]:
    return lambda done, total: show(Progress("subjects", done, total, ""))
