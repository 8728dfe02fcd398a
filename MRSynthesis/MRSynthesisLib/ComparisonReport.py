"""A comparison on disk: a page to read and print, the figures, the picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from slicer import vtkMRMLScalarVolumeNode

from MRSynthesisLib.ComparisonMeasurement import ComparedVolumes, Measurements, measureCompared, takeCompared
from MRSynthesisLib.SyntheticNode import contrastOf, sourceOf

if TYPE_CHECKING:
    from mrsynth.comparison_report import Report


def writeReport(
    folder: Path,
    synthetic: vtkMRMLScalarVolumeNode,
    reference: vtkMRMLScalarVolumeNode | None,
    options: Mapping[str, str] | None = None,
    replace: bool = False,
) -> Path:
    """Measure and write a report at once.

    To keep the main thread free: ``takeCompared`` and ``reportOf`` there, ``measureCompared`` and the core's
    ``write_report`` on another one.

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
    report = reportOf(compared, measureCompared(compared), (synthetic, reference), options)
    return write_report(folder, report, replace)


def reportOf(
    compared: ComparedVolumes,
    measurements: Measurements,
    nodes: tuple[vtkMRMLScalarVolumeNode, vtkMRMLScalarVolumeNode],
    options: Mapping[str, str] | None = None,
) -> Report:
    """What a report says about the nodes ``(synthetic, reference)``: names and origin, read on the main thread."""
    from mrsynth.comparison_report import Report, ReportedImages, ReportedOrigin

    synthetic, reference = nodes

    def attribute(name: str) -> str:
        return synthetic.GetAttribute(f"MRSynthesis.{name}") or ""

    source = sourceOf(synthetic)
    return Report(
        volumes=(compared.synthetic, compared.reference, compared.source),
        comparison=measurements.comparison,
        slices=measurements.slices,
        images=ReportedImages(
            synthetic=synthetic.GetName(),
            reference=reference.GetName(),
            source=source.GetName() if source else attribute("SourceName"),
            contrast=contrastOf(synthetic),
        ),
        origin=ReportedOrigin(
            model=attribute("Model"),
            model_version=attribute("ModelVersion"),
            weights_sha256=attribute("WeightsSha256"),
            created=attribute("Created"),
            run_id=attribute("RunId"),
            options=options or _optionsOf(attribute("Options")),
        ),
        warnings=measurements.warnings,
    )


def _optionsOf(recorded: str) -> dict[str, str]:
    """What the run was asked to do, as its node recorded it; nothing where the record is missing or was edited."""
    try:
        return {name: str(value) for name, value in json.loads(recorded or "{}").items() if value is not None}
    except (ValueError, AttributeError):
        return {}
