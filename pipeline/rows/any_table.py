"""Rows of any table, in the types of the data model: what is cast without loss is, and all else is an error."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.errors import SourceError, UsageError
from pipeline.model.columns import timestamp_type, type_name
from pipeline.native import TextBuffer
from pipeline.rows.attributes import check_column_names
from pipeline.rows.rules import first_bad_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FINEST_OF_US = ("s", "ms", "us")


class AnyTable:
    """The rows of a table as they come.

    Attributes:
        schema: its columns, in the types of the data model.
    """

    def __init__(self, schema: pa.Schema) -> None:
        """Take the columns.

        Raises:
            UsageError: there are none, names cannot be told apart, or a type is none that a file would hold.
        """
        if not schema.names:
            raise UsageError("the table has no columns")
        try:
            check_column_names(schema.names)
        except SourceError as error:
            raise UsageError(f"the table: {error}") from error
        self.schema = pa.schema([pa.field(field.name, _model_type(field.name, field.type)) for field in schema])
        self._rows = 0
        self._digest = hashlib.sha256(json.dumps([(f.name, type_name(f.type)) for f in self.schema]).encode())
        self._text = TextBuffer()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of names, types and all rows so far, in their order."""
        return f"sha256:{self._digest.hexdigest()}"

    @property
    def timestamp_unit(self) -> str:
        """The finest unit of its times."""
        return "ns" if timestamp_type("ns") in self.schema.types else "us"

    def conform(self, batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
        """Cast and check rows.

        Args:
            batches: the rows.
            rows: of a batch that is given, at most.

        Raises:
            SourceError: a value does not fit its type, or is a text or time that no file would hold.
        """
        for batch in batches:
            for at in range(0, batch.num_rows, rows):
                part = batch.slice(at, rows)
                arrays = [self._cast(field, array) for field, array in zip(self.schema, part.columns, strict=True)]
                conformed = pa.record_batch(arrays, schema=self.schema)
                if found := first_bad_value(conformed):
                    row, name, problem = found
                    raise SourceError(f"the table: row {self._rows + row + 1}, column {name!r}: {problem}")
                self._text.start(b"")
                self._digest.update(self._text.ndjson(conformed))
                self._rows += part.num_rows
                yield conformed

    def _cast(self, field: pa.Field, array: pa.Array) -> pa.Array:
        if pa.types.is_dictionary(array.type):
            if pa.types.is_string_view(array.type.value_type):  # which pyarrow writes out in no dictionary
                array = pa.DictionaryArray.from_arrays(array.indices, array.dictionary.cast(pa.string()))
            array = array.dictionary_decode()
        try:
            return array.cast(field.type)
        except pa.ArrowInvalid as error:
            raise SourceError(
                f"the table: column {field.name!r} does not fit {type_name(field.type)} ({error})"
            ) from error


def _model_type(name: str, kind: pa.DataType) -> pa.DataType:
    """Give the type of the model that holds all values of another type.

    Raises:
        UsageError: none does.
    """
    types = pa.types
    if types.is_dictionary(kind):
        return _model_type(name, kind.value_type)
    if types.is_null(kind) or types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string()
    if types.is_boolean(kind):
        return pa.bool_()
    if types.is_integer(kind):
        return pa.int64()
    if types.is_floating(kind):
        return pa.float64()
    if types.is_timestamp(kind) and kind.tz is not None:
        return timestamp_type("us" if kind.unit in _FINEST_OF_US else "ns")
    raise UsageError(
        f"column {name!r} has type {kind}; a package holds texts, int64, float64, booleans and times with a zone: "
        f"{_hint(kind)}, or leave it out"
    )


def _hint(kind: pa.DataType) -> str:
    types = pa.types
    if types.is_timestamp(kind):
        return "say its zone (SQL: x AT TIME ZONE 'UTC', Polars: dt.replace_time_zone, pandas: dt.tz_localize)"
    if types.is_decimal(kind):
        return "cast it to BIGINT (int64)" if kind.scale == 0 else "cast it to DOUBLE (float64) or VARCHAR (text)"
    if types.is_nested(kind):
        return "make it JSON text (SQL: to_json(x)::VARCHAR), or a column a value"
    if types.is_duration(kind) or types.is_interval(kind):
        return "cast it to a number of seconds (SQL: epoch(x), Polars and pandas: dt.total_seconds())"
    return "cast it to VARCHAR (text)"
