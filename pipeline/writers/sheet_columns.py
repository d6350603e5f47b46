"""The columns of a worksheet: times become dates of a zone, and text beside them where a date does not say it all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.model.arrays import from_numbers, integers, is_null
from pipeline.model.columns import type_name
from pipeline.model.timestamps import TICKS_PER_SECOND, parse_zone

if TYPE_CHECKING:
    from pipeline.model.arrays import Integers

_FIRST_SECOND = -2_203_891_200  # 1900-03-01: Excel takes 1900 for a leap year
_LAST_SECOND = 253_402_300_799
_DAY_SECONDS = 86_400
_DATE = pa.timestamp("us")
_WIDTHS = {"date": 23, "time": 30, "string": 24}


@dataclass(frozen=True)
class SheetColumn:
    """A column of a worksheet.

    Attributes:
        header: what stands above it.
        name: the column of the table whose values it shows.
        kind: `date`, `time` (as text), or the type of the values.
    """

    header: str
    name: str
    kind: str

    @property
    def width(self) -> int:
        """Width that shows the header and usual values, in characters."""
        return max(len(self.header) + 2, _WIDTHS.get(self.kind, 12))


class SheetColumns:
    """Makes the rows of a worksheet of those of a table.

    Excel's dates have no zone. Those of UTC stand under the name of their column. Of another zone, and where times
    have nanoseconds, a date does not say which time it was: the column of dates has the zone in its header, and the
    exact times stand beside it as text, under the name of their column.
    """

    def __init__(self, schema: pa.Schema, timezone: str | None) -> None:
        """Choose the columns.

        Args:
            schema: of the rows.
            timezone: IANA name of the zone of the dates; UTC where it is None.
        """
        self._zone = parse_zone(timezone or "UTC")
        self._called = timezone or "UTC"
        self.columns: list[SheetColumn] = []
        for field in schema:
            if not pa.types.is_timestamp(field.type):
                self.columns.append(SheetColumn(field.name, field.name, type_name(field.type)))
            elif field.type.unit == "us" and self._called == "UTC":
                self.columns.append(SheetColumn(field.name, field.name, "date"))
            else:
                self.columns.append(SheetColumn(f"{field.name} ({self._called})", field.name, "date"))
                self.columns.append(SheetColumn(field.name, field.name, "time"))

    def definition(self, column: SheetColumn, described: str) -> str:
        """Say what a column holds, given what the column of the table does."""
        if column.kind == "date":
            return f"{described.removesuffix(', UTC')}; dates and times of {self._called}"
        if column.kind == "time":
            return f"{described.removesuffix(', UTC')}; exact, UTC"
        return described

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Make rows: times that become dates name no zone."""
        headers = {column.header for column in self.columns}
        arrays = []
        for column in self.columns:
            array = batch.column(column.name)
            if column.kind != "date":
                arrays.append(array)
            elif column.header == column.name or column.name not in headers:
                arrays.append(array.view(_DATE))
            else:
                arrays.append(self._dates(array))
        return pa.RecordBatch.from_arrays(arrays, names=[column.header for column in self.columns])

    def _dates(self, times: pa.Array) -> pa.Array:
        """Give local times in microseconds; null where Excel has no date for them."""
        per_second = TICKS_PER_SECOND[times.type.unit]
        absent = is_null(times)
        ticks = np.where(absent, 0, integers(times))
        seconds, rest = np.divmod(ticks, per_second)
        local = seconds + self._offsets(seconds)
        absent |= (local < _FIRST_SECOND) | (local > _LAST_SECOND)
        return from_numbers(local * 1_000_000 + rest // (per_second // 1_000_000), _DATE, absent)

    def _offsets(self, seconds: Integers) -> Integers:
        """Give the offset from UTC of each second since the epoch."""
        distinct, places = np.unique(
            np.clip(seconds, _FIRST_SECOND - _DAY_SECONDS, _LAST_SECOND - _DAY_SECONDS), return_inverse=True
        )
        return np.array([_offset(second, self._zone) for second in distinct.tolist()], np.int64)[places]


@lru_cache(maxsize=4_096)
def _offset(second: int, zone: tzinfo) -> int:
    offset = datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset()
    return round(offset.total_seconds()) if offset is not None else 0
