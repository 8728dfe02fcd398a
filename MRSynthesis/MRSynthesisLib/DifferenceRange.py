"""The panel's number for the range of the difference colours, in step with the volumes whoever changes which."""

from MRSynthesisLib.DifferenceDisplay import spanDifferences, symmetricRange
from MRSynthesisLib.DifferenceVolumes import DifferenceNodes
from MRSynthesisLib.PanelState import PanelState

_SMALLEST, _LARGEST = 0.05, 5.0
_DIGITS = 2
_SAME = 0.006
"""What the panel's slider, which has two digits, may make of a number."""


class DifferenceRange:
    """Gives the volumes the range that the user sets in the panel, and the panel the one that they have otherwise.

    So the range that fits the data, the one of an earlier comparison, and the one set with the mouse in a view stay.
    """

    def __init__(self) -> None:
        self._told: float | None = None

    def forget(self) -> None:
        """The next number in the panel is another scene's, not the user's."""
        self._told = None

    def follow(self, state: PanelState, differences: DifferenceNodes | None) -> None:
        """Look at both sides; called whenever one of them may have changed."""
        if differences is None:
            self._told = None
        elif self._told is not None and abs(state.differenceRange - self._told) > _SAME:
            self._told = state.differenceRange
            spanDifferences(differences.difference, differences.gradientDifference, state.differenceRange)
        else:
            self._told = min(max(round(symmetricRange(differences.difference), _DIGITS), _SMALLEST), _LARGEST)
            if abs(state.differenceRange - self._told) > _SAME:
                state.differenceRange = self._told
