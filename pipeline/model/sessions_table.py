"""The `sessions` table: one row a session, what is nested in it as JSON text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.model.arrays import from_integers, from_strings
from pipeline.model.columns import TimestampUnit, timestamp_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.model.session import Session

SESSION_DESCRIPTIONS = {
    "session_id": "Id of the session",
    "started_at": "When the session started, UTC",
    "ended_at": "When the session ended, UTC",
    "harness_name": "Program that ran the session",
    "harness_version": "Version of that program",
    "configuration": "The test configuration, a JSON object",
    "attributes": "Attributes of the whole session, a JSON object",
    "measurement_count": "Measurements that the session holds",
    "null_count": "Measurements whose value is null: lost samples",
    "first_timestamp": "Earliest time of a measurement",
    "last_timestamp": "Latest time of a measurement",
    "backward_timestamp_count": "Measurements whose time is earlier than that of the one before",
    "dropped_digit_count": "Measurements whose time had digits below the timestamp unit, which were dropped at import",
    "metrics": "Names of the session's metrics, a JSON array",
    "content_digest": "Digest of the values of all measurements of the session",
}
_COUNTS = {"measurement_count", "null_count", "backward_timestamp_count", "dropped_digit_count"}
_TIMES = {"started_at", "ended_at", "first_timestamp", "last_timestamp"}
JSON_COLUMNS = ("configuration", "attributes", "metrics")


def sessions_schema(unit: TimestampUnit) -> pa.Schema:
    """Schema of the table."""

    def kind(name: str) -> pa.DataType:
        if name in _TIMES:
            return timestamp_type(unit)
        return pa.int64() if name in _COUNTS else pa.string()

    return pa.schema([(name, kind(name)) for name in SESSION_DESCRIPTIONS])


def sessions_table(sessions: Iterable[Session], unit: TimestampUnit) -> pa.Table:
    """Make the table of sessions, in their order."""
    schema = sessions_schema(unit)
    rows = [_row(session) for session in sessions]
    columns = []
    for field in schema:
        values = [row[field.name] for row in rows]
        if field.name in _TIMES | _COUNTS:
            columns.append(from_integers(values, field.type))
        else:
            columns.append(from_strings(values))
    return pa.table(columns, schema=schema)


def _row(session: Session) -> dict[str, Any]:
    row = {name: getattr(session, name) for name in SESSION_DESCRIPTIONS}
    for name in JSON_COLUMNS:
        value = list(session.metrics) if name == "metrics" else dict(row[name])
        row[name] = json.dumps(value, ensure_ascii=False)
    return row
