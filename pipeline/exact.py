"""Exact sums of float64 values, so that mean, deviation and sum do not depend on any order.

A finite float64 is an integer times a power of two. Sums and sums of squares are kept as integers, in units of
2^-1074 and 2^-2148, and rounded once, at the end, to the nearest float64.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNIT_BITS = 1074
_MANTISSA_BITS = 53
_HALF_BITS = 26
_MAX_RUN = 256  # squares of 27 bits, 256 of them, fit int64


class ExactSums:
    """Exact sum and sum of squares per group."""

    def __init__(self, groups: int) -> None:
        self._sums = [0] * groups
        self._squares = [0] * groups

    def add(self, groups: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Add finite values, fastest where equal groups and magnitudes stand together.

        Args:
            groups: number of the group of each value.
            values: the values, as many.
        """
        if not len(values):
            return
        fractions, exponents = np.frexp(values)
        mantissas = np.ldexp(fractions, _MANTISSA_BITS).astype(np.int64)
        changes = (groups[1:] != groups[:-1]) | (exponents[1:] != exponents[:-1])
        changes[_MAX_RUN - 1 :: _MAX_RUN] = True
        starts = np.concatenate(([0], np.flatnonzero(changes) + 1))
        high, low = mantissas >> _HALF_BITS, mantissas & ((1 << _HALF_BITS) - 1)
        parts = [np.add.reduceat(part, starts).tolist() for part in (high, low, high * high, high * low, low * low)]
        shifts = (exponents[starts].astype(np.int64) - _MANTISSA_BITS + _UNIT_BITS).tolist()
        for group, shift, high_sum, low_sum, hh, hl, ll in zip(groups[starts].tolist(), shifts, *parts, strict=True):
            self._sums[group] += _shifted((high_sum << _HALF_BITS) + low_sum, shift)
            square = (hh << 2 * _HALF_BITS) + (hl << _HALF_BITS + 1) + ll
            self._squares[group] += _shifted(square, 2 * shift)

    def sum(self, group: int) -> float:
        """Sum, rounded once; infinite where it lies beyond float64."""
        return _divide(self._sums[group], 1 << _UNIT_BITS)

    def mean(self, group: int, count: int) -> float:
        """Arithmetic mean of `count` values, rounded once."""
        return _divide(self._sums[group], count << _UNIT_BITS)

    def stddev(self, group: int, count: int) -> float:
        """Sample standard deviation of `count` values, two at least: sqrt((sum x^2 - (sum x)^2 / n) / (n - 1))."""
        numerator = count * self._squares[group] - self._sums[group] ** 2
        return _sqrt(numerator, (count * (count - 1)) << 2 * _UNIT_BITS)


def _shifted(number: int, bits: int) -> int:
    # Below 2^-1074 a mantissa has zeros only, so a shift to the right is exact.
    return number << bits if bits >= 0 else number >> -bits


def _divide(numerator: int, denominator: int) -> float:
    try:
        return numerator / denominator  # of integers, Python rounds this correctly
    except OverflowError:
        return float("inf") if numerator > 0 else float("-inf")


def _sqrt(numerator: int, denominator: int) -> float:
    """Square root of a fraction, rounded once: of an integer root of 64 bits or more and a sticky bit."""
    if not numerator:
        return 0.0
    bits = max(0, 2 * 64 - numerator.bit_length() + denominator.bit_length())
    bits += bits % 2
    scaled, rest = divmod(numerator << bits, denominator)
    root = isqrt(scaled)
    sticky = int(rest != 0 or root * root != scaled)
    return _divide((root << 1) | sticky, 1 << bits // 2 + 1)
