"""Simulated pairs on disk: one memory-mapped array a scan, normalised, with the numbers that describe it beside it."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from mrsynth.atomic_file import make_folder, replacing_file
from mrsynth.errors import InputError, MissingFile
from mrsynth.head import robust_scale
from mrsynth.json_file import write_json
from mrsynth_training.experiments import SimulationOptions
from mrsynth_training.label_maps import read_label_map
from mrsynth_training.simulation import ScanKind, SimulatedPair, simulate

# Order of the first axis of a cached array.
CHANNELS = ("t2", "pd", "t2_target", "pd_target", "t2_asked", "pd_asked", "lesions")
LESIONS = CHANNELS.index("lesions")


@dataclass(frozen=True)
class CachedPair:
    """One scan of the cache.

    Attributes:
        voxels: float16 (7, in-plane, in-plane, slice), channels as in `CHANNELS`: the echoes each divided by its tissue
            scale, and the weight of lesions.
        scales: Median tissue intensity of each echo, in the simulator's units.
        description: Subject, seed, kind of scan, protocols of what was acquired and of what is asked for, and geometry.
    """

    voxels: np.ndarray
    scales: dict[str, float]
    description: dict


@dataclass(frozen=True)
class SimulationTask:
    """One scan to simulate: which head, which seed, what kind of scan, under which name."""

    label_map: Path
    seed: int
    kind: ScanKind
    path: Path


def subject_of(label_map: Path) -> str:
    """Return the name under which a label map's scans are kept."""
    return label_map.name.removesuffix(".nii.gz")


def plan_simulations(label_maps: Sequence[Path], cache: Path, options: SimulationOptions) -> list[SimulationTask]:
    """Return the tasks that fill a cache: heads in turn, a seed of its own for each scan, IXI's protocol now and then.

    Args:
        label_maps: All heads there are; the first ``options.training_heads`` are used.
        cache: Folder of the scans.
        options: How many scans.
    """
    heads = label_maps[: options.training_heads]
    return [
        SimulationTask(
            heads[i % len(heads)],
            options.seed + i,
            _kind_of(i, len(heads), options),
            cache / f"pair_{options.seed + i:06d}.npy",
        )
        for i in range(options.scans)
    ]


def _kind_of(number: int, heads: int, options: SimulationOptions) -> ScanKind:
    """Return the kind of a scan: by rounds through the heads, every head is seen at both protocols.

    Which are wide goes by single scans.
    """
    ixi, wide = (
        math.floor((place + 1) * share) > math.floor(place * share)
        for place, share in ((number // heads, options.ixi_share), (number, options.wide_share))
    )
    return ScanKind("ixi" if ixi else "random", wide)


def fill_cache(tasks: Sequence[SimulationTask], processes: int, report: Callable[[int, int], None]) -> int:
    """Simulate what the cache lacks; return how many scans were simulated. Interrupted, it goes on where it stopped.

    Args:
        tasks: What the cache shall hold.
        processes: Scans at a time; one is simulated in this process.
        report: Told the scans done and all that were missing, after each.
    """
    missing = [task for task in tasks if not task.path.with_suffix(".json").is_file()]
    for folder in {task.path.parent for task in missing}:
        make_folder(folder)
    for done, _ in enumerate(_written(missing, processes), start=1):
        report(done, len(missing))
    return len(missing)


def _written(tasks: Sequence[SimulationTask], processes: int) -> Iterator[None]:
    """Write the scans, yielding after each in no particular order."""
    if processes <= 1:
        yield from map(write_pair, tasks)
        return
    with ProcessPoolExecutor(max_workers=processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        futures = [pool.submit(write_pair, task) for task in tasks]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            # After Ctrl-C or a failure the pool would otherwise simulate all the rest before it lets go.
            pool.shutdown(cancel_futures=True)


def write_pair(task: SimulationTask) -> None:
    """Simulate one scan and write it: the array first, then its description, whose presence says that it is whole."""
    pair = simulate(read_label_map(task.label_map), task.seed, task.kind)
    scales = {name: robust_scale(getattr(pair, name)) for name in CHANNELS[:LESIONS]}
    voxels = np.stack([getattr(pair, name) / scales.get(name, 1.0) for name in CHANNELS]).astype(np.float16)
    with replacing_file(task.path) as file:
        np.save(file, voxels)
    write_json(task.path.with_suffix(".json"), {"scales": scales, "description": _describe(task, pair)})


def _describe(task: SimulationTask, pair: SimulatedPair) -> dict:
    subject = subject_of(task.label_map)
    parts = {"kind": task.kind, "protocol": pair.protocol, "asked": pair.asked, "geometry": pair.geometry}
    return {"subject": subject, "seed": task.seed, "noise": pair.noise} | {k: asdict(v) for k, v in parts.items()}


def read_cache(cache: Path, simulation: SimulationOptions | None = None) -> list[CachedPair]:
    """Return the scans of a cache, arrays memory-mapped.

    Args:
        cache: Folder of the scans.
        simulation: What the cache must hold, neither fewer scans nor others; anything by default.

    Raises:
        MissingFile: If the folder, or an array that a description promises, is missing.
        InputError: If the cache is empty, a file is damaged, or the scans are not those of the simulation.
    """
    if not cache.is_dir():
        raise MissingFile(f"{cache}: expected a cache of simulated pairs, found no folder")
    pairs = [_read_pair(path) for path in sorted(cache.glob("pair_*.json"))]
    if not pairs:
        raise InputError(f"{cache}: expected simulated pairs (pair_*.npy), found none; run `mrsynth-train simulate`")
    if simulation is not None:
        _require_scans(pairs, simulation, cache)
    return pairs


def _require_scans(pairs: Sequence[CachedPair], simulation: SimulationOptions, cache: Path) -> None:
    """A run on half a cache would say on its card that it saw a whole one."""
    seeds = {pair.description["seed"] for pair in pairs}
    expected = set(range(simulation.seed, simulation.seed + simulation.scans))
    if seeds != expected:
        raise InputError(
            f"{cache}: expected the experiment's {simulation.scans} scans, found {len(seeds & expected)} of them and "
            f"{len(seeds - expected)} others; complete them with `mrsynth-train simulate` in a folder of their own"
        )
    for pair in pairs:
        seed = pair.description["seed"]
        wanted = asdict(_kind_of(seed - simulation.seed, simulation.training_heads, simulation))
        found = pair.description.get("kind", wanted)  # scans of an earlier version do not say
        if found != wanted:
            raise InputError(
                f"{cache}: expected scan {seed} of the kind {wanted}, as the experiment says, found {found}; simulate "
                "the scans again, in a new folder"
            )


def _read_pair(path: Path) -> CachedPair:
    array = path.with_suffix(".npy")
    if not array.is_file():
        raise MissingFile(f"{array}: expected the array that {path.name} describes, found none")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        scales, description = document["scales"], document["description"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected what describes a scan, found a damaged file: {error}", "corrupt_file"
        ) from error
    try:
        voxels = np.load(array, mmap_mode="c", allow_pickle=False)
    except ValueError as error:
        raise InputError(
            f"{array}: expected a whole NumPy array, found a damaged one: {error}", "corrupt_file"
        ) from error
    if len(voxels) != len(CHANNELS):
        found = f"expected {len(CHANNELS)} channels, found {len(voxels)}"
        raise InputError(f"{array}: {found}; simulate the scans again, in a new folder")
    return CachedPair(voxels, scales, description)
