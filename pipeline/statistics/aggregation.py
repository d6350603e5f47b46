"""Statistics of groups of measurements; docs/statistics.md defines each figure."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.errors import DestinationError
from pipeline.model.arrays import from_numbers, from_places, from_strings, integers
from pipeline.model.columns import with_repeated
from pipeline.model.timestamps import TICKS_PER_SECOND
from pipeline.native import GroupedValues
from pipeline.statistics.kinds import CounterRates, without_meaning
from pipeline.statistics.options import TIME_FIGURES, StatisticsOptions
from pipeline.statistics.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pipeline.model.arrays import Integers
    from pipeline.model.columns import TimestampUnit
    from pipeline.native import GroupFigures

DEFAULT_BUDGET_BYTES = 12_000_000


def statistics_schema(options: StatisticsOptions, measurements: pa.Schema) -> pa.Schema:
    """Schema of what `aggregate` gives: that of the statistics, with strings as dictionaries."""
    schema = options.schema(measurements)
    return with_repeated(schema, [field.name for field in schema if pa.types.is_string(field.type)])


def aggregate(
    read: Callable[[Sequence[str]], Iterator[pa.RecordBatch]],
    measurements: pa.Schema,
    session_ids: Sequence[str],
    options: StatisticsOptions,
    *,
    batch_size: int,
    temporary_directory: Path,
    starts: Sequence[int] = (),
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
    threads: int = 1,
) -> Iterator[pa.RecordBatch]:
    """Aggregate rows, which are read once, before anything is given.

    Args:
        read: gives the batches of the wanted columns, of one session each.
        measurements: schema of the rows.
        session_ids: all sessions in order; groups come in this order.
        options: what to aggregate.
        batch_size: rows of a batch of statistics, at most.
        temporary_directory: where groups and values may spill.
        starts: when each session starts, for windows that begin there.
        budget_bytes: memory for them.
        threads: how many find figures, when all rows have been read.

    Returns:
        the statistics, ordered by session, metric, unit, further columns and window.
    """
    aggregation = Aggregation(
        measurements,
        session_ids,
        options,
        starts=starts,
        temporary_directory=temporary_directory,
        budget_bytes=budget_bytes,
        threads=threads,
    )
    for batch in read(aggregation.columns):
        aggregation.add(batch)
    return aggregation.statistics(batch_size)


class Aggregation:
    """Groups and their rows, which are added as they pass; figures are asked for once, when all have.

    Attributes:
        columns: those that rows must have, besides session_id where no number of the session is given.
        schema: of the statistics.
    """

    def __init__(
        self,
        measurements: pa.Schema,
        session_ids: Sequence[str],
        options: StatisticsOptions,
        *,
        starts: Sequence[int] = (),
        temporary_directory: Path,
        budget_bytes: int = DEFAULT_BUDGET_BYTES,
        threads: int = 1,
    ) -> None:
        """Start without rows; the arguments are those of `aggregate`."""
        unit: TimestampUnit = measurements.field("timestamp").type.unit
        self._names = [name for name in options.group_columns(measurements) if name != "session_id"]
        self._ordinals = {session_id: at for at, session_id in enumerate(session_ids)}
        self._sessions = from_strings(session_ids)
        self._starts = starts
        self._options = options
        self._directory = temporary_directory
        window = options.parsed_window
        self._windows = Windows(window, options.timezone, unit, of_sessions=options.is_from_start) if window else None
        self._ticks = TICKS_PER_SECOND[unit]
        kinds = [] if options.pooled else [pa.int64()]
        kinds += [measurements.field(name).type for name in self._names]
        kinds += [pa.int64()] if self._windows else []
        groups = partial(
            GroupedValues, kinds, budget_bytes=budget_bytes, directory=temporary_directory, threads=threads
        )
        self._groups = groups(options.quantile_columns, lost_are_infinite=options.lost == "infinite")
        self._rates = CounterRates(options.counters, self._names, groups, self._ticks) if options.counters else None
        self.columns = ["sequence", "timestamp", "value", *self._names]
        self.schema = statistics_schema(options, measurements)

    def add(self, batch: pa.RecordBatch, *, session: int | None = None) -> None:
        """Add rows of one session, all of a session before those of the next.

        Args:
            batch: the rows.
            session: its number in the order of sessions; None looks for the column session_id.

        Raises:
            DestinationError: a temporary file cannot be written.
        """
        if session is None:
            session = self._ordinals[batch.column("session_id")[0].as_py()]
        times, rows = batch.column("timestamp"), batch.num_rows
        by = [] if self._options.pooled else [from_numbers(np.full(rows, session, np.int64), pa.int64())]
        by += [batch.column(name) for name in self._names]
        if self._windows is not None:
            since = self._starts[session] if self._options.is_from_start else 0
            by += [from_numbers(self._windows.starts(integers(times) - since), pa.int64())]
        with _spill_errors(self._directory):
            self._groups.add(by, times, batch.column("sequence"), batch.column("value"), session=session)
            if self._rates is not None:
                self._rates.add(by, batch, session=session)

    def statistics(self, batch_size: int) -> Iterator[pa.RecordBatch]:
        """Give the statistics, in batches of so many rows at most.

        Raises:
            SourceError: a window reaches beyond the times that can be counted.
            DestinationError: a temporary file cannot be written or read.
        """
        if self._windows is not None:
            self._windows.check()
        return self._found(batch_size)

    def _found(self, batch_size: int) -> Iterator[pa.RecordBatch]:
        with _spill_errors(self._directory):
            for found in self._groups.figures(batch_size):
                yield self._batch(found)

    def _batch(self, found: GroupFigures) -> pa.RecordBatch:
        """Put the figures of groups into the columns of the statistics."""
        keys = iter(found.keys)
        columns: dict[str, pa.Array] = {}
        if not self._options.pooled:
            columns["session_id"] = from_places(integers(next(keys)), self._sessions)
        columns |= {name: next(keys) for name in self._names}
        if self._windows is not None:
            columns |= self._window_columns(integers(next(keys)), self._windows)
        absent = without_meaning(columns["metric"], self._options.known_kinds, self.schema.names)
        is_empty = found.integers["count"] == 0
        for name, numbers in found.integers.items():
            columns[name] = from_numbers(numbers, pa.int64(), is_empty if name in TIME_FIGURES else None)
        figures = found.numbers
        if self._rates is not None:
            figures = {**figures, "rate": self._rates.next(columns["metric"])}
        for name, numbers_of in figures.items():
            nothing = np.isnan(numbers_of) | absent[name] if name in absent else np.isnan(numbers_of)
            columns[name] = from_numbers(numbers_of, pa.float64(), nothing)
        arrays = [
            columns[field.name].view(field.type) if pa.types.is_timestamp(field.type) else columns[field.name]
            for field in self.schema
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _window_columns(self, starts: Integers, windows: Windows) -> dict[str, pa.Array]:
        borders = {"window_start": starts, "window_end": windows.ends(starts)}
        if self._options.is_from_start:
            borders = {f"{name}_seconds": ticks // self._ticks for name, ticks in borders.items()}
        return {name: from_numbers(numbers, pa.int64()) for name, numbers in borders.items()}


@contextmanager
def _spill_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DestinationError(f"{directory}: {error}; TMPDIR says where temporary files go") from error
