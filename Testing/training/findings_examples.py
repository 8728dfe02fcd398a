"""What was found of a model, by hand: two healthy scans and four lesions."""

import numpy as np

from mrsynth.metrics import HEAD, WHOLE_VOLUME, Metrics
from mrsynth_training.error_by_uncertainty import relate
from mrsynth_training.evaluation import ESTIMATES, MASKS, NETWORK, TRAINED_MAP, CaseResult
from mrsynth_training.false_lesions import FalseLesions
from mrsynth_training.known_tissue_agreement import PAIRS, KnownTissues
from mrsynth_training.lesion_contrast import Contrast, LesionResult
from mrsynth_training.marked_head import PlacedLesion
from mrsynth_training.model_examination import Findings
from mrsynth_training.tissue_segmentation import TISSUES

CASES = ("head_3, ixi, scan 1", "head_3, ixi, scan 2")


def some_findings() -> Findings:
    """Return findings whose summary can be worked out by hand."""
    found = Findings()
    for index, case in enumerate(CASES):
        metrics = {
            (estimate, mask): Metrics(mask, 0.1, 0.01, 25.0 + index + column, 23.0, None, 0.002)
            for column, estimate in enumerate(ESTIMATES)
            for mask in MASKS
        }
        found.results.append(CaseResult("simulated, ixi protocol", case, metrics))
        found.false_lesions[NETWORK].append(FalseLesions(case, 2 * index, 0.1 * index, 0.08))
        found.false_lesions[TRAINED_MAP].append(FalseLesions(case, 0, 0.0, 0.08))
        error = np.arange(1.0, 101.0)
        found.uncertainty[HEAD].append(relate(error if index else -error, error, case))
        found.uncertainty[WHOLE_VOLUME].append(relate(error, error, case))
        for estimate in (NETWORK, TRAINED_MAP):
            dice = {(pair, tissue): 0.8 + 0.1 * index for pair in PAIRS for tissue in TISSUES}
            found.tissues[estimate].append(KnownTissues(case, dice | {(PAIRS[0], "CSF"): None}))
    # radius, source CNR, reference contrast (noise 0.05), network's contrast
    for number, (radius, source, reference, network) in enumerate(
        ((2.0, 9.0, 0.2, 0.16), (2.5, 1.0, 0.2, 0.05), (4.0, 9.0, 0.3, -0.3), (8.0, 9.0, 0.1, 0.1)), start=1
    ):
        estimates = {NETWORK: Contrast(network, 0.05), TRAINED_MAP: Contrast(reference, 0.05)}
        lesion = PlacedLesion(number, radius, 0.5)
        found.lesions.append(
            LesionResult(CASES[0], lesion, Contrast(source, 1.0), Contrast(reference, 0.05), estimates)
        )
    return found
