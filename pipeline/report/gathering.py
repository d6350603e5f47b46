"""Everything that a report shows of rows, gathered while they pass once."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pipeline.model.timestamps import TICKS_PER_SECOND
from pipeline.report.cells import CellCounts
from pipeline.runtime.progress import phase
from pipeline.runtime.threads import ScannedAhead
from pipeline.statistics.aggregation import DEFAULT_BUDGET_BYTES, Aggregation
from pipeline.statistics.options import StatisticsOptions, recorded_kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from pipeline.model.metric_facts import Kind
    from pipeline.model.session import Session
    from pipeline.report.cells import Cells
    from pipeline.selection.selected import Selected

    Row = dict[str, Any]

MAX_SESSIONS = 200
"""Sessions that are shown one by one."""
_MAX_CELLS = 120
"""Groups whose values are counted in cells."""
MAX_WINDOWS = 48
CURVE = (
    *("0.001", "0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.3", "0.4", "0.6", "0.7", "0.8", "0.85", "0.925"),
    *("0.96", "0.97", "0.98", "0.985", "0.993", "0.995", "0.997", "0.998", "0.999", "0.9995", "0.9998", "0.9999"),
    *("0.99998", "0.99999"),
)
"""Quantiles beside the usual ones, at which curves are exact."""
_WINDOWS = (
    *(("s", n) for n in (1, 2, 5, 10, 20, 30)),
    *(("m", n) for n in (1, 2, 5, 10, 20, 30)),
    *(("h", n) for n in (1, 2, 3, 6, 12)),
    *(("d", n) for n in (1, 2, 7, 14, 30, 90, 365, 3650, 36500)),
)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
Want = Literal["groups", "windows", "sessions"]


@dataclass(frozen=True, kw_only=True)
class GatheringOptions:
    """What to gather.

    Attributes:
        by: attributes to group by, besides metric and unit.
        lost: whether lost samples count as +infinity in quantiles.
        kinds: what metrics are, where records do not say it, each as `METRIC=KIND`.
        sides: by name, the ids of the sessions of each side of a comparison.
        wants: which figures: of groups, of windows of time, of sessions.
    """

    by: Sequence[str] = ()
    lost: Literal["exclude", "infinite"] = "exclude"
    kinds: Sequence[str] = ()
    sides: Mapping[str, frozenset[str]] = field(default_factory=dict)
    wants: frozenset[Want] = frozenset({"groups", "windows", "sessions"})


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What a report shows of rows; figures are rows of `pipeline statistics`, as dicts.

    Attributes:
        by: names of the columns that groups are made by.
        kinds: what metrics are, by name.
        aggregates: metrics whose values stand for many samples.
        window: length of windows from each session's start, as text; None where there are none.
        window_seconds: the same.
        first_window: number of the first one.
        windows: how many there may be.
        groups: a row each, with the quantiles of `CURVE`.
        over_time: a row for each group and window.
        cells: by metric, unit and further columns.
        heatmaps_left_out: groups without cells.
        sessions: a row for each shown session, metric, unit and group.
        shown: the sessions that are shown one by one.
        sides: of each side of a comparison, a row for each metric and unit.
        rows: how many were read.
    """

    by: tuple[str, ...]
    kinds: Mapping[str, Kind]
    aggregates: frozenset[str]
    window: str | None
    window_seconds: int
    first_window: int
    windows: int
    groups: list[Row]
    over_time: list[Row]
    cells: Mapping[tuple[Any, ...], Cells]
    heatmaps_left_out: int
    sessions: list[Row]
    shown: tuple[Session, ...]
    sides: Mapping[str, list[Row]]
    rows: int

    def is_counter(self, metric: str) -> bool:
        """Whether a metric only grows, so that its level says nothing."""
        return self.kinds.get(metric) == "counter"


