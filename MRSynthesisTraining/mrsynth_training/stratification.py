"""Whole numbers of subjects for each site and part of a split, as near to proportion as whole numbers can be."""

import hashlib
from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog

from mrsynth.errors import InputError

# Far below what sets two roundings apart, far above the tolerance of the solver.
_TIE_BREAK = 1e-3


def proportional_counts(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Return how many of ``total`` subjects each part gets: its weight, or in proportion if there are fewer.

    The largest remainders are rounded up, and no part is left empty.

    Raises:
        InputError: If there are fewer subjects than parts.
    """
    if total >= sum(weights):
        return tuple(weights)
    if total < len(weights):
        raise InputError(f"expected at least {len(weights)} subjects, one for each part of the split, found {total}")
    counts = [total * weight // sum(weights) for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda part: -(total * weights[part] % sum(weights)))
    for part in by_remainder[: total - sum(counts)]:
        counts[part] += 1
    while min(counts) == 0:
        counts[counts.index(max(counts))] -= 1
        counts[counts.index(0)] += 1
    return tuple(counts)


def stratified_counts(sites: Sequence[int], parts: Sequence[int], seed: int) -> np.ndarray:
    """Return an integer table (site, part) that adds up to ``sites`` along its rows and to ``parts`` along its columns.

    Every entry is within one of exact proportion: the exact figure rounded up or down. Such a table always exists, as
    the vertices of a transport polytope with whole margins are whole (Bacharach, 1966, on controlled rounding). Among
    these tables the one with the least rounding is taken, and the seed decides between equals.

    Args:
        sites: Subjects of each site.
        parts: Subjects of each part, as many in all.
        seed: Decides ties.

    Raises:
        ValueError: If the two do not add up to the same.
    """
    if sum(sites) != sum(parts):
        raise ValueError(f"expected parts of {sum(sites)} subjects, as the sites have, found {sum(parts)}")
    scaled, total = np.outer(sites, parts), sum(sites)  # the exact table, times the number of subjects
    lowest, remainder = scaled // total, scaled % total
    cost = (
        1
        - 2 * remainder / total
        + _TIE_BREAK * np.array([[_draw(seed, site, part) for part in range(len(parts))] for site in range(len(sites))])
    )
    margins = np.concatenate([np.asarray(sites) - lowest.sum(axis=1), np.asarray(parts) - lowest.sum(axis=0)])
    bounds = [(0, int(each > 0)) for each in remainder.ravel()]
    raised = linprog(cost.ravel(), A_eq=_margin_sums(*scaled.shape), b_eq=margins, bounds=bounds, method="highs-ds")
    return lowest + np.rint(raised.x).astype(int).reshape(scaled.shape)


def _margin_sums(rows: int, columns: int) -> np.ndarray:
    """Return the 0/1 matrix that turns a flattened table into its row sums and its column sums."""
    row_sums = np.kron(np.eye(rows), np.ones(columns))
    column_sums = np.kron(np.ones(rows), np.eye(columns))
    return np.concatenate([row_sums, column_sums])


def _draw(seed: int, site: int, part: int) -> float:
    """Return a number from 0 to 1 that is the same on every machine and with every version of every library."""
    digest = hashlib.sha256(f"{seed} {site} {part}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
