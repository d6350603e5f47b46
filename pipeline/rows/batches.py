"""Cutting streams of record batches: to a fixed size, by session, into parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa

from pipeline.model.arrays import from_places, is_null, is_text, places, text_lengths
from pipeline.native import taken_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from pipeline.model.arrays import Integers

Item = TypeVar("Item")

GROUP_BYTES = 16_000_000
"""Bytes of text at which a group of rows ends, however few they are."""
BATCH_BYTES = 8_000_000
"""Bytes at which a batch ends, however few its rows are; one row may be larger."""
_UNCUT_BYTES = 4 * BATCH_BYTES
_FIRST_ROWS = 4_096


def regroup(batches: Iterable[pa.RecordBatch], schema: pa.Schema, rows: int) -> Iterator[pa.Table]:
    """Gather batches into tables that are the same however the batches are cut.

    Args:
        batches: the rows.
        schema: their schema, strings as strings.
        rows: rows of a table; fewer where their text reaches `GROUP_BYTES`, and in the last one.
    """
    return (as_table(group, schema) for group in gathered(batches, rows))


def gathered(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[list[pa.RecordBatch]]:
    """Gather batches into groups of rows that are the same however the batches are cut.

    Args:
        batches: the rows.
        rows: rows of a group; fewer where their text reaches `GROUP_BYTES`, and in the last one.
    """
    waiting: list[pa.RecordBatch] = []
    count = size = 0  # of what waits; the size may be more than it is, never less
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            part = batch.slice(start, rows - count)
            added = text_bound(part)
            if size + added >= GROUP_BYTES:
                size = sum(int(text_sizes(one).sum()) for one in waiting)
                ends = np.cumsum(text_sizes(part))
                # The row that reaches the limit is the last of its group.
                part = part.slice(0, int(np.searchsorted(ends, GROUP_BYTES - size)) + 1)
                added = int(ends[part.num_rows - 1])
            waiting.append(part)
            start += part.num_rows
            count += part.num_rows
            size += added
            if count == rows or size >= GROUP_BYTES:
                full = [waiting]
                waiting, count, size = [], 0, 0
                yield full.pop()  # it is not kept here while it is used
    if count:
        yield waiting


def may_be_full(group: Sequence[pa.RecordBatch], rows: int) -> bool:
    """Whether a group of `gathered` may be other than the last one."""
    return sum(batch.num_rows for batch in group) >= rows or sum(map(text_bound, group)) >= GROUP_BYTES


def text_bound(batch: pa.RecordBatch) -> int:
    """Bound the bytes of text from above, without a look at each row."""
    size = 0
    for column in batch.columns:
        if _is_coded_text(column):
            size += batch.num_rows * int(text_lengths(column.dictionary).max())
        elif is_text(column.type):
            size += int(text_lengths(column).sum())
    return size


def _is_coded_text(column: pa.Array) -> bool:
    return pa.types.is_dictionary(column.type) and is_text(column.type.value_type) and len(column.dictionary) > 0


def text_sizes(batch: pa.RecordBatch) -> Integers:
    """Count the bytes of the texts of each row, those of dictionaries written out."""
    sizes = np.zeros(batch.num_rows, np.int64)
    for column in batch.columns:
        if _is_coded_text(column):
            lengths = text_lengths(column.dictionary)
            sizes += np.where(is_null(column), 0, lengths[np.clip(places(column), 0, len(lengths) - 1)])
        elif is_text(column.type):
            sizes += np.where(is_null(column), 0, text_lengths(column))
    return sizes


def cut_by_text(batch: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch so that rows of large texts do not multiply where they are written out or encoded.

    Args:
        batch: of sound arrays.
        rows: rows of a part, at most; one whose texts are much larger than `BATCH_BYTES` ends there, with one row at
            least.
    """
    for start in range(0, batch.num_rows, rows):
        part = batch.slice(start, rows)
        if text_bound(part) <= _UNCUT_BYTES:
            yield part
            continue
        ends = np.cumsum(text_sizes(part))
        at = 0
        while at < part.num_rows:
            before = int(ends[at - 1]) if at else 0
            after = max(at + 1, int(np.searchsorted(ends, before + BATCH_BYTES, side="right")))
            yield part.slice(at, after - at)
            at = after


def as_table(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """Put batches into one table of a schema; its dictionaries hold each text once, as the rows first have them."""
    return pa.table(
        [_one_array([batch.column(at) for batch in batches], field.type) for at, field in enumerate(schema)],
        schema=schema,
    )


def _one_array(parts: list[pa.Array], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        whole = pa.chunked_array([part.cast(kind) if part.type != kind else part for part in parts])
        return _in_order_of_rows(whole.unify_dictionaries().combine_chunks())
    return pa.concat_arrays([part if part.type == kind else part.cast(kind) for part in parts])


def _in_order_of_rows(encoded: pa.DictionaryArray) -> pa.DictionaryArray:
    if len(encoded.dictionary) == 1 and len(encoded) and not encoded.null_count:
        return encoded
    distinct = len(encoded.dictionary)
    absent = is_null(encoded.indices)
    codes = places(encoded)
    order = _as_they_appear(codes[~absent] if absent.any() else codes, distinct)
    if np.array_equal(order, np.arange(distinct)):
        return encoded
    ranks = np.zeros(distinct + 1, np.int32)  # one more: there is one where there is no text at all
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return from_places(ranks[np.where(absent, distinct, codes)], taken_texts(encoded.dictionary, order), absent)


def _as_they_appear(codes: NDArray[np.int32], distinct: int) -> NDArray[np.int64]:
    """Order codes as they first come; mostly all of them are among the first."""
    found = firsts = np.empty(0, np.int64)
    for rows in (codes[:_FIRST_ROWS], codes):
        firsts = np.full(distinct, len(codes))
        firsts[rows[::-1]] = np.arange(len(rows))[::-1]  # what is written last stays
        found = np.flatnonzero(firsts < len(codes))
        if len(found) == distinct:
            break
    return found[np.argsort(firsts[found])]


def select_columns(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    """Give columns of a batch in an order; a batch that is so already is given as it is, which costs less."""
    return batch if batch.schema.names == list(names) else batch.select(list(names))


def taken(items: list[Item]) -> Iterator[Item]:
    """Take the items out of a list, the last one first, so that none is kept longer than it is used."""
    while items:
        yield items.pop()


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


def parts(batches: Iterable[pa.RecordBatch], rows: int | None) -> Iterator[tuple[int, Iterator[pa.RecordBatch]]]:
    """Cut a stream into parts of so many rows, numbered from 1; without rows there is one part without rows."""
    waiting = Peekable(batches)
    part = 1
    yield part, first_rows(waiting, rows)
    while rows is not None and waiting.peek() is not None:
        part += 1
        yield part, first_rows(waiting, rows)


def counted(
    batches: Iterable[pa.RecordBatch], total: int, on_progress: Callable[[int, int], None] | None
) -> Iterator[pa.RecordBatch]:
    """Pass batches on, and tell how many rows have passed.

    Args:
        batches: the rows.
        total: how many there are, 0 where nobody knows.
        on_progress: is told both.
    """
    done = 0
    for batch in batches:
        done += batch.num_rows
        if on_progress is not None:
            on_progress(done, total)
        yield batch
