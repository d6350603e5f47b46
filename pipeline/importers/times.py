"""Times of an importer's rows, from whichever of its columns has them, in ticks since 1970."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.importers.connection import WholeFileError
from pipeline.model.arrays import integers, is_null
from pipeline.model.columns import timestamp_type
from pipeline.rows.normalise import parse_timestamps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from numpy.typing import NDArray

    from pipeline.model.arrays import Integers
    from pipeline.model.columns import TimestampUnit

TIME_COLUMNS = ("timestamp", "epoch_ns", "offset_ns")


class MissingTimeError(WholeFileError):
    """A row has no time, and the session's start is not known before all rows are read."""


class Times:
    """Finds the times of rows.

    Attributes:
        columns: those of `timestamp`, `epoch_ns` and `offset_ns` that the importer gives.
        dropped_digits: rows whose time had digits below the unit.
        sources: how many rows had a time of each column; "" is none.
    """

    def __init__(self, columns: Sequence[str], unit: TimestampUnit, zone: tzinfo | None) -> None:
        """Set how they are counted.

        Args:
            columns: that the importer gives.
            unit: of the timestamps.
            zone: of times that name none.
        """
        self.columns = tuple(columns)
        self.dropped_digits = 0
        self.sources: dict[str, int] = {}
        self._unit: TimestampUnit = unit
        self._zone = zone

    def ticks(self, rows: pa.RecordBatch, start: int | None, sequence: int) -> Integers:
        """Find every row's time, in units since the epoch.

        Args:
            rows: with the columns of time.
            start: of the session, for relative times and rows without one; None where every row must have a time.
            sequence: of the first row, for errors.

        Raises:
            MissingTimeError: a row has no time and there is no start.
            SourceError: a time cannot be read or counted.
        """
        ticks = np.full(rows.num_rows, start or 0, np.int64)
        left = np.ones(rows.num_rows, bool)
        for name in self.columns:
            column = rows.column(name)
            given = left & ~is_null(column)
            if not given.any() or (name == "offset_ns" and start is None):
                continue
            found = self._absolute(column) if name == "timestamp" else self._from_ns(integers(column), given)
            if name == "offset_ns":
                found = _moved(found, start or 0, given)
            ticks = np.where(given, found, ticks)
            left &= ~given
            self._count(name, int(given.sum()))
        if left.any() and start is None:
            row = sequence + int(left.argmax())
            raise MissingTimeError(f"measurement {row} has no time; --started-at gives the session's start")
        self._count("", int(left.sum()))
        return ticks

    def _count(self, name: str, rows: int) -> None:
        self.sources[name] = self.sources.get(name, 0) + rows

    def _from_ns(self, values: Integers, given: NDArray[np.bool_]) -> Integers:
        if self._unit == "ns":
            return values
        self.dropped_digits += int(np.count_nonzero((values % 1000 != 0) & given))
        return values // 1000

    def _absolute(self, column: pa.Array) -> Integers:
        kind = column.type
        if pa.types.is_string(kind):
            return self._parsed(column)
        if kind.tz is None:
            if self._zone is None:
                raise WholeFileError("its times name no time zone; say which with --timezone")
            if str(self._zone) != "UTC":
                column = _in_zone(column, self._zone)
        if kind.unit == "ns":
            return self._from_ns(integers(column), ~is_null(column))
        if kind.unit == self._unit:
            return integers(column).copy()  # else all columns of the engine's batch stay as long as it
        try:
            return integers(column.cast(timestamp_type(self._unit)))
        except pa.ArrowInvalid as error:
            raise SourceError(f"column 'timestamp': cannot be counted in {self._unit} since 1970") from error

    def _parsed(self, texts: pa.Array) -> Integers:
        """Read RFC 3339 times: fast what nanoseconds can count, strictly what is left."""
        try:
            return self._from_ns(integers(texts.cast(pa.timestamp("ns", "UTC"))), ~is_null(texts))
        except pa.ArrowInvalid:
            pass  # other years, no zone, or no time at all
        try:
            times, drops = parse_timestamps(texts, self._zone, self._unit)
        except ValueError as error:
            if "names no time zone" in error.args[0]:
                raise WholeFileError(error.args[0]) from error
            raise SourceError(f"column 'timestamp': {error.args[0]}") from error
        self.dropped_digits += 0 if drops is None else int(drops.sum())
        return integers(times)


def _in_zone(column: pa.Array, zone: tzinfo) -> pa.Array:
    import pyarrow.compute as pc  # noqa: PLC0415 - slow to load, and rarely needed here

    try:
        return pc.assume_timezone(column, str(zone))
    except pa.ArrowInvalid as error:
        one_line = " ".join(str(error).split())
        raise SourceError(f"column 'timestamp': {one_line}") from error


def _moved(offsets: Integers, start: int, given: NDArray[np.bool_]) -> Integers:
    """Add the start of the session."""
    furthest = (int(offsets[given].min()) + start, int(offsets[given].max()) + start)
    if furthest[0] < -(2**63) or furthest[1] >= 2**63:
        raise SourceError("column 'offset_ns': lies too far from the session's start to be counted")
    return np.where(given, offsets, 0) + start
