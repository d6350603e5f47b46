"""Rows of measurements as JSON lines, straight into columns."""

from __future__ import annotations

import ctypes
import enum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.native.library import LIBRARY, RowArrays

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


class RowsEnd(enum.IntEnum):
    """Why reading ended: no further line, the batch is full, a line is not sound, a time has a form not known here."""

    MORE = 0
    FULL = 1
    UNSOUND = 2
    ODD_TIME = 3


class Held(enum.IntFlag):
    """What a column holds; NUMBER_NAMES are the texts `NaN`, `Infinity` and `-Infinity`."""

    INTEGERS = 1
    FRACTIONS = 2
    BOOLEANS = 4
    TEXTS = 8
    NUMBER_NAMES = 16
    TIMES = 32


class RowLimits(NamedTuple):
    """Where a batch ends: at so many rows, bytes of lines, or cells; and the bytes of a line that is read."""

    rows: int
    bytes: int
    cells: int
    line_bytes: int


class JsonRows:
    """Reads batches of rows, each of which is a JSON object a line, of strings, numbers, booleans and nulls.

    What is odd about a line is not told, only that something is.

    Attributes:
        rows: of the batch, so far.
        lines: the same; blank ones are no rows.
        names: of the columns, in the order in which rows first had them, in any batch.
    """

    def __init__(self, limits: RowLimits, ticks_per_second: int, names: Iterable[str] = ()) -> None:
        """Prepare.

        Args:
            limits: of a batch; lines have 1 GiB together at most.
            ticks_per_second: of times, a power of ten.
            names: columns that are known already.
        """
        self._handle = LIBRARY.pipeline_json_rows_new(*limits, ticks_per_second)
        if not self._handle:
            raise MemoryError("no memory for rows")
        self.rows = self.lines = 0
        self.names = list(names)
        for name in self.names:
            encoded = name.encode()
            if LIBRARY.pipeline_json_rows_add(self._handle, encoded, len(encoded)):
                raise MemoryError("no memory for rows")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            LIBRARY.pipeline_json_rows_free(self._handle)

    def begin(self, *, reads_times: bool) -> None:
        """Begin a batch; the column `timestamp` becomes times, or stays text."""
        self.rows = self.lines = 0
        LIBRARY.pipeline_json_rows_begin(self._handle, int(reads_times))

    def read(
        self, block: bytearray, start: int, stop: int, *, is_last: bool = False, is_first: bool = False
    ) -> tuple[RowsEnd, int]:
        """Read on in the lines of a batch.

        Args:
            block: where the lines lie.
            start: where the next one begins.
            stop: end of what is there.
            is_last: that is the end of the last line.
            is_first: the line may begin with a byte order mark.

        Returns:
            why reading ended, and where the next line begins. After an end that is neither `MORE` nor `FULL`, the batch
            is of no use.
        """
        data = ctypes.addressof((ctypes.c_char * len(block)).from_buffer(block))
        done, counts = ctypes.c_int64(), (ctypes.c_int64 * 3)()
        end = LIBRARY.pipeline_json_rows_read(
            self._handle, data + start, stop - start, int(is_last), int(is_first), done, counts
        )
        if end < 0:
            raise MemoryError("no memory for rows")
        self.rows, self.lines, columns = counts
        if RowsEnd(end) in {RowsEnd.MORE, RowsEnd.FULL}:
            self.names += [self._column(at)[0] for at in range(len(self.names), columns)]
        return RowsEnd(end), start + done.value

    def held(self, at: int) -> Held:
        """Tell what a column holds in this batch."""
        return self._column(at)[1]

    def array(self, at: int, wanted: Held) -> pa.Array | None:
        """Give a column of the batch.

        Args:
            at: its place in `names`.
            wanted: what it becomes, which is what it holds; INTEGERS and NUMBER_NAMES become FRACTIONS as well,
                NUMBER_NAMES become TEXTS.

        Returns:
            int64, float64, bool or string; of times the int64 of their ticks. Texts that repeat are a dictionary of
            distinct ones, none of them null; those of `timestamp` never are. None where an integer is none of float64.
        """
        arrays = RowArrays()
        fault = LIBRARY.pipeline_json_rows_arrays(self._handle, at, int(wanted), arrays)
        if fault < 0:
            raise MemoryError("no memory for rows")
        if fault:
            return None
        validity = _copied(arrays.validity, (self.rows + 7) // 8) if arrays.validity else None
        values = _copied(arrays.values, arrays.value_bytes)
        if wanted != Held.TEXTS:
            kind = {Held.FRACTIONS: pa.float64(), Held.BOOLEANS: pa.bool_()}.get(wanted, pa.int64())
            return pa.Array.from_buffers(kind, self.rows, [validity, values])
        text = _copied(arrays.text, arrays.text_bytes)
        if not arrays.places:
            return pa.Array.from_buffers(pa.string(), self.rows, [validity, values, text])
        return pa.DictionaryArray.from_arrays(
            pa.Array.from_buffers(pa.int32(), self.rows, [validity, _copied(arrays.places, 4 * self.rows)]),
            pa.Array.from_buffers(pa.string(), arrays.value_bytes // 4 - 1, [None, values, text]),
            safe=False,
        )

    def dropped(self, at: int) -> NDArray[np.bool_] | None:
        """Tell which times of a column lost digits below the unit, None where none did."""
        if not self._column(at)[2]:
            return None
        dropped = LIBRARY.pipeline_json_rows_dropped(self._handle, at)
        if not dropped:
            raise MemoryError("no memory for rows")
        return np.frombuffer(ctypes.string_at(dropped, self.rows), np.bool_)

    def _column(self, at: int) -> tuple[str, Held, bool]:
        name, held, has_dropped = ctypes.c_void_p(), ctypes.c_int64(), ctypes.c_int64()
        size = LIBRARY.pipeline_json_rows_column(self._handle, at, name, held, has_dropped)
        return ctypes.string_at(name, size).decode(), Held(held.value), bool(has_dropped.value)


def _copied(address: int, size: int) -> pa.Buffer:
    return pa.py_buffer(ctypes.string_at(address, size))
