"""Conditions that users write in SQL: on rows, and on sessions. Only they need DuckDB, which is loaded when one is."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.errors import SourceError, UsageError
from pipeline.model.sessions_table import JSON_COLUMNS, sessions_table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import duckdb

    from pipeline.model.columns import TimestampUnit
    from pipeline.model.session import Session

_INSTEAD = (
    "and a condition has to hold for the same rows every time; write the value itself, such as "
    "TIMESTAMPTZ '2026-11-24T09:00:00Z', select by --since and --until, or take a part by sequence % 100 = 0"
)


class RowCondition:
    """A condition on the columns of a row."""

    def __init__(self, text: str) -> None:
        """Take the SQL as the user wrote it."""
        self._text = text

    @cached_property
    def _engine(self) -> duckdb.DuckDBPyConnection:
        from pipeline.runtime.duckdb import connect_engine, lock_down  # noqa: PLC0415 - only SQL needs DuckDB

        connection = connect_engine(threads=1)
        lock_down(connection, [])
        return connection

    def check(self, schema: pa.Schema) -> None:
        """Find errors before any row is read.

        Raises:
            UsageError: the SQL cannot be read, holds for groups of rows, for rows are taken batch by batch, or may
                hold for other rows another time.
        """
        try:
            # As a filter, so that aggregates and window functions are refused.
            with self._errors(schema):
                self._engine.from_arrow(schema.empty_table()).filter(self._text).fetchall()
        except SourceError as error:
            raise UsageError(str(error)) from error
        _require_stable(self._engine, f"--where {self._text!r}", self._text, schema.names)

    def matching(self, batch: pa.RecordBatch) -> pa.Array:
        """Evaluate it for each row, as true, false or null.

        Raises:
            SourceError: it fails for a row.
        """
        import duckdb  # noqa: PLC0415 - only SQL needs DuckDB

        with self._errors(batch.schema):
            rows = self._engine.from_arrow(pa.Table.from_batches([batch]))
            found = rows.select(duckdb.SQLExpression(self._text).cast("BOOLEAN")).to_arrow_table().column(0)
        return found.combine_chunks()

    @contextmanager
    def _errors(self, schema: pa.Schema) -> Iterator[None]:
        import duckdb  # noqa: PLC0415 - only SQL needs DuckDB

        try:
            yield
        except duckdb.Error as error:
            text = str(error).splitlines()[0]
            hint = f"; columns: {', '.join(schema.names)}" if "not found in FROM clause" in text else ""
            raise SourceError(f"--where {self._text!r}: {text}{hint}") from error


def sessions_where(sessions: Sequence[Session], unit: TimestampUnit, condition: str) -> list[Session]:
    """Find the sessions for which a condition on the columns of the sessions table holds.

    Raises:
        UsageError: the SQL cannot be read, fails, or may hold for other sessions another time.
    """
    import duckdb  # noqa: PLC0415 - only SQL needs DuckDB

    from pipeline.runtime.duckdb import connect_engine, lock_down  # noqa: PLC0415

    with connect_engine(threads=1) as connection:
        lock_down(connection, [])
        typed = ", ".join(f"{name}::JSON AS {name}" for name in JSON_COLUMNS)
        table = connection.from_arrow(sessions_table(sessions, unit, for_sql=True))
        try:
            rows = table.project(f"* REPLACE ({typed})").filter(condition).project("session_id").fetchall()
        except duckdb.Error as error:
            text = str(error).splitlines()[0]
            raise UsageError(f"--where-session {condition!r}: {text}; columns: {', '.join(table.columns)}") from error
        _require_stable(connection, f"--where-session {condition!r}", condition, table.columns)
    wanted = {session_id for (session_id,) in rows}
    return [session for session in sessions if session.session_id in wanted]


def _require_stable(
    connection: duckdb.DuckDBPyConnection, option: str, condition: str, columns: Collection[str]
) -> None:
    """Refuse a condition that may hold for other rows another time: tables of one package would disagree.

    Raises:
        UsageError: it may.
    """
    from pipeline.runtime.stable_sql import changing_part  # noqa: PLC0415 - only SQL needs DuckDB

    found = changing_part(connection, condition, columns)
    if found is not None:
        raise UsageError(f"{option}: {found}, {_INSTEAD}")
