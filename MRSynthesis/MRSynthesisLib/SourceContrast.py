"""Which contrast a loaded volume has: what its name says, then its DICOM tags, then its intensities."""

import re
from dataclasses import dataclass

import numpy as np
import slicer
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _

# "T2", "t2w", "PD", "PDw", "proton" as words of a name, among letters that are no part of them.
_NAMED = {
    "T2": re.compile(r"(?<![a-z0-9])t2w?i?(?![a-z0-9])"),
    "PD": re.compile(r"(?<![a-z0-9])(pdw?i?|proton)(?![a-z0-9])"),
}
# Other scans than spin echoes of tissue and fluid; a T1 only where nothing else is named, as a T2 may lie on its grid.
_OTHER = re.compile(r"(?<![a-z])(flair|stir|dwi|adc|swi)(?![a-z])")
_T1 = re.compile(r"(?<![a-z0-9])t1w?i?(?![a-z0-9])")
_ECHO_TIME, _REPETITION_TIME, _INVERSION_TIME = "0018,0081", "0018,0080", "0018,0082"
_LONG_TR_MS = 1500.0  # shorter: T1 decides the contrast
_LONGEST_TE_OF_PD_MS = 40.0
_SHORTEST_TE_OF_T2_MS = 60.0
_GUESSED_VOXELS = 400_000  # enough for a histogram, and few enough not to hold up the panel


@dataclass(frozen=True)
class FoundContrast:
    """A contrast and what it was found by.

    Attributes:
        contrast: ``"T2"``, ``"PD"``, or None where nothing tells.
        reason: What to say beside it.
    """

    contrast: str | None
    reason: str


def findContrast(node: vtkMRMLScalarVolumeNode) -> FoundContrast:
    """Return the contrast of a volume node.

    A synthetic volume says its own. Names that hold both words say nothing, those of other scans that it is neither.
    """
    own = node.GetAttribute("MRSynthesis.Contrast")
    if own in _NAMED:
        return FoundContrast(own, _("{contrast}, synthetic").format(contrast=own))
    if _isOther(node):
        return FoundContrast(None, _("Neither T2 nor PD, by its name"))
    for find, reason in (
        (_ofName, _("{contrast}, by its name")),
        (_ofDicom, _("{contrast}, by its DICOM tags")),
        (_ofIntensities, _("{contrast}, guessed from its intensities")),
    ):
        contrast = find(node)
        if contrast is not None:
            return FoundContrast(contrast, reason.format(contrast=contrast))
    return FoundContrast(None, _("Not known: choose it"))


def _isOther(node: vtkMRMLScalarVolumeNode) -> bool:
    name = (node.GetName() or "").lower()
    return bool(_OTHER.search(name)) or (bool(_T1.search(name)) and not _named(node))


def _named(node: vtkMRMLScalarVolumeNode) -> list[str]:
    name = (node.GetName() or "").lower()
    return [contrast for contrast, pattern in _NAMED.items() if pattern.search(name)]


def _ofName(node: vtkMRMLScalarVolumeNode) -> str | None:
    found = _named(node)
    return found[0] if len(found) == 1 else None


def _ofDicom(node: vtkMRMLScalarVolumeNode) -> str | None:
    """A long repetition time with a short or a long echo time, and no inversion before."""
    database = getattr(slicer, "dicomDatabase", None)
    instances = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    if database is None or not instances:
        return None
    echoMs, repetitionMs, inversionMs = (
        _number(database.instanceValue(instances[0], tag)) for tag in (_ECHO_TIME, _REPETITION_TIME, _INVERSION_TIME)
    )
    return None if inversionMs > 0 else contrastOfTimes(repetitionMs, echoMs)


def _number(text: str) -> float:
    """A tag's number, 0 where it is empty or none."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def contrastOfTimes(repetitionMs: float, echoMs: float) -> str | None:
    """Return the contrast of a spin echo with a repetition and an echo time in ms; None where neither is typical."""
    if repetitionMs < _LONG_TR_MS or echoMs <= 0:
        return None
    if echoMs <= _LONGEST_TE_OF_PD_MS:
        return "PD"
    return "T2" if echoMs >= _SHORTEST_TE_OF_T2_MS else None


def _ofIntensities(node: vtkMRMLScalarVolumeNode) -> str | None:
    from mrsynth.contrast import guess_contrast
    from mrsynth.volume import Volume

    image = node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None:
        return None
    voxels = slicer.util.arrayFromVolume(node)
    step = max(1, int(np.ceil((voxels.size / _GUESSED_VOXELS) ** (1 / 3))))
    thinned = np.ascontiguousarray(voxels[::step, ::step, ::step], dtype=np.float32)
    if thinned.ndim != 3 or not np.isfinite(thinned).all():
        return None
    return guess_contrast(Volume(thinned, np.eye(4)))[0]
