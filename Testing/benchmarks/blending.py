"""How the patches of a model are best blended: its answers at the card's stride, put together in several ways.

    python Testing/benchmarks/blending.py MODEL t2.nii.gz pd.nii.gz --size 192

It needs a scan and a reference on the same grid that the model has not seen. The middle of both, so many voxels wide,
goes through the network once, with the patches of the preset ``paper``; all other ways take some of these patches.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from document import Section
from standardized_psnr import standardized_psnr

from mrsynth.memory_fallback import CPU, PatchPredictor
from mrsynth.models.store import default_store
from mrsynth.models.weights import LoadedModel, load_model
from mrsynth.normalized_scan import NormalizedScan
from mrsynth.patches import WINDOWS, PatchGrid, Triple, patch_window
from mrsynth.process_memory import ask_for_large_pages
from mrsynth.stitching import Mosaic
from mrsynth.volume_reading import read_volume

SHAPE = (224, 224, 32)
# Times the card's stride, and one patch in so many of those.
WAYS = {"all": (1, 1), "one in two": (1, 2), "one in three": (1, 3), "stride x 2": (2, 1), "stride x 3": (3, 1)}

Answers = Mapping[Triple, np.ndarray]


def blending_section(model: LoadedModel, source: np.ndarray, reference: np.ndarray) -> Section:
    """Measure ways of blending.

    Args:
        model: A model of patches.
        source: Normalised stack, at least a patch large.
        reference: The truth, normalised, of the same shape.
    """
    patch, stride = (tuple(model.card.inference[name]) for name in ("patch", "stride"))
    answers = _answers(model, PatchGrid(source.shape, patch, stride), source)
    rows, best = [], None
    for way, (factor, thinning) in WAYS.items():
        strides = tuple(np.minimum(np.multiply(stride, factor), patch).tolist())
        grid, counted = (PatchGrid(shape, patch, strides, thinning) for shape in (source.shape, SHAPE))
        for window in WINDOWS:
            found = standardized_psnr(_blended(answers, grid, window), reference)
            best = found if best is None else best
            rows.append([way, window, len(counted), found, found - best])
    columns = ("patches", "window", "of 224 x 224 x 32", "PSNR dB", "change dB")
    return Section(f"Blending of {model.card.name} {model.card.version}", columns, rows)


def _answers(model: LoadedModel, grid: PatchGrid, stack: np.ndarray) -> Answers:
    predictor, places, answers = PatchPredictor(model.network, CPU), list(grid), {}
    size = predictor.batch_size(int(np.prod(grid.patch)))
    for first in range(0, len(places), size):
        batch = places[first : first + size]
        found = predictor.predict(np.stack([stack[place] for place in batch]))
        answers |= {_corner(place): answer for place, answer in zip(batch, found, strict=True)}
    return answers


def _blended(answers: Answers, grid: PatchGrid, window: str) -> np.ndarray:
    """Blend those of the answers that a grid asks for; its last patches may lie a little before theirs."""
    mosaic, weights = Mosaic(grid.padded_shape), patch_window(grid.patch, window)
    for place in grid:
        mosaic.add(place, answers[_corner(place)], weights)
    return mosaic.mean()


def _corner(place: tuple[slice, slice, slice]) -> Triple:
    return tuple(axis.start for axis in place)


def _middle(path: Path, model: LoadedModel, size: int) -> np.ndarray:
    voxels = NormalizedScan.of(read_volume(path), model.card, 1.0).voxels
    starts = [max(0, (length - size) // 2) for length in voxels.shape[:2]]
    return np.ascontiguousarray(voxels[starts[0] :, starts[1] :][:size, :size])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name of a model")
    parser.add_argument("source", type=Path, help="scan")
    parser.add_argument("reference", type=Path, help="what was acquired of the target contrast")
    parser.add_argument("--size", type=int, default=192, help="voxels in-plane (default: %(default)s)")
    options = parser.parse_args()
    ask_for_large_pages()
    model = load_model(default_store().find(options.model))
    source, reference = (_middle(path, model, options.size) for path in (options.source, options.reference))
    print(blending_section(model, source, reference).markdown())


if __name__ == "__main__":
    main()
