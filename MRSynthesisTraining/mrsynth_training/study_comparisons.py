"""The runs of a study beside one another: which can be compared, and how far apart they are subject by subject."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from mrsynth_training.evaluated_run import EvaluatedRun
from mrsynth_training.evaluation import FIGURES, MASKS, NETWORK
from mrsynth_training.paired_statistics import PairedDifference, holm, paired_difference
from mrsynth_training.validation_baselines import TRAINED_MAP

LOWER_IS_BETTER = ("mae", "gradient_difference")


@dataclass(frozen=True)
class Comparison:
    """Two methods in one direction by one figure.

    Attributes:
        first: Name of a run.
        second: Name of another, or None for the intensity map that the first one's training subjects give.
        mask: Where.
        figure: Name of the figure.
        difference: First minus second.
        p_holm: Its p, adjusted for all pairs of this mask and figure among runs that can be compared.
    """

    first: str
    second: str | None
    mask: str
    figure: str
    difference: PairedDifference
    p_holm: float | None = None

    @property
    def first_is_better(self) -> bool | None:
        """Whether the first has the better mean; None if they are alike or it is not known."""
        if not self.difference.mean:
            return None
        return (self.difference.mean < 0) == (self.figure in LOWER_IS_BETTER)


def comparable_groups(runs: Sequence[EvaluatedRun]) -> list[list[EvaluatedRun]]:
    """Return runs of one direction on the same test subjects together, in the order in which they first appear."""
    groups: dict[tuple[object, ...], list[EvaluatedRun]] = {}
    for run in runs:
        groups.setdefault(run.comparable_to(), []).append(run)
    return list(groups.values())


def compare_runs(runs: Sequence[EvaluatedRun]) -> list[Comparison]:
    """Compare every two runs that can be compared, and each with its intensity map, by every figure in every mask."""
    compared = []
    for group in comparable_groups(runs):
        for mask in MASKS:
            for figure in FIGURES:
                compared += _family(group, mask, figure)
    return compared


def _family(group: Sequence[EvaluatedRun], mask: str, figure: str) -> list[Comparison]:
    """All pairs among which chance would have as many opportunities."""
    values = {run.name: _values(run, NETWORK, mask, figure) for run in group}
    found = [
        Comparison(one.name, two.name, mask, figure, paired_difference(values[one.name], values[two.name]))
        for one, two in combinations(group, 2)
    ]
    for run in group:
        by_map = _values(run, TRAINED_MAP, mask, figure)
        found.append(Comparison(run.name, None, mask, figure, paired_difference(values[run.name], by_map)))
    adjusted = holm([each.difference.p for each in found])
    return [replace(each, p_holm=p) for each, p in zip(found, adjusted, strict=True)]


def _values(run: EvaluatedRun, image: str, mask: str, figure: str) -> list[float | None]:
    return [getattr(metrics, figure) for metrics in run.metrics(image, mask)]
