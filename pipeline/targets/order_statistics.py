"""How many samples a quantile needs, and its one-sided confidence bounds by order statistics.

Of n independent samples of one distribution, the number of those below its quantile x_q follows the binomial
distribution of n and q, whatever the distribution is: Conover, Practical Nonparametric Statistics, 3rd edition, 1999,
section 3.2; Hahn and Meeker, Statistical Intervals, 1991, section 5.2.
"""

from __future__ import annotations

from decimal import Decimal
from math import ceil, log

import numpy as np

from pipeline.statistics.options import MAX_QUANTILE_DIGITS as QUANTILE_DIGITS

CONFIDENCE = 0.95
"""With which a quantile is told from its samples, where nothing else is asked for."""
_ROUNDING = 1e-12
"""What sums of probabilities may be off by."""
_DEVIATIONS = 40  # beyond so many the probabilities are below what float64 can tell from 0


def minimum_samples(quantile: float, confidence: float = CONFIDENCE) -> int:
    """Give the fewest samples of which one lies beyond a quantile, with a confidence: 59 for p95, 299 for p99.

    The largest of n samples lies above x_q with the probability 1 - q^n, the smallest below it with 1 - (1 - q)^n.

    Args:
        quantile: from 0 to 1, both excluded; that of the nearer end counts, so that p5 needs as many as p95.
        confidence: from 0 to 1, both excluded.
    """
    return ceil(log(1 - confidence) / log(max(quantile, 1 - quantile)))


def upper_rank(size: int, quantile: float, confidence: float) -> int | None:
    """Give the rank r of the upper bound of a quantile: x_q <= x_(r) with the confidence, for the smallest such r.

    Args:
        size: number of samples n.
        quantile: q.
        confidence: least of P(B <= r - 1), B binomial of n and q.

    Returns:
        from 1 to n; None where even the largest sample is no bound.
    """
    first, below = _distribution(size, quantile)
    place = int(np.searchsorted(below, confidence - _ROUNDING))
    # P(B <= n) is 1, and no sample has the rank n + 1.
    return first + place + 1 if first + place < size else None


def lower_rank(size: int, quantile: float, confidence: float) -> int | None:
    """Give the rank r of the lower bound of a quantile: x_(r) <= x_q with the confidence, for the largest such r.

    Args:
        size: number of samples n.
        quantile: q.
        confidence: most of P(B <= r - 1) is 1 - confidence, B binomial of n and q.

    Returns:
        from 1 to n; None where even the smallest sample is no bound.
    """
    # The samples in the opposite order are those of the quantile 1 - q.
    rank = upper_rank(size, 1 - quantile, confidence)
    return None if rank is None else size + 1 - rank


def rank_quantile(rank: int, size: int) -> tuple[Decimal, bool]:
    """Give a q whose quantile of type 7 is the sample of a rank, or lies between that and the next, next to it.

    Returns:
        q, with as many digits as quantiles may have, and whether (n - 1) q is r - 1 in float64, to the last bit:
        for some ranks no q does that.
    """
    if size == 1:
        return Decimal(0), True
    q = round(Decimal(rank - 1) / (size - 1), QUANTILE_DIGITS)
    while float(size - 1) * float(q) < rank - 1:
        q += Decimal(1).scaleb(-QUANTILE_DIGITS)
    return q, float(size - 1) * float(q) == rank - 1


def _distribution(size: int, quantile: float) -> tuple[int, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Give P(B <= k) for each k that matters, from the first of them on, by ratios of neighbours from the mode on."""
    mode = min(int((size + 1) * quantile), size)
    reach = ceil(_DEVIATIONS * (size * quantile * (1 - quantile)) ** 0.5) + _DEVIATIONS
    first, last = max(mode - reach, 0), min(mode + reach, size)
    k = np.arange(first, last, dtype=np.float64)
    logs = np.concatenate([[0.0], np.cumsum(np.log((size - k) / (k + 1)) + log(quantile / (1 - quantile)))])
    terms = np.exp(logs - logs.max())
    return first, np.cumsum(terms) / terms.sum()
