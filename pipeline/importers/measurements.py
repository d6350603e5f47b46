"""What an importer's SELECT gives becomes batches of the data model: times, sequence, attributes as columns."""

from __future__ import annotations

import itertools
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError, UsageError, suggest
from pipeline.importers.connection import one_line, select
from pipeline.importers.expansion import NUMBER, Expansion, number_column
from pipeline.importers.tags import Tags, common_kind, kinds_of
from pipeline.importers.times import TIME_COLUMNS, Times
from pipeline.importers.values import exact_floats, floats_of_integers
from pipeline.model.arrays import from_numbers, from_places, from_strings, from_value, integers, is_null
from pipeline.model.columns import CORE_COLUMNS, measurements_schema, type_name
from pipeline.rows.attributes import check_column_names
from pipeline.rows.batches import taken
from pipeline.rows.distinct import encode_repeated, taken_rows
from pipeline.rows.rules import RowChecker
from pipeline.runtime.duckdb import quote_identifier, quote_literal
from pipeline.runtime.threads import ScannedAhead

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Mapping
    from datetime import tzinfo

    import duckdb
    from duckdb.sqltypes import DuckDBPyType

    from pipeline.importers.decoded import Decoded
    from pipeline.importers.definition import Definition
    from pipeline.importers.samples import CutDocument
    from pipeline.model.columns import TimestampUnit

BATCH_ROWS = 16_384
_PER = "per_"
"""Begins the name of what is the divisor of values, and a column without it."""
_SAMPLE_COLUMNS = ("metric", "value", "unit")
_VALUE_TEXT = "value_text"
"""A column with the value as text, of the rows that have it: in them it counts."""
_SMALL_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
_INTEGERS = {*_SMALL_INTEGERS, "UBIGINT", "HUGEINT"}
_FLOATS = {"FLOAT", "DOUBLE"}
_ARROW_NAMES = {"BIGINT": "int64", "DOUBLE": "float64", "BOOLEAN": "bool", "VARCHAR": "string"}
_SQL_NAMES = {name: sql for sql, name in _ARROW_NAMES.items()}
_TEXTS_BY_KEY = "MAP(VARCHAR, VARCHAR)"
"""The type of attributes that may be told by the row, as JSON is: to ask all rows for their keys reads them twice."""
_JSON_KINDS = {"BIGINT": "int64", "UBIGINT": "int64", "DOUBLE": "float64", "BOOLEAN": "bool"}


