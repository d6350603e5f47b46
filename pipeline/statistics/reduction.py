"""Statistics of groups out of partitions: each aggregated by itself, then all in the order of one aggregation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.model.columns import plain_schema
from pipeline.statistics.aggregation import DEFAULT_BUDGET_BYTES, Aggregation, statistics_schema
from pipeline.statistics.partitions import rows_of_partition, windows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.statistics.options import StatisticsOptions

_WAITING_ROWS = 32_768


def reduce_partition(
    files: Iterable[Path],
    partition: int,
    measurements: pa.Schema,
    options: StatisticsOptions,
    *,
    batch_size: int,
    temporary_directory: Path,
    starts: Sequence[int] = (),
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
) -> Iterator[pa.RecordBatch]:
    """Aggregate the rows of a partition, which are read once, before anything is given.

    Args:
        files: what `PartitionedRows` wrote, in the order of their sessions.
        partition: its number.
        measurements: schema of the rows.
        options: what to aggregate, over all sessions.
        batch_size: rows of a batch of statistics, at most.
        temporary_directory: where groups and values may spill.
        starts: when each of all sessions starts, for windows that begin there.
        budget_bytes: memory for them.

    Returns:
        the statistics in the order of `aggregate`, strings as strings.

    Raises:
        SourceError: a file is not as it was written.
        OSError: a file cannot be read.
        DestinationError: a temporary file cannot be written or read.
    """
    aggregation = Aggregation(
        measurements,
        (),
        options,
        starts=starts,
        temporary_directory=temporary_directory,
        budget_bytes=budget_bytes,
    )
    for file in files:
        for session, rows in rows_of_partition(file, partition):
            aggregation.add(rows, session=session)
    plain = plain_schema(aggregation.schema)
    return (batch.cast(plain) for batch in aggregation.statistics(batch_size))


def check_windows(first: int, last: int, measurements: pa.Schema, options: StatisticsOptions) -> None:
    """Check the windows of all rows.

    Args:
        first: the first of their times, in ticks.
        last: the last.
        measurements: schema of the rows.
        options: what is aggregated.

    Raises:
        SourceError: a window reaches beyond the times that can be counted.
    """
    windows = windows_of(options, measurements)
    if windows is not None and not options.is_from_start:
        windows.starts(np.array([first, last], np.int64))
        windows.check()


def in_order(
    partitions: Sequence[Iterable[pa.RecordBatch]],
    measurements: pa.Schema,
    options: StatisticsOptions,
    *,
    waiting_rows: int = _WAITING_ROWS,
) -> Iterator[pa.RecordBatch]:
    """Merge the statistics of partitions.

    Args:
        partitions: what `reduce_partition` gave of each.
        measurements: schema of the rows.
        options: what was aggregated.
        waiting_rows: how many groups of all partitions are held, about; batches that are larger are held whole.

    Yields:
        batches in the order, and with the schema, of `aggregate`.
    """
    schema = statistics_schema(options, measurements)
    keys = [*options.group_columns(measurements), *options.window_columns[:1]]
    each = max(1, waiting_rows // max(1, len(partitions)))
    streams = [_Stream(batches) for batches in partitions]
    while waiting := [stream for stream in streams if stream.fill(each)]:
        held = pa.concat_tables([stream.rows() for stream in waiting]).combine_chunks()
        ends = np.cumsum([stream.count for stream in waiting])
        order = _sorted_places(held, keys)
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order))
        # A stream that goes on may have more behind its last row, so nothing behind that one comes before it.
        limits = [ranks[end - 1] + 1 for stream, end in zip(waiting, ends, strict=True) if not stream.is_over]
        taken = order[: min(limits, default=len(order))]
        for stream, end in zip(waiting, ends, strict=True):
            stream.drop(int(((taken >= end - stream.count) & (taken < end)).sum()))
        for batch in held.take(pa.array(taken)).combine_chunks().to_batches():
            columns = [
                column.dictionary_encode() if pa.types.is_dictionary(field.type) else column
                for column, field in zip(batch.columns, schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


class _Stream:
    """Batches that are read when their rows are asked for."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = iter(batches)
        self._waiting: list[pa.RecordBatch] = []
        self.count = 0
        self.is_over = False

    def fill(self, rows: int) -> int:
        """Hold so many rows, if there are; gives how many it holds."""
        while self.count < rows and not self.is_over:
            batch = next(self._batches, None)
            if batch is None:
                self.is_over = True
            else:
                self._waiting.append(batch)
                self.count += batch.num_rows
        return self.count

    def rows(self) -> pa.Table:
        return pa.Table.from_batches(self._waiting)

    def drop(self, rows: int) -> None:
        """Hold the first rows no longer."""
        self.count -= rows
        while self._waiting and rows >= self._waiting[0].num_rows:
            rows -= self._waiting.pop(0).num_rows
        if rows:
            self._waiting[0] = self._waiting[0].slice(rows)


def _sorted_places(rows: pa.Table, keys: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Order rows by their keys: strings by their UTF-8, NaN behind all numbers, null behind all that is there."""
    import pyarrow.compute as pc  # noqa: PLC0415 - slow to load, and not needed where there is one aggregation

    order = pc.sort_indices(rows, sort_keys=[(name, "ascending", "at_end") for name in keys])
    return np.asarray(order.to_numpy(), np.int64)
