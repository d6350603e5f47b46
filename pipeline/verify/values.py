"""What the readers of this room share: their sizes, and batches of what Python has parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BLOCK_BYTES = 2 << 20
PARSERS = 2
PYTHON_BYTES = 1 << 30
"""Blocks of text that are larger, as they hold a larger row, are parsed by Python: engines count in 32 bits."""
_TEXT_BYTES = 2**31 - 1


def batch_of_values(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Make a batch of plain values by column, times as ticks; other types may be given as text, as JSON and CSV do."""
    columns = [_array([row[field.name] for row in rows], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if kind != pa.string() and any(isinstance(value, str) for value in values):
        return pa.array([None if value is None else str(value) for value in values], pa.string()).cast(kind)
    return pa.array(values, pa.int64()).view(kind) if pa.types.is_timestamp(kind) else pa.array(values, kind)


def with_short_offsets(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Give large strings as strings, in as many batches as they need: one holds 2 GiB of each column's text."""
    large = [column for column in batch.columns if pa.types.is_large_string(column.type)]
    if batch.num_rows > 1 and any(np.diff(_span(column))[0] > _TEXT_BYTES for column in large):
        half = batch.num_rows // 2
        yield from with_short_offsets(batch.slice(0, half))
        yield from with_short_offsets(batch.slice(half))
        return
    columns = [_short(column) if pa.types.is_large_string(column.type) else column for column in batch.columns]
    yield pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _span(column: pa.Array) -> list[int]:
    """Where the text of a column of large strings begins and ends."""
    ends = np.frombuffer(column.buffers()[1], np.int64) if len(column) else np.zeros(1, np.int64)
    return [int(ends[column.offset]), int(ends[column.offset + len(column)])] if len(column) else [0, 0]


def _short(column: pa.Array) -> pa.Array:
    if not len(column):
        return pa.nulls(0, pa.string())
    start, stop = _span(column)
    validity, ends, text = column.buffers()
    offsets = np.frombuffer(ends, np.int64)[: column.offset + len(column) + 1] - start
    short = pa.py_buffer(np.maximum(offsets, 0).astype(np.int32))
    return pa.Array.from_buffers(
        pa.string(), len(column), [validity, short, text and text.slice(start, stop - start)], offset=column.offset
    )
