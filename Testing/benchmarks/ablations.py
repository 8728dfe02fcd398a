"""What each idea in the default models' training is worth: short trainings with it and without it, two seeds each.

``python Testing/benchmarks/ablations.py CACHE HELD_OUT PAIRS RESULTS`` trains on the scans of CACHE and measures on
those of HELD_OUT (both made by ``mrsynth-train simulate``) and on the acquired pairs named in the table PAIRS. It
writes RESULTS.json, going on where an earlier run stopped, and RESULTS.md.
"""

import argparse
import dataclasses
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from mrsynth.devices import resolve_device
from mrsynth.head import robust_scale
from mrsynth.metrics import standardize
from mrsynth.normalization import RobustNormalizer
from mrsynth.orientation import AS_ACQUIRED, slice_order
from mrsynth.tiling import pad_stack
from mrsynth.timing import Timing
from mrsynth_training.evaluation_cases import real_cases
from mrsynth_training.experiments import Experiment, read_experiment
from mrsynth_training.hardware import describe_hardware
from mrsynth_training.pair_cache import CHANNELS, LESIONS, CachedPair, read_cache
from mrsynth_training.trainer import Trainer
from mrsynth_training.validation import subject_figures

DIRECTIONS = ("t2-to-pd", "pd-to-t2")
SEEDS = (0, 1)
SHORT = ("optimization.batch_size=8", "optimization.patch=[96, 96, 16]")
ECHOES = slice(0, LESIONS)

Change = Callable[[Experiment], Experiment]
Pairs = list[CachedPair]


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way of training: what differs from the shipped experiment, in its file or in the scans.

    Attributes:
        changes: Of the experiment, as for ``--set``.
        told: Whether the network is told echo and repetition times.
        scans: What becomes of the scans, before training and before measuring.
        scale: What an echo is divided by.
    """

    changes: tuple[str, ...] = ()
    told: bool = True
    scans: Callable[[Pairs], Pairs] = list
    scale: Callable[[np.ndarray], float] = robust_scale


def acquired_targets(pairs: Pairs) -> Pairs:
    """Ask for the other echo as it was acquired, whatever its echo time, instead of always the same."""
    order = [CHANNELS.index(name) for name in ("t2", "pd", "t2", "pd", "t2", "pd", "lesions")]
    return [dataclasses.replace(pair, voxels=np.ascontiguousarray(pair.voxels[order])) for pair in pairs]


def deviation(voxels: np.ndarray) -> float:
    """Return the standard deviation over the whole scan, air and all."""
    return float(voxels.std(dtype=np.float32))


def whole_volume_scale(pairs: Pairs) -> Pairs:
    """Divide every echo by its deviation over the whole scan, air and all, instead of the median of its tissue."""
    return [dataclasses.replace(pair, voxels=_rescaled(pair.voxels)) for pair in pairs]


def _rescaled(voxels: np.ndarray) -> np.ndarray:
    whole = np.array(voxels)
    for channel in range(LESIONS):
        whole[channel] /= np.float16(deviation(voxels[channel]))
    return whole


def ixi_only(pairs: Pairs) -> Pairs:
    """Keep the scans at IXI's echo times."""
    return [pair for pair in pairs if pair.description["protocol"]["te_t2_ms"] == 100]


VARIANTS = {
    "as shipped": Variant(),
    "told neither TE nor TR": Variant(told=False),
    "target at its own TE, not always the usual one": Variant(told=False, scans=acquired_targets),
    "scale from the whole volume, not from the head": Variant(scans=whole_volume_scale, scale=deviation),
    "one protocol (IXI's) in training": Variant(scans=ixi_only),
    "no emphasis on lesions": Variant(("optimization.lesion_weight=0.0", "optimization.lesion_patches=0.0")),
    "absolute error alone": Variant(("optimization.gradient_weight=0.0", "optimization.squared_weight=0.0")),
    "no estimate of its own error": Variant(("network.configuration.estimates_error=false",)),
}
MEASURED_AS_IT_IS = (acquired_targets, ixi_only)


def experiment_of(direction: str, variant: Variant, seed: int, steps: int) -> Experiment:
    changes = (*SHORT, *variant.changes, f"optimization.steps={steps}", f"optimization.seed={seed}")
    experiment = read_experiment(Path(direction), changes)
    if variant.told:
        return experiment
    configuration = {**experiment.network["configuration"], "conditions": 0}
    network = {**experiment.network, "configuration": configuration}
    return dataclasses.replace(experiment, network=network, timing=None)


