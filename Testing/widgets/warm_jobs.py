"""Jobs that go to one worker, one after the other, for tests."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from job_examples import a_request_in
from job_witness import Witness, remaining, scripted

from mrsynth.job_file import JobRequest
from MRSynthesisLib.BackgroundJob import BackgroundJob, JobLimits
from MRSynthesisLib.WarmWorker import WarmLimits, WarmWorker
from MRSynthesisLib.WorkerLaunch import WorkerLaunch, warmLaunch

SCRIPTED = Path(__file__).with_name("scripted_warm_worker.py")


def scriptedWarm(behaviour: str) -> WorkerLaunch:
    """What starts a process that behaves as it should not."""
    return WorkerLaunch(sys.executable, ("-X", "utf8", "-u", str(SCRIPTED), behaviour), warmLaunch().environment)


@dataclass
class WarmJobs:
    """Gives jobs to a worker; where it does not take one, a scripted process of its own does it.

    Attributes:
        folder: For the jobs' files.
        keeper: Whose worker it is.
        witnesses: Of the jobs so far.
    """

    folder: Path
    keeper: WarmWorker
    witnesses: list[Witness] = field(default_factory=list)

    def keep(self, behaviour: str, **limits: float) -> None:
        """Let the worker be a scripted process."""
        self.keeper = WarmWorker(WarmLimits(**limits), lambda: scriptedWarm(behaviour))

    def start(self, limits: JobLimits | None = None, request: JobRequest | None = None) -> Witness:
        """Begin the next job."""
        request = request or a_request_in(self.folder / f"job {len(self.witnesses)}")
        witness = Witness(request)
        alone = scripted(request, "succeed")
        witness.job = BackgroundJob(request, witness.callbacks(), alone, limits, self.keeper.lend(request))
        witness.job.start()
        self.witnesses.append(witness)
        return witness

    def do(self, limits: JobLimits | None = None, request: JobRequest | None = None):
        """Do the next job to its end and return its outcome."""
        return self.start(limits, request).end()

    @property
    def isWaiting(self) -> bool:
        """Whether a process waits for the next job."""
        return self.keeper.number != 0


@pytest.fixture
def warm_jobs(tmp_path, monkeypatch) -> Iterator[WarmJobs]:
    """A real worker that stays; afterwards no process and no half-made file is left, and no word was said twice."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = set(psutil.Process().children(recursive=True))
    jobs = WarmJobs(tmp_path, WarmWorker())
    yield jobs
    jobs.keeper.stopAtOnce()
    assert remaining(before, [pid for each in jobs.witnesses for pid in each.pids()]) == []
    assert not list(tmp_path.rglob(".mrsynth-*"))
    assert all(len(each.outcomes) <= 1 and not each.job.isRunning for each in jobs.witnesses)
