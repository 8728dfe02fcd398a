"""The part of the panel about echo and repetition times, for models that are told them."""

from typing import TYPE_CHECKING, Any

import slicer.util
from slicer.i18n import tr as _

from mrsynth.acquired_timing import AcquiredTiming, UsedTiming, used_timing
from mrsynth.timing import Timing, TimingRanges
from MRSynthesisLib.PanelState import PanelState
from MRSynthesisLib.SourceTiming import findTiming, timingKey
from MRSynthesisLib.SyntheticNode import NOTHING_KNOWN

if TYPE_CHECKING:
    from mrsynth.models.installed import InstalledModel


class TimingSection:
    """Shows what the source came with, and what may be asked for; there is nothing to see for other models.

    Args:
        ui: The panel's widgets by name.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._found, self._foundBy = AcquiredTiming(), (None,)
        self._isShown: bool | None = None

    def update(self, state: PanelState, model: "InstalledModel | None") -> None:
        """Show what the choices mean."""
        ranges = _rangesOf(model)
        self._setShown(ranges is not None)
        self._forgetOthers(state, ranges)
        self._find(state)
        if ranges is not None:
            self._show(ranges)

    def timing(self, state: PanelState, model: "InstalledModel | None") -> UsedTiming:
        """Return what a run is told: what the user says, else what the source came with; nothing for other models."""
        ranges = _rangesOf(model)
        if ranges is None:
            return NOTHING_KNOWN
        usual = state.targetTeMs in (0.0, ranges.usual_target_te_ms)
        given = Timing(state.sourceTeMs or None, state.sourceTrMs or None, None if usual else state.targetTeMs)
        return used_timing(given, self._found)

    def _setShown(self, shown: bool) -> None:
        if shown != self._isShown:
            self._isShown = shown
            for name in ("sourceTe", "sourceTr", "targetTe"):
                for kind in ("Label", "SpinBox"):
                    getattr(self._ui, f"{name}{kind}").visible = shown

    def _forgetOthers(self, state: PanelState, ranges: TimingRanges | None) -> None:
        """Forget times that were given for another source, and a target that the model does not know."""
        if state.timedVolume is not state.sourceVolume:
            with slicer.util.NodeModify(state):
                state.sourceTeMs = state.sourceTrMs = 0.0
                state.timedVolume = state.sourceVolume
        if ranges is not None and state.targetTeMs and not _isWithin(state.targetTeMs, ranges.target_te_ms):
            state.targetTeMs = 0.0

    def _find(self, state: PanelState) -> None:
        key = timingKey(state.sourceVolume) if state.sourceVolume is not None else (None,)
        if key != self._foundBy:
            self._foundBy = key
            self._found = findTiming(state.sourceVolume) if state.sourceVolume is not None else AcquiredTiming()

    def _show(self, ranges: TimingRanges) -> None:
        ui, found = self._ui, self._found
        ui.sourceTeSpinBox.specialValueText = _came(found.te_ms, found.origin)
        ui.sourceTrSpinBox.specialValueText = _came(found.tr_ms, found.origin)
        ui.targetTeSpinBox.specialValueText = _("{0:g} ms (usual)").format(ranges.usual_target_te_ms)
        source = _("{name} of the source. The model was trained on {0:g} to {1:g} ms. 0: what the scan came with.")
        ui.sourceTeSpinBox.toolTip = source.format(*ranges.te_ms, name=_("Echo time"))
        ui.sourceTrSpinBox.toolTip = source.format(*ranges.tr_ms, name=_("Repetition time"))
        target = _("Echo time to synthesize, from {0:g} to {1:g} ms. 0: the model's usual one.")
        ui.targetTeSpinBox.toolTip = target.format(*ranges.target_te_ms)
        # What the field still shows of another model may be beyond its end: no choice of the user's.
        blocked = ui.targetTeSpinBox.blockSignals(True)
        ui.targetTeSpinBox.maximum = ranges.target_te_ms[1]
        ui.targetTeSpinBox.blockSignals(blocked)


def _rangesOf(model: "InstalledModel | None") -> TimingRanges | None:
    return TimingRanges(**model.card.timing) if model is not None and model.card.timing else None


def _isWithin(time: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= time <= limits[1]


def _came(time: float | None, origin: str) -> str:
    """What a scan came with, as the value of a field in which the user has said nothing."""
    return _("Not known") if time is None else _("{0:g} ms ({1})").format(time, origin)
