"""Text of record batches."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from pipeline.native.library import LIBRARY, Buffer, Exported
from pipeline.native.line_protocol import UnwritableError

if TYPE_CHECKING:
    from pipeline.native.library import ArrowBatch
    from pipeline.native.line_protocol import Series

_OK, _NO_MEMORY, _BAD_TYPE, _BAD_YEAR, _BAD_INDEX, _BAD_TEXT, _BAD_TIME = range(7)

_SPARE_BYTES, _MOST_SPARE = 1 << 18, 4
_spare_buffers: list[Buffer] = []
"""Those of small files, which are many: memory that is new to the system costs more than their text."""


class TextBuffer:
    """Encodes batches one after the other into the same memory.

    What `ndjson`, `csv`, `sheet` and `lines` give begins with what was given to `start`, at a page of memory where
    there is such a thing; the next call overwrites it.
    """

    def __init__(self) -> None:
        try:
            self._buffer = _spare_buffers.pop()
        except IndexError:
            self._buffer = Buffer()

    def __del__(self) -> None:
        if self._buffer.capacity <= _SPARE_BYTES and len(_spare_buffers) < _MOST_SPARE:
            _spare_buffers.append(self._buffer)
        else:
            LIBRARY.pipeline_buffer_free(self._buffer)

    def start(self, text: bytes) -> None:
        """Begin with text that stands before the rows that are encoded next."""
        if LIBRARY.pipeline_buffer_start(self._buffer, text, len(text)) != _OK:
            raise MemoryError("no memory for text")

    def ndjson(self, batch: ArrowBatch, *, as_array: bool = False) -> memoryview:
        r"""Encode rows as JSON objects, each ended by a line feed, or with `,\n` between them.

        Raises:
            TypeError: a column's type is not one of the data model.
            ValueError: a time lies outside the years 0001 to 9999.
        """
        return self._encode(LIBRARY.pipeline_encode_ndjson, batch, as_array)

    def csv(
        self, batch: ArrowBatch, *, spreadsheet: bool = False, delimiter: str = ",", decimal: str = "."
    ) -> memoryview:
        """Encode rows as CSV records; the errors are those of `ndjson`.

        Args:
            batch: the rows.
            spreadsheet: keep text that a spreadsheet program would take for a formula, a number or a date.
            delimiter: an ASCII character that stands between fields.
            decimal: the decimal sign, an ASCII character.
        """
        form = spreadsheet | ord(delimiter) << 8 | ord(decimal) << 16
        return self._encode(LIBRARY.pipeline_encode_csv, batch, form)

    def sheet(self, batch: ArrowBatch, *, date_style: int, first_row: int) -> memoryview:
        """Encode rows of a worksheet of an Excel workbook, as XML.

        Times that name no zone become dates where a date holds them, else text; those of a zone become text.

        Args:
            batch: the rows.
            date_style: number of the style of dates in the workbook.
            first_row: number of the first row in the worksheet, from 1.

        Raises:
            UnwritableError: a text has more than the 32,767 characters that a cell holds.
        """
        return self._encode(LIBRARY.pipeline_encode_sheet, batch, date_style, first_row)

    def lines(self, batch: ArrowBatch, series: Series) -> memoryview:
        """Encode rows as InfluxDB line protocol.

        Args:
            batch: the columns metric, timestamp, sequence and value in this order, then those that become tags.
            series: of the session.

        Raises:
            UnwritableError: the format has no text for a value.
        """
        return self._encode(LIBRARY.pipeline_encode_lines, batch, series.handle)

    def _encode(self, function: Any, batch: ArrowBatch, *options: int) -> memoryview:  # noqa: ANN401 - a C function
        exported = Exported(batch)
        row, column = ctypes.c_int64(), ctypes.c_int64()
        status = function(exported.schema, exported.array, self._buffer, *options, row, column)
        size, self._buffer.size = self._buffer.size, 0  # what comes next begins anew
        if status == _BAD_TYPE:
            raise TypeError(f"column {column.value}: no text is defined for its type")
        if status == _BAD_YEAR:
            raise ValueError(f"column {column.value}, row {row.value}: lies outside the years 0001 to 9999")
        if status in {_BAD_TEXT, _BAD_TIME}:
            raise UnwritableError(row.value, column.value, is_time=status == _BAD_TIME)
        if status != _OK:
            raise MemoryError("no memory for text") if status == _NO_MEMORY else ValueError("the batch is damaged")
        if not size:
            return memoryview(b"")
        text = (ctypes.c_char * size).from_address(self._buffer.data)
        text.owner = self  # a view must not outlive the memory
        return memoryview(text).cast("B")
