"""A run of `mrsynth-train train` as evaluation needs it: what it learned, on whom, and which weights came out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from mrsynth.errors import InputError, MissingFile
from mrsynth.networks.registry import build_network
from mrsynth_training.array_digest import array_digest
from mrsynth_training.epoch_checkpoint import BEST, BestEpoch, differences, read_best_epoch
from mrsynth_training.epoch_experiment import EpochExperiment
from mrsynth_training.volume_cache import CachedSubject


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """The best epoch of a run.

    Attributes:
        folder: Of the run.
        experiment: What was trained and how.
        best: Weights and validation figures.
        weights_sha256: Of the values of the weights, in the order of their names.
    """

    folder: Path
    experiment: EpochExperiment
    best: BestEpoch
    weights_sha256: str

    @property
    def name(self) -> str:
        """Name of the run: its folder's, as several runs may be of one experiment."""
        return self.folder.resolve().name

    @property
    def direction(self) -> tuple[str, str]:
        """Source and target contrast."""
        return self.experiment.source_contrast, self.experiment.target_contrast

    def network(self) -> nn.Module:
        """Return the generator of the best epoch, in evaluation mode.

        Raises:
            InputError: If the weights are not of the experiment's network.
        """
        network = build_network(self.experiment.network["name"], self.experiment.network["configuration"])
        try:
            network.load_state_dict(self.best.generator)
        except RuntimeError as error:
            raise InputError(f"{self.folder / BEST}: expected weights of the run's network, found others") from error
        return network.eval()

    def require_unseen(self, subjects: Sequence[CachedSubject]) -> None:
        """Refuse to judge a network by subjects that took part in its making, or were prepared in another way.

        Raises:
            InputError: Saying which subject, or what differs.
        """
        trained = set(self.best.subjects["train"]) | set(self.best.subjects["validation"])
        seen = [subject.subject for subject in subjects if subject.subject in trained]
        if seen:
            raise InputError(
                f"{self.folder}: expected test subjects that took no part in training, found {len(seen)} that did, "
                f"such as {seen[0]}; evaluate the run on the split it was trained with"
            )
        for subject in subjects:
            different = differences(self.best.subjects["preparation"], subject.description.get("options", {}))
            if different:
                raise InputError(
                    f"{self.folder}: expected subjects prepared as for its training, found {subject.subject} "
                    f"otherwise: {'; '.join(different)}; evaluate the run with the cache it was trained on"
                )


def read_trained_run(folder: Path) -> TrainedRun:
    """Read a run's best epoch.

    Raises:
        MissingFile: If there is no such folder, or no epoch of the run is done.
        InputError: If the file is damaged or not of such a run.
    """
    if not folder.is_dir():
        raise MissingFile(f"{folder}: expected the folder of a run, found none")
    best = read_best_epoch(folder)
    weights = (value.numpy() for _, value in sorted(best.generator.items()))
    return TrainedRun(folder, EpochExperiment.from_dict(best.experiment), best, array_digest(*weights))


def read_trained_runs(folders: Sequence[Path]) -> list[TrainedRun]:
    """Read several runs, in the order given.

    Raises:
        MissingFile: As of `read_trained_run`.
        InputError: As of `read_trained_run`, or if two folders have the same name, by which runs are told apart.
    """
    runs = [read_trained_run(folder) for folder in folders]
    names = [run.name for run in runs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"expected runs in folders of different names, found {', '.join(twice)} more than once")
    return runs
