"""Cutting streams of record batches: to a fixed size, by session, into parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.arrays import integers, is_null, places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.arrays import Integers


GROUP_BYTES = 64_000_000
"""Bytes of text at which a group of rows ends, however few they are."""


def regroup(batches: Iterable[pa.RecordBatch], schema: pa.Schema, rows: int) -> Iterator[pa.Table]:
    """Gather batches into tables that are the same however the batches are cut.

    Args:
        batches: the rows.
        schema: their schema, strings as strings.
        rows: rows of a table; fewer where their text reaches `GROUP_BYTES`, and in the last one.
    """
    waiting: list[pa.RecordBatch] = []
    count = size = 0
    for batch in batches:
        ends = _text_ends(batch)
        start = 0
        while start < batch.num_rows:
            before = int(ends[start - 1]) if start else 0
            # The row that reaches the limit is the last of its table.
            full = int(np.searchsorted(ends, before + GROUP_BYTES - size)) + 1
            stop = min(batch.num_rows, start + rows - count, max(full, start + 1))
            waiting.append(batch.slice(start, stop - start))
            count += stop - start
            size += int(ends[stop - 1]) - before
            start = stop
            if count == rows or size >= GROUP_BYTES:
                yield _one_table(waiting, schema)
                waiting, count, size = [], 0, 0
    if count:
        yield _one_table(waiting, schema)


def _text_ends(batch: pa.RecordBatch) -> Integers:
    """Add up the bytes of text from row to row."""
    sizes = np.zeros(batch.num_rows, np.int64)
    for column in batch.columns:
        if pa.types.is_dictionary(column.type) and len(column.dictionary):
            lengths = integers(pc.binary_length(column.dictionary).cast(pa.int64()))
            sizes += np.where(is_null(column), 0, lengths[np.clip(places(column), 0, len(lengths) - 1)])
        elif pa.types.is_string(column.type):
            lengths = pc.binary_length(column).cast(pa.int64())
            sizes += np.where(is_null(column), 0, integers(lengths))
    return np.cumsum(sizes)


def _one_table(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    arrays = [
        pa.concat_arrays([batch.column(at).cast(field.type) for batch in batches]) for at, field in enumerate(schema)
    ]
    return pa.table(arrays, schema=schema)


class Peekable:
    """An iterator of batches that can tell which batch comes next."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = iter(batches)
        self._waiting: list[pa.RecordBatch] = []

    def peek(self) -> pa.RecordBatch | None:
        """Show the next batch that has rows, None at the end."""
        while not self._waiting:
            batch = next(self._batches, None)
            if batch is None:
                return None
            if batch.num_rows:
                self._waiting.append(batch)
        return self._waiting[-1]

    def take(self, rows: int) -> pa.RecordBatch:
        """Take rows of the next batch, as many as there are up to `rows`; `peek` has shown that there are some."""
        batch = self._waiting.pop()
        if batch.num_rows > rows:
            self._waiting.append(batch.slice(rows))
        return batch.slice(0, rows)


def of_session(batches: Peekable, session_id: str) -> Iterator[pa.RecordBatch]:
    """Take the batches of one session, which come next if there are any; each batch is of one session."""
    while (batch := batches.peek()) is not None and batch.column("session_id")[0].as_py() == session_id:
        yield batches.take(batch.num_rows)


def first_rows(batches: Peekable, rows: int | None) -> Iterator[pa.RecordBatch]:
    """Take the next batches, up to a number of rows in all."""
    left = rows
    while (batch := batches.peek()) is not None and left != 0:
        taken = batches.take(batch.num_rows if left is None else left)
        left = None if left is None else left - taken.num_rows
        yield taken
