"""Conditions that users write in SQL: on rows, and on sessions. Only they need DuckDB, which is loaded when one is."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.errors import SourceError, UsageError, suggest
from pipeline.model.session_values import session_values, values_column
from pipeline.model.sessions_table import JSON_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import duckdb

    from pipeline.model.session_values import Scalar

_UNKNOWN_COLUMN = "not found in FROM clause"
_MAX_LISTED = 20
"""Names in a message."""
_RESERVED = {"and", "or", "not", "in", "is", "null", "true", "false", "like", "case", "when", "then", "else", "end"}
"""Words of SQL that are no names of columns without quotes."""
_INSTEAD = (
    "and a condition has to hold for the same rows every time; write the value itself, such as "
    "TIMESTAMPTZ '2026-11-24T09:00:00Z', select by --since and --until, or take a part by sequence % 100 = 0"
)


class RowCondition:
    """A condition on the columns of a row."""

    def __init__(self, text: str) -> None:
        """Take the SQL as the user wrote it."""
        self._text = text
        self._exact: str | None = None

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
        self._sql(schema)

    def _sql(self, schema: pa.Schema) -> str:
        if self._exact is None:
            self._exact = _with_nanoseconds(self._engine, f"--where {self._text!r}", self._text, schema)
        return self._exact

    def matching(self, batch: pa.RecordBatch) -> pa.Array:
        """Evaluate it for each row, as true, false or null.

        Raises:
            SourceError: it fails for a row.
        """
        import duckdb  # noqa: PLC0415 - only SQL needs DuckDB

        with self._errors(batch.schema):
            rows = self._engine.from_arrow(pa.Table.from_batches([batch]))
            found = (
                rows.select(duckdb.SQLExpression(self._sql(batch.schema)).cast("BOOLEAN")).to_arrow_table().column(0)
            )
        return found.combine_chunks()

    @contextmanager
    def _errors(self, schema: pa.Schema) -> Iterator[None]:
        import duckdb  # noqa: PLC0415 - only SQL needs DuckDB

        try:
            yield
        except duckdb.Error as error:
            text = str(error).splitlines()[0]
            hint = f"; columns: {', '.join(schema.names)}" if _UNKNOWN_COLUMN in text else ""
            raise SourceError(f"--where {self._text!r}: {text}{hint}") from error


def sessions_where(table: pa.Table, condition: str) -> set[str]:
    """Find the sessions for which a condition holds, by their ids.

    It is on the columns of the sessions table, and on attributes and values of the configuration by their bare names,
    where these mean one thing.

    Raises:
        UsageError: the SQL cannot be read, fails, or may hold for other sessions another time.
    """
    import duckdb  # noqa: PLC0415 - only SQL needs DuckDB

    from pipeline.runtime.duckdb import connect_engine, lock_down  # noqa: PLC0415

    with connect_engine(threads=1) as connection:
        lock_down(connection, [])
        # Before it is run: to SQL without a column of that name, `user` is the user of the engine.
        values = _bare_names(table, condition) if _names_others(condition, table.column_names) else {}
        named = {name: values_column(column) for name, column in values.items()}
        rows = pa.table([*table.columns, *named.values()], [*table.column_names, *named])
        typed = ", ".join(f"{name}::JSON AS {name}" for name in JSON_COLUMNS)
        try:
            typed_rows = connection.from_arrow(rows).project(f"* REPLACE ({typed})")
            selected = typed_rows.filter(condition)
            # What the engine has taken.
            exact = _with_nanoseconds(connection, f"--where-session {condition!r}", condition, rows.schema)
            if exact != condition:
                selected = typed_rows.filter(exact)
            found = {session_id for (session_id,) in selected.project("session_id").fetchall()}
        except duckdb.Error as error:
            known = _bare_names(table, None)
            told = "; ".join([str(error).splitlines()[0], *_near(str(error), [*table.column_names, *known])])
            columns = f"{', '.join(table.column_names)}{_listed(known)}"
            raise UsageError(f"--where-session {condition!r}: {told}; columns: {columns}") from error
        _require_stable(connection, f"--where-session {condition!r}", condition, rows.column_names)
    return found


def _with_nanoseconds(connection: duckdb.DuckDBPyConnection, option: str, condition: str, schema: pa.Schema) -> str:
    if not any(pa.types.is_timestamp(kind) and kind.unit == "ns" for kind in schema.types):
        return condition
    from pipeline.runtime.time_literals import keep_nanoseconds  # noqa: PLC0415 - only SQL needs DuckDB

    return keep_nanoseconds(connection, condition, option)


def _names_others(condition: str, columns: Sequence[str]) -> bool:
    """Whether a condition may name anything but these columns; where not, no record need be looked into."""
    names = re.findall(r'"((?:[^"]|"")*)"|([^\W\d]\w*)', re.sub(r"'(?:[^']|'')*'", "''", condition))
    known = {name.lower() for name in columns}
    return any(
        quoted.lower() not in known | {""} or bare.lower() not in known | _RESERVED | {""} for quoted, bare in names
    )


def _bare_names(table: pa.Table, mentioned: str | None) -> dict[str, list[Scalar]]:
    """Give attributes and values of the configuration by their bare names, of the records in the sessions table."""
    parsed: dict[str, dict[str, Any]] = {}

    def objects(column: str) -> list[dict[str, Any]]:
        texts = table.column(column).to_pylist()
        for text in texts:
            if text not in parsed:
                parsed[text] = json.loads(text)
        return [parsed[text] for text in texts]

    return session_values(objects("attributes"), objects("configuration"), mentioned)


def _near(error: str, known: Sequence[str]) -> list[str]:
    """Say which name is near to a column that an error of the engine misses."""
    missing = re.search(rf'column "(.+?)" {_UNKNOWN_COLUMN}', error)
    hint = suggest(missing[1], known, noun="columns") if missing else ""
    return [hint] if hint.startswith("did you mean") else []


def _listed(named: Collection[str]) -> str:
    shown = ", ".join(list(named)[:_MAX_LISTED]) + (", ..." if len(named) > _MAX_LISTED else "")
    return f"; of attributes and configuration: {shown}" if named else ""


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