class Measurements:
    """The rows of one harness file.

    Attributes:
        attributes: type name by attribute column.
        times: where their times come from.
        given: what the importer's SELECT calls its columns, in small letters.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        definition: Definition,
        unit: TimestampUnit,
        zone: tzinfo | None,
        constants: Mapping[str, str | int | float | bool] | None = None,
        document: CutDocument | None = None,
        decoded: Decoded | None = None,
        *,
        with_all_keys: bool = False,
        ahead: bool = True,
    ) -> None:
        """Bind the importer's SELECT.

        Args:
            connection: where the file can be read.
            definition: the importer.
            unit: of the timestamps.
            zone: of times that name none.
            constants: attributes of the whole session; they become columns unless the rows have them.
            document: holds the samples that were cut out of the file; rows with a column `samples` stand for them.
            decoded: what a reader makes of the file; it may know the keys of JSON attributes.
            with_all_keys: find the keys of attributes in all rows, not in the first ones alone.
            ahead: let the engine go on in a thread of its own while rows are made, which takes longer for few.

        Raises:
            UsageError: the SELECT does not give what is needed.
            SourceError: attributes have names that cannot be columns.
            duckdb.Error: the file does not fit.
        """
        self._tags: Tags | None = None
        self._ahead = ahead
        self._beside: dict[str, str] = {}
        self._counting: list[str] = []
        self._divisor: str | None = None
        inner = select(connection, definition, "measurements")
        types = dict(zip(inner.columns, inner.types, strict=True))
        kinds = {name: str(kind) for name, kind in types.items()}
        self.given = {name.lower() for name in kinds}
        if "metric" not in kinds or "value" not in kinds:
            lacks = "metric" if "metric" not in kinds else "value"
            hint = suggest(lacks, list(kinds), noun="its columns")
            raise UsageError(f"{definition.name}: section measurements gives no column {lacks!r}; {hint}")
        self.times = Times([name for name in TIME_COLUMNS if name in kinds], unit, zone)
        has_arrays = document is not None and NUMBER in kinds
        columns = list(_sample_columns(kinds, is_text=has_arrays, where=definition.name))
        numbers: list[str] = []
        columns += [_time_column(name, kinds[name]) for name in self.times.columns]
        self.attributes: dict[str, str] = {}
        taken = {*_SAMPLE_COLUMNS, *TIME_COLUMNS, _VALUE_TEXT, "attributes"}
        for name, kind in kinds.items():
            if name == NUMBER and has_arrays:
                filled, numbers = self._filled(definition, types[name], kinds)
                columns += filled
            elif name not in taken:
                columns.append(self._attribute(quote_identifier(name), name, kind))
        if "attributes" in kinds:
            columns += self._spread(connection, definition, types["attributes"])
        columns += numbers  # behind all columns of the rows
        self._stream = _read(connection.sql(f"SELECT {', '.join(columns)} FROM {_rows_of(definition)}"))
        if document is not None and has_arrays:
            self._stream = Expansion(
                document,
                self._beside,
                self._counting,
                ["value", *self.times.columns],
                self._divisor,
            ).expand(self._stream)
        self._peeked: list[pa.RecordBatch] = []
        if (of_attributes := kinds.get("attributes")) in {"JSON", _TEXTS_BY_KEY}:
            of_all = (connection, definition, decoded, of_attributes)
            found = self._all_keys(*of_all) if with_all_keys else self._first_keys()
            typed = {key: common_kind(held) if definition.is_typed else "string" for key, held in sorted(found.items())}
            for key, kind in typed.items():
                self._attribute("", key, _SQL_NAMES[kind])
            self._tags = Tags(typed, are_final=with_all_keys)
        have = {name.lower() for name in self.attributes}
        given = constants or {}
        self._constants = {name: from_value(value) for name, value in given.items() if name.lower() not in have}
        for name, value in self._constants.items():
            self.attributes[name] = type_name(value.type)
        check_column_names([*CORE_COLUMNS, *self.attributes])
        self.schema = measurements_schema(unit, self.attributes)
        self._various: set[str] = set()
        self._checker: tuple[pa.Schema, RowChecker] | None = None

    def _attribute(self, expression: str, name: str, kind: str) -> str:
        """Write the column of an attribute, and note its type."""
        if kind in _INTEGERS:
            sql = "BIGINT"
        elif kind in _FLOATS or kind.startswith("DECIMAL"):
            sql = "DOUBLE"
        else:
            sql = "BOOLEAN" if kind == "BOOLEAN" else "VARCHAR"
        # A tag may have the name of another column.
        taken = {*CORE_COLUMNS, *TIME_COLUMNS, *(have.lower() for have in self.attributes)}
        name = f"attribute_{name}" if not name or name.lower() in taken else name
        self.attributes[name] = _ARROW_NAMES[sql]
        return f"{expression}::{sql} AS {quote_identifier(name)}"

    def _filled(
        self, definition: Definition, kind: DuckDBPyType, given: Collection[str]
    ) -> tuple[list[str], list[str]]:
        """Give the columns that arrays fill beside `value`, and those with the numbers of the arrays."""
        kinds, numbers = {"value": str(kind)}, {"value": NUMBER}
        if kind.id == "struct":
            kinds = {name: str(of_field) for name, of_field in kind.children}
            numbers = {name: f"{NUMBER}.{quote_identifier(name)}" for name in kinds}
        if "value" not in kinds or not set(kinds.values()) <= {"JSON", "DOUBLE", "VARCHAR", *_INTEGERS}:
            raise UsageError(
                f"{definition.name}: column {NUMBER} must be the number of an array, or a STRUCT of such with a value"
            )
        columns = []
        for path in definition.samples:
            if path.place is None or path.place in self._counting:
                continue
            if path.place in given:  # other rows have it too
                self._counting.append(path.place)
            else:
                columns.append(self._attribute("NULL", path.place, "BIGINT"))
                self._counting.append(next(reversed(self.attributes)))
        added = [f"{numbers['value']}::BIGINT AS {quote_identifier(NUMBER)}"]
        for name, kind_of_field in kinds.items():
            if name != "value":
                columns.append(self._attribute("NULL", name.removeprefix(_PER), kind_of_field))
                column = next(reversed(self.attributes))
                if name.startswith(_PER):
                    self._divisor = column
                self._beside[column] = self.attributes[column]
                added.append(f"{numbers[name]}::BIGINT AS {quote_identifier(number_column(column))}")
        return columns, added

    def _spread(
        self, connection: duckdb.DuckDBPyConnection, definition: Definition, of_attributes: DuckDBPyType
    ) -> list[str]:
        """Make a column of every key of the column `attributes`."""
        if of_attributes.id == "struct":
            fields = [(name, str(kind)) for name, kind in of_attributes.children]
            return [self._attribute(f"attributes.{quote_identifier(name)}", name, kind) for name, kind in fields]
        kind = str(of_attributes)
        if kind == _TEXTS_BY_KEY:
            return ["to_json(attributes)::VARCHAR AS attributes"]
        if kind == "JSON":
            return ["attributes::VARCHAR AS attributes"]
        if of_attributes.id == "map":
            found = connection.sql(_keys_of_maps(definition)).fetchall()
            (_, _), (_, value) = of_attributes.children
            return [self._attribute(f"attributes[{quote_literal(name)}]", name, str(value)) for (name,) in found]
        raise UsageError(f"{definition.name}: column attributes has type {kind}; it must be JSON, a MAP or a STRUCT")

    def _first_keys(self) -> dict[str, set[str]]:
        """Find the keys and types of attributes in the first rows, which are kept for `batches`."""
        self._peeked = list(itertools.islice(self._stream, 1))
        found: dict[str, set[str]] = {}
        for batch in self._peeked:
            found |= kinds_of(batch.column("attributes"))
        return found

    @staticmethod
    def _all_keys(
        connection: duckdb.DuckDBPyConnection, definition: Definition, decoded: Decoded | None, kind: str
    ) -> dict[str, set[str]]:
        """Find the keys and types of attributes in all rows; what is no object is refused when it is read."""
        known = None if decoded is None else decoded.attribute_keys()
        if known is not None:
            return {key: {"string"} for key in known}
        if kind == _TEXTS_BY_KEY:
            return {key: {"string"} for (key,) in connection.sql(_keys_of_maps(definition)).fetchall()}
        query = (
            "SELECT key, list(DISTINCT json_type(attributes, json_pointer(key))) FROM ("
            f"SELECT attributes, unnest(json_keys(attributes)) AS key FROM {_rows_of(definition)} "
            "WHERE json_type(attributes) = 'OBJECT') GROUP BY key"
        )
        rows = connection.sql(query).fetchall()
        return {key: {_JSON_KINDS.get(kind, "string") for kind in kinds if kind != "NULL"} for key, kinds in rows}

    def batches(self, session_id: str, start: int | None) -> Generator[pa.RecordBatch]:
        """Read the rows in the file's order.

        Args:
            session_id: of all rows.
            start: of the session, for relative times and rows without one; None where every row must have a time.

        Raises:
            SourceError: a row breaks a rule.
            duckdb.Error: the file cannot be read.
        """
        sequence = 0
        rows = itertools.chain(taken(self._peeked), self._stream)
        # An engine takes nothing else while a stream of its rows is open.
        with closing(self._stream), ScannedAhead(rows) if self._ahead else nullcontext(rows) as batches:
            for raw in batches:
                batch = self._batch(raw, session_id, start, sequence)
                sequence += raw.num_rows
                yield batch

    def _batch(self, raw: pa.RecordBatch, session_id: str, start: int | None, sequence: int) -> pa.RecordBatch:
        """Make rows of the data model of what the engine gives; `sequence` is that of the first."""
        rows = raw.num_rows
        ticks = self.times.ticks(raw, start, sequence)
        first = np.zeros(rows, np.int64)
        arrays = [
            from_places(first, from_strings([session_id])),
            from_numbers(np.arange(sequence, sequence + rows, dtype=np.int64), pa.int64()),
            from_numbers(ticks, self.schema.field("timestamp").type),
            *self._attribute_columns(raw),
            *(taken_rows(value, first) for value in self._constants.values()),
        ]
        batch = pa.record_batch(arrays, names=self.schema.names)
        if self._checker is None or not batch.schema.equals(self._checker[0]):
            self._checker = batch.schema, RowChecker(batch.schema)
        self._checker[1](batch)
        return batch

    def _attribute_columns(self, raw: pa.RecordBatch) -> Iterator[pa.Array]:
        """Give metric, value, unit and the attributes of the rows, in the order of the schema."""
        for name in raw.schema.names:
            if name == "attributes" and self._tags is not None:
                yield from self._tags.spread(raw.column(name))
            elif name == "value":
                yield _values_of(raw)
            elif name not in {*TIME_COLUMNS, _VALUE_TEXT}:
                yield self._shortened(name, raw.column(name))

    def _shortened(self, name: str, column: pa.Array) -> pa.Array:
        """Give texts that repeat as a dictionary, as long as they do."""
        if pa.types.is_dictionary(column.type):
            return column
        if name in self._various or not pa.types.is_string(column.type) or not len(column):
            return _copied(column)
        encoded = encode_repeated(column)
        if len(encoded.dictionary) * 4 > len(column) > 1000:
            self._various.add(name)
        return encoded


def _values_of(raw: pa.RecordBatch) -> pa.Array:
    """Give the values of rows as float64."""
    column = raw.column("value")
    values = _copied(column) if pa.types.is_floating(column.type) else _read_values(column)
    if _VALUE_TEXT not in raw.schema.names or (texts := raw.column(_VALUE_TEXT)).null_count == len(texts):
        return values
    absent, has_no_text = is_null(values), is_null(texts)
    numbers, read = (integers(one).view(np.float64) for one in (values, _read_values(texts)))
    return from_numbers(np.where(has_no_text, numbers, read), pa.float64(), absent & has_no_text)


def _read_values(column: pa.Array) -> pa.Array:
    """Read texts or integers as float64."""
    try:
        return floats_of_integers(column) if pa.types.is_int64(column.type) else exact_floats(column)
    except ValueError as error:
        raise SourceError(f"column 'value': {error.args[0]}") from error


def _copied(array: pa.Array) -> pa.Array:
    """Copy an array: one column that is kept would keep all columns of the engine's batch."""
    buffers = [None if buffer is None else pa.py_buffer(buffer.to_pybytes()) for buffer in array.buffers()]
    return pa.Array.from_buffers(array.type, len(array), buffers, offset=array.offset)


