"""The shift between two sides, and its interval over sessions.

Hodges and Lehmann, Estimates of location based on rank tests, 1963; the interval is BCa, bias-corrected and
accelerated: Efron, Better bootstrap confidence intervals, 1987.
"""

from __future__ import annotations

import warnings
from math import inf, isinf
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.compare.scipy_stats import scipy_stats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RESAMPLES = 10_000
CONFIDENCE = 0.95
_SEED = 20_261_124
_BATCH_NUMBERS = 4_000_000  # differences of a batch of resamples
_FEW_PAIRS = 2_500  # of sessions, up to which it is faster to sort their differences for each resample


def shift(baseline: Sequence[float], candidate: Sequence[float]) -> float:
    """Give the median of all differences between a session of the candidate and one of the baseline.

    Two infinite ones do not differ.
    """
    return float(_shift(np.array(baseline), np.array(candidate)))


def shift_interval(baseline: Sequence[float], candidate: Sequence[float]) -> tuple[float, float]:
    """Give the interval in which the shift lies with a confidence of 0.95.

    Sessions are drawn again, with replacement, on each side by itself, 10,000 times, always with the same seed.

    Args:
        baseline: a number a session, two at least.
        candidate: the same of the other side.

    Returns:
        both ends: BCa; the percentiles of the shifts themselves where some number is infinite, since the acceleration
        is no number then.

    Raises:
        UsageError: scipy is not installed.
    """
    first, second = np.array(baseline), np.array(candidate)
    if len(set(baseline)) == len(set(candidate)) == 1:
        only = float(_shift(first, second))
        return only, only
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return _percentiles(first, second)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of resamples that are all the same, for which there is no interval
        found = (
            scipy_stats()
            .bootstrap(
                (np.arange(len(first)), np.arange(len(second))),
                _of_drawn(first, second),
                n_resamples=RESAMPLES,
                batch=max(1, _BATCH_NUMBERS // (len(first) * len(second))),
                vectorized=True,
                confidence_level=CONFIDENCE,
                method="BCa",
                rng=np.random.default_rng(_SEED),
            )
            .confidence_interval
        )
    low, high = float(found.low), float(found.high)
    return (low, high) if low <= high else _percentiles(first, second)


def _shift(baseline: Any, candidate: Any) -> Any:  # noqa: ANN401 - arrays of any shape
    return median(_differences(baseline, candidate))


def _differences(baseline: Any, candidate: Any) -> Any:  # noqa: ANN401 - arrays of any shape
    with np.errstate(invalid="ignore", over="ignore"):
        differences = candidate[..., :, None] - baseline[..., None, :]
    if np.isinf(baseline).any() and np.isinf(candidate).any():
        differences[np.isnan(differences)] = 0.0
    return differences.reshape(*differences.shape[:-2], -1)


def median(values: Any) -> Any:  # noqa: ANN401 - arrays of any shape
    """Give the median along the last axis; it is a number where the values are."""
    # Sorting as a whole is faster here than choosing the middle.
    ranked = np.sort(values, axis=-1)
    size = ranked.shape[-1]
    return _middle(ranked[..., (size - 1) // 2], ranked[..., size // 2])


def _middle(low: Any, high: Any) -> Any:  # noqa: ANN401 - arrays of any shape
    with np.errstate(invalid="ignore", over="ignore"):
        sums = low + high
        middles = np.where(np.isinf(sums), low / 2 + high / 2, sums / 2)
    return np.where(low == high, low, middles)


def _of_drawn(baseline: Any, candidate: Any) -> Callable[..., Any]:  # noqa: ANN401 - arrays
    """Make a function that gives the shift between sessions that were drawn, which are named by their places."""
    if len(baseline) * len(candidate) <= _FEW_PAIRS:

        def shift_of_few(first: Any, second: Any, axis: int = -1) -> Any:  # noqa: ANN401 - arrays of any shape
            del axis  # always the last one
            return _shift(baseline[_places(first)], candidate[_places(second)])

        return shift_of_few

    # All differences are ranked once; a difference comes as often as both of its sessions were drawn.
    differences = _differences(baseline, candidate)
    order = np.argsort(differences, kind="stable")
    ranked = differences[order]
    of_candidate, of_baseline = (places.astype(np.int32) for places in np.divmod(order, len(baseline)))

    def shift_of_many(first: Any, second: Any, axis: int = -1) -> Any:  # noqa: ANN401 - arrays of any shape
        del axis
        rows = zip(np.atleast_2d(_places(first)), np.atleast_2d(_places(second)), strict=True)
        ends = [ends_of(one, other) for one, other in rows]
        low, high = ranked[np.array(ends).T]
        return _middle(low, high).reshape(first.shape[:-1])

    def ends_of(first: Any, second: Any) -> Any:  # noqa: ANN401 - arrays
        often = np.bincount(first, minlength=len(baseline))[of_baseline]
        often *= np.bincount(second, minlength=len(candidate))[of_candidate]
        size = len(first) * len(second)
        return np.searchsorted(np.cumsum(often), [(size - 1) // 2, size // 2], side="right")

    return shift_of_many


def _places(drawn: Any) -> Any:  # noqa: ANN401 - arrays of any shape
    return np.asarray(drawn).astype(np.intp)


def _percentiles(baseline: Any, candidate: Any) -> tuple[float, float]:  # noqa: ANN401 - arrays
    random = np.random.default_rng(_SEED)
    size = max(1, _BATCH_NUMBERS // (len(baseline) * len(candidate)))
    shifts, shift_of = [], _of_drawn(baseline, candidate)
    for start in range(0, RESAMPLES, size):
        drawn = min(size, RESAMPLES - start)
        first = random.integers(0, len(baseline), (drawn, len(baseline)))
        second = random.integers(0, len(candidate), (drawn, len(candidate)))
        shifts.append(shift_of(first, second))
    low, high = np.quantile(np.concatenate(shifts), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], method="inverted_cdf")
    return float(low), float(high)


def effect(shifted: float, baseline: float) -> float:
    """Give a shift as a part of the baseline; infinite where that is 0 and the shift is not."""
    if shifted == 0 or isinf(shifted):
        return shifted
    return shifted / abs(baseline) if baseline else (inf if shifted > 0 else -inf)
