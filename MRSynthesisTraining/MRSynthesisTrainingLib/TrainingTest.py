"""Tests of the module with the real training, small; they run in the application and in the test host alike."""

import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path

import numpy as np
import slicer

from mrsynth.normalization import Scale
from mrsynth_training.preprocessing import PreparedPair
from mrsynth_training.split import Split
from mrsynth_training.split_file import SPLIT_NAME, write_split
from mrsynth_training.volume_cache import write_subject
from MRSynthesisLib.Dependencies import hasTorch, missingPackages
from MRSynthesisLib.JobOutcome import JobEnd
from MRSynthesisTrainingLib.TrainingCommand import TrainingCommand, TrainingProgress
from MRSynthesisTrainingLib.TrainingRun import TrainingListener

LONGEST_RUN_S = 300.0
SHAPE = (16, 16, 8)
SUBJECTS = ("first", "second", "third", "fourth")
SMALL = (
    *("schedule.patch=[8,8,8]", "schedule.batch_size=2", "network.configuration.fold=1"),
    *("network.configuration.widths=[2,3]", "network.configuration.blocks=[1,1]"),
    "network.configuration.slice_strides=[1]",
)


class TrainingTest(unittest.TestCase):
    """What a script does with the logic."""

    def setUp(self) -> None:
        if missingPackages() or not hasTorch():
            self.skipTest("the packages that a training needs are not installed")
        from MRSynthesisTraining import MRSynthesisTrainingLogic

        self.logic = MRSynthesisTrainingLogic()
        self.progress: list[TrainingProgress] = []
        self.outcomes: list = []
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(self.logic.stopAtOnce)
        self.cache, self.run_folder = Path(folder.name) / "cache", Path(folder.name) / "runs" / "unet"
        prepareSubjects(self.cache)

    def test_a_training_tells_of_its_epochs_and_leaves_its_best_one(self) -> None:
        outcome = self.train(epochs=2)
        self.assertIs(outcome.end, JobEnd.SUCCEEDED, f"{outcome.message} {outcome.logTail}")
        self.assertIn("2 of 2 epochs, finished", outcome.message)
        last = self.progress[-1]
        self.assertEqual((last.step, last.epoch, last.epochs), (last.steps, 1, 2))
        self.assertGreater(last.best["psnr_range"], 0.0)
        for name in ("checkpoint.pt", "best.pt", "epochs.csv", "run.json"):
            self.assertTrue((self.run_folder / name).is_file(), name)

    def test_a_training_that_is_stopped_leaves_a_checkpoint_that_is_gone_on_from(self) -> None:
        self.start(epochs=100_000)
        with self.assertRaises(RuntimeError):
            self.start(epochs=2)
        self.wait(lambda: self.progress or self.outcomes)
        self.logic.stop()
        self.wait(lambda: self.outcomes)
        self.assertIs(self.outcomes[0].end, JobEnd.CANCELLED, self.outcomes[0].message)
        self.assertIn("resume", self.outcomes[0].message)
        self.assertFalse(self.logic.isRunning)
        reached = self.progress[-1].step
        self.start(epochs=100_000, resume=True)
        self.wait(lambda: self.progress[-1].step > reached or len(self.outcomes) > 1)
        self.assertEqual(len(self.outcomes), 1)

    def test_what_cannot_be_trained_is_told_in_plain_words(self) -> None:
        (self.cache / SPLIT_NAME).unlink()
        outcome = self.train(epochs=2)
        self.assertEqual((outcome.end, outcome.code), (JobEnd.FAILED, "missing_file"))
        self.assertIn("expected a split, found none", outcome.message)

    def start(self, epochs: int, resume: bool = False) -> None:
        """Start a training."""
        changes = (*SMALL, f"schedule.epochs={epochs}")
        command = TrainingCommand("unet-l1", self.cache, self.run_folder, resume, changes, device="cpu", threads=1)
        self.logic.startTraining(command, TrainingListener(self.progress.append, self.outcomes.append))

    def train(self, epochs: int) -> object:
        """Start a training, wait for its end and return what came of it."""
        self.start(epochs)
        self.wait(lambda: self.outcomes)
        return self.outcomes[0]

    def wait(self, condition: Callable[[], object]) -> None:
        """Let the application go on until a condition holds."""
        end = time.monotonic() + LONGEST_RUN_S
        while not condition():
            self.assertLess(time.monotonic(), end, "waited too long")
            slicer.app.processEvents()
            time.sleep(0.01)


def prepareSubjects(cache: Path) -> None:
    """Fill a folder with small subjects whose PD is a function of their T2, and split them."""
    cache.mkdir()
    scale, affine = Scale(offset=100.0, spread=50.0, tissue=150.0, floor=0.0), np.diag([0.94, 0.94, 3.75, 1.0])
    for number, name in enumerate(SUBJECTS):
        source = np.random.default_rng(number).normal(size=SHAPE).astype(np.float32)
        made_from = {"subject": name, "site": "", "origin": "", "contrasts": ["T2", "PD"], "options": {}}
        pair = PreparedPair(np.stack([source, np.tanh(source)]), (scale, scale), affine, "axial", SHAPE)
        write_subject(cache, made_from, pair)
    write_split(
        Split(SUBJECTS[:2], SUBJECTS[2:3], SUBJECTS[3:], (), dict.fromkeys(SUBJECTS, ""), 0), cache / SPLIT_NAME
    )
