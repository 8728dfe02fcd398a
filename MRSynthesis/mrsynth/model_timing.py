"""What a model is told of a scan's timing, and what that means for the brightness of its result."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mrsynth.errors import InputError
from mrsynth.timing import Timing, TimingRanges

if TYPE_CHECKING:
    from mrsynth.models.card import ModelCard

TISSUE_T2_MS = 85.0
"""T2 of the median voxel of brain tissue, between white matter's 72 ms and grey matter's 95 ms (see ``spin_echo``)."""


@dataclass(frozen=True)
class ModelTiming:
    """A timing in the eyes of a model.

    Attributes:
        ranges: What the model was trained on; None for one that takes no timing.
        asked: What is known of the scan and asked for.
    """

    ranges: TimingRanges | None
    asked: Timing

    @property
    def conditions(self) -> tuple[float, ...]:
        """What the network is told; nothing for a model without timing."""
        return () if self.ranges is None else self.ranges.conditions(self.asked)

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each time that the model was not trained on."""
        return () if self.ranges is None else self.ranges.warnings(self.asked)

    @property
    def used(self) -> Timing | None:
        """The timing with the target's echo time as it is made; None for a model without timing."""
        return None if self.ranges is None else replace(self.asked, target_te_ms=self.ranges.target_te(self.asked))

    @property
    def intensity_factor(self) -> float:
        """How much brighter tissue is at the target's echo time than at the model's usual one.

        A card states the ratio of the target's brightness to the source's at the usual echo time. The receiver's gain
        is the same for all echoes of a scan, so by the spin-echo equation, in which echo times enter as
        ``exp(-TE / T2)``, the ratio at another one is ``exp((usual TE - TE) / T2)`` times as large.
        """
        if self.ranges is None:
            return 1.0
        return math.exp((self.ranges.usual_target_te_ms - self.ranges.target_te(self.asked)) / TISSUE_T2_MS)


def model_timing(card: ModelCard, timing: Timing) -> ModelTiming:
    """Return what a model makes of a timing; to one that takes none, the source's times are no matter.

    Raises:
        InputError: Code ``bad_timing``, if a model without timing is asked for an echo time.
    """
    if card.timing is not None:
        return ModelTiming(TimingRanges(**card.timing), timing)
    if timing.target_te_ms is not None:
        raise InputError(
            f"expected no target TE for model {card.name}, which knows one only, found {timing.target_te_ms:g} ms; "
            'choose a model for which "mrsynth models show NAME" tells of timing',
            code="bad_timing",
        )
    return ModelTiming(None, timing)
