"""A comparison on disk: a page to read and print, the figures, the picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slicer import vtkMRMLScalarVolumeNode

from MRSynthesisLib.ComparisonMeasurement import ComparedVolumes, Measurements, measureCompared, takeCompared
from MRSynthesisLib.SyntheticNode import contrastOf, sourceOf

if TYPE_CHECKING:
    from mrsynth.comparison_report import Report


@dataclass(frozen=True)
class ReportedNodes:
    """What the nodes of a comparison say of themselves.

    Attributes:
        images: Their names, as ``ReportedImages`` has them.
        origin: How the synthetic volume was made, as ``ReportedOrigin`` has it.
    """

    images: Mapping[str, str]
    origin: Mapping[str, Any]


def writeReport(
    folder: Path,
    synthetic: vtkMRMLScalarVolumeNode,
    reference: vtkMRMLScalarVolumeNode | None,
    options: Mapping[str, str] | None = None,
    replace: bool = False,
) -> Path:
    """Measure and write a report at once.

    To keep the main thread free: ``takeCompared`` and ``namesOf`` there, ``measureCompared``, ``reportOf`` and the
    core's ``write_report`` on another one.

    Args:
        folder: Made if only that is missing.
        synthetic: The synthesised volume.
        reference: The acquired volume of the same contrast.
        options: What the run was asked to do, name to value; by default what the node recorded.
        replace: Whether a report that is there may be replaced.

    Returns:
        The page, ``report.html``; ``metrics.csv`` and ``comparison.png`` lie beside it.

    Raises:
        InputError: As ``takeCompared`` and ``measureCompared``.
        OutputExists, MissingFile, OutputError: As the core's ``write_report``.
    """
    from mrsynth.comparison_report import write_report

    compared = takeCompared(synthetic, reference)
    report = reportOf(compared, measureCompared(compared), namesOf(synthetic, reference, options))
    return write_report(folder, report, replace)


def reportOf(compared: ComparedVolumes, measurements: Measurements, nodes: ReportedNodes) -> Report:
    """Everything that a report says; on any thread, as it looks at every voxel and imports what draws."""
    from mrsynth.comparison_report import Report, ReportedImages, ReportedOrigin

    return Report(
        volumes=(compared.synthetic, compared.reference, compared.source),
        comparison=measurements.comparison,
        slices=measurements.slices,
        images=ReportedImages(**nodes.images),
        origin=ReportedOrigin(**nodes.origin),
        warnings=measurements.warnings,
    )


def namesOf(
    synthetic: vtkMRMLScalarVolumeNode,
    reference: vtkMRMLScalarVolumeNode,
    options: Mapping[str, str] | None = None,
) -> ReportedNodes:
    """What the nodes say, read on the main thread; ``options`` as for ``writeReport``."""

    def attribute(name: str) -> str:
        return synthetic.GetAttribute(f"MRSynthesis.{name}") or ""

    source = sourceOf(synthetic)
    return ReportedNodes(
        images={
            "synthetic": synthetic.GetName(),
            "reference": reference.GetName(),
            "source": source.GetName() if source else attribute("SourceName"),
            "contrast": contrastOf(synthetic),
        },
        origin={
            "model": attribute("Model"),
            "model_version": attribute("ModelVersion"),
            "weights_sha256": attribute("WeightsSha256"),
            "created": attribute("Created"),
            "run_id": attribute("RunId"),
            "options": options or _optionsOf(attribute("Options")),
        },
    )


def _optionsOf(recorded: str) -> dict[str, str]:
    """What the run was asked to do, as its node recorded it; nothing where the record is missing or was edited."""
    try:
        return {name: str(value) for name, value in json.loads(recorded or "{}").items() if value is not None}
    except (ValueError, AttributeError):
        return {}
