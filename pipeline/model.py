"""The data model: columns of measurements, records of sessions, and their Arrow types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import pyarrow as pa

from pipeline.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

TimestampUnit: TypeAlias = Literal["us", "ns"]

MAX_SESSION_ID_CHARACTERS = 128


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


@dataclass(frozen=True, kw_only=True)
class Session:
    """One recorded run: what its harness says of it, and what its rows hold.

    Times count `timestamp_unit`s since the Unix epoch, UTC.

    Attributes:
        metrics: names of its metrics, sorted.
        first_timestamp: earliest time of a row, None without rows.
        last_timestamp: latest time of a row, None without rows.
        null_count: rows whose value is null.
        backward_timestamp_count: rows whose time is earlier than that of the row before.
        dropped_digit_count: rows whose time had digits below the timestamp unit.
        columns: type name by attribute column, in order.
        content_digest: digest of the rows' values, see `pipeline.digest`.
        origin: of a session from a harness file: which file, and how it was read; else empty.
    """

    session_id: str
    timestamp_unit: TimestampUnit
    started_at: int
    ended_at: int
    harness_name: str | None = None
    harness_version: str | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    measurement_count: int = 0
    metrics: tuple[str, ...] = ()
    first_timestamp: int | None = None
    last_timestamp: int | None = None
    null_count: int = 0
    backward_timestamp_count: int = 0
    dropped_digit_count: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)
    content_digest: str = ""
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sort_key(self) -> tuple[int, str]:
        """Sessions come in this order everywhere: by start, then by id."""
        return self.started_at, self.session_id

    def describe(self) -> dict[str, Any]:
        """Describe the session as JSON values, the way every export and command shows it."""

        def text(ticks: int | None) -> str | None:
            return None if ticks is None else format_timestamp(ticks, self.timestamp_unit)

        return {
            "session_id": self.session_id,
            "started_at": text(self.started_at),
            "ended_at": text(self.ended_at),
            "harness": {"name": self.harness_name, "version": self.harness_version},
            "configuration": dict(self.configuration),
            "attributes": dict(self.attributes),
            "measurement_count": self.measurement_count,
            "null_count": self.null_count,
            "first_timestamp": text(self.first_timestamp),
            "last_timestamp": text(self.last_timestamp),
            "backward_timestamp_count": self.backward_timestamp_count,
            "dropped_digit_count": self.dropped_digit_count,
            "metrics": list(self.metrics),
            "content_digest": self.content_digest,
            **({"origin": dict(self.origin)} if self.origin else {}),
        }
