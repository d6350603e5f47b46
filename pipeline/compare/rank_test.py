"""The exact test of Mann and Whitney, ties included, and Holm's correction over many tests.

Mann and Whitney, On a test of whether one of two random variables is stochastically larger than the other, 1947; its
exact distribution by the shift algorithm of Streitberg and Roehmel, Exact distributions for permutation and rank tests,
1986; Holm, A simple sequentially rejective multiple test procedure, 1979.
"""

from __future__ import annotations

from itertools import count
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from pipeline.compare.scipy_stats import scipy_stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEVEL = 0.05
"""Below it a difference is told, after the correction over all tests."""
EXACT_PAIRS = 2_500
"""Pairs of sessions, one of each side, up to which the distribution is counted out; beyond, it is normal."""


def rank_test(baseline: Sequence[float], candidate: Sequence[float]) -> float:
    """Give the two-sided p of the hypothesis that both sides come from one distribution.

    Args:
        baseline: a number a session, infinite ones included.
        candidate: the same of the other side.

    Returns:
        twice the smaller of P(W <= w) and P(W >= w), 1 at most; W is the sum of the ranks of the candidate, ties with
        the mean of their ranks, and every choice of so many of all sessions is as likely as any other.

    Raises:
        UsageError: there are many sessions, and scipy is not installed.
    """
    if len(baseline) * len(candidate) > EXACT_PAIRS:
        return _normal(baseline, candidate)
    ranks = _double_ranks(np.array([*baseline, *candidate]))
    found = int(ranks[len(baseline) :].sum())
    ways = _ways(ranks, len(candidate))
    total = ways.sum()
    at_most, at_least = ways[: found + 1].sum() / total, ways[found:].sum() / total
    return float(min(1.0, 2 * min(at_most, at_least)))


def smallest_p(baseline: int, candidate: int) -> float:
    """Give the smallest p that the test can have for so many sessions a side, where no two are tied."""
    return min(1.0, 2 / comb(baseline + candidate, candidate))


def further_sessions(baseline: int, candidate: int, tests: int) -> int:
    """Give how many more sessions each side needs before the test can tell anything among so many tests."""
    return next(more for more in count() if smallest_p(baseline + more, candidate + more) * tests < LEVEL)


def holm(found: Sequence[float]) -> list[float]:
    """Correct the p of several tests, so that all of them together are wrong as seldom as one.

    Args:
        found: p of each.

    Returns:
        in their order: with p(1) <= ... <= p(m), the largest of (m - j + 1) p(j) over all j up to that of the test, and
        1 at most.
    """
    corrected, largest = [0.0] * len(found), 0.0
    for at, place in enumerate(sorted(range(len(found)), key=lambda place: found[place])):
        largest = min(1.0, max(largest, (len(found) - at) * found[place]))
        corrected[place] = largest
    return corrected


def _double_ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give twice the rank of each, the mean of ranks to those that are tied, which makes all of them whole numbers."""
    _, places, sizes = np.unique(values, return_inverse=True, return_counts=True)
    doubled: NDArray[np.int64] = 2 * np.cumsum(sizes) - sizes + 1
    return doubled[places]


def _ways(ranks: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Count the choices of so many of the ranks, by their sum from 0 on."""
    most = int(np.sort(ranks)[-size:].sum())
    ways = np.zeros((size + 1, most + 1))
    ways[0, 0] = 1
    for rank in ranks.tolist():
        if rank <= most:
            ways[1:, rank:] += ways[:-1, : most + 1 - rank]
    counted: NDArray[np.float64] = ways[size]
    return counted


def _normal(baseline: Sequence[float], candidate: Sequence[float]) -> float:
    found = scipy_stats().mannwhitneyu(candidate, baseline, alternative="two-sided", method="asymptotic")
    return float(found.pvalue)
