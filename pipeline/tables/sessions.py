"""The table of sessions, the target of the other tables' foreign keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.model.sessions_table import sessions_table
from pipeline.rows.content import Content, observed
from pipeline.tables.table_file import TableFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.model.session import Session
    from pipeline.selection.selected import Selected

_BESIDE = ("metric_facts", "origin")


def sessions_file(selected: Selected, *, digested: bool, times: Content) -> TableFile:
    """Give the file of the sessions table, the target of the other tables' foreign keys, so it is never split.

    Args:
        selected: the sessions.
        digested: compute digests.
        times: holds the time range of the package.
    """
    table = sessions_table(selected.sessions, selected.scan.timestamp_unit)
    content = Content(digested=digested)
    content.first_timestamp, content.last_timestamp = times.first_timestamp, times.last_timestamp
    rows = observed(table.to_batches(selected.batch_size), table.schema.names, [content.add_plain])
    return TableFile(
        table="sessions",
        scope=None,
        sessions=selected.sessions,
        reader=pa.RecordBatchReader.from_batches(table.schema, rows),
        content=content,
        key=["session_id"],
        records=_records(selected.sessions),
    )


def _records(sessions: Sequence[Session]) -> dict[str, dict[str, Any]]:
    """Give what is known of sessions beside the columns of their table, by id."""
    found: dict[str, dict[str, Any]] = {}
    for session in sessions:
        if session.metric_facts or session.origin:
            described = session.describe()
            found[session.session_id] = {name: described[name] for name in _BESIDE if name in described}
    return found
