"""The `sessions` table: one row a session, what is nested in it as JSON text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.model.arrays import from_integers, from_strings
from pipeline.model.columns import TimestampUnit, timestamp_type
from pipeline.model.metric_facts import MetricFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
SQL_SESSION_DESCRIPTIONS = SESSION_DESCRIPTIONS | {
    "metric_facts": "What is known of the metrics, a JSON object",
    "origin": "Where the session came from, and how it was read, a JSON object",
}
"""SQL has columns that no file of a package has."""
_COUNTS = {"measurement_count", "null_count", "backward_timestamp_count", "dropped_digit_count"}
_TIMES = {"started_at", "ended_at", "first_timestamp", "last_timestamp"}
JSON_COLUMNS = ("configuration", "attributes", "metrics", "metric_facts", "origin")


def _schema(unit: TimestampUnit, names: Iterable[str]) -> pa.Schema:

    def kind(name: str) -> pa.DataType:
        if name in _TIMES:
            return timestamp_type(unit)
        return pa.int64() if name in _COUNTS else pa.string()

    return pa.schema([(name, kind(name)) for name in names])


def sessions_table(sessions: Iterable[Session], unit: TimestampUnit, *, for_sql: bool = False) -> pa.Table:
    """Make the table of sessions, in their order.

    Args:
        sessions: the sessions.
        unit: timestamp unit.
        for_sql: with the columns that SQL alone has.
    """
    schema = _schema(unit, SQL_SESSION_DESCRIPTIONS if for_sql else SESSION_DESCRIPTIONS)
    given = list(sessions)
    columns = []
    for field in schema:
        values = [getattr(session, field.name) for session in given]
        if field.name in _TIMES | _COUNTS:
            columns.append(from_integers(values, field.type))
        else:
            columns.append(from_strings(json_texts(values) if field.name in JSON_COLUMNS else values))
    return pa.table(columns, schema=schema)


def json_texts(values: Sequence[Any]) -> list[str]:
    """Write values as JSON; one that comes again is written once, for sessions share most of what they have."""
    texts: dict[int, str] = {}
    for value in values:
        if id(value) not in texts:  # all of them are there as long as the list is
            texts[id(value)] = json.dumps(value, ensure_ascii=False, default=_described)
    return [texts[id(value)] for value in values]


def _described(value: Any) -> Any:  # noqa: ANN401 - a mapping, or facts of a metric
    return value.describe() if isinstance(value, MetricFacts) else dict(value)
