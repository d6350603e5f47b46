"""Kinds of metrics: which figures mean nothing for one, and how fast a counter grows."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.model.arrays import from_numbers, integers, is_null, places
from pipeline.model.dictionary import is_quantile
from pipeline.statistics.numbering import number_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from pipeline.model.metric_facts import Kind
    from pipeline.native import GroupedValues

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_WITHOUT_MEANING = {
    "counter": ("mean", "stddev", "p", "sum"),  # a running total: its level says how long it ran
    "gauge": ("sum",),
    "duration": (),
    "event": (),
}
"""Figures by the kind for which they mean nothing; `p` are all quantiles."""


def without_meaning(metrics: pa.Array, kinds: Mapping[str, Kind], names: Sequence[str]) -> dict[str, Bools]:
    """Tell which figures mean nothing.

    Args:
        metrics: of each group, a dictionary array.
        kinds: what metrics are, by name; those that are not named keep all figures.
        names: columns of the statistics.

    Returns:
        for each column with such figures, which of them.
    """
    absent: dict[str, Bools] = {}
    for kind in dict.fromkeys(kinds.values()):
        is_kind = _is_among(metrics, {name for name, of in kinds.items() if of == kind})
        figures = [
            name
            for name in names
            if name in _WITHOUT_MEANING[kind] or (is_quantile(name) and "p" in _WITHOUT_MEANING[kind])
        ]
        for name in figures if is_kind.any() else ():
            absent[name] = absent[name] | is_kind if name in absent else is_kind
    return absent


class CounterRates:
    """Growth of counters, per second, by group.

    A counter grows from one value of its series to the next: by their difference, or, where it fell, by the value,
    since it began again at zero. A rate is the sum of what it grew by over the sum of the time between the values, each
    pair in the group of the later one. A series is of one session, metric, unit and further columns.
    """

    def __init__(
        self,
        counters: AbstractSet[str],
        names: Sequence[str],
        groups: Callable[[Mapping[str, float]], GroupedValues],
        ticks_per_second: int,
    ) -> None:
        """Start without rows.

        Args:
            counters: names of the metrics.
            names: columns that tell series apart, the metric among them.
            groups: makes groups of values.
            ticks_per_second: of times.
        """
        self._counters = counters
        self._names = names
        self._grown, self._elapsed = groups({}), groups({})
        self._scale = float(ticks_per_second)
        self._last: dict[tuple[Any, ...], tuple[float, int]] = {}
        self._session = -1
        self._found: Floats | None = None

    def add(self, keys: Sequence[pa.Array], batch: pa.RecordBatch, *, session: int) -> None:
        """Add rows of one session, in order.

        Args:
            keys: what groups them, an array per key.
            batch: columns `metric`, `timestamp`, `sequence`, `value`, and those that tell series apart.
            session: its number.
        """
        if session != self._session:
            self._session = session
            self._last.clear()
        wanted = np.flatnonzero(_is_among(batch.column("metric"), self._counters))
        if not len(wanted):
            return
        rows = pa.array(wanted)
        values = batch.column("value").take(rows)
        times, sequences = batch.column("timestamp").take(rows), batch.column("sequence").take(rows)
        numbers = np.where(is_null(values), np.nan, np.frombuffer(values.buffers()[1], np.float64)[: len(values)])
        grown, elapsed = self._since_last(batch, rows, numbers, integers(times))
        absent = np.isnan(grown)
        taken = [key.take(rows) for key in keys]
        for of, found in ((self._grown, grown), (self._elapsed, elapsed)):
            of.add(taken, times, sequences, from_numbers(found, pa.float64(), absent), session=session)

    def _since_last(
        self, batch: pa.RecordBatch, rows: pa.Array, values: Floats, times: NDArray[np.int64]
    ) -> tuple[Floats, Floats]:
        """Give by how much each value is larger than the one before it in its series, and how much later, in seconds.

        Both are NaN where there is none before it.
        """
        series, known = number_rows([batch.column(name).take(rows) for name in self._names])
        finite = np.flatnonzero(np.isfinite(values))
        ordered = finite[np.argsort(series[finite], kind="stable")]
        grown, elapsed = np.full(len(values), np.nan), np.full(len(values), np.nan)
        starts = np.flatnonzero(np.diff(series[ordered], prepend=-1))
        for start, stop in pairwise([*starts, len(ordered)]):
            of_one = ordered[start:stop]
            key = known[series[of_one[0]]]
            before = self._last.get(key)
            level, time = values[of_one], times[of_one]
            self._last[key] = float(level[-1]), int(time[-1])
            if before is None:
                of_one = of_one[1:]
            else:
                level, time = np.concatenate(([before[0]], level)), np.concatenate(([before[1]], time))
            with np.errstate(over="ignore"):  # beyond the range of float64 it is infinite
                step = np.diff(level)
            grown[of_one] = np.where(step >= 0, step, level[1:])
            elapsed[of_one] = np.diff(time) / self._scale
        return grown, elapsed

    def next(self, metrics: pa.Array) -> Floats:
        """Give the rates of the groups that come next, NaN where there is none.

        Args:
            metrics: of these groups, in the order of their keys.
        """
        rates = np.full(len(metrics), np.nan)
        places_of = np.flatnonzero(_is_among(metrics, self._counters))
        if len(places_of):
            grown, elapsed = (self._take(of, len(places_of)) for of in (self._grown, self._elapsed))
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                rates[places_of] = np.where(elapsed > 0, grown / elapsed, np.nan)
        return rates

    def _take(self, groups: GroupedValues, count: int) -> Floats:
        """Take the sums of the next groups."""
        found = []
        while count:
            batch = next(groups.figures(count))
            # The sum is that of finite values; infinite is none but growth beyond the range of float64.
            found.append(np.where(batch.integers["non_finite_count"] > 0, np.inf, batch.numbers["sum"]))
            count -= len(found[-1])
        return np.concatenate(found)


def _is_among(texts: pa.Array, names: AbstractSet[str]) -> Bools:
    """Tell which of the texts are names that are asked for."""
    encoded = texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()
    held = np.array([name in names for name in encoded.dictionary.to_pylist()] or [False], np.bool_)
    return held[places(encoded)]
