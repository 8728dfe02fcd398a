"""Volume nodes of this module's making: what they say about themselves, and that they are whole or not there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode, vtkMRMLSubjectHierarchyNode
from slicer.i18n import tr as _

from mrsynth.acquired_timing import UsedTiming
from mrsynth.errors import OutputExists
from mrsynth.timing import Timing

KINDS = ("synthetic", "uncertainty", "difference", "gradientDifference")
SOURCE_ROLE = "MRSynthesis.source"
NOTHING_KNOWN = UsedTiming(Timing())
"""No time is known, and the model's usual one is asked for."""

_PREFIX = "MRSynthesis."


@dataclass(frozen=True)
class Provenance:
    """How a synthetic volume came about.

    Attributes:
        contrast: What it shows, such as ``"PD"``.
        model: Name of the model.
        modelVersion: Its version.
        weightsSha256: Checksum of its weights.
        runId: Of the run that made it.
        created: ISO 8601.
        options: A JSON object of what took effect.
        targetTe: Echo time in ms that it was made for, if that is not the model's usual one; else empty.
    """

    contrast: str
    model: str
    modelVersion: str
    weightsSha256: str
    runId: str
    created: str
    options: str = "{}"
    targetTe: str = ""

    @classmethod
    def fromSidecar(cls, sidecar: dict, runId: str, known: UsedTiming = NOTHING_KNOWN) -> "Provenance":
        """Return what the JSON file beside the worker's output says.

        Args:
            sidecar: The file's content.
            runId: Of the run that wrote it.
            known: The timing that the worker was given, and where that was from, which it cannot know itself.
        """
        model, timing, targetTe = sidecar["model"], sidecar.get("timing") or {}, ""
        if timing:
            timing = timing | {"te_from": known.te_from, "tr_from": known.tr_from}
            targetTe = f"{timing['target_te_ms']:g}" if known.timing.target_te_ms is not None else ""
        return cls(
            contrast=sidecar["contrast"],
            model=model["name"],
            modelVersion=model["version"],
            weightsSha256=model["sha256"],
            runId=runId,
            created=sidecar["created"],
            options=json.dumps(sidecar["options"] | {"device": sidecar["device"]} | timing),
            targetTe=targetTe,
        )


def isSynthetic(node: vtkMRMLNode | None) -> bool:
    """Whether this module made the node's content."""
    return node is not None and node.GetAttribute(f"{_PREFIX}Synthetic") == "true"


def sourceOf(node: vtkMRMLNode) -> vtkMRMLScalarVolumeNode | None:
    """The scan that a synthetic node was made from, unless it is gone."""
    return node.GetNodeReference(SOURCE_ROLE)


def contrastOf(node: vtkMRMLNode) -> str:
    """The contrast that a synthetic node shows, such as ``"PD"``; ``""`` for other nodes."""
    return node.GetAttribute(f"{_PREFIX}Contrast") or ""


def shownContrastOf(node: vtkMRMLNode) -> str:
    """The contrast that a synthetic node shows, and its echo time where that is unusual: ``"PD TE 30 ms"``."""
    return _shownContrast(contrastOf(node), node.GetAttribute(f"{_PREFIX}TargetTE") or "")


def _shownContrast(contrast: str, targetTe: str) -> str:
    return _("{contrast} TE {time} ms").format(contrast=contrast, time=targetTe) if targetTe else contrast


def kindOf(node: vtkMRMLNode) -> str:
    """One of ``KINDS``; ``""`` for nodes that are not synthetic."""
    return node.GetAttribute(f"{_PREFIX}Kind") or ""


def checkTarget(target: vtkMRMLScalarVolumeNode | None, source: vtkMRMLScalarVolumeNode) -> None:
    """Refuse an output volume whose content is not ours to replace; ask before a run begins.

    Raises:
        OutputExists: It is the source, or an acquired volume.
    """
    if target is None or target.GetImageData() is None or (isSynthetic(target) and target is not source):
        return
    message = _("Expected a new or a synthetic volume for the result, found {0}, which would be lost.")
    raise OutputExists(message.format(target.GetName()))


def resultName(source: vtkMRMLScalarVolumeNode, provenance: Provenance, kind: str) -> str:
    """What a new node is called, before it is made unique.

    Args:
        source: What lies behind the node: the scan, or the synthetic volume that was compared.
        provenance: Says the contrast.
        kind: One of ``KINDS``.
    """
    synthetic = source.GetName()
    if kind not in ("difference", "gradientDifference") or not isSynthetic(source):
        synthetic = _("{source} synthetic {contrast}").format(
            source=synthetic, contrast=_shownContrast(provenance.contrast, provenance.targetTe)
        )
    names = {
        "uncertainty": _("{synthetic} uncertainty"),
        "difference": _("{synthetic} difference"),
        "gradientDifference": _("{synthetic} gradient difference"),
    }
    return names.get(kind, "{synthetic}").format(synthetic=synthetic)


def describe(node: vtkMRMLScalarVolumeNode, source: vtkMRMLScalarVolumeNode, provenance: Provenance, kind: str) -> None:
    """Write onto a node what it is, how it came about and from which scan."""
    values = {
        "Synthetic": "true",
        "Kind": kind,
        "Contrast": provenance.contrast,
        "Model": provenance.model,
        "ModelVersion": provenance.modelVersion,
        "WeightsSha256": provenance.weightsSha256,
        "RunId": provenance.runId,
        "Created": provenance.created,
        "Options": provenance.options,
        "TargetTE": provenance.targetTe or None,  # none is no attribute, also where the node had one
        "SourceName": source.GetName(),
    }
    for name, value in values.items():
        node.SetAttribute(_PREFIX + name, value)
    node.SetNodeReferenceID(SOURCE_ROLE, source.GetID())


@contextmanager
def wholeOrNotAtAll(
    source: vtkMRMLScalarVolumeNode, target: vtkMRMLScalarVolumeNode | None
) -> Iterator[vtkMRMLScalarVolumeNode]:
    """A node to fill: what is left of it when the block fails is what there was before."""
    scene = source.GetScene()
    node = target or scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    display = node.GetDisplayNode()
    before = [(each, _copyOf(each)) for each in (node, display) if each is not None]
    modifying = node.StartModify()
    try:
        yield node
    except BaseException:
        if node.GetDisplayNode() is not display:
            scene.RemoveNode(node.GetDisplayNode())
        for each, copy in before:
            each.Copy(copy)
        if target is None:
            _remove(node)
        raise
    finally:
        node.EndModify(modifying)


def _remove(node: vtkMRMLNode) -> None:
    """Take a node out of the scene, and its item out of the subject hierarchy, where it may have been given one."""
    hierarchy = vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())
    if hierarchy and hierarchy.GetItemByDataNode(node):
        hierarchy.RemoveItem(hierarchy.GetItemByDataNode(node), False)
    node.GetScene().RemoveNode(node)


def _copyOf(node: vtkMRMLNode) -> vtkMRMLNode:
    """A node outside the scene with the same content; voxels are shared."""
    copy = node.CreateNodeInstance()
    copy.UnRegister(None)
    copy.Copy(node)
    return copy
