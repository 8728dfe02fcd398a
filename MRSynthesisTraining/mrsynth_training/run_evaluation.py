"""Runs measured on the test part of a split with overlapping patches, subject by subject; what is done stays done.

Each run gets a folder ``test`` with ``evaluation.json`` (how it was measured), and for each subject its figures and its
synthetic volume, in standard deviations of the acquired one and in its place. A subject is measured again if the run's
best epoch, the prepared arrays, the stride or the baseline's map have changed since.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mrsynth.atomic_file import make_folder
from mrsynth.baselines import IntensityMap
from mrsynth.cancellation import interruptible, stop_if
from mrsynth.errors import Cancelled
from mrsynth.patches import PatchGrid
from mrsynth.progress import CancelLook, Progress, ProgressListener, ignore, never
from mrsynth.volume import Volume
from mrsynth.volume_writing import write_volume
from mrsynth_training.array_digest import array_digest
from mrsynth_training.epoch_experiment import EpochExperiment
from mrsynth_training.evaluation_record import FOLDER, finished_evaluation, synthetic_path, write_evaluation
from mrsynth_training.evaluation_settings import EvaluationSettings, settings_of, write_settings
from mrsynth_training.hardware import describe_hardware, describe_software
from mrsynth_training.paired_dataset import read_part
from mrsynth_training.split_file import read_split
from mrsynth_training.subject_reference import SubjectReference
from mrsynth_training.trained_run import TrainedRun
from mrsynth_training.validation import synthesize_subject
from mrsynth_training.validation_baselines import trained_map
from mrsynth_training.volume_cache import CachedSubject, read_subject

PART = "test"
PROTOCOL_STRIDE = (8, 8, 8)
# Part of what figures are made from: a change of how they are measured makes them anew.
METHOD = 1


@dataclass(frozen=True)
class EvaluationOptions:
    """On what runs are measured, and how.

    Attributes:
        cache: Prepared subjects.
        split: The split that the runs were trained on.
        stride: From patch to patch (in-plane, in-plane, slice); overlapping patches are averaged.
        device: Where networks run.
    """

    cache: Path
    split: Path
    stride: tuple[int, int, int] = PROTOCOL_STRIDE
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


class RunEvaluation:
    """Several runs measured on the same test subjects.

    Args:
        runs: What to measure.
        options: On what and how.

    Raises:
        MissingFile: If the split, the cache or a subject is not there.
        InputError: If one is damaged, a run was trained on a test subject or on subjects prepared otherwise, or the
            stride is larger than a run's patch.
    """

    def __init__(self, runs: Sequence[TrainedRun], options: EvaluationOptions) -> None:
        self.runs, self.options, self.split = tuple(runs), options, read_split(options.split)
        self.subjects = read_part(options.cache, self.split, PART)
        for run in self.runs:
            run.require_unseen(self.subjects)
        self._experiments = {run.name: _with_stride(run.experiment, options.stride) for run in self.runs}
        self._maps = self._trained_maps()
        self._made_from = self._dependencies()

    @property
    def pending(self) -> list[tuple[TrainedRun, CachedSubject]]:
        """What is not measured yet, a subject after the other."""
        every = ((run, subject) for subject in self.subjects for run in self.runs)
        return [
            each for each in every if finished_evaluation(each[0].folder, each[1].subject, self._made(*each)) is None
        ]

    def evaluate(self, report: ProgressListener = ignore, stop: CancelLook = never) -> None:
        """Measure what is not measured yet.

        Raises:
            Cancelled: If ``stop`` said so; subjects that are finished are kept.
            OutputError: If a run's folder cannot be written to or the disk is full.
        """
        pending, steps = self.pending, _Steps(report, str(self.options.device))
        for run in self.runs:
            make_folder(run.folder / FOLDER)
            write_settings(run.folder, self._settings(run))
        steps.total = sum(self._patches(run, subject) for run, subject in pending)
        networks = {run.name: run.network().to(self.options.device) for run, _ in pending}
        for _, group in itertools.groupby(pending, key=lambda each: each[1].subject):
            references: dict[Any, SubjectReference] = {}
            for run, subject in group:
                key = _map_key(run)
                if key not in references:
                    references[key] = SubjectReference(subject, run.direction, self._maps[key])
                with steps.counted(networks[run.name], stop):
                    synthetic = synthesize_subject(
                        networks[run.name], references[key].source, self._experiments[run.name]
                    )
                self._write(run, subject, synthetic, references[key])

    def _write(
        self, run: TrainedRun, subject: CachedSubject, synthetic: np.ndarray, reference: SubjectReference
    ) -> None:
        """Write the volume, then the figures, whose presence says that the subject is done."""
        evaluation = reference.evaluate(synthetic, self._made(run, subject))
        write_volume(Volume(synthetic, subject.affine), synthetic_path(run.folder, subject.subject))
        write_evaluation(run.folder, evaluation)

    def _patches(self, run: TrainedRun, subject: CachedSubject) -> int:
        schedule = self._experiments[run.name].schedule
        return len(PatchGrid(subject.voxels.shape[1:], schedule.patch, schedule.stride))

    def _trained_maps(self) -> dict[Any, IntensityMap]:
        """The baseline's map for each direction and training part, from the very subjects that a run learned from."""
        maps = {}
        for run in self.runs:
            if (key := _map_key(run)) not in maps:
                subjects = [read_subject(self.options.cache, name) for name in run.best.subjects["train"]]
                maps[key] = trained_map(subjects, run.experiment)
        return maps

    def _dependencies(self) -> dict[str, dict[str, str]]:
        """Digests of the prepared arrays and of the maps."""
        maps = {key: array_digest(each.knots, each.values) for key, each in self._maps.items()}
        return {
            "voxels": {subject.subject: array_digest(subject.voxels) for subject in self.subjects},
            "map": {run.name: maps[_map_key(run)] for run in self.runs},
        }

    def _made(self, run: TrainedRun, subject: CachedSubject) -> dict[str, Any]:
        return {
            "method": METHOD,
            "weights": run.weights_sha256,
            "direction": list(run.direction),
            "stride": list(self.options.stride),
            "voxels": self._made_from["voxels"][subject.subject],
            "map": self._made_from["map"][run.name],
        }

    def _settings(self, run: TrainedRun) -> EvaluationSettings:
        return settings_of(
            run,
            self.subjects,
            self.split,
            cache=str(self.options.cache.resolve()),
            stride=self.options.stride,
            hardware=describe_hardware(self.options.device),
            software=describe_software(),
        )


class _Steps:
    """Counts patches as networks answer them."""

    def __init__(self, report: ProgressListener, device: str) -> None:
        self._report, self._device, self._done, self.total = report, device, 0, 0

    @contextmanager
    def counted(self, network: torch.nn.Module, stop: CancelLook) -> Iterator[None]:
        def count(module: torch.nn.Module, patches: tuple, answers: torch.Tensor) -> None:
            self._done += len(answers)
            self._report(Progress("test subjects", self._done, self.total, self._device))
            stop_if(stop)

        hook = network.register_forward_hook(count)
        try:
            with interruptible(network, stop):
                yield
        except Cancelled as error:
            raise Cancelled("interrupted; subjects that are finished are kept, the same command goes on") from error
        finally:
            hook.remove()


def _with_stride(experiment: EpochExperiment, stride: tuple[int, int, int]) -> EpochExperiment:
    return replace(experiment, schedule=replace(experiment.schedule, validation_stride=stride))


def _map_key(run: TrainedRun) -> tuple[Any, ...]:
    return (run.direction, tuple(run.best.subjects["train"]))
