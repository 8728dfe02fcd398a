"""A run as a process that is stopped in every way there is: what is lost, what is left, and that it ends the same."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from epoch_examples import DOCUMENT, assert_equal, prepare

from mrsynth_training import cli
from mrsynth_training.checkpoints import CHECKPOINT, read_state
from mrsynth_training.epoch_checkpoint import BEST, BestEpoch, EpochCheckpoint

# A real experiment, only small: another process does not know of networks that tests replace.
CHANGES = (
    *("schedule.epochs=4", "network.configuration.filters=[2,2,2,2,2,2,2,2]"),
    *("discriminator.stage_filters=[2,2]", "discriminator.dense_units=[4]"),
)
SETTINGS = [word for change in CHANGES for word in ("--set", change)]
# Python runs this before anything else: each file takes its time to reach the disk.
SLOW_DISK = """
import os, time
fsync = os.fsync
def slow_fsync(number):
    time.sleep(0.05)
    fsync(number)
os.fsync = slow_fsync
"""
PATIENCE_S = 300
TABLES = ("epochs.csv", "validation.csv")


class Runs:
    """Starts the run as a process, and knows how it ends if nobody stops it."""

    def __init__(self, folder):
        self.folder, self.run = folder, folder / "run"
        self.arguments = [
            str(folder / "tiny.toml"),
            str(prepare(folder / "cache")),
            "--device",
            "cpu",
            "--threads",
            "1",
        ]
        (folder / "tiny.toml").write_text(DOCUMENT, encoding="utf-8")
        (folder / "sitecustomize.py").write_text(SLOW_DISK, encoding="utf-8")

    def command(self, run, *options):
        experiment, cache, *rest = self.arguments
        return ["train", experiment, cache, str(run), *rest, *SETTINGS, *options]

    def start(self, *options):
        paths = os.pathsep.join([str(self.folder), *sys.path])
        command = [sys.executable, "-m", "mrsynth_training", *self.command(self.run, *options)]
        environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def checkpoint(self):
        return read_state(self.run / CHECKPOINT, EpochCheckpoint)

    def wait_for_another_checkpoint(self, process):
        """Wait until the process has written a checkpoint of its own."""
        path, deadline = self.run / CHECKPOINT, time.monotonic() + PATIENCE_S
        before = path.stat().st_mtime_ns if path.exists() else 0
        while not path.exists() or path.stat().st_mtime_ns == before:
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()
            time.sleep(0.005)


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)


def steps(checkpoint):
    return 3 * checkpoint.history["epoch"] + checkpoint.history["batch"]


def test_a_run_killed_at_any_time_goes_on_from_a_whole_checkpoint_and_ends_the_same(runs):
    at_random, reached = random.Random(0), 0
    for kill in range(2):
        process = runs.start("--checkpoint-minutes", "0", *(["--resume"] if kill else []))
        runs.wait_for_another_checkpoint(process)
        time.sleep(at_random.uniform(0, 0.3))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        found = steps(runs.checkpoint())
        assert found >= reached
        reached = found
        if (runs.run / BEST).exists():
            read_state(runs.run / BEST, BestEpoch)
    assert cli.main(runs.command(runs.run, "--resume")) == 0
    assert cli.main(runs.command(runs.folder / "whole")) == 0
    whole, ours = (read_state(folder / CHECKPOINT, EpochCheckpoint) for folder in (runs.folder / "whole", runs.run))
    assert_equal(whole.networks, ours.networks)
    assert_equal(whole.history | {"seconds": 0}, ours.history | {"seconds": 0})
    for name in TABLES:
        assert (runs.folder / "whole" / name).read_bytes() == (runs.run / name).read_bytes()
    assert not list(runs.run.glob(".*"))  # nor is anything left of files that were being written


@pytest.mark.skipif(os.name == "nt", reason="Windows has no groups of processes that these signals are sent to")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_asked_to_stop_loses_nothing(runs, number):
    process = runs.start("--checkpoint-minutes", "0")
    runs.wait_for_another_checkpoint(process)
    before = steps(runs.checkpoint())
    os.killpg(process.pid, number)
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130 and "stopped; go on with --resume" in output and "Traceback" not in errors
    assert steps(runs.checkpoint()) >= before
    assert not list(runs.run.glob(".*"))
