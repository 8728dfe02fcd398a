"""What the presets of a model cost and gain: time, and PSNR against references; into its card, if wanted.

    python Testing/benchmarks/benchmark_presets.py MODEL --pair t2.nii.gz pd.nii.gz --pair ... --write-card

It needs a trained model, and pairs of a source scan and a reference of the target contrast that the model has not seen
(simulated or acquired). Without pairs two simulated heads of the demo are taken. Times are for 224 x 224 x 32 voxels;
where a model of patches is measured on pairs of that size, they are what those took.
How many times faster a preset is refers to the model's most exact one by PyTorch's own layers, one patch at a time;
seconds a patch are multiplied by the number of patches.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from benchmark_synthesis import tiled_head
from document import Section
from machine import in_words, machine
from standardized_psnr import standardized_psnr

from mrsynth.atomic_file import write_bytes
from mrsynth.demo_head import HeadGrid, build_demo_head
from mrsynth.models.card import CARD_NAME, ModelCard
from mrsynth.models.installed import InstalledModel
from mrsynth.models.store import default_store
from mrsynth.models.weights import LoadedModel, load_model
from mrsynth.precision import precision_error
from mrsynth.presets import PresetFigures, presets_of
from mrsynth.process_memory import ask_for_large_pages
from mrsynth.synthesis import Synthesis, SynthesisOptions, synthesize
from mrsynth.tiling import tiling_of_card
from mrsynth.volume import Volume
from mrsynth.volume_reading import read_volume

SHAPE = (224, 224, 32)
DEMO_SEEDS = (40, 41)
PLAIN_PATCHES = 3
TITLES = ("preset", "s", "times faster", "PSNR dB", "change dB", "rms difference / deviation", "precision")

Pair = tuple[Volume, Volume]


def preset_section(model: LoadedModel, pairs: Sequence[Pair], rounds: int) -> Section:
    """Measure each preset of a model.

    On each scan they take turns with PyTorch's own layers, so that a busy spell of the machine slows all of them.
    """
    presets = presets_of(model.card.inference)
    answers: dict[str, list[Synthesis]] = {preset: [] for preset in presets}
    plain: list[float] = []
    for source, _ in pairs:
        plain += _plain_seconds(model, presets[0])
        for preset in presets:
            answers[preset].append(synthesize(source, model, SynthesisOptions(preset, device="cpu")))
    seconds = _seconds_of_answers(model, answers) or _seconds(model, presets, rounds)
    plain_s = statistics.median(plain or seconds[presets[0]])
    quality = {preset: _mean_psnr([each.volume for each in found], pairs) for preset, found in answers.items()}
    rows = []
    for preset, found in answers.items():
        both = zip(found, answers[presets[0]], strict=True)
        error = max(precision_error(each.volume.voxels, exact.volume.voxels) for each, exact in both)
        median_s, change = statistics.median(seconds[preset]), quality[preset] - quality[presets[0]]
        rows.append([preset, median_s, plain_s / median_s, quality[preset], change, error, found[0].precision])
    return Section(f"Presets of {model.card.name} {model.card.version}", TITLES, rows)


def card_with_figures(card: ModelCard, section: Section, note: str) -> ModelCard:
    """Return a card that tells what was measured.

    Args:
        card: Of the model.
        section: See `preset_section`.
        note: On what scans and what machine.
    """
    figures = {
        preset: asdict(PresetFigures(_rounded(seconds), _rounded(times), round(change, 3), note))
        for preset, seconds, times, _, change, *_ in section.rows
    }
    document = card.to_dict()
    return ModelCard.from_dict(document | {"inference": document["inference"] | {"presets": figures}})


def _seconds(model: LoadedModel, presets: Sequence[str], rounds: int) -> dict[str, list[float]]:
    scan = tiled_head(SHAPE)
    found: dict[str, list[float]] = {preset: [] for preset in presets}
    for _ in range(rounds + 1):
        for preset in presets:
            found[preset].append(synthesize(scan, model, SynthesisOptions(preset, device="cpu")).seconds)
    return {preset: seconds[1:] for preset, seconds in found.items()}  # the first round sets things up


def _seconds_of_answers(model: LoadedModel, answers: dict[str, list[Synthesis]]) -> dict[str, list[float]] | None:
    """Return what the answers took where they are as good a measure: long ones, for scans of the size that counts."""
    shapes = {each.volume.shape for found in answers.values() for each in found}
    if model.card.inference["patch"] is None or shapes != {SHAPE}:
        return None
    return {preset: [each.seconds for each in found] for preset, found in answers.items()}


def _plain_seconds(model: LoadedModel, preset: str) -> list[float]:
    """Return what the most exact preset takes by the network's own layers, timed on a few patches.

    Nothing if the network knows no other way.
    """
    layers = getattr(model.network, "layer_by_layer", None)
    if layers is None:
        return []
    grid = tiling_of_card(model.card.inference, preset, model.network.size_multiple).grid(SHAPE)
    patch = torch.randn(1, *grid.patch, 1).permute(0, 4, 1, 2, 3)
    model.network.to(memory_format=torch.channels_last_3d)
    seconds = []
    with torch.inference_mode():
        for _ in range(PLAIN_PATCHES + 1):
            started = time.perf_counter()
            layers(patch)
            seconds.append(len(grid) * (time.perf_counter() - started))
    return seconds[1:]


def _mean_psnr(volumes: Sequence[Volume], pairs: Sequence[Pair]) -> float:
    return statistics.mean(
        standardized_psnr(volume.voxels, reference.voxels)
        for volume, (_, reference) in zip(volumes, pairs, strict=True)
    )


def _pairs(options: argparse.Namespace, card: ModelCard) -> list[Pair]:
    if options.pair:
        return [(read_volume(Path(source)), read_volume(Path(reference))) for source, reference in options.pair]
    heads = [build_demo_head(seed, HeadGrid(shape=SHAPE)) for seed in DEMO_SEEDS]
    return [(head.t2, head.pd) if card.source_contrast == "T2" else (head.pd, head.t2) for head in heads]


def _write(model: InstalledModel, card: ModelCard) -> None:
    write_bytes(model.folder / CARD_NAME, card.to_json().encode())


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def main() -> None:
    """Print the table, and write the card if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name of a model")
    parser.add_argument("--models", type=Path, action="append", default=[], help="folder to look for it first")
    parser.add_argument("--pair", nargs=2, action="append", metavar=("SOURCE", "REFERENCE"), help="on the same grid")
    parser.add_argument(
        "--rounds", type=int, default=1, help="runs of each preset where the pairs are not timed; their median counts"
    )
    parser.add_argument("--write-card", action="store_true", help="write the figures into the model's card")
    options = parser.parse_args()
    ask_for_large_pages()
    installed = default_store(options.models).find(options.model)
    found: dict[str, Any] = machine()
    section = preset_section(load_model(installed), _pairs(options, installed.card), options.rounds)
    print(f"{in_words(found)}\n\n{section.markdown()}")
    if options.write_card:
        scans = f"{len(options.pair)} pairs of scans" if options.pair else f"{len(DEMO_SEEDS)} simulated heads"
        note = f"{scans}, {found['cores']} cores of {found['processor']}, {found['instructions']}"
        _write(installed, card_with_figures(installed.card, section, note))


if __name__ == "__main__":
    main()
