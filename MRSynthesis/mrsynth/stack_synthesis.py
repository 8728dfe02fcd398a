"""One stack of slices through a network, patch by patch, and its uncertainty.

A network that estimates its own error says what the uncertainty is. Any other one is asked more than once.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from mrsynth.memory_fallback import PatchPredictor
from mrsynth.patches import PatchGrid, Triple, patch_window
from mrsynth.stitching import Mosaic
from mrsynth.synthesis_steps import SynthesisSteps
from mrsynth.tiling import Tiling, pad_stack

# The deviation of a few answers is noisy; averaged over neighbours in the plane it follows the error better: on
# simulated heads its rank correlation with the absolute error rose from 0.25 to 0.32 (T2 to PD) and 0.43 to 0.48.
UNCERTAINTY_SMOOTHING_PIXELS = 1.0


@dataclass(frozen=True)
class View:
    """One way of taking a stack through the network.

    Attributes:
        grid: The patches.
        window: What their voxels weigh, see ``patches.patch_window``.
        mirrored: Whether the network sees each patch mirrored (and its answer is mirrored back).
    """

    grid: PatchGrid
    window: str
    mirrored: bool = False


@dataclass(frozen=True)
class StackSynthesis:
    """Takes normalised stacks through a network.

    Attributes:
        predictor: Runs the network on batches.
        tiling: How a stack is cut into patches.
        mirror_axis: The left-right axis of the stacks.
        uncertainty: Whether to tell how unsure the result is as well.
        step: Counts patches, after each batch; may raise to stop.
    """

    predictor: PatchPredictor
    tiling: Tiling
    mirror_axis: int
    uncertainty: bool
    step: SynthesisSteps

    def patch_count(self, shape: Triple) -> int:
        """Return how many patches go through the network for a stack of a shape."""
        views = [*self._views(shape), *self._other_views(shape)]
        return sum(len(view.grid) for view in views)

    def run(self, stack: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Synthesise one stack.

        Args:
            stack: Normalised intensities, float32, axes (in-plane, in-plane, slice).

        Returns:
            The result and, if asked for, its uncertainty. From a network that estimates its own error this is the mean
            of the absolute errors it expects, weighted like the result. From any other one it is the standard deviation
            of the network's answers for the same voxel from overlapping patches and from mirrored ones, weighted like
            the result and averaged over its neighbours in the plane. Asking for it does not change the result.
        """
        views = self._views(stack.shape)
        padded, where = pad_stack(stack, views[0].grid.padded_shape)
        result = Mosaic(padded.shape)
        if not self.uncertainty:
            self._look(views, padded, [(result,)])
            return result.mean()[where], None
        if self.predictor.estimates_error:
            error = Mosaic(padded.shape)
            self._look(views, padded, [(result,), (error,)])
            return result.mean()[where], error.mean()[where]
        spread = Mosaic(padded.shape, with_spread=True)
        self._look(views, padded, [(result, spread)])
        self._look(self._other_views(stack.shape), padded, [(spread,)])
        sigma = (UNCERTAINTY_SMOOTHING_PIXELS, UNCERTAINTY_SMOOTHING_PIXELS, 0)
        return result.mean()[where], ndimage.gaussian_filter(spread.spread()[where], sigma, mode="nearest")

    def _views(self, shape: Triple) -> list[View]:
        """Return the views that the result is the mean of."""
        view = View(self.tiling.grid(shape), self.tiling.window)
        return [view, replace(view, mirrored=True)] if self.tiling.mirrored else [view]

    def _other_views(self, shape: Triple) -> list[View]:
        """Return the views that the result is compared with besides, where their spread is the uncertainty."""
        if not self.uncertainty or self.predictor.estimates_error:
            return []
        smaller = self.tiling.second_look(shape)
        others = [] if self.tiling.mirrored else [replace(self._views(shape)[0], mirrored=True)]
        return others if smaller is None else [*others, View(smaller, "smooth")]

    def _look(self, views: Sequence[View], padded: np.ndarray, mosaics: Sequence[tuple[Mosaic, ...]]) -> None:
        for view in views:
            self._look_once(view, padded, mosaics)

    def _look_once(self, view: View, padded: np.ndarray, mosaics: Sequence[tuple[Mosaic, ...]]) -> None:
        """Add the network's answers to the mosaics of each of their channels."""
        window = patch_window(view.grid.patch, view.window)
        for places in self._batches(view.grid):
            patches = np.stack([padded[place] for place in places])
            answers = self._answers(patches, len(mosaics), view.mirrored)
            for place, answer in zip(places, answers, strict=True):
                for channel, takers in zip(answer, mosaics, strict=True):
                    for mosaic in takers:
                        mosaic.add(place, channel, window)
            self.step(len(places))

    def _batches(self, grid: PatchGrid) -> Iterator[list[tuple[slice, slice, slice]]]:
        places = iter(grid)
        while batch := list(itertools.islice(places, self.predictor.batch_size(int(np.prod(grid.patch))))):
            yield batch

    def _answers(self, patches: np.ndarray, channels: int, mirrored: bool) -> np.ndarray:
        """Return the network's answers, (N, channels, X, Y, Z), for patches of shape (N, X, Y, Z)."""
        if not mirrored:
            return self.predictor.predict_channels(patches, channels)
        axis = self.mirror_axis
        seen = np.ascontiguousarray(np.flip(patches, axis + 1))
        return np.flip(self.predictor.predict_channels(seen, channels), axis + 2)
