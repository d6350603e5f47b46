"""How many values fall into each cell of time and value: exact counts, whose number does not grow with the rows."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.model.arrays import integers, is_null
from pipeline.statistics.numbering import number_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Key = tuple[Any, ...]

STEPS = 256
"""Buckets of values of a metric, at most; where more are needed, two become one."""
_OCTAVE_BITS = 8  # an octave, from a power of two to the next, has so many halvings at first
_LEAST_EXPONENT = -64  # what is nearer to zero counts as zero
_SIZE_BITS = np.int64(2**63 - 1)
_DROPPED_BITS = 52 - _OCTAVE_BITS
_LEAST_STEP = (1023 + _LEAST_EXPONENT) << _OCTAVE_BITS


def octaves(values: Floats) -> Floats:
    """Place values on a scale on which each octave is as long as the next, and straight within.

    It is continuous; 0 is 0, and -x lies as far from it as x. Between 2**-64 and zero nothing is told apart.
    """
    mantissas, exponents = np.frexp(np.abs(values))
    placed: Floats = np.maximum(exponents - 1 - _LEAST_EXPONENT + 2 * mantissas - 1, 0.0)
    placed[values == 0] = 0.0
    return np.copysign(placed, values)


def value_at(place: float) -> float:
    """Give the value at a place of that scale."""
    octave, part = divmod(abs(place), 1.0)
    with np.errstate(over="ignore"):
        value = 0.0 if place == 0 else float(np.ldexp(1 + part, int(octave) + _LEAST_EXPONENT))
    value = min(value, sys.float_info.max)  # the end of the last octave is no number
    return -value if place < 0 else value


@dataclass(frozen=True)
class Cells:
    """Counts of one group.

    Attributes:
        edges: borders of the buckets of values on the scale of `octaves`, ascending, one more than there are buckets.
        counts: values by window of time and bucket.
        zeros: values that are zero, by window; they are in no bucket.
        has_zeros: a group of the metric has some.
    """

    edges: Floats
    counts: Integers
    zeros: Integers
    has_zeros: bool


class CellCounts:
    """Counts values as they pass."""

    def __init__(self, names: Sequence[str], *, first_window: int, windows: int, window_ticks: int, most: int) -> None:
        """Start without rows.

        Args:
            names: columns that tell groups apart; the first two are metric and unit, which share their buckets.
            first_window: number of the first window that may come, counted from each session's start.
            windows: how many there are.
            window_ticks: their length.
            most: groups that are counted; further ones are not.
        """
        self._names = names
        self._first, self._windows, self._length, self._most = first_window, windows, window_ticks, most
        self._groups: dict[Key, int] = {}
        self._axes: dict[Key, int] = {}
        self._axis_of = np.zeros(most, np.int64)
        self._bases = np.zeros(0, np.int64)
        self._shifts = np.zeros(0, np.int64)
        self._counts = np.zeros((0, windows, STEPS), np.int64)
        self._zeros = np.zeros((0, windows), np.int64)
        self.left_out: set[Key] = set()

    def add(self, batch: pa.RecordBatch, since: int) -> None:
        """Add rows of one session, which starts at `since`."""
        column = batch.column("value")
        values = np.frombuffer(column.buffers()[1], np.float64)[column.offset : column.offset + len(column)]
        codes, known = number_rows([batch.column(name) for name in self._names])
        groups = np.array([self._number(key) for key in known], np.int64)[codes]
        usable = np.isfinite(values) & (groups >= 0)
        if column.null_count:
            usable &= ~is_null(column)
        rows = np.flatnonzero(usable)
        if not len(rows):
            return
        windows = (integers(batch.column("timestamp"))[rows] - since) // self._length - self._first
        self._count(groups[rows], windows, values[rows])

    def _number(self, key: Key) -> int:
        known = self._groups.get(key)
        if known is not None:
            return known
        if len(self._groups) == self._most:
            self.left_out.add(key)
            return -1
        number = self._groups[key] = len(self._groups)
        self._axis_of[number] = self._axes.setdefault(key[:2], len(self._axes))
        if len(self._axes) > len(self._bases):
            self._bases = np.append(self._bases, np.iinfo(np.int64).min)
            self._shifts = np.append(self._shifts, 0)
        self._counts = np.concatenate([self._counts, np.zeros((1, self._windows, STEPS), np.int64)])
        self._zeros = np.concatenate([self._zeros, np.zeros((1, self._windows), np.int64)])
        return number

    def _count(self, groups: Integers, windows: Integers, values: Floats) -> None:
        bits = values.view(np.int64)
        steps = ((bits & _SIZE_BITS) >> _DROPPED_BITS) - _LEAST_STEP  # floor of `octaves`, times so many halvings
        is_zero = steps < 0
        if (bits < 0).any():
            steps = np.where(bits < 0, -1 - steps, steps)
        if is_zero.any():
            np.add.at(self._zeros, (groups[is_zero], windows[is_zero]), 1)
            groups, windows, steps = groups[~is_zero], windows[~is_zero], steps[~is_zero]
            if not len(groups):
                return
        axes = self._axis_of[groups]
        places = (steps >> self._shifts[axes]) - self._bases[axes]
        outside = (places < 0) | (places >= STEPS)
        if outside.any():
            for axis in np.unique(axes[outside]).tolist():
                of_axis = steps[axes == axis]
                self._widen(axis, int(of_axis.min()), int(of_axis.max()))
            places = (steps >> self._shifts[axes]) - self._bases[axes]
        flat = (groups * self._windows + windows) * STEPS + places
        np.add.at(self._counts.reshape(-1), flat, 1)

    def _widen(self, axis: int, low: int, high: int) -> None:
        """Make room for steps of an axis, by moving its buckets, and by halving their number where that is needed."""
        base, shift = int(self._bases[axis]), int(self._shifts[axis])
        members = self._members(axis)
        counts = self._counts[members]
        used = np.flatnonzero(counts.any(axis=(0, 1)))
        if len(used):
            low = min(low, (base + int(used[0])) << shift)
            high = max(high, ((base + int(used[-1]) + 1) << shift) - 1)
        wider = shift
        while (high >> wider) - (low >> wider) >= STEPS:
            wider += 1
        new_base = low >> wider
        moved = np.zeros_like(counts)
        for place in used.tolist():
            moved[:, :, (((base + place) << shift) >> wider) - new_base] += counts[:, :, place]
        self._counts[members] = moved
        self._bases[axis], self._shifts[axis] = new_base, wider

    def cells(self) -> dict[Key, Cells]:
        """Give the counts of each group; those of one metric and unit have the same edges."""
        found = {}
        for key, group in self._groups.items():
            axis = int(self._axis_of[group])
            members = self._members(axis)
            used = np.flatnonzero(self._counts[members].any(axis=(0, 1)))
            if not len(used):  # nothing but zeros, or no finite value
                edges, counts = np.zeros(0), np.zeros((self._windows, 0), np.int64)
            else:
                first, last = int(used[0]), int(used[-1])
                steps = (self._bases[axis] + np.arange(first, last + 2)) << self._shifts[axis]
                edges = steps / (1 << _OCTAVE_BITS)
                counts = self._counts[group][:, first : last + 1]
            found[key] = Cells(edges, counts, self._zeros[group], bool(self._zeros[members].any()))
        return found

    def _members(self, axis: int) -> Integers:
        return np.flatnonzero(self._axis_of[: len(self._groups)] == axis)
