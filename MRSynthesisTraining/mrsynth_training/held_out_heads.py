"""Which heads models have not been trained on, and scans of the others, from which baselines may learn."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mrsynth.errors import InputError
from mrsynth.models.card import ModelCard
from mrsynth_training.evaluation_cases import unseen_heads
from mrsynth_training.experiments import SimulationOptions
from mrsynth_training.label_maps import list_label_maps
from mrsynth_training.pair_cache import CachedPair, fill_cache, plan_simulations, read_cache, subject_of

# A map has a few hundred numbers, and each scan gives it tens of thousands of voxels.
MAP_SCANS = 8
# Apart from any seed of training or evaluation.
MAP_SEED = 800_000
IXI_SHARE = 0.25


def trained_heads(cards: Sequence[ModelCard]) -> int:
    """Return how many label maps, the first ones by name, the models were trained on as their cards say.

    Raises:
        InputError: If a card does not say.
    """
    counts = []
    for card in cards:
        heads = card.training["configuration"].get("simulation", {}).get("training_heads")
        if not isinstance(heads, int):
            raise InputError(
                f"expected {card.name}'s card to say how many label maps it was trained on, found nothing; "
                "give --training-heads or --cache"
            )
        counts.append(heads)
    return max(counts)


def heads_beside_cache(folder: Path, pairs: Sequence[CachedPair]) -> list[Path]:
    """Return the label maps of a folder that no scan of a cache was made from.

    Raises:
        MissingFile: If the folder does not exist.
        InputError: If it holds no label map, or none but those of the cache.
    """
    return unseen_heads(list_label_maps(folder), {pair.description["subject"] for pair in pairs})


def heads_beside_first(folder: Path, count: int) -> list[Path]:
    """Return the label maps of a folder but for the first ones by name; raises as `heads_beside_cache`."""
    maps = list_label_maps(folder)
    return unseen_heads(maps, {subject_of(path) for path in maps[:count]})


@contextmanager
def scans_of_first(folder: Path, count: int, report: Callable[[int, int], None]) -> Iterator[list[CachedPair]]:
    """Simulate a few scans of the first label maps of a folder; they are gone when the block ends.

    Args:
        folder: Of label maps.
        count: How many of them were trained on.
        report: Told the scans done and all of them, after each.
    """
    maps = list_label_maps(folder)
    simulation = SimulationOptions(MAP_SCANS, min(count, len(maps)), MAP_SEED, IXI_SHARE)
    with tempfile.TemporaryDirectory(prefix="mrsynth-", ignore_cleanup_errors=True) as cache:
        fill_cache(plan_simulations(maps, Path(cache), simulation), 1, report)
        yield read_cache(Path(cache))