def shown_sessions(sessions: Sequence[Session]) -> tuple[Session, ...]:
    """Choose sessions to be shown one by one: all, or so many at equal distances, the first and the last among them."""
    if len(sessions) <= MAX_SESSIONS:
        return tuple(sessions)
    last = len(sessions) - 1
    return tuple(sessions[at * last // (MAX_SESSIONS - 1)] for at in range(MAX_SESSIONS))


def gather(
    selected: Selected,
    options: GatheringOptions,
    *,
    temporary_directory: Path,
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
    ahead: bool = True,
    on_batch: Callable[[pa.RecordBatch], None] | None = None,
) -> Gathered:
    """Read the selected rows once, and gather what a report shows of them.

    Args:
        selected: the rows; times of their sessions are known.
        options: what to gather.
        temporary_directory: where groups and values may spill.
        budget_bytes: memory of each kind of figures.
        ahead: scan in a thread of its own.
        on_batch: is shown every batch, for progress.

    Raises:
        SourceError: the rows cannot be read, or an attribute of `by` does not exist.
        UsageError: it cannot be grouped by.
    """
    sessions = selected.sessions
    schema = selected.scan.schema
    facts = [session.metric_facts for session in sessions]
    by = tuple(dict.fromkeys(options.by))
    asked = StatisticsOptions(by=by, lost=options.lost, kinds=tuple(options.kinds))
    kinds = {**recorded_kinds(facts), **asked.known_kinds}
    first, count, window = _windows_of(sessions, TICKS_PER_SECOND[selected.scan.timestamp_unit])
    window_text = window if count > 1 and "windows" in options.wants else None

    def aggregation(
        *, pooled: bool, window: str | None = None, quantiles: Sequence[str] = (), of: Sequence[Session] = sessions
    ) -> Aggregation:
        return Aggregation(
            schema,
            [session.session_id for session in of],
            StatisticsOptions(
                by=by,
                lost=options.lost,
                known_kinds=kinds,
                pooled=pooled,
                window=window,
                window_origin="session" if window else "epoch",
                quantiles=quantiles,
            ),
            starts=[session.started_at for session in of],
            temporary_directory=temporary_directory,
            budget_bytes=budget_bytes,
        )

    shown = shown_sessions(sessions)
    of_groups = aggregation(pooled=True, quantiles=CURVE) if "groups" in options.wants else None
    of_windows = aggregation(pooled=True, window=window_text) if window_text else None
    of_sessions = aggregation(pooled=False, of=shown) if "sessions" in options.wants else None
    of_sides = {name: aggregation(pooled=True, quantiles=CURVE) for name in options.sides}
    seconds = _seconds(window)
    cells = CellCounts(
        ["metric", "unit", *by],
        first_window=first,
        windows=count,
        window_ticks=seconds * TICKS_PER_SECOND[selected.scan.timestamp_unit],
        most=_MAX_CELLS,
    )
    starts = {session.session_id: session.started_at for session in sessions}
    ids = {session.session_id for session in shown}
    columns = aggregation(pooled=True).columns
    scanned = selected.batches(columns)
    rows = 0
    with (
        phase("reading", selected.row_count) as reading,
        ScannedAhead(scanned) if ahead else nullcontext(scanned) as batches,
    ):
        for batch in batches:
            rows += batch.num_rows
            session_id = batch.column("session_id")[0].as_py()
            for one in (of_groups, of_windows, of_sessions if session_id in ids else None):
                if one is not None:
                    one.add(batch)
            for name, side in of_sides.items():
                if session_id in options.sides[name]:
                    side.add(batch)
            if of_windows is not None:
                cells.add(batch, starts[session_id])
            reading.add(batch.num_rows)
            if on_batch is not None:
                on_batch(batch)

    return Gathered(
        by=by,
        kinds=kinds,
        aggregates=frozenset(name for one in facts for name, fact in one.items() if fact.is_aggregate),
        window=window_text,
        window_seconds=seconds,
        first_window=first,
        windows=count,
        groups=_rows(of_groups, by),
        over_time=_rows(of_windows, by),
        cells=cells.cells(),
        heatmaps_left_out=len(cells.left_out),
        sessions=_rows(of_sessions, by),
        shown=shown,
        sides={name: _rows(one, by) for name, one in of_sides.items()},
        rows=rows,
    )


def _rows(of: Aggregation | None, by: Sequence[str]) -> list[Row]:
    if of is None:
        return []
    found: Iterable[pa.RecordBatch] = of.statistics(4_096)
    rows: list[Row] = [row for batch in found for row in _without_times(batch).to_pylist()]
    for name in by:
        for row in rows:
            if row[name] != row[name]:  # NaN: one object of it equals itself where it is part of a key
                row[name] = math.nan
    return rows


def _without_times(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.drop_columns(["first_timestamp", "last_timestamp"])


def _windows_of(sessions: Sequence[Session], ticks_per_second: int) -> tuple[int, int, str]:
    """Choose windows from each session's start that hold all rows: the first one, how many there are, their length."""
    times = [
        (one.first_timestamp - one.started_at, one.last_timestamp - one.started_at)
        for one in sessions
        if one.first_timestamp is not None and one.last_timestamp is not None
    ]
    if not times:
        return 0, 1, "1s"
    low, high = min(first for first, _ in times), max(last for _, last in times)
    for letter, number in _WINDOWS:
        length = number * _SECONDS[letter] * ticks_per_second
        first, last = low // length, high // length
        if last - first < MAX_WINDOWS:
            break
    return first, last - first + 1, f"{number}{letter}"


def _seconds(window: str) -> int:
    return int(window[:-1]) * _SECONDS[window[-1]]