@torch.no_grad()
def synthetic(trainer: Trainer, source: np.ndarray, timing: Timing) -> np.ndarray:
    """Return what the averaged network makes of a normalised stack, both (in-plane, in-plane, slice) float32."""
    network, ranges = trainer.average.eval(), trainer.experiment.timing
    multiple = network.size_multiple
    padded, where = pad_stack(source, [-(-n // m) * m for n, m in zip(source.shape, multiple, strict=True)])
    told = () if ranges is None else (torch.tensor([ranges.conditions(timing)], device=trainer.device),)
    answer = network(torch.from_numpy(padded)[None, None].to(trainer.device), *told)
    return answer[0, 0].float().cpu().numpy()[where]


def decibels(image: np.ndarray, reference: np.ndarray) -> float:
    """Return the PSNR of the standardised image, range maximum - minimum of the standardised reference."""
    return subject_figures("", standardize(image), standardize(reference)).psnr_range


def measure(trainer: Trainer, held_out: Pairs, real: Sequence[tuple[str, dict]]) -> dict[str, float]:
    """Return PSNR by kind of scan, in dB, and the error in lesions, in units of the target's tissue."""
    source, target = (c.lower() for c in (trainer.experiment.source_contrast, trainer.experiment.target_contrast))
    found: dict[str, list[float]] = {}
    for pair in held_out:
        voxels = dict(zip(CHANNELS, np.array(pair.voxels, np.float32), strict=True))
        times = pair.description["protocol"]
        image = synthetic(trainer, voxels[source], Timing())
        informed = synthetic(trainer, voxels[source], Timing(times[f"te_{source}_ms"], times["tr_ms"]))
        kind = "IXI" if times["te_t2_ms"] == 100 else "random"
        found.setdefault(f"simulated, {kind}", []).append(decibels(image, voxels[target]))
        found.setdefault(f"simulated, {kind}, TE and TR known", []).append(decibels(informed, voxels[target]))
        inside = voxels["lesions"] > 0.5
        if inside.any():
            answer = voxels[f"{target}_target"]
            error = np.abs(image - answer)[inside].mean() / robust_scale(answer)
            found.setdefault("error in lesions", []).append(float(error))
    for name, volumes in real:
        image = synthetic(trainer, volumes[trainer.experiment.source_contrast], Timing())
        found[name] = [decibels(image, volumes[trainer.experiment.target_contrast])]
    return {name: statistics.fmean(values) for name, values in found.items()}


def scaled(real: Sequence[tuple[str, dict]], scale: Callable[[np.ndarray], float]) -> list[tuple[str, dict]]:
    """Return the acquired pairs, each image divided by its scale."""
    return [(name, {k: each / np.float32(scale(each)) for k, each in stacks.items()}) for name, stacks in real]


def real_stacks(table: Path) -> list[tuple[str, dict]]:
    """Return name and normalised stacks by contrast of each acquired pair whose images share a grid."""
    stacks = []
    for case in real_cases(table):
        volumes = {}
        for contrast, volume in case.volumes.items():
            order = slice_order(volume, AS_ACQUIRED)
            volumes[contrast] = RobustNormalizer(1.0).normalize(order.to_stack(volume.voxels))[0]
        if volumes["T2"].shape == volumes["PD"].shape:
            stacks.append((case.name, volumes))
    return stacks


def run(options: argparse.Namespace) -> list[dict]:
    """Train and measure what is asked for; return one record a training."""
    device = resolve_device(options.device)
    results = options.results.with_suffix(".json")
    records = json.loads(results.read_text()) if results.is_file() else []
    done = {(each["variant"], each["direction"], each["seed"]) for each in records}
    pairs, held_out, real = read_cache(options.cache)[: options.scans], read_cache(options.held_out), []
    if options.pairs.is_file():
        real = real_stacks(options.pairs)
    for name in options.only or VARIANTS:
        variant = VARIANTS[name]
        scans, measured = variant.scans(pairs), held_out
        if variant.scans not in MEASURED_AS_IT_IS:
            measured = variant.scans(held_out)
        for direction in options.directions:
            for seed in SEEDS:
                if (name, direction, seed) in done:
                    continue
                experiment = experiment_of(direction, variant, seed, options.steps)
                with tempfile.TemporaryDirectory() as folder:
                    trainer = Trainer(experiment, scans, Path(folder) / "run", device=device)
                    trainer.fit(lambda status: None)
                figures = measure(trainer, measured, real)
                record = {"variant": name, "direction": direction, "seed": seed, "steps": options.steps}
                record |= {"seconds": round(trainer.seconds), "hardware": describe_hardware(device)}
                records.append(record | {"figures": figures})
                results.write_text(json.dumps(records, indent=1) + "\n")
                print(name, direction, seed, {k: round(v, 3) for k, v in figures.items()}, flush=True)
    return records


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("cache", "held_out", "pairs", "results"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--scans", type=int, default=160)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--only", action="append", choices=list(VARIANTS))
    parser.add_argument("--directions", nargs="+", default=DIRECTIONS, choices=DIRECTIONS)
    run(parser.parse_args())
    return 0


if __name__ == "__main__":
    sys.exit(main())
