"""Dumps of rtcstats: rows that hold what changed become the values that held then.

The first row is of the event `metadata`, and its `value` is what the file says of itself, as JSON. All others are of
the event `getStats`: a number of a report, at the time of the report, in milliseconds since 1970.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.importers.blocks import line_blocks
from pipeline.importers.rtcstats_names import EVENTS, property_name, type_name
from pipeline.model.arrays import from_numbers, from_places, from_strings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.importers.decoded import Told

_TEXTS = ("event", "connection", "report_id", "report_type", "kind", "stat", "value")
SCHEMA = pa.schema(
    [
        ("line_number", pa.int64()),
        ("epoch_ms", pa.float64()),
        *((name, pa.dictionary(pa.int32(), pa.string())) for name in _TEXTS[:-1]),
        ("value", pa.string()),
    ]
)
_ROWS = 16_384
_BLOCK_BYTES = 1 << 19
_EVENTS = ("getstats", "getStats", "g", 1)
"""What the row of a report is called: by rtcstats before 2.0, by Chromium and rtcstats, and as these shorten it."""
_LARGEST_DIFFERENCE_MS = 1e11
"""Times that are larger, three years, are no difference to the time before but one since 1970."""
_MAX_NAMES = 10_000
_MAX_NAME = 100
_FIRST_LINE = "RTCStatsDump"
_LEGACY_TYPES = {"ssrc", "VideoBwe", "localcandidate", "remotecandidate", "datachannel"}
"""Of Chrome's older statistics, whose numbers are texts; others of them begin with goog."""


class _Number(str):
    """A number as the file writes it, which says more than a float holds."""

    __slots__ = ()


def knows(head: bytes) -> bool:  # noqa: ARG001 - of a reader of text nobody asks
    """Is asked of binaries alone."""
    return False


def read(path: Path, told: Told) -> Iterator[pa.RecordBatch]:
    """Read a dump; what is no number of a report is told.

    Raises:
        SourceError: a row cannot be read, and those behind it build on it; the message names the line.
    """
    reading = _Reading()
    number = 0
    for block, size in line_blocks(path, _BLOCK_BYTES):
        for line in bytes(memoryview(block)[:size]).splitlines():
            number += 1
            try:
                reading.read(line, number)
            except (ValueError, RecursionError, TypeError) as error:
                raise SourceError(f"line {number}: {_reason(error)}") from error
            if reading.rows >= _ROWS:
                yield reading.batch()
    yield reading.batch()
    told.unread += reading.unread()


