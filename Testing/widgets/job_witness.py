"""Hears what a background job tells, and sees to it that none leaves anything behind."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import slicer_host

slicer_host.install()

from slicer_host.events import PATIENCE_S, wait_until  # noqa: E402

from mrsynth.job_file import JobRequest  # noqa: E402
from mrsynth.synthesis_job import SynthesisJob  # noqa: E402
from MRSynthesisLib.BackgroundJob import BackgroundJob, JobCallbacks, JobLimits  # noqa: E402
from MRSynthesisLib.WorkerLaunch import WorkerLaunch, workerLaunch  # noqa: E402

SCRIPTED = Path(__file__).with_name("scripted_worker.py")
_GONE_WITHIN_S = 20.0
"""For a process that was ended to be gone, on a busy machine; those of the tests would live two minutes."""


class Witness:
    """Hears what a job tells, and looks whether the event loop stands still meanwhile."""

    def __init__(self, request: JobRequest) -> None:
        self.request = request
        self.progress, self.warnings, self.outcomes, self.order = [], [], [], []
        self.job: BackgroundJob | None = None

    def start(self, launch: WorkerLaunch | None = None, limits: JobLimits | None = None) -> BackgroundJob:
        self.job = BackgroundJob(self.request, self.callbacks(), launch, limits)
        self.job.start()
        assert self.outcomes == []
        return self.job

    def callbacks(self) -> JobCallbacks:
        return JobCallbacks(self.progress.append, self.warnings.append, self.outcomes.append)

    def end(self):
        """The outcome, once there is one; a little later there is still but one."""
        wait_until(lambda: self.outcomes, PATIENCE_S)
        quiet = time.monotonic() + 0.1
        wait_until(lambda: time.monotonic() > quiet)
        (outcome,) = self.outcomes
        assert not self.job.isRunning
        return outcome

    def pids(self) -> list[int]:
        file = self.request.folder / "pids"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def waitFor(self, count: int = 1) -> None:
        """Wait until so many processes have reported, and the worker has begun an output."""
        wait_until(lambda: self.hasBegun(count), PATIENCE_S)

    def hasBegun(self, count: int) -> bool:
        """Whether so many processes have reported, and the worker has begun an output."""
        return len(self.pids()) >= count and bool(list(self.request.job.output.parent.glob(".mrsynth-*")))


def witnessed(folder: Path) -> Iterator[Witness]:
    """For a fixture: checks, when the test is over, that neither processes nor half-made files are left."""
    job = SynthesisJob(folder / "source.nrrd", folder / "out" / "synthetic.mha", "same")
    job.output.parent.mkdir()
    before = set(psutil.Process().children(recursive=True))
    witness = Witness(JobRequest(folder / "run ü", job))
    yield witness
    assert remaining(before, witness.pids()) == []
    assert not list(witness.request.job.output.parent.rglob(".mrsynth-*"))
    assert witness.job is None or not witness.job.isRunning
    assert not list(Path(witness.request.folder).glob(".*.partial"))


def remaining(before: Iterable[psutil.Process], pids: Iterable[int] = ()) -> list[psutil.Process]:
    """The processes that are still there though they should have ended; they are ended now.

    Args:
        before: Children of this process that do not count.
        pids: Numbers of processes that may have lost their parent.
    """
    known = set(before)

    def living() -> list[psutil.Process]:
        children = psutil.Process().children(recursive=True)
        numbers = {*pids, *(each.pid for each in children if each not in known)}
        return [psutil.Process(pid) for pid in numbers if not isZombie(pid)]

    with suppress(TimeoutError):
        wait_until(lambda: not living(), _GONE_WITHIN_S)
    left = living()
    for process in left:
        process.kill()
    return left


def isZombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def scripted(request: JobRequest, behaviour: str, script: Path = SCRIPTED) -> WorkerLaunch:
    real = workerLaunch(request.folder / "job.json")
    arguments = ("-X", "utf8", "-u", str(script), str(request.folder / "job.json"), behaviour)
    return WorkerLaunch(sys.executable, arguments, {**real.environment, "OMP_NUM_THREADS": "1"})


def outcomeOf(witness: Witness, behaviour: str, **limits: float):
    witness.start(scripted(witness.request, behaviour), JobLimits(**limits))
    return witness.end()
