"""Where a synthetic volume differs from the acquired one: two volumes in the scene, with a colour scale each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _

from MRSynthesisLib.ComparisonMeasurement import DifferenceGrids, measureDifferences, takeCompared
from MRSynthesisLib.ComparisonNodes import REFERENCE_ROLE, SYNTHETIC_ROLE, findProduct
from MRSynthesisLib.DifferenceDisplay import differenceColors, gradientColors, showColors
from MRSynthesisLib.SyntheticNode import SOURCE_ROLE, Provenance, kindOf, sourceOf
from MRSynthesisLib.VolumeExchange import placeVolume

_KINDS = ("difference", "gradientDifference")


@dataclass(frozen=True, eq=False)
class DifferenceNodes:
    """The nodes of one comparison; ``DifferenceGrids`` says what they hold."""

    difference: vtkMRMLScalarVolumeNode
    gradientDifference: vtkMRMLScalarVolumeNode


def referenceOnGrid(reference: vtkMRMLScalarVolumeNode, synthetic: vtkMRMLScalarVolumeNode) -> np.ndarray:
    """The reference on the synthetic volume's voxels, parent transforms of both respected.

    Returns:
        float32 array (k, j, i), as Slicer's arrays are; where the reference has no value, its minimum. Nothing is
        interpolated where both grids agree or differ by flips, permutations and shifts of whole voxels.

    Raises:
        InputError: As ``takeCompared``.
    """
    from mrsynth.resampling import Lattice, resample_onto

    compared = takeCompared(synthetic, reference)
    return resample_onto(compared.reference, Lattice.of(compared.synthetic)).volume.voxels.transpose()


def updateDifferences(
    synthetic: vtkMRMLScalarVolumeNode,
    reference: vtkMRMLScalarVolumeNode | None,
    existing: DifferenceNodes | None = None,
) -> DifferenceNodes:
    """Compute and show the differences at once; ``measureCompared`` and ``placeDifferences`` are the two halves.

    Raises:
        InputError: As ``takeCompared`` and ``difference_volumes``; the scene stays as it was.
    """
    differences = measureDifferences(takeCompared(synthetic, reference))
    return placeDifferences(differences, synthetic, reference, existing)


def placeDifferences(
    differences: DifferenceGrids,
    synthetic: vtkMRMLScalarVolumeNode,
    reference: vtkMRMLScalarVolumeNode,
    existing: DifferenceNodes | None = None,
) -> DifferenceNodes:
    """Put differences into the scene, on the synthetic volume's grid, under its transform and in its folder.

    Args:
        differences: What ``measureCompared`` gave for these two.
        synthetic: The synthesised volume.
        reference: The acquired volume.
        existing: The nodes to fill; by default those of an earlier comparison of the synthetic volume, else new ones.
            The range of colours of nodes that are filled anew stays as the user set it.

    Raises:
        InputError: ``source_changed``: the synthetic volume was moved or exchanged since it was measured. No new node
            is left in the scene.
    """
    grids = (differences.difference, differences.gradientDifference)
    given = (existing.difference, existing.gradientDifference) if existing else _foundIn(synthetic)
    placed: list[vtkMRMLScalarVolumeNode] = []
    try:
        for kind, grid, target in zip(_KINDS, grids, given, strict=True):
            if target is not None:
                grid = replace(grid, shownRange=_rangeOf(target) or grid.shownRange)
            placed.append(placeVolume(grid, synthetic, target, _provenance(synthetic), kind))
            _tellMeaning(placed[-1])
            _tellOrigin(placed[-1], synthetic, reference)
    except BaseException:
        for node in set(placed) - set(given):
            node.GetScene().RemoveNode(node)
        raise
    return DifferenceNodes(*placed)


def differencesOf(synthetic: vtkMRMLScalarVolumeNode) -> DifferenceNodes | None:
    """The nodes of an earlier comparison of this volume, if both are still there."""
    found = _foundIn(synthetic)
    return DifferenceNodes(*found) if all(found) else None


def _foundIn(synthetic: vtkMRMLScalarVolumeNode) -> tuple[vtkMRMLScalarVolumeNode | None, ...]:
    return tuple(findProduct(synthetic, kind, "vtkMRMLScalarVolumeNode") for kind in _KINDS)


def _tellMeaning(node: vtkMRMLScalarVolumeNode) -> None:
    """Give a node its colours, and the quantity that it holds."""
    scene = node.GetScene()
    if kindOf(node) == "difference":
        colors = differenceColors(scene)
        meaning = _("Synthetic minus reference, each in standard deviations of its own volume")
    else:
        colors = gradientColors(scene)
        meaning = _("(|dX| - |dY|)^2 of in-plane neighbours, synthetic against reference, in squared deviations")
    showColors(node, colors)
    node.SetDescription(meaning)


def _rangeOf(node: vtkMRMLScalarVolumeNode) -> tuple[float, float] | None:
    display = node.GetScalarVolumeDisplayNode()
    return (display.GetWindowLevelMin(), display.GetWindowLevelMax()) if display else None


def _provenance(synthetic: vtkMRMLScalarVolumeNode) -> Provenance:
    names = ("Contrast", "Model", "ModelVersion", "WeightsSha256", "RunId", "Created", "Options", "TargetTE")
    return Provenance(*(synthetic.GetAttribute(f"MRSynthesis.{name}") or "" for name in names))


def _tellOrigin(
    node: vtkMRMLScalarVolumeNode, synthetic: vtkMRMLScalarVolumeNode, reference: vtkMRMLScalarVolumeNode
) -> None:
    """The grid is that of the synthetic volume, the scan behind it is the synthetic volume's."""
    source = sourceOf(synthetic)
    node.SetNodeReferenceID(SOURCE_ROLE, source.GetID() if source else None)
    node.SetNodeReferenceID(SYNTHETIC_ROLE, synthetic.GetID())
    node.SetNodeReferenceID(REFERENCE_ROLE, reference.GetID())
    node.SetAttribute("MRSynthesis.SourceName", synthetic.GetAttribute("MRSynthesis.SourceName") or "")
