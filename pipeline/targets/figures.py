"""Figures of groups of samples, by the exact statistics, for all targets that need the same pass over the rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.model.arrays import from_bools, from_numbers, integers, is_null
from pipeline.model.arrays import places as places_of
from pipeline.model.timestamps import TICKS_PER_SECOND
from pipeline.statistics.aggregation import aggregate
from pipeline.statistics.options import TIME_FIGURES, StatisticsOptions
from pipeline.targets.limits import OPERATORS
from pipeline.targets.units import UnknownUnitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.model.session import Session
    from pipeline.selection.selected import Selected
    from pipeline.targets.limits import Limit


class Pass(NamedTuple):
    """What one pass over rows is for; targets that share it share the pass.

    Attributes:
        session_ids: the sessions, in order.
        is_pooled: all sessions are one group.
        window_seconds: length of windows from the start of each session, None without.
        lost: whether lost samples count as infinite in quantiles.
        share: what is counted instead of the values: those that meet this, as 1, beside 0.
    """

    session_ids: tuple[str, ...]
    is_pooled: bool
    window_seconds: int | None
    lost: Literal["exclude", "infinite"]
    share: Limit | None = None


class Group(NamedTuple):
    """A group of samples of a metric.

    Attributes:
        session_id: the session, None for all together.
        window: place of its window in the session, from 0 on; None without windows.
        metric: the metric.
    """

    session_id: str | None
    window: int | None
    metric: str


Row = dict[str, Any]
"""A row of the statistics, by column."""


@dataclass(frozen=True)
class Extent:
    """The part of a session that is looked at: between its start and end, and the bounds of the selection.

    Attributes:
        start: start of the session, in ticks, from which windows are counted.
        low: begin of the part.
        high: end of the part, exclusive.
        scale: ticks of a second.
    """

    start: int
    low: int
    high: int
    scale: int

    @classmethod
    def of(cls, session: Session, bounds: tuple[int | None, int | None]) -> Extent:
        """Give the part of a session that a selection looks at."""
        since, until = bounds
        low = session.started_at if since is None else max(session.started_at, since)
        high = session.ended_at if until is None else min(session.ended_at, until)
        return cls(session.started_at, low, max(low, high), TICKS_PER_SECOND[session.timestamp_unit])

    @property
    def seconds(self) -> Fraction:
        """Its length, exact: what is rounded before a rate is made of it may miss a limit that the rate meets."""
        return Fraction(self.high - self.low, self.scale)

    def windows(self, seconds: int) -> range:
        """Give the places of the windows of a length that lie in it as a whole."""
        length = seconds * self.scale
        return range(-((self.start - self.low) // length), (self.high - self.start) // length)


class Figures:
    """Gives the statistics of groups, each pass once."""

    def __init__(
        self, selected: Selected, asked: Mapping[Pass, tuple[set[str], set[str]]], temporary_directory: Path
    ) -> None:
        """Take the rows.

        Args:
            selected: the rows.
            asked: metrics and quantiles that any target asks of a pass, which is made for all of them at once.
            temporary_directory: where groups and values may spill.
        """
        self._selected = selected
        self._asked = asked
        self._directory = temporary_directory
        self._known: dict[Pass, dict[Group, list[Row]]] = {}
        self._further: dict[tuple[Pass, str, str], dict[Group, list[Row]]] = {}

    @cached_property
    def extents(self) -> dict[str, Extent]:
        """The part of each session that is looked at."""
        bounds = self._selected.selection.tick_bounds(self._selected.scan.timestamp_unit)
        return {one.session_id: Extent.of(one, bounds) for one in self._selected.sessions}

    def rows(self, of: Pass) -> dict[Group, list[Row]]:
        """Give the statistics of each group, a row for each unit."""
        if of not in self._known:
            metrics, quantiles = self._asked.get(of, (set(), set()))
            self._known[of] = self._aggregated(of, sorted(metrics), sorted(quantiles))
        return self._known[of]

    def rows_for(self, of: Pass, metric: str, quantile: str) -> dict[Group, list[Row]]:
        """Give the statistics of a metric with a quantile, a decimal number, of any pass."""
        metrics, quantiles = self._asked.get(of, (set(), set()))
        if metric in metrics and quantile in quantiles:
            return self.rows(of)
        key = (of, metric, quantile)
        if key not in self._further:
            self._further[key] = self.rows_with(of, metric, [quantile])
        return self._further[key]

    def rows_with(self, of: Pass, metric: str, quantiles: Sequence[str]) -> dict[Group, list[Row]]:
        """Give the statistics of a metric with further quantiles; they are not kept."""
        return self._aggregated(of, [metric], quantiles)

    def order_statistic(self, of: Pass, group: Group, row: Row, rank: int, above: float, *, is_exact: bool) -> float:
        """Give the sample of a rank of a group.

        Args:
            of: the pass that the row is of; lost samples that count there have the last ranks.
            group: the group.
            row: its statistics.
            rank: from 1 to the number of samples.
            above: this sample, or what lies between it and the next.
            is_exact: whether it is the sample.
        """
        if rank > row["count"]:
            return inf
        return above if is_exact else self._largest(of, group, above)

    def _largest(self, of: Pass, group: Group, above: float) -> float:
        """Find the largest finite sample of a group that is no larger than a number."""
        found = -inf
        for batch in self._batches(of, ["metric", "value"], [group.metric], group.session_id):
            values = batch.column("value").to_numpy(zero_copy_only=False)
            if group.window is not None:
                length = (of.window_seconds or 0) * self._scale
                values = values[integers(batch.column("timestamp")) // length == group.window]
            values = values[np.isfinite(values) & (values <= above)]
            found = max(found, float(values.max())) if len(values) else found
        return found

    @cached_property
    def _scale(self) -> int:
        return TICKS_PER_SECOND[self._selected.scan.timestamp_unit]

    def _batches(
        self, of: Pass, columns: Sequence[str], metrics: Sequence[str], only: str | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Read the rows of a pass, or those of one of its sessions."""
        wanted = set(of.session_ids) if only is None else {only}
        selected = replace(
            self._selected,
            sessions=tuple(one for one in self._selected.sessions if one.session_id in wanted),
            selection=replace(self._selected.selection, metrics=tuple(metrics)),
        )
        for batch in selected.batches([*columns, "timestamp"]):
            rows = batch if of.window_seconds is None else self._from_start(batch, of.window_seconds)
            if rows.num_rows:
                yield rows

    def _aggregated(self, of: Pass, metrics: Sequence[str], quantiles: Sequence[str]) -> dict[Group, list[Row]]:
        if not of.session_ids or not metrics:
            return {}
        options = StatisticsOptions(
            quantiles=tuple(quantiles),
            lost=of.lost,
            pooled=of.is_pooled,
            window=None if of.window_seconds is None else f"{of.window_seconds}s",
        )

        def read(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
            for rows in self._batches(of, columns, metrics):
                yield rows if of.share is None else _counted(rows, of.share)

        found: dict[Group, list[Row]] = {}
        for batch in aggregate(
            read,
            self._selected.scan.schema,
            of.session_ids,
            options,
            batch_size=self._selected.batch_size,
            temporary_directory=self._directory,
        ):
            places: Sequence[int | None] = [None] * batch.num_rows
            if of.window_seconds is not None:
                starts = integers(batch.column("window_start"))
                places = (starts // (of.window_seconds * self._scale)).tolist()
            kept = [name for name in batch.schema.names if name not in TIME_FIGURES]
            for place, row in zip(places, batch.select(kept).to_pylist(), strict=True):
                found.setdefault(Group(row.get("session_id"), place, row["metric"]), []).append(row)
        return found

    def _from_start(self, batch: pa.RecordBatch, window_seconds: int) -> pa.RecordBatch:
        """Count times from the start of the session, and leave out what lies in no whole window."""
        extent = self.extents[batch.column("session_id")[0].as_py()]
        times = batch.column("timestamp")
        ticks = integers(times) - extent.start
        places = extent.windows(window_seconds)
        length = window_seconds * extent.scale
        keep = (ticks >= places.start * length) & (ticks < places.stop * length)
        moved = from_numbers(ticks, pa.int64()).view(times.type)
        at = batch.schema.get_field_index("timestamp")
        return batch.set_column(at, batch.schema.field(at), moved).filter(from_bools(keep))


def _counted(batch: pa.RecordBatch, share: Limit) -> pa.RecordBatch:
    """Put 1 in place of values that meet a condition, 0 in place of others; lost ones stay lost, NaN stays NaN."""
    at = batch.schema.get_field_index("value")
    values, units = batch.column(at), batch.column("unit")
    if not pa.types.is_dictionary(units.type):
        units = units.dictionary_encode()
    texts = [*units.dictionary.to_pylist(), None]  # the last one of rows without a unit
    codes = np.where(is_null(units), len(texts) - 1, places_of(units))
    thresholds = np.full(len(texts), np.nan)
    for code in np.unique(codes).tolist():
        thresholds[code] = _threshold(share, texts[code])
    threshold = thresholds[codes]
    numbers = values.to_numpy(zero_copy_only=False)
    met = np.where(OPERATORS[share.operator](numbers, threshold), 1.0, 0.0)
    met[np.isnan(threshold) | np.isnan(numbers)] = np.nan
    return batch.set_column(at, batch.schema.field(at), from_numbers(met, pa.float64(), is_null(values)))


def _threshold(share: Limit, unit: str | None) -> float:
    """Give what values of a unit are compared with; NaN where the units do not fit, which is judged later."""
    try:
        threshold = share.in_unit(unit)
    except UnknownUnitError:
        threshold = None
    return np.nan if threshold is None else threshold
