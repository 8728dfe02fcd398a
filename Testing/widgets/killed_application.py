"""An application that is killed while a worker waits in it: ``killed_application.py FOLDER`` prints its number."""

import os
import signal
import sys
from pathlib import Path

TESTING = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTING / "host"), str(TESTING / "core"), str(TESTING.parent / "MRSynthesis")]

from job_examples import a_request_in  # noqa: E402
from job_witness import Witness  # noqa: E402

from MRSynthesisLib.BackgroundJob import BackgroundJob, JobEnd  # noqa: E402
from MRSynthesisLib.WarmWorker import WarmWorker  # noqa: E402

if __name__ == "__main__":
    request, keeper = a_request_in(Path(sys.argv[1])), WarmWorker()
    witness = Witness(request)
    witness.job = BackgroundJob(request, witness.callbacks(), worker=keeper.lend(request))
    witness.job.start()
    if witness.end().end is not JobEnd.SUCCEEDED:
        sys.exit(str(witness.outcomes))
    print(keeper.number, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
