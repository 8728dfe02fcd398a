"""Echo and repetition time of a loaded volume: what its DICOM tags say, or the sidecar beside its file."""

from pathlib import Path

import slicer
from slicer import vtkMRMLScalarVolumeNode

from mrsynth.acquired_timing import DICOM, AcquiredTiming, series_time
from mrsynth.timing_sidecar import timing_beside

_ECHO_TIME, _REPETITION_TIME = "0018,0081", "0018,0080"


def findTiming(node: vtkMRMLScalarVolumeNode) -> AcquiredTiming:
    """Return what is known of a volume's timing."""
    fromTags = _ofDicom(node)
    if fromTags != AcquiredTiming():
        return fromTags
    storage = node.GetStorageNode()
    file = (storage.GetFileName() if storage else None) or ""
    return timing_beside(Path(file)) if file else AcquiredTiming()


def timingKey(node: vtkMRMLScalarVolumeNode) -> tuple[str | None, ...]:
    """Return what a volume's timing is read by: it is to be looked for anew when this has changed."""
    storage = node.GetStorageNode()
    return node.GetID(), node.GetAttribute("DICOM.instanceUIDs"), storage.GetFileName() if storage else None


def _ofDicom(node: vtkMRMLScalarVolumeNode) -> AcquiredTiming:
    database = getattr(slicer, "dicomDatabase", None)
    instances = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    if database is None or not instances:
        return AcquiredTiming()
    # Some tell for all, and that there is but one echo: those of a double echo come in turn or one after the other.
    some = [instances[index] for index in sorted({0, min(1, len(instances) - 1), len(instances) // 2, -1})]
    te, tr = (
        series_time([database.instanceValue(each, tag) for each in some]) for tag in (_ECHO_TIME, _REPETITION_TIME)
    )
    return AcquiredTiming.of(te, tr, DICOM)
