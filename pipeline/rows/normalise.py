"""Turns batches as files hold them into batches of the data model, without losing anything on the way."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.errors import BadRowError, SourceError, suggest
from pipeline.model.arrays import from_bools, integers, is_null
from pipeline.model.columns import (
    ATTRIBUTE_TYPES,
    CORE_COLUMNS,
    REPEATED_TEXT,
    TimestampUnit,
    core_type,
    timestamp_type,
    type_name,
    with_repeated,
)
from pipeline.model.timestamps import parse_timestamp
from pipeline.rows import rules
from pipeline.rows.attributes import check_column_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from numpy.typing import NDArray

OPTIONAL_COLUMNS = ("unit",)
_PLAIN_UTC_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"
_FLOAT_NAMES = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}


class Normaliser:
    """Makes every batch of one file conform to the data model.

    Attributes:
        dropped_digits: by session id, how many times had digits below the unit.
        skipped: how many bad rows were left out.
    """

    def __init__(
        self,
        *,
        unit: TimestampUnit,
        zone: tzinfo | None = None,
        session_id: str | None = None,
        attributes: Mapping[str | None, Mapping[str, Any]] | None = None,
        skip_bad: bool = False,
        keep_repeated: bool = False,
    ) -> None:
        """Set what holds for all batches.

        Args:
            unit: timestamp unit to arrive at.
            zone: zone of times that name none; without it they are an error.
            session_id: session of rows that have no such column.
            attributes: by session id, None for every other, the session's attributes; they become columns unless
                the rows have them.
            skip_bad: leave rows out that break a rule, and count them.
            keep_repeated: keep dictionaries of texts, which hold distinct texts then and no null.
        """
        self._unit = unit
        self._zone = zone
        self._session_id = session_id
        self._attributes = attributes or {}
        self._skip_bad = skip_bad
        self._keep_repeated = keep_repeated
        self.dropped_digits: Counter[str] = Counter()
        self.skipped = 0

    def conform(self, batch: pa.RecordBatch, dropped: NDArray[np.bool_] | None = None) -> pa.RecordBatch:
        """Cast, complete, order and check the columns of a batch.

        Args:
            batch: the rows.
            dropped: which of their times lost digits when they were read.

        Raises:
            SourceError: a column is missing, doubled, or of a type that does not fit.
            BadRowError: a row breaks a rule, and bad rows are not skipped.
        """
        try:
            result, drops = self._conform(batch)
        except BadRowError:
            if not self._skip_bad:
                raise
            good = np.array([self._is_good(batch.slice(row, 1)) for row in range(batch.num_rows)], bool)
            self.skipped += int((~good).sum())
            result, drops = self._conform(batch.filter(from_bools(good)))
            dropped = None if dropped is None else dropped[good]
        drops = dropped if drops is None else drops
        if drops is not None and drops.any():
            self.dropped_digits.update(result.column("session_id").filter(from_bools(drops)).to_pylist())
        return result

    def _is_good(self, row: pa.RecordBatch) -> bool:
        try:
            self._conform(row)
        except BadRowError:
            return False
        return True

    def _conform(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Any]:
        rules.require_short_rows(batch)
        columns = self._columns(batch)
        drops, columns["timestamp"] = self._timestamps(columns["timestamp"], batch)
        fields, arrays = [], []
        for name, array in columns.items():
            kind = core_type(name, self._unit) if name in CORE_COLUMNS else None
            arrays.append(array if name == "timestamp" else self._cast(name, array, kind, batch))
            nullable = name not in CORE_COLUMNS or CORE_COLUMNS[name].nullable
            fields.append(pa.field(name, arrays[-1].type, nullable=nullable))
        result = pa.record_batch(arrays, schema=pa.schema(fields))
        rules.check_rows(result)
        return result, drops

    def _columns(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        names = batch.schema.names
        check_column_names(names)
        rows = batch.num_rows
        given = dict(zip(names, batch.columns, strict=True))
        if self._session_id is not None and "session_id" not in given:
            given["session_id"] = pa.repeat(self._session_id, rows)
        for name in OPTIONAL_COLUMNS:
            given.setdefault(name, pa.nulls(rows, pa.string()))
        missing = [name for name in CORE_COLUMNS if name not in given]
        if missing:
            hint = suggest(missing[0], names, noun="its columns")
            if missing[0] == "session_id":
                hint += "; --session-id of import gives rows the id that they lack"
            raise SourceError(f"no column {missing[0]!r}; {hint}")
        columns = {name: given.pop(name) for name in CORE_COLUMNS}
        columns |= given
        for name in {name: None for attributes in self._attributes.values() for name in attributes}:
            if name not in columns:
                columns[name] = self._constant(name, columns["session_id"])
        check_column_names(list(columns))
        return columns

    def _constant(self, name: str, session_ids: pa.Array) -> pa.Array:
        """Make a column of an attribute that the sessions' records hold, not the rows."""
        if not pa.types.is_dictionary(session_ids.type):
            session_ids = session_ids.dictionary_encode()
        ids = session_ids.dictionary.to_pylist()
        everyone = self._attributes.get(None, {})
        values = [self._attributes.get(session_id, everyone).get(name) for session_id in ids]
        try:
            return pa.array(values).take(session_ids.indices)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise SourceError(f"attribute {name!r} of the session records has two types; give it one") from error
        except OverflowError as error:
            raise SourceError(f"attribute {name!r} of the session records does not fit int64") from error

    def _cast(self, name: str, array: pa.Array, wanted: pa.DataType | None, batch: pa.RecordBatch) -> pa.Array:
        if self._keep_repeated and array.type == REPEATED_TEXT and wanted in {None, pa.string()}:
            return array
        array = _decoded(array)
        have = array.type
        textual = pa.types.is_string(have) or pa.types.is_large_string(have) or pa.types.is_string_view(have)
        if pa.types.is_null(have):
            return array if wanted is None else array.cast(wanted)
        target = pa.string() if textual else None
        if pa.types.is_integer(have):
            target = pa.float64() if wanted == pa.float64() else pa.int64()
        elif pa.types.is_floating(have):
            target = pa.float64()
        elif pa.types.is_boolean(have):
            target = have
        if target is None or (wanted is not None and target != wanted):
            allowed = type_name(wanted) if wanted is not None else ", ".join(ATTRIBUTE_TYPES)
            raise SourceError(f"column {name!r} has type {have}; it must be {allowed}: cast it or leave it out")
        try:
            return array.cast(target)
        except pa.ArrowInvalid as error:
            row = next(i for i, value in enumerate(array) if not _casts(value, target))
            raise rules.bad_row(
                batch, row, name, f"{array[row].as_py()!r} does not fit {type_name(target)} without loss"
            ) from error

    def _timestamps(self, array: pa.Array, batch: pa.RecordBatch) -> tuple[Any, pa.Array]:
        """Give times in UTC and the unit, and which of them lost digits below it."""
        array = _decoded(array)
        if pa.types.is_null(array.type):
            return None, array.cast(timestamp_type(self._unit))
        if not pa.types.is_timestamp(array.type):
            raise SourceError(f"column 'timestamp' has type {array.type}; it must be a timestamp: cast it before")
        if array.type.tz is None:
            if self._zone is None:
                raise SourceError("column 'timestamp' names no time zone; say which with --timezone")
            import pyarrow.compute as pc  # noqa: PLC0415 - slow to load, and rarely needed here

            try:
                array = pc.assume_timezone(array, str(self._zone))
            except pa.ArrowInvalid as error:
                raise SourceError(f"column 'timestamp': {' '.join(str(error).split())}") from error
        drops = None
        if array.type.unit == "ns" and self._unit == "us":
            ticks = np.where(is_null(array), 0, integers(array))
            drops = ticks % 1000 != 0
            array = pa.array(ticks // 1000, pa.int64(), mask=is_null(array))
            return drops, array.view(timestamp_type("us"))
        try:
            return drops, array.cast(timestamp_type(self._unit))
        except pa.ArrowInvalid as error:
            row = next(i for i, value in enumerate(array) if not _casts(value, timestamp_type(self._unit)))
            raise rules.bad_row(batch, row, "timestamp", f"cannot be counted in {self._unit} since 1970") from error


def _decoded(array: pa.Array) -> pa.Array:
    """Write a dictionary's values out, which pyarrow does not do for views, Polars' texts."""
    if not pa.types.is_dictionary(array.type):
        return array
    if pa.types.is_string_view(array.type.value_type):
        array = pa.DictionaryArray.from_arrays(array.indices, array.dictionary.cast(pa.string()))
    return array.dictionary_decode()


def _casts(value: pa.Scalar, target: pa.DataType) -> bool:
    try:
        value.cast(target)
    except pa.ArrowInvalid:
        return False
    return True


def parse_floats(array: pa.Array) -> pa.Array:
    """Read a string array as float64, the names of non-finite numbers included.

    Raises:
        pa.ArrowInvalid: some text is no number.
    """
    try:
        return array.cast(pa.float64())
    except pa.ArrowInvalid:
        values = [None if v is None else _FLOAT_NAMES.get(v, v) for v in array.to_pylist()]
        return pa.array(values, pa.string()).cast(pa.float64())


def parse_timestamps(
    array: pa.Array, zone: tzinfo | None, unit: TimestampUnit
) -> tuple[pa.Array, NDArray[np.bool_] | None]:
    """Read a string array as times in UTC.

    Returns:
        the times, and which of them lost digits below the unit, None where none did.

    Raises:
        ValueError: a text is no time; its last argument is the row.
    """
    import pyarrow.compute as pc  # noqa: PLC0415 - slow to load, and rarely needed here

    if unit == "us" and pc.all(pc.match_substring_regex(array, _PLAIN_UTC_TIME), min_count=0).as_py():
        try:
            return array.cast(timestamp_type("us")), None
        except pa.ArrowInvalid:
            pass  # the loop below finds the row
    ticks: list[int | None] = []
    drops = np.zeros(len(array), bool)
    for row, text in enumerate(array.to_pylist()):
        if text is None:
            ticks.append(None)
            continue
        try:
            tick, drops[row] = parse_timestamp(text, unit, zone)
        except ValueError as error:
            raise ValueError(str(error), row) from error
        ticks.append(tick)
    return pa.array(ticks, pa.int64()).view(timestamp_type(unit)), drops


def conform_to(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Bring a batch of the model to a wider schema: attributes it lacks are null."""
    if batch.schema.equals(schema):
        return batch
    names = set(batch.schema.names)
    for name in CORE_COLUMNS:
        if name not in names and schema.get_field_index(name) >= 0:
            raise SourceError(f"no column {name!r}")
    arrays = []
    for field in schema:
        if field.name not in names:
            arrays.append(pa.nulls(batch.num_rows, field.type))
            continue
        try:
            column = batch.column(field.name)
            arrays.append(column if column.type == field.type else column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            kinds = f"{type_name(batch.schema.field(field.name).type)}, elsewhere {type_name(field.type)}"
            raise SourceError(f"column {field.name!r} is {kinds}, and does not fit that without loss") from error
    return pa.record_batch(arrays, schema=schema)


def conform_as_held(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Do as `conform_to` does; texts that are held as dictionaries stay so, whatever the schema says."""
    held = [field.name for field in batch.schema if field.type == REPEATED_TEXT]
    return conform_to(batch, with_repeated(schema, held))
