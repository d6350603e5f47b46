"""The rules of what a recorder is given, and its batches: what they let pass can be written, read and recovered."""

from __future__ import annotations

import datetime as dt
import json
import math
import operator
import threading
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError, UsageError
from pipeline.model.arrays import from_bools, from_integers, from_numbers, from_places, from_strings
from pipeline.model.columns import ATTRIBUTE_TYPES, CORE_COLUMNS, MAX_ROW_BYTES, timestamp_type
from pipeline.model.timestamps import COUNTABLE, TICKS_PER_SECOND, YEARS
from pipeline.rows.attributes import check_column_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.model.columns import TimestampUnit

Attribute: TypeAlias = str | int | float | bool
Row: TypeAlias = tuple[int, str, float | None, str | None, dict[str, Attribute], int]
"""Time, metric, value, unit, attributes, and the bytes of its long texts."""
_KINDS: dict[type, str] = {str: "string", bool: "bool", int: "int64", float: "float64"}
_TYPES = {name: kind for kind, name in _KINDS.items()}
_KNOWN_TEXTS = 65_536
_SHORT_CHARACTERS = 256
_MAX_ESCAPED = 6
"""Bytes of JSON that a byte of text can take: `\\u0001`."""
_CORE_BYTES = 4 * _SHORT_CHARACTERS
_WIDEST_NUMBER = "-1.7976931348623157e+308"
_PART_ROWS = 65_536
EXACT_INTEGERS = range(-(2**53), 2**53 + 1)
"""Integers among which float64 has each."""
_INT64 = range(-(2**63), 2**63)


