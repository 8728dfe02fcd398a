"""Whether an earlier batch has made a result that would come out the same."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrsynth.acquired_timing import GIVEN
from mrsynth.job_file import read_document
from mrsynth.presets import preset_of
from mrsynth.timing import Timing, TimingRanges
from MRSynthesisLib.BatchCases import BatchCase, scanName, slicerSuffix
from MRSynthesisLib.VolumeFile import SOURCE_SUFFIX

if TYPE_CHECKING:
    from mrsynth.models.card import ModelCard


def earlierResult(case: BatchCase, card: "ModelCard", mode: str | None, timing: Timing) -> dict[str, Any] | None:
    """Return the sidecar of a result that the same model has made of this very scan in the same way.

    Args:
        case: The scan, and where its result would go.
        card: Of the model.
        mode: A preset, or None for the model's own.
        timing: What the user says of the scans' times and asks for.
    """
    from mrsynth.sidecar import is_own_output, sidecar_path

    if not case.output.is_file() or not is_own_output(case.output):
        return None
    with contextlib.suppress(ValueError, OSError):
        found = read_document(sidecar_path(case.output))
        model = {"name": card.name, "version": card.version, "sha256": card.sha256}
        presets = {preset_of(each, card.inference) for each in (mode, (found.get("options") or {}).get("mode"))}
        same = found.get("model") == model and len(presets) == 1 and _isSameTiming(card, timing, found.get("timing"))
        same = same and (found.get("source") or {}).get("name") == workerName(case.source)
        if same and _newest(case.source) <= case.output.stat().st_mtime:
            return found
    return None


def workerName(scan: Path) -> str:
    """Return what the worker sees as the scan's name, which its sidecar records."""
    return f"{scan.name}{SOURCE_SUFFIX}" if slicerSuffix(scan) else scan.name


def _isSameTiming(card: "ModelCard", asked: Timing, told: Any) -> bool:
    """Whether a model was told before what it would be told now; of what comes with a scan the files tell."""
    if card.timing is None:
        return True
    if not isinstance(told, dict):
        return False
    source = (("te", asked.te_ms), ("tr", asked.tr_ms))
    return told.get("target_te_ms") == TimingRanges(**card.timing).target_te(asked) and all(
        told.get(f"{name}_from") != GIVEN if time is None else told.get(f"{name}_ms") == time for name, time in source
    )


def _newest(scan: Path) -> float:
    """When a scan was last changed, with the sidecar that may lie beside it; of a folder, the youngest of its files."""
    beside = scan.with_name(f"{scanName(scan)}.json")
    files = [*scan.iterdir()] if scan.is_dir() else [scan, *([beside] if beside.is_file() else [])]
    return max(path.stat().st_mtime for path in files)
