"""Reads CSV as our writer writes it, a block of whole rows at a time, with pyarrow's parser."""

from __future__ import annotations

import re
from contextlib import closing
from functools import partial
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.runtime.threads import in_order
from pipeline.verify.errors import ReadBackError
from pipeline.verify.values import PARSERS, PYTHON_BYTES, batch_of_values

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

BLOCK_BYTES = 1 << 20  # pyarrow holds several times as much of each
_FIELDS = {
    delimiter: re.compile(rb'(?:"((?:[^"]|"")*+)"|([^"%s\n]*+))([%s\n])' % (delimiter, delimiter))
    for delimiter in (b",", b";")
}
_QUOTE, _LINE_FEED = b'"\n'
_ROW_NUMBER = re.compile(r"Row #\d+: ")


def read_csv(
    stream: IO[bytes], schema: pa.Schema, *, is_spreadsheet: bool, delimiter: str = ","
) -> Generator[pa.RecordBatch, None, None]:
    """Read the rows.

    Args:
        stream: the text.
        schema: the columns and their types.
        is_spreadsheet: it is of the variant that puts signs before text: nothing but the number of rows is looked at.
        delimiter: what stands between fields.

    Raises:
        ReadBackError: it does not end with a line feed, or lacks a header.
        pa.ArrowInvalid: rows cannot be read.
    """
    blocks = csv_blocks(stream)
    header = next(blocks, None)
    if header is None:
        raise ReadBackError("is empty, without a header")
    parse = partial(_parse, schema=schema, is_spreadsheet=is_spreadsheet, delimiter=delimiter)
    yield from parse(header, has_header=True)
    with closing(in_order(parse, blocks, threads=PARSERS)) as parsed:
        for batches in parsed:
            yield from batches


def csv_blocks(stream: IO[bytes]) -> Iterator[bytearray]:
    """Cut a stream behind line feeds that end a row: an even number of quotes stands before those."""
    waiting = bytearray()
    is_quoted = False
    while block := stream.read(BLOCK_BYTES):
        end = _end_of_rows(block, is_quoted=is_quoted)
        is_quoted ^= block.count(b'"') % 2 == 1
        if end:
            waiting += memoryview(block)[:end]
            yield waiting
            waiting = bytearray(memoryview(block)[end:])
        else:
            waiting += block
    if waiting:
        raise ReadBackError("does not end with a line feed")


def _end_of_rows(block: bytes, *, is_quoted: bool) -> int:
    """Find the end of the last row that ends in a block, 0 where none does; `is_quoted` says how it begins."""
    end = block.rfind(b"\n") + 1
    if not end or block.count(b'"', 0, end) % 2 == is_quoted:
        return end
    text = np.frombuffer(block, np.uint8)
    outside = np.bitwise_xor.accumulate(text == _QUOTE) == is_quoted
    ends = np.flatnonzero((text == _LINE_FEED) & outside)
    return int(ends[-1]) + 1 if len(ends) else 0


def _parse(
    rows: bytearray, *, schema: pa.Schema, is_spreadsheet: bool, delimiter: str, has_header: bool = False
) -> list[pa.RecordBatch]:
    import pyarrow.csv as pv  # noqa: PLC0415 - only where it is used

    if len(rows) > PYTHON_BYTES:
        return list(
            _parse_large(rows, schema, is_spreadsheet=is_spreadsheet, delimiter=delimiter, has_header=has_header)
        )
    # In memory of Arrow's own: its threads let go of it when they like, and must not need the interpreter for it.
    text = pa.allocate_buffer(len(rows))
    memoryview(text).cast("B")[:] = rows
    kinds = pa.binary() if is_spreadsheet else None
    try:
        table = pv.read_csv(
            pa.BufferReader(text),
            pv.ReadOptions(use_threads=False, block_size=len(rows), column_names=None if has_header else schema.names),
            pv.ParseOptions(delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False),
            pv.ConvertOptions(
                column_types={field.name: kinds or field.type for field in schema},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        # It counts the rows of the block.
        raise ReadBackError(_ROW_NUMBER.sub("", str(error))) from error
    if is_spreadsheet:
        return [pa.RecordBatch.from_arrays([pa.nulls(table.num_rows, f.type) for f in schema], schema=schema)]
    batches: list[pa.RecordBatch] = table.to_batches()
    return batches or [pa.RecordBatch.from_arrays([pa.nulls(0, c.type) for c in table.columns], schema=table.schema)]


def _parse_large(
    rows: bytearray, schema: pa.Schema, *, is_spreadsheet: bool, delimiter: str, has_header: bool
) -> Iterator[pa.RecordBatch]:
    """Parse rows that are larger than pyarrow's parser can hold, in Python, one at a time."""
    at, between = 0, delimiter.encode()
    while at < len(rows):
        values: list[Any] = []
        end = between
        while end == between:
            field = _FIELDS[between].match(rows, at)
            if field is None:
                raise ReadBackError("holds a row that does not end as it should")
            quoted, bare, end = field.groups()
            values.append((bare or None) if quoted is None else quoted.replace(b'""', b'"'))
            at = field.end()
        if has_header:
            has_header = False
            if not is_spreadsheet and values != [name.encode() for name in schema.names]:
                raise ReadBackError(f"does not begin with the columns {schema.names}")
            continue
        if len(values) != len(schema):
            raise ReadBackError(f"has a row of {len(values)} fields, not {len(schema)}")
        if is_spreadsheet:
            values = [None] * len(schema)
        row = {name: None if v is None else v.decode() for name, v in zip(schema.names, values, strict=True)}
        yield batch_of_values([row], schema)
