"""The columns of measurements, and their Arrow types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

TimestampUnit: TypeAlias = Literal["us", "ns"]

MAX_SESSION_ID_CHARACTERS = 128
MAX_ROW_BYTES = 64 << 20
"""Of a row as text: what is longer is no row, and would be held in memory several times."""


class Column(NamedTuple):
    """A column every measurement has."""

    nullable: bool
    description: str


CORE_COLUMNS: dict[str, Column] = {
    "session_id": Column(False, "The session that the measurement belongs to"),
    "sequence": Column(False, "Position in the session's own order, unique within the session"),
    "timestamp": Column(False, "When the sample was taken, UTC"),
    "metric": Column(False, "What was measured"),
    "value": Column(True, "The measured value; null where the sample was lost"),
    "unit": Column(True, "UCUM code of the value's unit; null where it is unknown"),
}
KEY_COLUMNS = ("session_id", "sequence")

ATTRIBUTE_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
}
UNTYPED = "null"
"""Type name of an attribute that holds nothing but nulls, so far."""


def type_name(arrow_type: pa.DataType) -> str:
    """Name an Arrow type of the model: string, int64, float64, bool, null, timestamp[us], timestamp[ns]."""
    if pa.types.is_dictionary(arrow_type):
        return type_name(arrow_type.value_type)
    if pa.types.is_float64(arrow_type):
        return "float64"
    if pa.types.is_timestamp(arrow_type):
        return f"timestamp[{arrow_type.unit}]"
    return str(arrow_type)


def timestamp_type(unit: TimestampUnit) -> pa.DataType:
    """Arrow type of timestamps: UTC, in microseconds or nanoseconds."""
    return pa.timestamp(unit, "UTC")


def core_type(name: str, unit: TimestampUnit) -> pa.DataType:
    """Arrow type of the core column `name`."""
    if name == "sequence":
        return pa.int64()
    if name == "timestamp":
        return timestamp_type(unit)
    return pa.float64() if name == "value" else pa.string()


def measurements_schema(unit: TimestampUnit, attributes: Mapping[str, str]) -> pa.Schema:
    """Schema of measurements: the core columns, then the attributes.

    Args:
        unit: unit of the timestamps.
        attributes: type name by column; an untyped one becomes a string column of nulls.
    """
    fields = [pa.field(name, core_type(name, unit), nullable=c.nullable) for name, c in CORE_COLUMNS.items()]
    fields += [pa.field(name, ATTRIBUTE_TYPES.get(kind, pa.string())) for name, kind in attributes.items()]
    return pa.schema(fields)


REPEATED_TEXT = pa.dictionary(pa.int32(), pa.string())
"""Physical type of string columns whose values repeat, inside the pipeline; files never show it."""


def with_repeated(schema: pa.Schema, repeated: Collection[str]) -> pa.Schema:
    """Give the schema of the same rows with some string columns as dictionaries."""
    return pa.schema([field.with_type(REPEATED_TEXT) if field.name in repeated else field for field in schema])


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Give the schema of the same rows with strings as strings."""
    return pa.schema(
        [field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field for field in schema],
        schema.metadata,
    )