def _rows_of(definition: Definition) -> str:
    return f"({definition.sections['measurements']}\n)"


def _keys_of_maps(definition: Definition) -> str:
    return f"SELECT DISTINCT unnest(map_keys(attributes)) FROM {_rows_of(definition)} ORDER BY 1"


def _read(relation: duckdb.DuckDBPyRelation) -> Generator[pa.RecordBatch]:
    """Give the batches; what the engine raises on the way comes out of Arrow as an error of its own."""
    with relation.to_arrow_reader(BATCH_ROWS) as reader:
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            except (OSError, pa.ArrowException) as error:
                raise SourceError(one_line(error)) from error
            yield batch


def _sample_columns(kinds: dict[str, str], *, is_text: bool, where: str) -> Iterator[str]:
    for name in _SAMPLE_COLUMNS:
        kind = kinds.get(name)
        if name == "value" and _VALUE_TEXT in kinds:
            if is_text or kind not in {*_FLOATS, *_SMALL_INTEGERS}:
                raise UsageError(f"{where}: column {_VALUE_TEXT} is for a column value of DOUBLE or BIGINT")
            yield f"{_VALUE_TEXT}::VARCHAR AS {_VALUE_TEXT}"
        if kind is None:
            yield f"NULL::VARCHAR AS {name}"
        elif name == "value" and kind in {*_FLOATS, "BOOLEAN"}:
            yield "value::DOUBLE::VARCHAR AS value" if is_text else "value::DOUBLE AS value"
        elif name == "value" and kind in _SMALL_INTEGERS and not is_text:
            yield "value::BIGINT AS value"
        elif name == "value" and kind == "JSON":
            yield "nullif(value::VARCHAR, 'null') AS value"
        else:  # the engine would round numbers that float64 cannot hold
            yield f"{name}::VARCHAR AS {name}"


def _time_column(name: str, kind: str) -> str:
    if name != "timestamp":
        return f"{name}::BIGINT AS {name}"
    if kind.startswith("TIMESTAMP"):
        return "timestamp"
    return "timestamp::VARCHAR AS timestamp"
