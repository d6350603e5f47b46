"""Scales of axes: where a value lies between 0 and 1, and where ticks stand."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.report.cells import octaves, value_at

if TYPE_CHECKING:
    from collections.abc import Iterable

_LARGEST = sys.float_info.max
_MANY_TIMES = 20  # above, values are shown on a logarithmic axis

_CLOCK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)
_LEAST_DISTANCE = 0.08


@dataclass(frozen=True)
class Linear:
    """Equal distances."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Place of a value."""
        # Halves of the largest numbers have a difference, and those of all others the same quotient.
        return (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2) if self.high > self.low else 0.5

    @property
    def ticks(self) -> list[float]:
        """Multiples of 1, 2 or 5 times a power of ten."""
        return nice_ticks(self.low, self.high, 5)


@dataclass(frozen=True)
class Logarithmic:
    """Equal ratios; both ends are above 0."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Place of a value."""
        low = math.log(self.low)
        return (math.log(value) - low) / (math.log(self.high) - low) if value > 0 else 0.0

    @property
    def ticks(self) -> list[float]:
        """Powers of ten, or 1, 2 and 5 times them where there are few."""
        return decade_ticks(self.low, self.high)


@dataclass(frozen=True)
class Octaves:
    """The scale of cells: octave by octave, straight within, for values of both signs; zero has a gap of its own.

    Attributes:
        nearest: what of values lies nearest to zero, on the scale of `octaves`; nothing nearer gets more than the gap.
        gap: height of the gap on each side of zero, in octaves.
        low: the lower end, in octaves from zero, gap included.
        high: the upper end.
    """

    nearest: float
    gap: float
    low: float
    high: float

    @classmethod
    def around(cls, low: float, high: float, nearest: float) -> Octaves:
        """Make one that reaches from one point of the scale of `octaves` to another."""
        gap = max(0.3, (abs(high) + abs(low) - nearest) / 20) if low <= 0 else 0.0
        made = cls(nearest, gap, 0.0, 1.0)
        return cls(nearest, gap, made.from_zero(low), made.from_zero(high))

    def from_zero(self, octave: float) -> float:
        """Give how far a point of the scale lies from zero here."""
        size = abs(octave)
        if size >= self.nearest:
            return math.copysign(self.gap + size - self.nearest, octave)
        return math.copysign(self.gap * value_at(size) / value_at(self.nearest), octave)

    def place(self, octave: float) -> float:
        """Place of a point of the scale of `octaves`."""
        return (self.from_zero(octave) - self.low) / (self.high - self.low) if self.high > self.low else 0.5

    def at(self, value: float) -> float:
        """Place of a value."""
        return self.place(float(octaves(np.array([value]))[0]))

    def ticks_between(self, low: float, high: float) -> list[float]:
        """Give ticks between two values, none nearer to another than a text is high."""
        positive = [one for one in (low, high) if one > 0]
        nearest = value_at(self.nearest)
        if low > 0 and high / low <= _MANY_TIMES / 4:
            wished = nice_ticks(low, high, 5)
        else:
            sizes = decade_ticks(nearest, max(high, -low)) if max(high, -low) > nearest > 0 else []
            wished = [*(-one for one in reversed(sizes) if -one >= low), *([0.0] if low <= 0 else [])]
            wished += [one for one in sizes if one <= high and positive]
        kept: list[float] = []
        for one in wished:
            if not kept or self.at(one) - self.at(kept[-1]) > _LEAST_DISTANCE:
                kept.append(one)
        return kept


class Tail:
    """Quantiles by 1 / (1 - q), logarithmic: each nine more is as far as the one before."""

    def __init__(self, last: float) -> None:
        """Set the last quantile, below 1."""
        self._last = -math.log10(1 - last)

    def at(self, value: float) -> float:
        """Place of a quantile."""
        return -math.log10(1 - value) / self._last if self._last else 0.0

    @property
    def ticks(self) -> list[float]:
        """Quantiles that have names."""
        return [one for one in (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999) if self.at(one) <= 1 + 1e-9]


def value_scale(values: Iterable[float]) -> Linear | Logarithmic:
    """Choose a scale for values: logarithmic where they are positive and far apart, else from 0 on, or around them."""
    finite = [one for one in values if math.isfinite(one)]
    if not finite:
        return Linear(0, 1)
    low, high = min(finite), max(finite)
    if low > 0 and high / low > _MANY_TIMES:
        return Logarithmic(low / 1.1, min(high * 1.1, _LARGEST))
    if low == high:
        return _within_floats(low - (abs(low) / 2 or 1), high + (abs(high) / 2 or 1))
    room = (high / 2 - low / 2) * 0.1
    if low >= 0 and low < (high - low):
        return _within_floats(0, high + room)
    return _within_floats(low - room, high + room)


def _within_floats(low: float, high: float) -> Linear:
    """Make a scale whose ends are numbers, though there was no room beyond the largest."""
    return Linear(max(low, -_LARGEST), min(high, _LARGEST))


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """Give multiples of 1, 2 or 5 times a power of ten between two values."""
    if not high > low:
        return [low]
    half = high / 2 - low / 2
    step = 10.0 ** math.floor(math.log10(2 * (half / most))) if half / most else 0.0
    if not step:  # nothing lies between them, as near to zero as they are
        return [low, high]
    step *= next(factor for factor in (1, 2, 5, 10) if 2 * (half / (step * factor)) <= most)
    first = math.ceil(low / step - 1e-9)
    return [at * step for at in range(first, math.floor(high / step + 1e-9) + 1)]


def time_ticks(low: float, high: float, most: int) -> list[float]:
    """Give multiples of a length of time that clocks know, in seconds, between two times."""
    step = next((one for one in _CLOCK_STEPS if (high - low) / one <= most), None)
    if step is None:
        return [86_400 * day for day in nice_ticks(low / 86_400, high / 86_400, most)]
    return [float(at * step) for at in range(math.ceil(low / step), math.floor(high / step) + 1)]


def decade_ticks(low: float, high: float) -> list[float]:
    """Give powers of ten between two values above 0, or 1, 2 and 5 times them where there are few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    apart = max(1, math.ceil((last - first) / 6))
    powers = range(first, min(last, sys.float_info.max_10_exp) + 1)
    tens = [10.0**power for power in powers[::apart] if low <= 10.0**power <= high]
    if len(tens) >= 3:
        return tens
    return [f * 10.0**power for power in powers for f in (1, 2, 5) if low <= f * 10.0**power <= high]
