"""Text of a record batch, one plain function per format, without any state; docs/formats.md has the text forms.

The compiled part does the work. Writers that encode batch after batch use its `TextBuffer` themselves.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.disk.durable import PAGE_BYTES
from pipeline.model.arrays import from_strings
from pipeline.native import TextBuffer
from pipeline.runtime.threads import REUSED_BUFFERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipeline.native import ArrowBatch

_FIRST_ROWS = 4_096
_CACHED_BYTES = 1_700_000


def encode_ndjson(batch: ArrowBatch) -> bytes:
    r"""One line per row, each ended by `\n`, keys in column order, nulls written out."""
    return bytes(TextBuffer().ndjson(batch))


def encode_json_rows(batch: ArrowBatch) -> bytes:
    r"""Rows of a JSON array, with `,\n` between them and nothing around them."""
    return bytes(TextBuffer().ndjson(batch, as_array=True))


def encode_csv(batch: ArrowBatch, *, spreadsheet: bool = False, delimiter: str = ",") -> bytes:
    r"""One line per row, each ended by `\n`.

    Args:
        batch: the rows.
        spreadsheet: keep text that a spreadsheet program would take for something else.
        delimiter: what stands between fields.
    """
    return bytes(TextBuffer().csv(batch, spreadsheet=spreadsheet, delimiter=delimiter))


def encode_csv_header(schema: pa.Schema, *, spreadsheet: bool = False, delimiter: str = ",") -> bytes:
    """Line of the column names, which are text like any other."""
    names = pa.record_batch([from_strings([name]) for name in schema.names], names=schema.names)
    return encode_csv(names, spreadsheet=spreadsheet, delimiter=delimiter)


def encoded(
    batches: Iterable[pa.RecordBatch],
    encode: Callable[[TextBuffer, pa.RecordBatch], memoryview],
    *,
    begin: bytes = b"",
    separators: Iterator[bytes] | None = None,
) -> Iterator[memoryview]:
    """Encode batches in pieces whose text stays in the processor's cache until it is hashed and written.

    A piece ends where a page of the file does, so that it can be written as it lies in memory; what is left over is
    carried into the next one.

    Args:
        batches: the rows.
        encode: adds the text of rows to a buffer, and gives all that it holds. Buffers take turns: what is written
            behind must stay as it is.
        begin: what stands before the first rows.
        separators: what stands before the first rows and between those that are encoded at a time; nothing by default.
    """
    from pipeline.native import TextBuffer  # noqa: PLC0415 - the table of formats is needed without it

    buffers = [TextBuffer()]  # more where there is more text than one holds
    turn = count(1)
    buffer = buffers[0]
    rows = _FIRST_ROWS
    carried = begin
    for batch in batches:
        at = 0
        while at < batch.num_rows:
            piece = batch.slice(at, rows)
            before = carried + (next(separators) if separators else b"")
            buffer.start(before)
            text = encode(buffer, piece)
            whole = len(text) - len(text) % PAGE_BYTES
            carried = bytes(text[whole:])
            if whole:
                yield text[:whole]
                at_turn = next(turn) % REUSED_BUFFERS
                if at_turn == len(buffers):
                    buffers.append(TextBuffer())
                buffer = buffers[at_turn]  # not before: each write has a buffer of its own
            at += piece.num_rows
            rows = max(_CACHED_BYTES * piece.num_rows // max(len(text) - len(before), 1), 1)
    yield memoryview(carried)
