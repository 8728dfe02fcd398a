"""Filling a cache with prepared subjects, several at a time, going on where an earlier run was stopped."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from mrsynth.atomic_file import make_folder
from mrsynth.errors import Cancelled, InputError, MissingFile
from mrsynth_training.preprocessing import PreprocessingOptions, prepare_pair
from mrsynth_training.scan_pair import ScanPair
from mrsynth_training.subject_table import REASONS, UNREADABLE, SubjectRecord
from mrsynth_training.volume_cache import find_subject, forget_subject, write_subject

# How soon a request to stop is noticed while subjects are being prepared elsewhere.
LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class PreparationTask:
    """One subject to prepare.

    Attributes:
        pair: Its scans.
        cache: Folder of the result; it exists.
        contrasts: Names of source and target.
        options: How scans become arrays.
    """

    pair: ScanPair
    cache: Path
    contrasts: tuple[str, str]
    options: PreprocessingOptions

    def made_from(self) -> dict[str, Any]:
        """Return all that the result depends on, as JSON holds it.

        Raises:
            MissingFile: If a scan is gone.
        """
        return {
            "subject": self.pair.subject,
            "site": self.pair.site,
            "origin": self.pair.origin,
            "contrasts": list(self.contrasts),
            "options": self.options.to_dict(),
            "source": self.pair.source.fingerprint(),
            "target": self.pair.target.fingerprint(),
        }


def fill_volume_cache(
    tasks: Sequence[PreparationTask],
    processes: int,
    report: Callable[[int, int], None],
    stop: Callable[[], bool] = lambda: False,
) -> list[SubjectRecord]:
    """Prepare what the cache lacks; a subject is done again if its scans or the options have changed.

    Args:
        tasks: The subjects; each has a name of its own.
        processes: Subjects at a time; one is prepared in this process.
        report: Told the subjects done and all of them, at the start and after each.
        stop: Asked now and then.

    Returns:
        What became of each subject, in the order of their names.

    Raises:
        Cancelled: If ``stop`` said so; subjects that are finished stay, and no half of one.
        OutputError: If the cache cannot be written to or the disk is full.
    """
    for folder in {task.cache for task in tasks}:
        make_folder(folder)
    records = []
    report(0, len(tasks))
    for record in _prepared(tasks, processes, stop):
        records.append(record)
        report(len(records), len(tasks))
    return sorted(records, key=lambda record: record.subject)


def prepare_subject(task: PreparationTask) -> SubjectRecord:
    """Prepare one subject, or tell why it cannot be used; a subject that cannot be used is not left in the cache.

    Raises:
        OutputError: If the cache cannot be written to or the disk is full.
    """
    pair = task.pair
    try:
        made_from = task.made_from()
        prepared = prepare_pair(*pair.read(), task.options)
    except InputError as error:
        forget_subject(task.cache, pair.subject)
        reason = error.code if error.code in REASONS else UNREADABLE
        return SubjectRecord(pair.subject, pair.site, reason, " ".join(str(error).split()))
    write_subject(task.cache, made_from, prepared)
    return _used(task, prepared.acquired)


def finished_subject(task: PreparationTask) -> SubjectRecord | None:
    """Return the record of a subject that the cache has, made from just these scans in just this way, or nothing."""
    try:
        found = find_subject(task.cache, task.made_from())
    except MissingFile:
        return None  # preparing it will say what is missing
    return None if found is None else _used(task, found.description["acquired"])


def _used(task: PreparationTask, acquired: Sequence[int]) -> SubjectRecord:
    expected, found = ("x".join(map(str, sizes)) for sizes in (task.options.shape, acquired))
    padded = f"padded from {found} to {expected} voxels" if found != expected else ""
    return SubjectRecord(task.pair.subject, task.pair.site, detail=padded)


def _prepared(tasks: Sequence[PreparationTask], processes: int, stop: Callable[[], bool]) -> Iterator[SubjectRecord]:
    """Yield the records of the tasks in no particular order."""
    missing = []
    for task in tasks:
        record = finished_subject(task)
        if record is None:
            missing.append(task)
        else:
            yield record
    if processes > 1 and len(missing) > 1:
        yield from _prepared_elsewhere(missing, min(processes, len(missing)), stop)
        return
    for task in missing:
        _heed(stop)
        yield prepare_subject(task)


def _prepared_elsewhere(
    tasks: Sequence[PreparationTask], processes: int, stop: Callable[[], bool]
) -> Iterator[SubjectRecord]:
    # Spawned, not forked: a fork copies whatever lock a thread of this process happens to hold.
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_follow_the_parent)
    try:
        waiting = {pool.submit(prepare_subject, task) for task in tasks}
        while waiting:
            _heed(stop)
            done, waiting = wait(waiting, timeout=LOOK_EVERY_S, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BrokenProcessPool as error:
        _heed(stop)
        raise RuntimeError(
            "a process that prepared a subject was ended from outside, perhaps for want of memory; what is finished "
            "is kept: run the same command again with fewer --processes"
        ) from error
    finally:
        # After Ctrl-C or a failure the pool would otherwise prepare all the rest before it lets go.
        pool.shutdown(cancel_futures=True)


def _heed(stop: Callable[[], bool]) -> None:
    if stop():
        raise Cancelled("interrupted; subjects that are finished are kept, and the same command goes on from there")


def _follow_the_parent() -> None:
    """Let the parent decide what Ctrl-C means, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
