"""A comparison in its three steps: taking volumes from the scene, measuring them, and (elsewhere) showing the outcome.

Measuring takes seconds and knows no node: the panel does it in another process (``ComparisonRun``). The other two are
quick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _

from mrsynth.errors import InputError
from mrsynth.volume import Volume
from MRSynthesisLib.SourceContrast import findContrast
from MRSynthesisLib.SyntheticNode import contrastOf, isSynthetic, sourceOf
from MRSynthesisLib.VolumeExchange import takeVolume
from MRSynthesisLib.VolumeFile import GridVolume, readGridVolume

if TYPE_CHECKING:
    from mrsynth.comparison import Comparison, Differences
    from mrsynth.slice_metrics import SliceMetrics


@dataclass(frozen=True, eq=False)
class ComparedVolumes:
    """Copies of the volumes to compare, apart from the scene: synthetic, reference and source.

    The reference and the source are placed in the frame of the synthetic volume. ``synthetic``, ``reference`` and
    ``source`` look at every voxel when they are first asked for, and raise InputError if one cannot be measured.

    Attributes:
        grids: As they lay in their nodes; without the last one, what the synthetic volume was made from, there are no
            baselines.
        names: Of the nodes.
        warnings: What the user should know before reading any figure.
    """

    grids: tuple[GridVolume, GridVolume, GridVolume | None]
    names: tuple[str, str, str]
    warnings: tuple[str, ...] = ()

    @cached_property
    def synthetic(self) -> Volume:
        """The synthesised volume."""
        return _volume(self.grids[0], self.names[0])

    @cached_property
    def reference(self) -> Volume:
        """The acquired volume."""
        return _volume(self.grids[1], self.names[1])

    @cached_property
    def source(self) -> Volume | None:
        """What the synthetic volume was made from."""
        return None if self.grids[2] is None else _volume(self.grids[2], self.names[2])


@dataclass(frozen=True, eq=False)
class DifferenceGrids:
    """Differences on the synthetic volume's grid, with the range of values that their colours should span.

    Attributes:
        difference: Standardised synthetic minus standardised reference, in standard deviations.
        gradientDifference: ``(|dX| - |dY|)^2`` summed over the two in-plane axes, in squared units of the above.
    """

    difference: GridVolume
    gradientDifference: GridVolume


@dataclass(frozen=True, eq=False)
class Measurements:
    """What a comparison gave.

    Attributes:
        comparison: The figures of the synthetic volume and of the baselines.
        differences: Where the synthetic volume differs from the reference.
        slices: The figures slice by slice.
        warnings: Those of the volumes and of the comparison.
    """

    comparison: Comparison
    differences: DifferenceGrids
    slices: SliceMetrics
    warnings: tuple[str, ...]


def takeCompared(
    synthetic: vtkMRMLScalarVolumeNode,
    reference: vtkMRMLScalarVolumeNode | None,
    source: vtkMRMLScalarVolumeNode | None = None,
) -> ComparedVolumes:
    """Copy the volumes to compare out of the scene, on the main thread.

    Args:
        synthetic: The synthesised volume.
        reference: The acquired volume of the same contrast; it may lie on another grid and under another transform.
        source: What the synthetic volume was made from; by default what its node says.

    Raises:
        InputError: There is no reference, it is the synthetic volume itself, or a volume cannot be taken
            (``takeVolume`` says how).
    """
    if reference is None:
        message = _(
            "There is nothing to compare {0} with: choose an acquired volume of the same contrast as Reference."
        )
        raise InputError(message.format(synthetic.GetName()), "no_reference")
    if reference is synthetic:
        message = _("Expected an acquired volume as Reference, found the synthetic volume {0} itself.")
        raise InputError(message.format(synthetic.GetName()), "no_reference")
    source = source or sourceOf(synthetic)
    hasSource = source is not None and source.GetImageData() is not None
    return ComparedVolumes(
        grids=(
            takeVolume(synthetic, synthetic),
            takeVolume(reference, synthetic),
            takeVolume(source, synthetic) if hasSource else None,
        ),
        names=(synthetic.GetName(), reference.GetName(), source.GetName() if source is not None else ""),
        warnings=tuple(_warnings(synthetic, reference)),
    )


def measureCompared(compared: ComparedVolumes) -> Measurements:
    """Measure; pure arithmetic on arrays, for any thread or process.

    Raises:
        InputError: ``no_overlap`` or ``constant``, as ``compare_volumes`` does, or a volume is none (``Volume``).
    """
    from mrsynth.comparison import compare_volumes, difference_volumes
    from mrsynth.slice_metrics import measure_slices

    pair = compared.synthetic, compared.reference
    differences = difference_volumes(*pair)
    comparison = compare_volumes(*pair, compared.source)
    return Measurements(
        comparison=comparison,
        differences=_grids(differences),
        slices=measure_slices(*pair, differences.difference),
        warnings=(*compared.warnings, *comparison.warnings),
    )


def measurementsIn(document: Mapping[str, Any], differences: Sequence[Path], warnings: tuple[str, ...]) -> Measurements:
    """What ``mrsynth compare`` has measured: the same as ``measureCompared`` gives. On any thread.

    Args:
        document: What it printed with ``--json``.
        differences: The files of ``--difference`` and ``--gradient-difference``.
        warnings: Those of the volumes.

    Raises:
        KeyError: Something is missing in the document.
        InputError: A file is missing or damaged.
    """
    from mrsynth.comparison import Comparison
    from mrsynth.slice_metrics import SliceMetrics

    comparison = Comparison.from_dict(document)
    return Measurements(
        comparison=comparison,
        differences=_ranged(*(readGridVolume(path) for path in differences)),
        slices=SliceMetrics.from_dict(document["slices"]),
        warnings=(*warnings, *comparison.warnings),
    )


def measureDifferences(compared: ComparedVolumes) -> DifferenceGrids:
    """Only the differences, which take a small part of the time; otherwise as ``measureCompared``."""
    from mrsynth.comparison import difference_volumes

    return _grids(difference_volumes(compared.synthetic, compared.reference))


def _grids(differences: Differences) -> DifferenceGrids:
    return _ranged(*map(_grid, (differences.difference, differences.gradient_difference)))


def _grid(volume: Volume) -> GridVolume:
    return GridVolume(np.ascontiguousarray(volume.voxels.transpose()), np.array(volume.affine))


def _ranged(difference: GridVolume, gradient: GridVolume) -> DifferenceGrids:
    """Say which values the colours should span: as far below zero as above, and from zero up."""
    from mrsynth.comparison_display import upper_limit

    limit, steepest = upper_limit(np.abs(difference.voxels)), upper_limit(gradient.voxels)
    return DifferenceGrids(
        replace(difference, shownRange=(-limit, limit)), replace(gradient, shownRange=(0.0, steepest))
    )


def _volume(taken: GridVolume, name: str) -> Volume:
    try:
        return Volume(taken.voxels.transpose(), taken.ijkToRas)
    except InputError as error:
        raise InputError(f"{name}: {error}", error.code) from error


def _warnings(synthetic: vtkMRMLScalarVolumeNode, reference: vtkMRMLScalarVolumeNode) -> list[str]:
    name = reference.GetName()
    if reference is sourceOf(synthetic):
        message = _("{0} is what the synthetic volume was made from, not an acquired volume of its contrast.")
        return [message.format(name)]
    warnings = []
    if isSynthetic(reference):
        warnings.append(_("{0} is itself synthetic: the figures compare two estimates.").format(name))
    wanted, found = contrastOf(synthetic), findContrast(reference)
    if wanted and found.contrast and found.contrast != wanted:
        message = _("the figures mean little unless {0} is {1}-weighted, as the synthetic volume is; found: {2}")
        warnings.append(message.format(name, wanted, found.reason))
    return warnings
