"""Which heads models have not seen in training, and scans of the others, from which baselines may learn."""

import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mrsynth.errors import InputError
from mrsynth.models.card import ModelCard
from mrsynth_training.evaluation_cases import unseen_heads
from mrsynth_training.experiments import SimulationOptions
from mrsynth_training.finished_run import HEADS
from mrsynth_training.label_maps import list_label_maps
from mrsynth_training.pair_cache import CachedPair, fill_cache, plan_simulations, read_cache, subject_of

# A map has a few hundred numbers, and each scan gives it tens of thousands of voxels.
MAP_SCANS = 8
# Apart from any seed of training or evaluation.
MAP_SEED = 800_000
IXI_SHARE = 0.25


def seen_heads(folder: Path, cards: Sequence[ModelCard]) -> set[str]:
    """Return the names of the heads that any of the models was trained or validated on, as their cards say.

    A card tells the names, or how many label maps it was: then the first ones by name.

    Args:
        folder: Of label maps.
        cards: Of the models.

    Raises:
        MissingFile: If the folder does not exist.
        InputError: If a card does not say, or the folder has no label map.
    """
    return set().union(*(_seen_heads(folder, card) for card in cards))


def first_heads(folder: Path, count: int) -> set[str]:
    """Return the names of the first label maps of a folder; raises as `list_label_maps`."""
    return {subject_of(path) for path in list_label_maps(folder)[:count]}


def heads_beside_cache(folder: Path, pairs: Sequence[CachedPair]) -> list[Path]:
    """Return the label maps of a folder that no scan of a cache was made from.

    Raises:
        MissingFile: If the folder does not exist.
        InputError: If it holds no label map, or none but those of the cache.
    """
    return unseen_heads(list_label_maps(folder), {pair.description["subject"] for pair in pairs})


def heads_beside(folder: Path, seen: Collection[str]) -> list[Path]:
    """Return the label maps of a folder but for those of some names; raises as `heads_beside_cache`."""
    return unseen_heads(list_label_maps(folder), seen)


@contextmanager
def scans_of(folder: Path, names: Collection[str], report: Callable[[int, int], None]) -> Iterator[list[CachedPair]]:
    """Simulate a few scans of some label maps of a folder; they are gone when the block ends.

    Args:
        folder: Of label maps.
        names: Of those that were trained on.
        report: Told the scans done and all of them, after each.

    Raises:
        InputError: If the folder has none of them.
    """
    maps = [path for path in list_label_maps(folder) if subject_of(path) in names]
    if not maps:
        raise InputError(f"{folder}: expected label maps that were trained on, for the baseline map, found none")
    simulation = SimulationOptions(MAP_SCANS, len(maps), MAP_SEED, IXI_SHARE)
    with tempfile.TemporaryDirectory(prefix="mrsynth-", ignore_cleanup_errors=True) as cache:
        fill_cache(plan_simulations(maps, Path(cache), simulation), 1, report)
        yield read_cache(Path(cache))


def _seen_heads(folder: Path, card: ModelCard) -> set[str]:
    configuration = card.training["configuration"]
    names, count = configuration.get(HEADS), configuration.get("simulation", {}).get("training_heads")
    if isinstance(names, list):
        return set(names)
    if isinstance(count, int):
        return first_heads(folder, count)
    raise InputError(
        f"expected {card.name}'s card to say which label maps it was trained on, found nothing; "
        "give --training-heads or --cache"
    )
