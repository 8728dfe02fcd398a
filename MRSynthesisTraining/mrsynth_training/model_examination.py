"""A model measured on cases: figures beside baselines, lesions, false lesions, uncertainty and tissues."""

from dataclasses import dataclass, field

import numpy as np

from mrsynth.baselines import IntensityMap
from mrsynth.comparison import reference_head
from mrsynth.errors import InputError
from mrsynth.metrics import HEAD, WHOLE_VOLUME
from mrsynth.models.weights import LoadedModel
from mrsynth.synthesis import Synthesis, SynthesisOptions, synthesize
from mrsynth.volume import Volume
from mrsynth_training.error_by_uncertainty import ErrorByUncertainty, relate, relative_error, relative_uncertainty
from mrsynth_training.evaluation import MASKS, NETWORK, TRAINED_MAP, CaseResult, measure_case
from mrsynth_training.evaluation_cases import EvaluationCase, KnownScan
from mrsynth_training.false_lesions import FalseLesions, HealthyWhiteMatter
from mrsynth_training.known_tissue_agreement import KnownReference, KnownTissues
from mrsynth_training.lesion_contrast import LesionResult, MeasuredPlace, measured_places
from mrsynth_training.trained_intensity_map import mapped

# What lesions and tissues are looked for in: the network's answer, and the baseline that knows no anatomy.
LOOKED_INTO = (NETWORK, TRAINED_MAP)


@dataclass
class Findings:
    """All that was measured of one model, in the order of the cases.

    Attributes:
        results: Figures of each case and reference.
        lesions: Of the heads that were given some.
        false_lesions: Of the healthy heads, by estimate (`LOOKED_INTO`).
        uncertainty: Of the healthy heads, by mask.
        tissues: Of the healthy heads, by estimate.
    """

    results: list[CaseResult] = field(default_factory=list)
    lesions: list[LesionResult] = field(default_factory=list)
    false_lesions: dict[str, list[FalseLesions]] = field(default_factory=lambda: {name: [] for name in LOOKED_INTO})
    uncertainty: dict[str, list[ErrorByUncertainty]] = field(default_factory=lambda: {mask: [] for mask in MASKS})
    tissues: dict[str, list[KnownTissues]] = field(default_factory=lambda: {name: [] for name in LOOKED_INTO})


@dataclass(frozen=True, eq=False)
class LesionedImages:
    """A lesioned head as a model sees and makes it.

    Attributes:
        places: Where its lesions are measured.
        source: As acquired.
        synthetic: What the model made of it.
        reference: Without noise.
    """

    places: list[MeasuredPlace]
    source: np.ndarray
    synthetic: np.ndarray
    reference: np.ndarray


@dataclass(frozen=True, eq=False)
class ExaminedCase:
    """What pictures of a case are drawn from.

    Attributes:
        case: Which.
        synthesis: Of the case's source.
        lesioned: The same head with lesions; None of a real case.
    """

    case: EvaluationCase
    synthesis: Synthesis
    lesioned: LesionedImages | None


class ModelExamination:
    """A model and what is found about it.

    Args:
        model: Which.
        intensity_map: From its source to its target, fitted on training scans.
        device: Where it runs.
    """

    def __init__(self, model: LoadedModel, intensity_map: IntensityMap, device: str = "cpu") -> None:
        self.model, self.map, self.device, self.findings = model, intensity_map, device, Findings()

    @property
    def direction(self) -> tuple[str, str]:
        """Source and target contrast."""
        return self.model.card.source_contrast, self.model.card.target_contrast

    def examine(self, case: EvaluationCase) -> ExaminedCase:
        """Synthesise a case and measure it."""
        source, target = self.direction
        known = case.healthy is not None
        synthesis = self._synthesis(case.volumes[source], uncertainty=known)
        self.findings.results += measure_case(case, self.direction, synthesis.volume, self.map)
        if not known:
            return ExaminedCase(case, synthesis, None)
        self._examine_healthy(case.healthy, synthesis, case.name)
        return ExaminedCase(case, synthesis, self._examine_lesioned(case.lesioned, case.name))

    def _synthesis(self, source: Volume, uncertainty: bool) -> Synthesis:
        return synthesize(source, self.model, SynthesisOptions(device=self.device, uncertainty=uncertainty))

    def _examine_healthy(self, scan: KnownScan, synthesis: Synthesis, name: str) -> None:
        source, target = self.direction
        reference, synthetic = scan.targets[target].voxels, synthesis.volume.voxels
        estimates = {NETWORK: synthetic, TRAINED_MAP: self._mapped(scan)}
        white = HealthyWhiteMatter(reference, scan.marks.white_matter, scan.spacing_mm, scan.noise)
        for estimate, image in estimates.items():
            self.findings.false_lesions[estimate].append(white.false_lesions(image, name))
        error = relative_error(synthetic, reference)
        uncertainty = relative_uncertainty(synthesis.uncertainty.voxels, synthetic)
        masks = {HEAD: reference_head(reference), WHOLE_VOLUME: np.ones(reference.shape, bool)}
        for mask, inside in masks.items():
            self.findings.uncertainty[mask].append(relate(uncertainty[inside], error[inside], name))
        try:
            tissues = KnownReference(reference, scan.marks, scan.spacing_mm)
        except InputError:
            return  # a stack so low or so short that it lacks a tissue
        for estimate, image in estimates.items():
            self.findings.tissues[estimate].append(tissues.agreement(image, name))

    def _examine_lesioned(self, scan: KnownScan, name: str) -> LesionedImages:
        source, target = self.direction
        synthetic = self._synthesis(scan.volumes[source], uncertainty=False).volume.voxels
        images = LesionedImages(
            places=measured_places(scan.marks, scan.lesions, scan.spacing_mm),
            source=scan.volumes[source].voxels,
            synthetic=synthetic,
            reference=scan.targets[target].voxels,
        )
        estimates = {NETWORK: synthetic, TRAINED_MAP: self._mapped(scan)}
        for place in images.places:
            measured = {estimate: place.contrast(image) for estimate, image in estimates.items()}
            reference = place.contrast(images.reference, scan.noise)
            source_contrast = place.contrast(images.source)
            self.findings.lesions.append(LesionResult(name, place.lesion, source_contrast, reference, measured))
        return images

    def _mapped(self, scan: KnownScan) -> np.ndarray:
        """What the map makes of the source, brought from deviations back to intensities by the reference's own."""
        source, target = self.direction
        reference = scan.targets[target].voxels
        standardized = mapped(scan.volumes[source], self.map).voxels
        return standardized * np.float32(reference.std()) + np.float32(reference.mean())
