"""What a short training is judged by: held-out simulated scans and acquired pairs, by the average of its weights."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from ablation_variants import Pairs, is_ixi
from standardized_psnr import standardized_psnr

from mrsynth.head import robust_scale
from mrsynth.normalization import RobustNormalizer
from mrsynth.orientation import AS_ACQUIRED, slice_order
from mrsynth.tiling import pad_stack
from mrsynth.timing import Timing
from mrsynth_training.evaluation_cases import real_cases
from mrsynth_training.pair_cache import CHANNELS, CachedPair
from mrsynth_training.patch_sampler import LESION_WEIGHT
from mrsynth_training.trainer import Trainer

IXI, RANDOM, TOLD, LESION_ERROR = "simulated, IXI", "simulated, random", ", TE and TR known", "error in lesions"
DIGITS = 4

# Name and, by contrast, the two images (in-plane, in-plane, slice) of an acquired pair, each divided by its scale.
Acquired = tuple[str, dict[str, np.ndarray]]


def measure(trainer: Trainer, held_out: Pairs, real: Sequence[Acquired]) -> dict[str, float]:
    """Return means over scans: PSNR by kind of scan, in dB, and the error in lesions, in units of tissue's median."""
    found: dict[str, list[float]] = {}
    for pair in held_out:
        for name, value in _figures(trainer, pair).items():
            found.setdefault(name, []).append(value)
    source, target = trainer.experiment.source_contrast, trainer.experiment.target_contrast
    for name, images in real:
        found[name] = [standardized_psnr(synthetic(trainer, images[source], Timing()), images[target])]
    return {name: round(statistics.fmean(values), DIGITS) for name, values in found.items()}


def _figures(trainer: Trainer, pair: CachedPair) -> dict[str, float]:
    """Return a simulated scan's PSNR against the acquired echo, and its error in lesions where it has some."""
    experiment = trainer.experiment
    source, target = experiment.source_contrast.lower(), experiment.target_contrast.lower()
    voxels = dict(zip(CHANNELS, np.array(pair.voxels, np.float32), strict=True))
    times, kind = pair.description["protocol"], IXI if is_ixi(pair) else RANDOM
    image = synthetic(trainer, voxels[source], Timing())
    told = synthetic(trainer, voxels[source], Timing(times[f"te_{source}_ms"], times["tr_ms"]))
    figures = {kind: standardized_psnr(image, voxels[target]), kind + TOLD: standardized_psnr(told, voxels[target])}
    inside = voxels["lesions"] > LESION_WEIGHT
    if inside.any():
        answer = voxels[f"{target}_target"]
        figures[LESION_ERROR] = float(np.abs(image - answer)[inside].mean()) / robust_scale(answer)
    return figures


@torch.no_grad()
def synthetic(trainer: Trainer, source: np.ndarray, timing: Timing) -> np.ndarray:
    """Return what the averaged network makes of a normalised stack, both (in-plane, in-plane, slice) float32."""
    network, ranges = trainer.average.eval(), trainer.experiment.timing
    multiples = zip(source.shape, network.size_multiple, strict=True)
    padded, where = pad_stack(source, [-(-size // multiple) * multiple for size, multiple in multiples])
    told = () if ranges is None else (torch.tensor([ranges.conditions(timing)], device=trainer.device),)
    answer = network(torch.from_numpy(padded)[None, None].to(trainer.device), *told)
    return answer[0, 0].float().cpu().numpy()[where]


def acquired_pairs(table: Path) -> list[Acquired]:
    """Return the pairs of a table whose images share a grid, each image divided by the median of its tissue.

    Raises:
        MissingFile: If the table, or a volume it names, does not exist.
        InputError: If a column is missing or a volume cannot be read.
    """
    pairs = []
    for case in real_cases(table):
        images = {}
        for contrast, volume in case.volumes.items():
            stack = slice_order(volume, AS_ACQUIRED).to_stack(volume.voxels)
            images[contrast] = RobustNormalizer(1.0).normalize(stack)[0]
        if images["T2"].shape == images["PD"].shape:
            pairs.append((case.name, images))
    return pairs


def scaled(real: Sequence[Acquired], scale: Callable[[np.ndarray], float]) -> list[Acquired]:
    """Return acquired pairs with each image divided by its scale."""
    return [(name, {k: image / np.float32(scale(image)) for k, image in images.items()}) for name, images in real]
