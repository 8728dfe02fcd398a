"""A command that another program follows: lines of JSON on standard output in place of a progress bar."""

import argparse
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import mrsynth
from mrsynth.errors import Cancelled, InputError
from mrsynth.job_file import JOB_NAME, JobRequest, read_request
from mrsynth.job_protocol import EventWriter, ExitCode, Failure
from mrsynth.job_watch import JobWatch
from mrsynth.json_file import write_json
from mrsynth.worker import claim_standard_output, report_failure
from mrsynth_training.training_job import FOLLOW, STAGE, TrainingJob

DIVERGED = "diverged"
TELL_EVERY_S = 0.2


class Follower:
    """Whoever started the command, as far as the command can speak to them and hear them.

    Args:
        events: Where lines go.
        watch: Knows whether they asked it to stop, or are gone.
    """

    def __init__(self, events: EventWriter, watch: JobWatch) -> None:
        self._events, self._watch, self._told_s = events, watch, -math.inf
        self.summary = ""
        self.result: dict[str, Any] = {}

    def asked_to_stop(self) -> bool:
        """Whether the run shall end with a checkpoint."""
        return self._watch.cancelled()

    def tell(self, done: int, total: int, eta_s: float | None, details: Mapping[str, Any]) -> None:
        """Tell how far the run is, but not oftener than anyone can look.

        Args:
            done: Mini-batches that are done.
            total: All of them.
            eta_s: Seconds left, if that is known.
            details: What else there is to tell: only what JSON knows.
        """
        now = time.monotonic()
        if now - self._told_s < TELL_EVERY_S and done < total:
            return
        self._told_s = now
        left = None if eta_s is None else round(eta_s, 1)
        self._events.write("progress", stage=STAGE, done=done, total=total, eta_s=left, **details)

    def end(self, summary: str, result: Mapping[str, Any]) -> None:
        """Note how the run ended: a line for people, and what a program wants to know."""
        self.summary, self.result = summary, dict(result)


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--follow`` to a command; `run_followed` then puts a `Follower` into its options."""
    parser.add_argument(
        FOLLOW,
        type=Path,
        metavar="FOLDER",
        help="for programs: tell of the run in lines of JSON on standard output, as FOLDER/job.json asks for, and stop "
        "with a checkpoint once there is a file FOLDER/cancel",
    )
    parser.set_defaults(follower=None)


def run_followed(options: argparse.Namespace) -> int:
    """Run a command for a follower, and tell of its end on standard output; return the exit code."""
    return follow(options, claim_standard_output())


def follow(options: argparse.Namespace, stream: BinaryIO) -> int:
    """Do what `run_followed` does, with the lines going to a stream."""
    events = EventWriter(stream, None)
    try:
        request = read_request(options.follow / JOB_NAME, TrainingJob)
        events.run_id = request.run_id
        _run(request, options, events)
    except BaseException as error:  # noqa: BLE001 (whatever ends the run, the other side must be told)
        return report_failure(_failure(error), "mrsynth-train", events)
    events.write("finished", result=str(request.result_file))
    return int(ExitCode.OK)


def _run(request: JobRequest, options: argparse.Namespace, events: EventWriter) -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(f"expected one process to follow, found torchrun; leave out {FOLLOW}")
    watch = JobWatch(request, events, patient=True)
    events.write("started", pid=os.getpid(), version=mrsynth.__version__, source="", model="")
    watch.start()
    options.follower = follower = Follower(events, watch)
    try:
        code = options.command(options)
    finally:
        watch.stop()
    if code == ExitCode.CANCELLED:
        raise Cancelled(follower.summary)
    write_json(request.result_file, {"run_id": request.run_id, "summary": follower.summary, **follower.result})


def _failure(error: BaseException) -> Failure:
    # Known by its name, so that PyTorch need not be imported to fail.
    if type(error).__name__ == "TrainingDiverged":
        return Failure(DIVERGED, " ".join(str(error).split()), ExitCode.FAILURE)
    return Failure.of(error)