class _Reading:
    """Reads line after line, and keeps what the reports of each connection hold."""

    def __init__(self) -> None:
        self._decoder = json.JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_refuse)
        self._reports: dict[Any, dict[str, _Report]] = {}
        self._is_short = False
        self._time = 0.0
        self._is_told = False
        self._others: Counter[tuple[str, ...]] = Counter()
        self._lost_numbers: Counter[tuple[str, ...]] = Counter()
        self._numbers: list[_Rows] = []
        self.rows = 0

    def read(self, line: bytes, number: int) -> None:
        """Read a line.

        Raises:
            ValueError: it is no JSON, or no row of a dump.
            TypeError: it holds other values than rows do.
        """
        text = line.decode().strip()
        if not text:
            return
        if number == 1 and text == _FIRST_LINE:
            self._is_short = True
            return
        row = self._decoder.decode(text)
        if isinstance(row, dict) and not self._is_told:
            self._tell(row, number)
            return
        if not isinstance(row, list) or len(row) < 3:
            raise ValueError("is no row of a dump: an array of an event, a connection, a value and a time")
        event, connection, value = row[:3]
        has_time = len(row) > 3 and isinstance(row[-1], _Number)
        if has_time:
            self._move(float(row[-1]))
        if not self._is_told:
            self._tell(value if event in {"connectionInfo", "create"} and isinstance(value, dict) else {}, number)
        if _event_name(event) not in _EVENTS or not isinstance(value, dict):
            self._count_event(event, value)
            return
        if not has_time:
            raise ValueError("has no time as its last element")
        self._take(str(connection), value, number)

    def _count_event(self, event: object, value: object) -> None:
        """Count what is no row of reports; numbers that a page itself noted are told by their names."""
        name = str(event)[:_MAX_NAME]
        numbers = [key for key, one in value.items() if isinstance(one, _Number)] if isinstance(value, dict) else []
        if name in EVENTS or not numbers:
            self._count(self._others, [(name,)])
        else:
            self._count(self._lost_numbers, [(name, key) for key in numbers])

    @staticmethod
    def _count(names: Counter[tuple[str, ...]], found: list[tuple[str, ...]]) -> None:
        """Count names, of which there may be as many as there are rows."""
        for one in found:
            names[one if one in names or len(names) < _MAX_NAMES else ("...",)] += 1

    def _move(self, ms: float) -> None:
        """Go on to the time of a row: in dumps of Chromium and newer ones of rtcstats it is how much later it is."""
        self._time = ms if ms > _LARGEST_DIFFERENCE_MS or not self._is_short else self._time + ms

    def _tell(self, metadata: dict[str, Any], number: int) -> None:
        self._is_told = True
        told = _Rows(number, self._time or None, "metadata", None, None, None, None)
        told.add("metadata", json.dumps(_plain(metadata), ensure_ascii=False))
        self._numbers.append(told)
        self.rows += 1

    def _take(self, connection: str, value: dict[str, Any], number: int) -> None:
        held = self._reports.setdefault(connection, {})
        changed, row_time = self._parts(value)
        # Without a time of its own a row is whole, as Chromium writes it.
        is_whole = self._is_short and row_time is None and all(one is None or "type" in one for one in changed.values())
        is_difference = self._is_short or (isinstance(row_time, str) and not isinstance(row_time, _Number))
        if (is_whole and changed) or not is_difference:
            for key in [key for key in held if key not in changed]:
                del held[key]
        time = float(row_time) if isinstance(row_time, _Number) else self._time
        for key, one in changed.items():
            if one is None:
                held.pop(key, None)
                continue
            report = held.setdefault(key, _Report())
            report.change(one, time, is_whole=is_whole, is_short=self._is_short)
        for key, report in held.items():
            if self._is_short and key not in changed and not is_whole:
                report.time = time
            self._give(report, connection, key, number)

    def _parts(self, value: dict[str, Any]) -> tuple[dict[str, dict[str, Any] | None], Any]:
        """Take the reports of a row, by their ids, None for one that was removed, and its time."""
        changed: dict[str, dict[str, Any] | None] = {}
        row_time: Any = None
        for key, report in value.items():
            if isinstance(report, dict):
                changed[key] = {property_name(name): one for name, one in report.items()} if self._is_short else report
            elif property_name(key) == "timestamp":
                row_time = report
            elif report is None:
                changed[key] = None
            else:
                raise ValueError(f"its report {key!r:.60} is no object")
        return changed, row_time

    def _give(self, report: _Report, connection: str, key: str, number: int) -> None:
        stats, values = report.numbers()
        if not report.type:
            raise ValueError(f"its report {key!r:.60} has no type, nor had it one before")
        rows = _Rows(number, report.time, "getStats", connection, report.id or key, report.type, report.kind)
        rows.stats, rows.values = stats, values
        if stats:
            self._numbers.append(rows)
            self.rows += len(rows.stats)
        self._count(self._others, report.texts)
        self._count(self._lost_numbers, report.within)

    def batch(self) -> pa.RecordBatch:
        """Give the rows that were read since, and begin anew."""
        parts, self._numbers, self.rows = self._numbers, [], 0
        counts = np.array([len(part.stats) for part in parts], np.int64)
        times = np.array([np.nan if part.time is None else part.time for part in parts], np.float64)
        lines = np.array([part.line for part in parts], np.int64)
        columns: list[pa.Array] = [
            from_numbers(np.repeat(lines, counts), pa.int64()),
            from_numbers(np.repeat(times, counts), pa.float64(), np.repeat(np.isnan(times), counts)),
        ]
        columns += [_coded([getattr(part, name) for part in parts], counts) for name in _TEXTS[:-2]]
        columns.append(_coded([stat for part in parts for stat in part.stats], None))
        columns.append(from_strings([value for part in parts for value in part.values]))
        return pa.record_batch(columns, schema=SCHEMA)

    def unread(self) -> list[tuple[tuple[str, ...], int, int]]:
        """Give what was no number of a report: its name, how often it was there, how many numbers were in it."""
        found = [(keys, count, 0) for keys, count in self._others.items()]
        return found + [(keys, count, count) for keys, count in self._lost_numbers.items()]


class _Rows:
    """The numbers of one report at one time."""

    __slots__ = ("connection", "event", "kind", "line", "report_id", "report_type", "stats", "time", "values")

    def __init__(
        self,
        line: int,
        time: float | None,
        event: str,
        connection: str | None,
        report_id: str | None,
        report_type: str | None,
        kind: str | None,
    ) -> None:
        self.line = line
        self.time = time
        self.event = event
        self.connection = connection
        self.report_id = report_id
        self.report_type = report_type
        self.kind = kind
        self.stats: list[str] = []
        self.values: list[str] = []

    def add(self, stat: str, value: str) -> None:
        self.stats.append(stat)
        self.values.append(value)


