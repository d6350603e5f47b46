"""Cutting streams of record batches: to a fixed size, by session, into parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def regroup(batches: Iterable[pa.RecordBatch], schema: pa.Schema, rows: int) -> Iterator[pa.Table]:
    """Gather batches into tables of exactly `rows` rows, the last one excepted: the same for any batch size."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        rest = batch
        while count + rest.num_rows >= rows:
            waiting.append(rest.slice(0, rows - count))
            yield _one_table(waiting, schema)
            rest = rest.slice(rows - count)
            waiting, count = [], 0
        if rest.num_rows:
            waiting.append(rest)
            count += rest.num_rows
    if count:
        yield _one_table(waiting, schema)


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
