"""A test subject as networks are measured on it: the acquired pair, the baselines, the masks and the tissues."""

from typing import Any

import numpy as np

from mrsynth.baselines import IntensityMap, intensity_map, linear_fit
from mrsynth.comparison import reference_head
from mrsynth.errors import InputError
from mrsynth.metrics import HEAD, WHOLE_VOLUME, Metrics, full_range, measure, percentile_range
from mrsynth_training.evaluation import NETWORK
from mrsynth_training.evaluation_record import SubjectEvaluation
from mrsynth_training.tissue_agreement import PAIR, TissueAgreement, TissueReference
from mrsynth_training.validation_baselines import LINEAR, ORACLE, TRAINED_MAP
from mrsynth_training.volume_cache import CachedSubject

BASELINES = (LINEAR, TRAINED_MAP, ORACLE)


class SubjectReference:
    """What all networks of one direction are measured against.

    Nothing is standardised again: networks answer in the standardised units of the prepared target, and so the figures
    are those by which the best epoch was chosen.

    Args:
        subject: Prepared; standardised.
        direction: Source and target contrast.
        trained_map: Fitted on the training subjects.

    Raises:
        InputError: If the subject lacks a contrast or has only air.
    """

    def __init__(self, subject: CachedSubject, direction: tuple[str, str], trained_map: IntensityMap) -> None:
        self.subject = subject
        self.source, self.target = (np.array(subject.channel(contrast)) for contrast in direction)
        self._masks = {HEAD: reference_head(self.target), WHOLE_VOLUME: np.ones(self.target.shape, bool)}
        baselines = {
            LINEAR: linear_fit(self.source, self.target),
            TRAINED_MAP: trained_map.apply(self.source),
            ORACLE: intensity_map(self.source, self.target),
        }
        self._baseline_metrics = {key: row for name in BASELINES for key, row in self._measured(name, baselines[name])}
        self._tissues, self._tissue_note = self._find_tissues(direction[1])
        self._map_tissues = self._agreement(baselines[TRAINED_MAP])

    def evaluate(self, synthetic: np.ndarray, made_from: dict[str, Any]) -> SubjectEvaluation:
        """Measure a network's answer, (in-plane, in-plane, slice) in standardised units."""
        metrics = dict(self._measured(NETWORK, synthetic)) | self._baseline_metrics
        tissues = {NETWORK: self._agreement(synthetic), TRAINED_MAP: self._map_tissues} if self._tissues else {}
        return SubjectEvaluation(
            subject=self.subject.subject,
            site=self.subject.site,
            made_from=made_from,
            peaks=(full_range(self.target), percentile_range(self.target)),
            metrics=metrics,
            tissues=tissues,
            tissue_note=self._tissue_note,
        )

    def _measured(self, name: str, image: np.ndarray) -> list[tuple[tuple[str, str], Metrics]]:
        return [((name, row.mask), row) for row in measure(image, self.target, self._masks)]

    def _find_tissues(self, target_contrast: str) -> tuple[TissueReference | None, str]:
        if set(self.subject.contrasts) != set(PAIR):
            return None, f"tissues are told apart on {' and '.join(PAIR)}, found {' and '.join(self.subject.contrasts)}"
        volumes = {contrast: np.array(self.subject.channel(contrast)) for contrast in PAIR}
        spacing_mm = np.linalg.norm(self.subject.affine[:3, :3], axis=0)
        try:
            return TissueReference(volumes, target_contrast, spacing_mm.tolist()), ""
        except InputError as error:
            return None, str(error)

    def _agreement(self, image: np.ndarray) -> tuple[TissueAgreement, ...]:
        return self._tissues.agreement(image) if self._tissues else ()
