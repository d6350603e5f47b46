"""Rows of CSV, split and made Arrow columns."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from pipeline.native.library import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

BOOL, INT64, FLOAT64 = 1, 2, 4
SLACK = 8
"""Bytes that there must be behind the text of a block."""
_FILLED = 8
_FEW_TEXTS = 16
_NO_MEMORY = -2
_TICKS_PER_SECOND = {"us": 1_000_000, "ns": 1_000_000_000}


class CsvRows:
    """Some rows at a time, split into fields; the first row that is ever split says how many fields all have.

    Attributes:
        count: rows that were split last.
    """

    def __init__(self) -> None:
        self.count = 0
        self._handle = LIBRARY.pipeline_csv_new()
        if not self._handle:
            raise MemoryError("no memory for rows")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            LIBRARY.pipeline_csv_free(self._handle)

    @property
    def columns(self) -> int:
        """How many fields each row has; 0 before the first."""
        return int(LIBRARY.pipeline_csv_columns(self._handle))

    def split(
        self, block: NDArray[np.uint8], start: int, stop: int, *, is_last: bool, max_rows: int
    ) -> tuple[int, bool]:
        """Split the next rows of a block, which stays as it is until all columns are made.

        Args:
            block: text, and `SLACK` bytes behind `stop`, which may change.
            start: where a row begins.
            stop: where the text ends, below 1 GiB; a row that it cuts off is left.
            is_last: no text follows.
            max_rows: how many rows, at most.

        Returns:
            where the next row begins, and whether it is none that readers may take in different ways.
        """
        if not start <= stop <= len(block) - SLACK:
            raise ValueError("the text lies beyond its block")
        used, count = ctypes.c_int64(start), ctypes.c_int64()
        odd = LIBRARY.pipeline_csv_split(self._handle, block.ctypes.data, stop, is_last, max_rows, used, count)
        if odd < 0:
            raise MemoryError("no memory for rows")
        self.count = count.value
        return used.value, not odd

    def types(self, column: int) -> tuple[int, bool]:
        """Say which types the texts of a column may have so that each is how we write its value.

        Returns:
            the sum of `BOOL`, `INT64` and `FLOAT64` where they are possible, all where there is no text; and whether
            there is any.
        """
        types = int(LIBRARY.pipeline_csv_types(self._handle, column))
        return types & ~_FILLED, bool(types & _FILLED)

    def texts(self, column: int) -> pa.Array:
        """Make a string array; nothing between commas is null."""
        ends, data = np.empty(self.count + 1, np.int32), self._bytes(column)
        validity = self._validity()
        nulls = LIBRARY.pipeline_csv_texts(
            self._handle, column, ends.ctypes.data, data.ctypes.data, validity.ctypes.data
        )
        texts = pa.py_buffer(data[: ends[-1]])
        buffers = [pa.py_buffer(validity) if nulls else None, pa.py_buffer(ends), texts]
        return pa.Array.from_buffers(pa.string(), self.count, buffers, nulls)

    def repeated_texts(self, column: int) -> pa.Array | None:
        """Make a dictionary of distinct texts, none of them null; None where they repeat too little for that."""
        places, firsts = np.empty(self.count, np.int32), np.empty(self.count, np.int64)
        validity, nulls = self._validity(), ctypes.c_int64()
        most = self.count // 4 + _FEW_TEXTS
        arrays = (array.ctypes.data for array in (places, firsts, validity))
        count = LIBRARY.pipeline_csv_distinct(self._handle, column, most, *arrays, nulls)
        if count == _NO_MEMORY:
            raise MemoryError("no memory for texts")
        if count < 0:
            return None
        ends = np.empty(count + 1, np.int32)
        LIBRARY.pipeline_csv_texts_at(self._handle, column, firsts.ctypes.data, count, ends.ctypes.data, None)
        data = np.empty(ends[-1], np.uint8)
        LIBRARY.pipeline_csv_texts_at(
            self._handle, column, firsts.ctypes.data, count, ends.ctypes.data, data.ctypes.data
        )
        buffers = [pa.py_buffer(validity) if nulls.value else None, pa.py_buffer(places)]
        return pa.DictionaryArray.from_arrays(
            pa.Array.from_buffers(pa.int32(), self.count, buffers, nulls.value),
            pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(ends), pa.py_buffer(data)], 0),
            safe=False,
        )

    def integers(self, column: int, *, after_blanks: bool = False) -> pa.Array | None:
        """Make an int64 array; None where a text is no plain decimal number that fits, or blanks and such a one."""
        values = np.empty(self.count, np.int64)
        return self._parsed(LIBRARY.pipeline_csv_integers, column, pa.int64(), values, int(after_blanks))

    def floats(self, column: int) -> pa.Array | None:
        """Make a float64 array of the nearest values; None where a text is no number, or lies beyond float64."""
        return self._parsed(LIBRARY.pipeline_csv_floats, column, pa.float64(), np.empty(self.count, np.float64))

    def times(self, column: int, unit: Literal["us", "ns"]) -> tuple[pa.Array | None, NDArray[np.bool_] | None]:
        """Make an array of times in UTC.

        Returns:
            the times, None where a text is no RFC 3339 time with a zone that can be counted; and which of them lost
            digits below the unit.
        """
        dropped = np.zeros(self.count, np.bool_)
        more = (_TICKS_PER_SECOND[unit], dropped.ctypes.data)
        values = np.empty(self.count, np.int64)
        array = self._parsed(LIBRARY.pipeline_csv_times, column, pa.timestamp(unit, "UTC"), values, *more)
        return array, dropped

    def booleans(self, column: int) -> pa.Array | None:
        """Make a bool array; None where a text is neither `true` nor `false`."""
        flags = np.zeros(self.count, np.uint8)
        array = self._parsed(LIBRARY.pipeline_csv_booleans, column, pa.uint8(), flags)
        return None if array is None else array.cast(pa.bool_())

    def _bytes(self, column: int) -> NDArray[np.uint8]:
        return np.empty(LIBRARY.pipeline_csv_text_bytes(self._handle, column), np.uint8)

    def _validity(self) -> NDArray[np.uint8]:
        return np.empty((self.count + 7) // 8, np.uint8)

    def _parsed(
        self, parse: Callable[..., int], column: int, kind: pa.DataType, values: NDArray[Any], *more: int
    ) -> pa.Array | None:
        validity = self._validity()
        nulls = parse(self._handle, column, values.ctypes.data, validity.ctypes.data, *more)
        if nulls < 0:
            return None
        buffers = [pa.py_buffer(validity) if nulls else None, pa.py_buffer(values)]
        return pa.Array.from_buffers(kind, self.count, buffers, nulls)


def end_of_rows(block: NDArray[np.uint8], start: int, stop: int) -> int:
    """Find where the last whole row ends of those that begin at a place; `start` where none does."""
    return start + int(LIBRARY.pipeline_csv_end(block.ctypes.data + start, stop - start))
