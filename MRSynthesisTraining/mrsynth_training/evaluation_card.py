"""The figures of an evaluation in a model's card."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mrsynth.atomic_file import write_bytes
from mrsynth.models.card import CARD_NAME, ModelCard
from mrsynth_training.evaluation import (
    LINEAR,
    MASKS,
    NETWORK,
    NOISE_FREE,
    ORACLE,
    TRAINED_MAP,
    CaseResult,
    group_results,
    summarized_figures,
)
from mrsynth_training.finished_run import RANGES, ranged
from mrsynth_training.model_examination import Findings
from mrsynth_training.reliability import reliability


def card_figures(results: Sequence[CaseResult]) -> list[dict[str, Any]]:
    """Return the figures of a card: an entry for each group, mask and range of PSNR."""
    return [
        _figure(group, members, mask, range_name)
        for group, members in group_results(results).items()
        for mask in MASKS
        for range_name in RANGES
    ]


def evaluated_card(card: ModelCard, findings: Findings) -> ModelCard:
    """Return a card with the figures of an evaluation in place of its own."""
    found = reliability(findings)
    document = card.to_dict() | {"figures": card_figures(findings.results)}
    document.pop("reliability", None)
    return ModelCard.from_dict(document | ({"reliability": found} if found else {}))


def write_card(folder: Path, card: ModelCard) -> None:
    """Replace the card in a model's folder; the weights stay as they are.

    Raises:
        OutputError: If it cannot be written.
    """
    write_bytes(folder / CARD_NAME, card.to_json().encode())


def _figure(group: str, members: Sequence[CaseResult], mask: str, range_name: str) -> dict[str, Any]:
    def figures(estimate: str) -> dict[str, Any]:
        return ranged(summarized_figures(members, estimate, mask), range_name)

    return {
        "data": group,
        "mask": mask,
        "range": RANGES[range_name],
        "metrics": figures(NETWORK),
        "baselines": {estimate: figures(estimate) for estimate in (LINEAR, TRAINED_MAP, ORACLE)},
        "note": f"mean and standard deviation of {len(members)} scan{'s' if len(members) > 1 else ''} against "
        f"{_reference(group)}; map is fitted on training scans, linear and oracle on the very pair they are measured "
        "on",
    }


def _reference(group: str) -> str:
    if group.endswith(NOISE_FREE):
        return "what the model was asked for: the other echo without noise, at TE 8 ms (PD) or 100 ms (T2)"
    return "the other echo as acquired, or as simulated with its noise and its own echo time"
