"""A scan as a network sees it, in axes and intensities, and the way back to the scan's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mrsynth.normalization import Normalizer, Scale, build_normalizer
from mrsynth.orientation import AS_ACQUIRED, SliceOrder, slice_order
from mrsynth.volume import Volume

if TYPE_CHECKING:
    from mrsynth.models.card import ModelCard


@dataclass(frozen=True, eq=False)
class NormalizedScan:
    """A scan's voxels for a model.

    Attributes:
        volume: The scan.
        order: How its axes lie.
        normalizer: The model's.
        voxels: Normalised intensities, float32, axes (in-plane, in-plane, slice).
        scale: What they were normalised by.
    """

    volume: Volume
    order: SliceOrder
    normalizer: Normalizer
    voxels: np.ndarray
    scale: Scale

    @classmethod
    def of(cls, volume: Volume, card: ModelCard, target_brightness: float = 1.0) -> NormalizedScan:
        """Return a scan for the model of a card.

        Args:
            volume: The scan.
            card: The model's.
            target_brightness: Of the target's tissue, as a multiple of what the card's normalisation states.

        Raises:
            InputError: ``constant`` (no tissue in the scan) or ``bad_card``.
        """
        order = slice_order(volume, card.grid.get("plane", AS_ACQUIRED))
        normalizer = build_normalizer(card.normalization).brightened(target_brightness)
        voxels, scale = normalizer.normalize(order.to_stack(volume.voxels), order.stack_spacing_mm)
        return cls(volume, order, normalizer, voxels, scale)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Between neighbours along the axes of ``voxels``."""
        return self.order.stack_spacing_mm

    def restored(self, voxels: np.ndarray) -> Volume:
        """Return a network's result, axes as ``voxels`` has them, in the place and on the scale of the scan."""
        return self._in_place(self.normalizer.restore(voxels, self.scale))

    def restored_difference(self, voxels: np.ndarray) -> Volume:
        """Return a difference between results in the place and the units of the scan."""
        return self._in_place(self.normalizer.restore_difference(voxels, self.scale))

    def _in_place(self, stack: np.ndarray) -> Volume:
        return self.volume.with_voxels(np.ascontiguousarray(self.order.from_stack(stack)))
