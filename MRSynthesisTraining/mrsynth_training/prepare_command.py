"""``mrsynth-train prepare``: from IXI, or a hospital's own pairs, to a cache of arrays and a split."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrsynth.cli.terminal import Terminal, table
from mrsynth.errors import InputError
from mrsynth.job_protocol import ExitCode
from mrsynth.progress import Progress, ProgressListener

if TYPE_CHECKING:
    from mrsynth_training.scan_pair import ScanPair
    from mrsynth_training.split import Split
    from mrsynth_training.subject_table import SubjectRecord

WHAT = "prepare T2 and PD scans of IXI, or pairs of your own, for training"
EPILOG = """\
examples:
  mrsynth-train prepare IXI CACHE --download     fetches IXI-T2.tar and IXI-PD.tar (8 GB) into IXI after a question
  mrsynth-train prepare IXI CACHE                takes archives, unpacked folders and loose files as they are found
  mrsynth-train prepare pairs.csv CACHE --contrasts FLAIR T1 --size 192 192 32 --slice-step 1

pairs.csv has the columns subject, source, target and, if there are several, site; paths start from its folder.
CACHE gets an array and a description of each subject, subjects.csv (who is used or skipped, and why) and split.json.
Run again, it does what is missing or has changed; a scan has changed if its name, size or time has.
No official checksum of IXI's archives is known: the SHA-256 of a downloaded one is recorded beside it and verified on
each later use.
"""
SKIPPED_SHOWN = 10


def add_command(commands: Any) -> None:
    """Add the command to the parser's sub-commands."""
    layout = {"epilog": EPILOG, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = commands.add_parser("prepare", help=WHAT, description=WHAT[0].upper() + WHAT[1:] + ".", **layout)
    parser.add_argument("scans", type=Path, metavar="IXI_DIR|TABLE", help="folder with IXI in it, or a table (*.csv)")
    parser.add_argument("cache", type=Path, metavar="CACHE", help="folder for the prepared subjects")
    parser.add_argument("--download", action="store_true", help="fetch what IXI_DIR lacks of IXI, after a question")
    parser.add_argument("--yes", action="store_true", help="download without asking")
    parser.add_argument("--address", help="https or file address of another folder that holds IXI's archives")
    parser.add_argument("--contrasts", nargs=2, metavar=("SOURCE", "TARGET"), help="of a table (default: T2 PD)")
    processes = os.cpu_count() or 1
    parser.add_argument("--processes", type=int, default=processes, help="subjects at a time (default: %(default)s)")
    _add_protocol(parser)
    parser.set_defaults(command=prepare)


def _add_protocol(parser: argparse.ArgumentParser) -> None:
    """Add what the protocol sets, with its numbers as defaults."""
    counts, size = ("TRAIN", "VALIDATION", "TEST"), ("X", "Y", "SLICES")
    parser.add_argument("--split", nargs=3, type=int, default=(250, 35, 70), metavar=counts, help="default: 250 35 70")
    parser.add_argument("--seed", type=int, default=0, help="of the split (default: %(default)s)")
    parser.add_argument(
        "--leave-one-site-out", action="store_true", help="write split-without-SITE.json of each site, too"
    )
    parser.add_argument("--new-split", action="store_true", help="replace splits that are there")
    parser.add_argument("--size", nargs=3, type=int, default=(224, 224, 96), metavar=size, help="default: 224 224 96")
    parser.add_argument("--slice-step", type=int, default=3, help="one slice in so many is kept (default: %(default)s)")
    parser.add_argument("--plane", default="acquired", help="acquired (default), axial, coronal or sagittal slices")


def prepare(options: argparse.Namespace) -> ExitCode:
    """Run the command.

    Raises:
        InputError: If there is nothing to prepare, no subject can be used, or too few for a split.
        OutputError: If the cache cannot be written to or the disk is full.
        Cancelled: If there was no consent, or a signal came.
    """
    from mrsynth_training.cache_filling import PreparationTask, fill_volume_cache
    from mrsynth_training.interruption import stop_on_signals
    from mrsynth_training.preprocessing import PreprocessingOptions
    from mrsynth_training.split import SplitOptions
    from mrsynth_training.split_file import named_splits, write_splits
    from mrsynth_training.subject_table import TABLE_NAME, write_subject_table

    protocol = PreprocessingOptions(tuple(options.size), options.slice_step, plane=options.plane)
    split_options = SplitOptions(*options.split, seed=options.seed)
    terminal, contrasts = Terminal(), _contrasts(options)
    with terminal.progress("prepare") as show:
        pairs, skipped = _found(options, terminal, show)
        tasks = [PreparationTask(pair, options.cache, contrasts, protocol) for pair in pairs]
        with stop_on_signals() as stopped:
            records = fill_volume_cache(tasks, options.processes, _counted(show), stopped)
    table_path = options.cache / TABLE_NAME
    write_subject_table([*records, *skipped], table_path)
    _tell([*records, *skipped], table_path, terminal)
    sites = {record.subject: record.site for record in records if record.used}
    splits = named_splits(sites, split_options, options.leave_one_site_out)
    write_splits(options.cache, splits, options.new_split)
    terminal.say(_described(splits))
    return ExitCode.OK


def _contrasts(options: argparse.Namespace) -> tuple[str, str]:
    from mrsynth_training.ixi_scans import CONTRASTS
    from mrsynth_training.plain_name import require_plain_name

    if not options.contrasts:
        return CONTRASTS
    for contrast in options.contrasts:
        require_plain_name(contrast, "a contrast")
    if options.contrasts[0] == options.contrasts[1]:
        raise InputError(f"expected two contrasts, found {options.contrasts[0]} twice")
    if not _is_table(options.scans):
        raise InputError(
            "expected --contrasts with a table of pairs only, since IXI's are T2 and PD, found it with a folder"
        )
    return tuple(options.contrasts)


def _is_table(path: Path) -> bool:
    return path.suffix.lower() == ".csv"


def _found(
    options: argparse.Namespace, terminal: Terminal, show: ProgressListener
) -> tuple[list["ScanPair"], list["SubjectRecord"]]:
    """Return the pairs, and the subjects that make none; downloads and verifies archives on the way."""
    from mrsynth_training.ixi_scans import find_ixi
    from mrsynth_training.pair_table import read_pair_table

    if _is_table(options.scans):
        if options.download:
            raise InputError("expected --download with a folder for IXI, found it with a table of pairs")
        return read_pair_table(options.scans)
    if options.download:
        _download(options, terminal, show)
    _verify(options.scans, show)
    return find_ixi(options.scans)


def _download(options: argparse.Namespace, terminal: Terminal, show: ProgressListener) -> None:
    """Fetch the archives of those contrasts that the folder has no scan of."""
    from mrsynth_training.ixi_download import ADDRESS, ArchiveDownload
    from mrsynth_training.ixi_scans import CONTRASTS, find_scans

    there = {scan.contrast for scan in find_scans(options.scans)} if options.scans.is_dir() else set()
    download = ArchiveDownload(options.scans, options.address or ADDRESS, show)
    consent = (lambda question: True) if options.yes else terminal.confirm
    download.fetch([contrast for contrast in CONTRASTS if contrast not in there], consent)


def _verify(folder: Path, show: ProgressListener) -> None:
    from mrsynth_training.archive_checksum import verify_archive
    from mrsynth_training.ixi_scans import ARCHIVES

    for name in ARCHIVES.values():
        if (folder / name).is_file():
            verify_archive(folder / name, show)


def _counted(show: ProgressListener) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        if total:
            show(Progress("subjects", done, total, ""))

    return report


def _tell(records: Sequence["SubjectRecord"], path: Path, terminal: Terminal) -> None:
    """Say who is used and who is not; the table has all of it."""
    from mrsynth_training.subject_table import sorted_records, summary

    skipped = [record for record in sorted_records(records) if not record.used]
    for record in skipped[:SKIPPED_SHOWN]:
        terminal.warn(f"skipped {record.subject}: {record.reason}: {record.detail}")
    if len(skipped) > SKIPPED_SHOWN:
        terminal.warn(f"skipped {len(skipped) - SKIPPED_SHOWN} more; see {path}")
    padded = [record for record in records if record.used and record.detail]
    if padded:
        terminal.warn(f"{len(padded)} subjects are smaller than the protocol's size and were padded; see {path}")
    terminal.say(f"{summary(records)}; {path}")


def _described(splits: dict[str, "Split"]) -> str:
    """Return a table: the subjects of each site in each part of each split."""
    from mrsynth_training.split import PARTS, UNUSED

    columns = (*PARTS, UNUSED)
    rows = [
        (name, site or "-", *(str(sum(split.sites[each] == site for each in split.part(part))) for part in columns))
        for name, split in splits.items()
        for site in sorted(set(split.sites.values()))
    ]
    return table(rows, ("split", "site", *columns))
