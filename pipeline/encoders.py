"""Text of a record batch, one plain function per format, without any state; docs/formats.md has the text forms.

The compiled part does the work. Writers that encode batch after batch use its `TextBuffer` themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.model.arrays import from_strings
from pipeline.native import TextBuffer

if TYPE_CHECKING:
    from pipeline.native import ArrowBatch


def encode_ndjson(batch: ArrowBatch) -> bytes:
    r"""One line per row, each ended by `\n`, keys in column order, nulls written out."""
    return bytes(TextBuffer().ndjson(batch))


def encode_json_rows(batch: ArrowBatch) -> bytes:
    r"""Rows of a JSON array, with `,\n` between them and nothing around them."""
    return bytes(TextBuffer().ndjson(batch, as_array=True))


def encode_csv(batch: ArrowBatch, *, spreadsheet: bool = False) -> bytes:
    r"""One line per row, each ended by `\n`.

    Args:
        batch: the rows.
        spreadsheet: put `'` before text that a spreadsheet would take for a formula.
    """
    return bytes(TextBuffer().csv(batch, spreadsheet=spreadsheet))


def encode_csv_header(schema: pa.Schema, *, spreadsheet: bool = False) -> bytes:
    """Line of the column names, which are text like any other."""
    names = pa.record_batch([from_strings([name]) for name in schema.names], names=schema.names)
    return encode_csv(names, spreadsheet=spreadsheet)