class _Report:
    """What a report holds, as far as it was told."""

    __slots__ = ("_held", "_numbers", "_places", "id", "kind", "texts", "time", "type", "within")

    def __init__(self) -> None:
        self._held: dict[str, Any] = {}
        self._numbers: tuple[list[str], list[str]] | None = None
        self._places: dict[str, int] = {}  # of the numbers
        self.time: float | None = None
        self.type = ""
        self.kind: str | None = None
        self.id: str | None = None
        self.texts: list[tuple[str, ...]] = []
        self.within: list[tuple[str, ...]] = []

    def change(self, values: dict[str, Any], time: float, *, is_whole: bool, is_short: bool) -> None:
        """Take values that changed.

        Args:
            values: by name.
            time: of the row, which holds where the report has 0, or no time and is new.
            is_whole: these are all its values.
            is_short: the time of the row holds where it has no other.
        """
        if is_whole:
            self._held = {}
        own = values.get("timestamp")
        if isinstance(own, _Number) and float(own) > 0:
            self.time = float(own)
        elif own is not None or self.time is None or is_short:
            self.time = time
        if not is_whole and self._numbers is not None and self._renumber(values):
            return
        for name, value in values.items():
            if isinstance(value, dict) and isinstance(self._held.get(name), dict) and not is_whole:
                self._held[name] = {**self._held[name], **value}
            else:
                self._held[name] = value
        self._numbers = None

    def _renumber(self, values: dict[str, Any]) -> bool:
        """Put numbers in the place of numbers, as nearly every row does; False where other values changed."""
        assert self._numbers is not None  # noqa: S101 - the caller asks
        places = self._places
        for name, value in values.items():
            if type(value) is not _Number or (name not in places and name != "timestamp"):
                return False
        stats, texts = self._numbers
        texts = texts.copy()  # rows have those before
        for name, value in values.items():
            if name != "timestamp":
                texts[places[name]] = value
        self._held |= values
        self._numbers = stats, texts
        return True

    def numbers(self) -> tuple[list[str], list[str]]:
        """Give the names and the texts of its numbers; true is 1."""
        if self._numbers is None:
            self._sort_out()
        assert self._numbers is not None  # noqa: S101 - it was set
        return self._numbers

    def _sort_out(self) -> None:
        held = self._held
        self.type = type_name(held.get("type", ""))
        kind, own_id = held.get("kind"), held.get("id")
        self.kind = kind if isinstance(kind, str) else None
        self.id = own_id if isinstance(own_id, str) else None
        is_legacy = self.type in _LEGACY_TYPES or self.type.startswith("goog")
        stats: list[str] = []
        values: list[str] = []
        self.texts, self.within = [], []
        for name, value in held.items():
            if name in {"timestamp", "type", "id", "kind"}:
                continue
            if isinstance(value, _Number) or (is_legacy and isinstance(value, str) and _is_number(value)):
                stats.append(name)
                values.append(value)
            elif isinstance(value, bool):
                stats.append(name)
                values.append("1" if value else "0")
            elif isinstance(value, dict | list):
                self._look_into(name, value)
            elif value is not None:
                self.texts.append((self.type, name))
        self._numbers = (stats, values)
        self._places = {name: place for place, name in enumerate(stats)}

    def _look_into(self, name: str, value: dict[str, Any] | list[Any]) -> None:
        inner = value.values() if isinstance(value, dict) else value
        for one in inner:
            # As in the importer of reports: how long what limited the quality.
            is_told = isinstance(one, _Number) and name != "qualityLimitationDurations"
            (self.within if is_told else self.texts).append((self.type, name))


def _coded(texts: list[str | None], counts: np.ndarray[tuple[int], np.dtype[np.int64]] | None) -> pa.Array:
    """Make a dictionary of texts, each as often as is counted."""
    places: dict[str | None, int] = {}
    codes = np.array([places.setdefault(text, len(places)) for text in texts], np.int32)
    codes = codes if counts is None else np.repeat(codes, counts)
    absent = codes == places[None] if None in places else None
    return from_places(codes, from_strings([text or "" for text in places]), absent)


def _event_name(event: object) -> object:
    return int(event) if isinstance(event, _Number) and event.isdigit() else event


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text[-1:].isdigit() and "_" not in text and text.isascii()


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Give a value as Python's json writes it."""
    if isinstance(value, _Number):
        return float(value) if {".", "e", "E"} & set(value) else int(value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant!r} is no JSON")


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is no JSON ({error.msg} at column {error.colno}); the file may be cut off"
    if isinstance(error, UnicodeDecodeError):
        return "is not valid UTF-8"
    return "its JSON is nested too deeply" if isinstance(error, RecursionError) else str(error)
