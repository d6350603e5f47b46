"""The rules of what a recorder is given, and its batches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa

from pipeline.errors import UsageError
from pipeline.model.arrays import from_bools, from_integers, from_numbers, from_places, from_strings
from pipeline.model.columns import CORE_COLUMNS, timestamp_type
from pipeline.rows.attributes import check_column_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.model.columns import TimestampUnit

Attribute: TypeAlias = str | int | float | bool
Row: TypeAlias = tuple[int, str, float | None, str | None, dict[str, Attribute]]
"""Time, metric, value, unit and attributes."""
_KINDS: dict[type, str] = {str: "string", bool: "bool", int: "int64", float: "float64"}
_KNOWN_TEXTS = 65_536
_EXACT_INTEGER_LIMIT = 2**53


class RowRules:
    """What the rows of a session may hold.

    Attributes:
        kinds: type by attribute; it is one for the whole session.
        texts: some of those that are known to be sound.
    """

    def __init__(self, constants: Mapping[str, Any]) -> None:
        """Set the attributes of the session, which all rows have."""
        self.kinds: dict[str, type] = {}
        self.texts: set[str] = set()
        self._constants = {name: value for name, value in constants.items() if isinstance(value, str | int | float)}
        for name, value in self._constants.items():
            self.learn(name, value)

    def learn(self, name: str, value: object) -> None:
        """Note the type of an attribute.

        Raises:
            UsageError: it is none that an attribute may have, or not the one it had before.
        """
        kind = type(value)
        if kind not in _KINDS:
            raise UsageError(f"record: attribute {name!r} is {value!r:.50}; it must be a string, number or bool")
        before = self.kinds.get(name, kind)
        if {before, kind} == {int, float}:
            kind = float  # whole numbers among others
        elif before is not kind:
            raise UsageError(f"record: attribute {name!r} is {kind.__name__}, before it was {before.__name__}")
        if kind is int and isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise UsageError(f"record: attribute {name!r}: {value} does not fit int64")
        if kind is float and isinstance(value, int):
            exact_number(value, f"attribute {name!r}")
        if name not in self.kinds:
            try:
                check_column_names([*CORE_COLUMNS, *self.kinds, name])
            except Exception as error:
                raise UsageError(f"record: {error}") from error
        self.kinds[name] = kind

    def check_text(self, name: str, text: object) -> None:
        """Check a text that is not known yet.

        Raises:
            UsageError: it is none, or cannot be written.
        """
        if not isinstance(text, str):
            raise UsageError(f"record: {name} is {text!r:.50}; it must be a string")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"record: {name} {text!r:.50} holds half of a surrogate pair") from error
        if "\0" in text:
            raise UsageError(f"record: {name} {text!r:.50} holds the character NUL")
        if len(self.texts) >= _KNOWN_TEXTS:
            self.texts.clear()
        self.texts.add(text)

    def batch(self, rows: Sequence[Row], session_id: str, sequence: int, unit: TimestampUnit) -> pa.RecordBatch:
        """Make a batch of rows.

        Args:
            rows: one or more rows that keep the rules.
            session_id: of all of them.
            sequence: of the first.
            unit: of their times.
        """
        times, metrics, values, units, attributes = zip(*rows, strict=True)
        count = len(rows)
        arrays = {
            "session_id": from_places(np.zeros(count, np.int32), from_strings([session_id])).dictionary_decode(),
            "sequence": from_numbers(np.arange(sequence, sequence + count, dtype=np.int64), pa.int64()),
            "timestamp": from_integers(times, timestamp_type(unit)),
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
        return from_integers(values, pa.int64())
    absent = np.array([value is None for value in values], np.bool_)
    if kind is bool:
        return from_bools(np.array([bool(value) for value in values], np.bool_), absent)
    for value in values:
        if type(value) is int and abs(value) > _EXACT_INTEGER_LIMIT:
            exact_number(value)
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
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise UsageError(f"record: {what} {value!r:.50} is no number")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"record: {what} {value!r:.50} is no number that float64 can hold") from error
    if isinstance(value, int) and abs(value) > _EXACT_INTEGER_LIMIT and (math.isinf(number) or int(number) != value):
        raise UsageError(f"record: {what} {value} does not fit float64 without loss")
    return number
