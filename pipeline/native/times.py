"""Times of columns of integers, in ticks."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

from pipeline.native.library import LIBRARY, Exported

if TYPE_CHECKING:
    import pyarrow as pa

_IS_BEYOND = 1


class FilledTimes:
    """The times of the rows of a batch, filled in from one column after another.

    Attributes:
        ticks: the time of each row; that of the session's start as long as it has none.
        left: how many rows have none of their own.
    """

    def __init__(self, rows: int, start: int) -> None:
        """Begin with rows that have no times of their own."""
        self.ticks = np.full(rows, start, np.int64)
        self.left = rows
        self._is_left = np.ones(rows, np.uint8)

    def fill(self, column: pa.Array, *, per_tick: int, start: int = 0) -> tuple[int, int]:
        """Give the rows that have no time yet those of a column.

        Args:
            column: int64 or timestamps, null where a row has none there.
            per_tick: its units in one tick, 1 or 1000; what is less is dropped.
            start: ticks that are added.

        Returns:
            how many rows got their time, and how many of these times had digits that were dropped.

        Raises:
            OverflowError: a time is beyond int64.
        """
        exported = Exported(column)
        counts = (ctypes.c_int64 * 2)()
        all_left = self.left == len(self.ticks)
        is_left, ticks = self._is_left.ctypes.data, self.ticks.ctypes.data
        status = LIBRARY.pipeline_fill_times(
            exported.schema, exported.array, per_tick, start, int(all_left), is_left, ticks, counts
        )
        if status:
            raise (
                OverflowError("a time is beyond int64")
                if status == _IS_BEYOND
                else TypeError("a column holds no times")
            )
        given, dropped = counts
        self.left -= given
        return given, dropped

    def first_left(self) -> int:
        """Find the first row that has no time; there is one."""
        return int(self._is_left.argmax())
