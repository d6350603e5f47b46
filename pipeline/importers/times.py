"""Times of an importer's rows, from whichever of its columns has them, in ticks since 1970."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.importers.connection import WholeFileError
from pipeline.model.columns import timestamp_type
from pipeline.native import FilledTimes
from pipeline.rows.normalise import parse_timestamps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import tzinfo

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
        suppose_none: gives the start of a session of which no row has a time; it is asked where none of the first has.
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
        self.suppose_none: Callable[[], int] | None = None
        self._supposed: int | None = None
        self._unit: TimestampUnit = unit
        self._zone = zone

    def ticks(self, rows: pa.RecordBatch, start: int | None, sequence: int) -> Integers:
        """Find every row's time, in units since the epoch.

        Args:
            rows: with the columns of time.
            start: of the session, for relative times and rows without one; None where every row must have a time,
                or none.
            sequence: of the first row, for errors.

        Raises:
            MissingTimeError: a row has no time and there is no start, or one has a time after all.
            SourceError: a time cannot be read or counted.
        """
        start = self._supposed if start is None else start
        times = FilledTimes(rows.num_rows, start or 0)
        for name in self.columns:
            column = rows.column(name)
            if column.null_count == len(column) or (name == "offset_ns" and start is None):
                continue
            counted = self._counted(column) if name == "timestamp" else column
            per_tick = 1000 if self._unit == "us" and _counts_ns(counted.type) else 1
            moved_by = start if name == "offset_ns" and start is not None else 0
            try:
                given, dropped = times.fill(counted, per_tick=per_tick, start=moved_by)
            except OverflowError as error:
                raise SourceError("column 'offset_ns': lies too far from the session's start to be counted") from error
            if given and self._supposed is not None and name != "offset_ns":
                raise MissingTimeError("some of its measurements have times, and the first have none")
            self.dropped_digits += dropped
            self._count(name, given)
        if times.left and start is None:
            if not sequence and times.left == rows.num_rows and self.suppose_none is not None:
                self._supposed = self.suppose_none()
                return self.ticks(rows, None, sequence)
            row = sequence + times.first_left()
            raise MissingTimeError(f"measurement {row} has no time; --started-at gives the session's start")
        self._count("", times.left)
        return times.ticks

    def _count(self, name: str, rows: int) -> None:
        self.sources[name] = self.sources.get(name, 0) + rows

    def _counted(self, column: pa.Array) -> pa.Array:
        """Give times of day as a column of the unit, or of nanoseconds."""
        kind = column.type
        if pa.types.is_string(kind):
            return self._parsed(column)
        if kind.tz is None:
            if self._zone is None:
                raise WholeFileError("its times name no time zone; say which with --timezone")
            if str(self._zone) != "UTC":
                column = _in_zone(column, self._zone)
        if kind.unit in {"ns", self._unit}:
            return column
        try:
            return column.cast(timestamp_type(self._unit))
        except pa.ArrowInvalid as error:
            raise SourceError(f"column 'timestamp': cannot be counted in {self._unit} since 1970") from error

    def _parsed(self, texts: pa.Array) -> pa.Array:
        """Read RFC 3339 times: fast what nanoseconds can count, strictly what is left."""
        try:
            return texts.cast(pa.timestamp("ns", "UTC"))
        except pa.ArrowInvalid:
            pass  # other years, no zone, or no time at all
        try:
            times, drops = parse_timestamps(texts, self._zone, self._unit)
        except ValueError as error:
            if "names no time zone" in error.args[0]:
                raise WholeFileError(error.args[0]) from error
            raise SourceError(f"column 'timestamp': {error.args[0]}") from error
        self.dropped_digits += 0 if drops is None else int(drops.sum())
        return times


def _counts_ns(kind: pa.DataType) -> bool:
    return bool(pa.types.is_int64(kind) or kind.unit == "ns")


def _in_zone(column: pa.Array, zone: tzinfo) -> pa.Array:
    import pyarrow.compute as pc  # noqa: PLC0415 - slow to load, and rarely needed here

    try:
        return pc.assume_timezone(column, str(zone))
    except pa.ArrowInvalid as error:
        one_line = " ".join(str(error).split())
        raise SourceError(f"column 'timestamp': {one_line}") from error
