"""What the options of a synthesis mean for a model, and what was measured for them, as tooltips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from mrsynth.presets import preset_of, preset_text, presets_of
from MRSynthesisLib.PanelState import SynthesisMode

if TYPE_CHECKING:
    from mrsynth.models.installed import InstalledModel


def showPresets(combo: Any, model: InstalledModel | None) -> None:
    """Give every preset in the list its tooltip, and the list that of the one that is chosen.

    Args:
        combo: The list, with an entry for each ``SynthesisMode`` in order.
        model: The model that is chosen; None: there is none.
    """
    for index, mode in enumerate(SynthesisMode):
        combo.setItemData(index, presetTip(mode, model), qt.Qt.ToolTipRole)
    chosen = list(SynthesisMode)[combo.currentIndex] if combo.currentIndex >= 0 else SynthesisMode.MODEL
    combo.toolTip = presetTip(chosen, model)


def presetTip(mode: SynthesisMode, model: InstalledModel | None) -> str:
    """What a user should know to choose a preset."""
    if model is None:
        return _("How much time the synthesis may take, and what that costs. It depends on the model.")
    inference = model.card.inference
    preset = preset_of(mode.jobValue(), inference)
    if preset not in presets_of(inference):
        return _("This model takes a scan as a whole: the same as Standard.")
    return preset_text(preset, inference)


def uncertaintyTip(model: InstalledModel | None) -> str:
    """What an uncertainty volume of a model would be."""
    if model is None:
        return _("Also make a volume of how unsure the result is. What it holds depends on the model.")
    from mrsynth.models.card import EXPECTED_ERROR

    tip = _("Also make a volume of how unsure the result is: each voxel holds {0}.").format(
        model.card.uncertainty_meaning
    )
    return tip if model.card.uncertainty_meaning == EXPECTED_ERROR else _("{0} Takes longer.").format(tip)
