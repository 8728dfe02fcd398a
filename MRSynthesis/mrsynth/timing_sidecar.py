"""The timing in the JSON file beside a volume: BIDS's and dcm2niix's of an acquired scan, this program's of its own."""

from pathlib import Path
from typing import Any

from mrsynth.acquired_timing import SIDECAR, AcquiredTiming
from mrsynth.sidecar import MADE_BY, is_own_output, read_sidecar

_MS = 1000.0
_DECIMALS = 6  # of a ms; 0.0083 s would otherwise become 8.299999999999999 ms


def timing_beside(volume_path: Path) -> AcquiredTiming:
    """Return what the sidecar ``x.json`` of a volume ``x.nii.gz`` says about its timing.

    BIDS states ``EchoTime`` and ``RepetitionTime`` in seconds. A synthetic volume of this program has the echo time it
    was made for and its source's repetition time, if its model took any.

    Args:
        volume_path: The volume's file.
    """
    document = read_sidecar(volume_path)
    if document.get("made_by") == MADE_BY:
        return _of_own(document) if is_own_output(volume_path) else AcquiredTiming()
    return AcquiredTiming.of(_ms(document.get("EchoTime")), _ms(document.get("RepetitionTime")), SIDECAR)


def _of_own(document: dict[str, Any]) -> AcquiredTiming:
    timing = document.get("timing")
    if document.get("kind") != "synthetic volume" or not isinstance(timing, dict):
        return AcquiredTiming()
    return AcquiredTiming.of(timing.get("target_te_ms"), timing.get("tr_ms"), SIDECAR)


def _ms(seconds: Any) -> float | None:
    is_number = isinstance(seconds, float) or type(seconds) is int
    return round(seconds * _MS, _DECIMALS) if is_number and abs(seconds) < _MS else None
