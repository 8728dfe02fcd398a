"""What was found about a model, summed up as its card has it: lesions, false lesions, uncertainty and tissues."""

import statistics
from collections.abc import Sequence
from typing import Any

from mrsynth.metrics import HEAD
from mrsynth.models.summary import THIS_MODEL
from mrsynth_training import error_by_uncertainty, false_lesions, known_tissue_agreement, lesion_contrast
from mrsynth_training.error_by_uncertainty import ErrorByUncertainty, common_scale
from mrsynth_training.evaluation import NETWORK, TRAINED_MAP
from mrsynth_training.known_tissue_agreement import PAIRS, SYNTHETIC_REFERENCE
from mrsynth_training.lesion_contrast import SIZES, LesionResult, share_kept, visible_lesions
from mrsynth_training.model_examination import Findings
from mrsynth_training.tissue_segmentation import TISSUES

Row = dict[str, float | dict[str, float]]
Table = dict[str, Row]


def reliability(findings: Findings) -> dict[str, dict[str, Any]]:
    """Return the section of a card; without what could not be measured.

    Mean and standard deviation are over scans; shares of lesions are over all of them together.
    """
    sections: dict[str, tuple[str, int, Table]] = {
        "lesions": (lesion_contrast.DEFINITION, len({each.case for each in findings.lesions}), _lesions(findings)),
        "false_lesions": (false_lesions.DEFINITION, len(findings.false_lesions[NETWORK]), _false_lesions(findings)),
        "uncertainty": (error_by_uncertainty.DEFINITION, len(findings.uncertainty[HEAD]), _uncertainty(findings)),
        "tissues": (known_tissue_agreement.DEFINITION, len(findings.tissues[NETWORK]), _tissues(findings)),
    }
    return {
        name: {"definition": definition, "scans": scans, "table": table}
        for name, (definition, scans, table) in sections.items()
        if table
    }


def _lesions(findings: Findings) -> Table:
    if not findings.lesions:
        return {}
    table = {"all sizes": _lesion_row(visible_lesions(findings.lesions))}
    for low, high in SIZES:
        table[f"{low:g} to {high:g} mm"] = _lesion_row(visible_lesions(findings.lesions, (low, high)))
    return table


def _lesion_row(visible: Sequence[LesionResult]) -> Row:
    """Return the row of a size; also of those lesions alone that the source shows, which a model can know of."""
    kept = {
        "kept": share_kept(visible, NETWORK),
        "kept of those the source shows": share_kept([each for each in visible if each.source.visible], NETWORK),
        "kept by map": share_kept(visible, TRAINED_MAP),
    }
    if visible:
        kept["still visible"] = statistics.fmean(each.still_visible(NETWORK) for each in visible)
        kept["contrast"] = statistics.median(each.contrast_ratio(NETWORK) for each in visible)
    row: Row = {"visible": len(visible)}
    return row | {name: round(value, 4) for name, value in kept.items() if value is not None}


def _false_lesions(findings: Findings) -> Table:
    names = {NETWORK: THIS_MODEL, TRAINED_MAP: TRAINED_MAP}
    return {
        names[estimate]: {
            "number a head": _mean([each.count for each in found]),
            "ml a head": _mean([each.volume_ml for each in found]),
        }
        for estimate, found in findings.false_lesions.items()
        if found
    }


def _uncertainty(findings: Findings) -> Table:
    return {mask: _uncertainty_row(scans) for mask, scans in findings.uncertainty.items() if scans}


def _uncertainty_row(scans: Sequence[ErrorByUncertainty]) -> Row:
    row: Row = {
        "error in the worst tenth": _mean([each.worst_tenth for each in scans]),
        "largest possible": _mean([each.largest_possible for each in scans]),
    }
    ranks = [each.rank_correlation for each in scans if each.rank_correlation is not None]
    scale = common_scale(scans)
    row |= {"rank correlation": _mean(ranks)} if ranks else {}
    return row | ({"error over uncertainty": round(scale, 4)} if scale is not None else {})


def _tissues(findings: Findings) -> Table:
    table = {pair: _dice_row(findings, NETWORK, pair) for pair in PAIRS}
    table["map and reference"] = _dice_row(findings, TRAINED_MAP, SYNTHETIC_REFERENCE)
    return {name: row for name, row in table.items() if row}


def _dice_row(findings: Findings, estimate: str, pair: str) -> Row:
    row: Row = {}
    for tissue in TISSUES:
        values = [each.dice[pair, tissue] for each in findings.tissues[estimate]]
        found = [value for value in values if value is not None]
        row |= {tissue: _mean(found)} if found else {}
    return row


def _mean(values: Sequence[float]) -> dict[str, float]:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": round(statistics.fmean(values), 4), "std": round(deviation, 4)}