class RowRules:
    """What the rows of a session may hold.

    Attributes:
        kinds: type by attribute; it is one for the whole session, and that which the store has.
        texts: short ones of those that are known to be sound.
        constant_bytes: of the long texts of the session's attributes, which each row has.
        free_bytes: of long texts, which a row may have whatever they are and whatever else it holds.
    """

    def __init__(
        self, session_id: str, unit: TimestampUnit, constants: Mapping[str, Any], stored: Mapping[str, str]
    ) -> None:
        """Set what holds for the session.

        Args:
            session_id: its id.
            unit: of its times.
            constants: its attributes, which all rows have.
            stored: type name by attribute column of the other sessions of the store.

        Raises:
            UsageError: an attribute cannot be one.
        """
        self.kinds: dict[str, type] = {}
        self.texts: set[str] = set()
        self.constant_bytes = 0
        self.free_bytes = MAX_ROW_BYTES // _MAX_ESCAPED - _CORE_BYTES
        self._session_id = session_id
        self._unit: TimestampUnit = unit
        self._per_ns = 1_000_000_000 // TICKS_PER_SECOND[unit]
        self._lock = threading.Lock()
        self._stored = {name: _TYPES.get(kind) for name, kind in stored.items()}
        self._beyond_exact: set[str] = set()
        self._constants = {name: value for name, value in constants.items() if isinstance(value, str | int | float)}
        for name, value in self._constants.items():
            if isinstance(value, str):
                self.constant_bytes += self.check_text(name, value)
        self.admit("", None, self._constants, self.constant_bytes)

    def admit(self, metric: str, unit: str | None, attributes: Mapping[str, Any], size: int) -> None:
        """Check a row that has an attribute or a type for the first time, large integers, or much text.

        Args:
            metric: of the row.
            unit: of its value.
            attributes: of the row; their texts have been checked.
            size: bytes of its long texts.

        Raises:
            UsageError: it may not be recorded; nothing of it is noted then.
        """
        # Threads that bring an attribute at the same time must agree.
        with self._lock:
            kinds = {
                name: self._kind(name, value)
                for name, value in attributes.items()
                if value is not None and (type(value) is int or self.kinds.get(name) is not type(value))
            }
            new = [name for name in kinds if name not in self.kinds]
            if new:
                self._check_names(new)
            free = self.free_bytes - sum(_SHORT_CHARACTERS + len(name.encode()) for name in new)
            if size > free:
                self._check_size(metric, unit, attributes, new)
            self._beyond_exact.update(
                name for name, kind in kinds.items() if kind is int and attributes[name] not in EXACT_INTEGERS
            )
            self.kinds.update(kinds)
            self.free_bytes = free

    def _kind(self, name: str, value: object) -> type:
        given = type(value)
        if given not in _KINDS:
            raise UsageError(f"record: attribute {name!r:.50} is {_shown(value)}; it must be a string, number or bool")
        stored = self._stored.get(name)
        kind = self.kinds.get(name) or stored or given
        where = "before it was" if name in self.kinds else "in the store it is"
        if kind is int and given is float:
            if stored is int or name in self._beyond_exact:
                large = "" if stored is int else " beyond 2**53, which float64 cannot hold"
                raise UsageError(f"record: attribute {name!r} is float, {where} int{large}")
            return float  # whole numbers among others
        if kind is float and isinstance(value, int) and given is int:
            exact_number(value, f"attribute {name!r}")
        elif kind is not given:
            raise UsageError(f"record: attribute {name!r} is {given.__name__}, {where} {kind.__name__}")
        if kind is int and value not in _INT64:
            raise UsageError(f"record: attribute {name!r}: {_shown(value)} does not fit int64")
        return kind

    def _check_names(self, new: Sequence[str]) -> None:
        others = [name for name in {**self._stored, **self.kinds} if name not in new]
        try:
            check_column_names([*CORE_COLUMNS, *others, *new])
        except SourceError as error:
            raise UsageError(f"record: {error}") from error
        for name in new:
            _require_unicode("attribute", name)

    def _check_size(self, metric: str, unit: str | None, attributes: Mapping[str, Any], new: Sequence[str]) -> None:
        """Refuse a row that import would refuse as a line of NDJSON, which is the longest text of a row."""
        row = {**dict.fromkeys([*self.kinds, *new]), **self._constants, **attributes}
        row |= {"session_id": self._session_id, "metric": metric, "unit": unit}
        row |= dict.fromkeys(("sequence", "timestamp", "value"), _WIDEST_NUMBER + "Z" * 8)
        line = {name: value if isinstance(value, str | None) else _WIDEST_NUMBER for name, value in row.items()}
        size = len(json.dumps(line, ensure_ascii=False).encode()) + 1
        if size > MAX_ROW_BYTES:
            raise UsageError(
                f"record: a row of metric {metric!r:.50} has {size:,} bytes as a line of NDJSON, and "
                f"{MAX_ROW_BYTES:,} are a row at most; put long texts into a file, and its name here"
            )

    def check_text(self, name: str, text: object) -> int:
        """Check a text that is not known yet.

        Returns:
            its bytes where it is long, else 0.

        Raises:
            UsageError: it is none, or cannot be written.
        """
        if not isinstance(text, str):
            raise UsageError(f"record: {name:.50} is {_shown(text)}; it must be a string")
        size = _require_unicode(name, text)
        if "\0" in text:
            raise UsageError(f"record: {name:.50} {text!r:.50} holds the character NUL")
        if len(text) > _SHORT_CHARACTERS:
            return size
        if len(self.texts) >= _KNOWN_TEXTS:
            self.texts.clear()
        self.texts.add(text)
        return 0

    def ticks(self, at: object) -> int:
        """Count a time in the unit.

        Args:
            at: a datetime with a time zone, or nanoseconds since 1970.

        Raises:
            UsageError: it is neither, or lies outside what can be counted.
        """
        if isinstance(at, dt.datetime):
            if at.utcoffset() is None:
                raise UsageError(f"record: at={at!r} has no time zone")
            past = at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
            below = getattr(at, "nanosecond", 0)  # of pandas' timestamps
            nanoseconds = int(past // dt.timedelta(microseconds=1)) * 1000 + below
        elif isinstance(at, bool) or not hasattr(at, "__index__"):
            raise UsageError(f"record: at={_shown(at)} is no datetime and no whole number of nanoseconds since 1970")
        else:
            nanoseconds = operator.index(at)
        ticks = nanoseconds // self._per_ns
        if ticks not in COUNTABLE[self._unit]:
            raise UsageError(f"record: at={_shown(at)} lies outside the years {YEARS[self._unit]}")
        return ticks

    def batches(self, rows: Sequence[Row], sequence: int) -> Iterator[pa.RecordBatch]:
        """Make batches of rows that keep the rules, none so large that an array could not hold its texts.

        Args:
            rows: the rows.
            sequence: of the first.
        """
        start = size = 0
        for at, row in enumerate(rows):
            size += row[-1]
            if size >= MAX_ROW_BYTES or at + 1 - start >= _PART_ROWS or at + 1 == len(rows):
                yield self._batch(rows[start : at + 1], sequence + start)
                start, size = at + 1, 0

    def _batch(self, rows: Sequence[Row], sequence: int) -> pa.RecordBatch:
        times, metrics, values, units, attributes, _ = zip(*rows, strict=True)
        count = len(rows)
        arrays = {
            "session_id": from_places(np.zeros(count, np.int32), from_strings([self._session_id])).dictionary_decode(),
            "sequence": from_numbers(np.arange(sequence, sequence + count, dtype=np.int64), pa.int64()),
            "timestamp": from_integers(times, timestamp_type(self._unit)),
            "metric": from_strings(metrics),
            "value": _array(values, float),
            "unit": from_strings(units),
        }
        for name in dict.fromkeys([*self._constants, *(name for row in attributes for name in row)]):
            kind = self.kinds.get(name)
            if kind is not None:  # else nothing but nulls so far
                default = self._constants.get(name)
                arrays[name] = _array([row.get(name, default) for row in attributes], kind)
        return pa.record_batch(list(arrays.values()), names=list(arrays))


def _array(values: Sequence[Any], kind: type) -> pa.Array:
    if kind is str:
        return from_strings(values)
    if kind is int:
        return from_integers(values, ATTRIBUTE_TYPES["int64"])
    absent = np.array([value is None for value in values], np.bool_)
    if kind is bool:
        return from_bools(np.array([bool(value) for value in values], np.bool_), absent)
    numbers = np.array([0.0 if value is None else value for value in values], np.float64)
    return from_numbers(numbers, pa.float64(), absent)


def exact_number(value: object, what: str = "value") -> float:
    """Make a float of another number, without loss.

    Args:
        value: the number.
        what: what it is, for the error.

    Raises:
        UsageError: it is none, or float64 cannot hold it.
    """
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__float__"):
        raise UsageError(f"record: {what} {_shown(value)} is no number")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"record: {what} {_shown(value)} is no number that float64 can hold") from error
    if math.isinf(number) and value != number:
        raise UsageError(f"record: {what} {_shown(value)} is no number that float64 can hold")
    if hasattr(value, "__index__") and (whole := operator.index(value)) not in EXACT_INTEGERS and int(number) != whole:
        raise UsageError(f"record: {what} {_shown(value)} does not fit float64 without loss")
    return number


def _require_unicode(name: str, text: str) -> int:
    """Give the bytes of a text; refuse one that has none."""
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise UsageError(f"record: {name:.50} {text!r:.50} holds half of a surrogate pair") from error


def _shown(value: object) -> str:
    """Show a value in an error, which must not fail at it."""
    try:
        return f"{value!r:.50}"
    except Exception:  # noqa: BLE001 - such as an integer of more digits than Python writes
        return f"a {type(value).__name__} that cannot be shown"
