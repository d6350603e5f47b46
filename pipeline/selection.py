"""Which sessions, rows and columns of a scan are wanted."""

from __future__ import annotations

import copy
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError, UsageError, suggest
from pipeline.model.arrays import from_bools, from_strings, integers
from pipeline.model.sessions_table import JSON_COLUMNS, sessions_table
from pipeline.model.timestamps import format_timestamp, parse_instant, parse_zone
from pipeline.rows.batches import select_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from pipeline.model.session import Session
    from pipeline.scan.scan import Scan

REDACTED = "[redacted]"
_PATH_STEP = re.compile(r'(?:^|\.)(?:"((?:[^"\\]|\\.)*)"|([^."]+))')


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What to take of a source; the defaults take everything.

    Attributes:
        sessions: ids of sessions.
        metrics: names of metrics.
        since: earliest time, inclusive: RFC 3339, a date, `today` or `yesterday`.
        until: latest time, exclusive.
        where: SQL condition on the columns of a row.
        where_session: SQL condition on the columns of the sessions table.
        columns: columns of the exported table, in this order.
        exclude: columns to leave out.
        redact: paths such as `configuration.network.address`, whose values are replaced in all metadata.
        timezone: IANA name of the zone of days and of times that name none.
    """

    sessions: Sequence[str] = ()
    metrics: Sequence[str] = ()
    since: str | None = None
    until: str | None = None
    where: str | None = None
    where_session: str | None = None
    columns: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    redact: Sequence[str] = ()
    timezone: str | None = None

    def __post_init__(self) -> None:
        """Refuse a text where a list of names is meant: its letters would be taken for names."""
        for name in ("sessions", "metrics", "columns", "exclude", "redact"):
            if isinstance(getattr(self, name), str):
                raise UsageError(f"{name} must be a list of names, not one text")

    def resolved_times(self) -> dict[str, str | None]:
        """Give `since` and `until` as RFC 3339: `today` means another day tomorrow."""
        return {
            name: None if ticks is None else format_timestamp(ticks, "ns")
            for name, ticks in zip(("since", "until"), self.time_bounds(), strict=True)
        }

    def time_bounds(self) -> tuple[int | None, int | None]:
        """Give `since` and `until` as nanoseconds since the epoch.

        Raises:
            UsageError: one of them cannot be read, or nothing lies between them.
        """
        zone = parse_zone(self.timezone or "UTC")
        since, until = (
            None if text is None else parse_instant(text, option=option, zone=zone)
            for option, text in (("--since", self.since), ("--until", self.until))
        )
        if since is not None and until is not None and since >= until:
            raise UsageError("--since is not before --until; nothing lies between them")
        return since, until


@dataclass(frozen=True)
class Selected:
    """A selection applied to a scan.

    Attributes:
        scan: the source.
        sessions: the selected sessions, in order, redacted.
        selection: what was asked for.
        warnings: what its reader should know, a sentence each.
        batch_size: rows of a batch, at most.
    """

    scan: Scan
    sessions: tuple[Session, ...]
    selection: Selection
    warnings: tuple[str, ...]
    batch_size: int

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the source as it may be published: a hash of what is redacted could be guessed from."""
        redacted, _ = _redact(self.scan.sessions, self.selection.redact)
        return replace(self.scan, sessions=tuple(redacted)).fingerprint

    def check_redacted(self, columns: Sequence[str]) -> None:
        """Refuse to publish in a column what is redacted in the metadata.

        Raises:
            UsageError: an attribute is redacted, and one of the columns shows it.
        """
        for path in self.selection.redact:
            steps = _path_steps(path)
            if steps[0] == "attributes" and steps[1] in columns:
                raise UsageError(f"--redact {path}: the column {steps[1]!r} shows it too; leave it out (--exclude)")

    def choose_columns(self, names: Sequence[str]) -> list[str]:
        """Apply `columns` and `exclude` to the columns of a table.

        Raises:
            SourceError: one of them does not exist.
            UsageError: no column is left.
        """
        for option, wanted in (
            ("--columns", self.selection.columns or ()),
            ("--exclude", self.selection.exclude),
        ):
            for name in wanted:
                if name not in names:
                    raise SourceError(f"{option}: no column {name!r}; {suggest(name, names, noun='columns')}")
        chosen = dict.fromkeys(names if self.selection.columns is None else self.selection.columns)
        kept = [name for name in chosen if name not in self.selection.exclude]
        if not kept:
            raise UsageError("--columns and --exclude leave no column")
        return kept

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read the selected rows in order.

        Args:
            columns: those to read; session_id and sequence always come too.

        Yields:
            batches of rows of one session each; none is empty.
        """
        needed = {*columns, *self._filter_columns}
        kept = [name for name in self.scan.schema.names if name in {*columns, "session_id", "sequence"}]
        for batch in self.scan.batches(self.sessions, sorted(needed), batch_size=self.batch_size):
            rows = self._filter(batch)
            if rows.num_rows:
                yield select_columns(rows, kept)

    @property
    def _filter_columns(self) -> list[str]:
        if self.selection.where is not None:
            return list(self.scan.schema.names)
        times = ["timestamp"] if self.selection.since or self.selection.until else []
        return times + (["metric"] if self.selection.metrics else [])

    def _filter(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        low, high = self._time_bounds
        if low is not None or high is not None:
            ticks = integers(batch.column("timestamp"))
            keep = np.ones(len(ticks), bool)
            if low is not None:
                keep &= ticks >= low
            if high is not None:
                keep &= ticks < high
            batch = batch.filter(from_bools(keep))
        if self.selection.metrics:
            import pyarrow.compute as pc  # noqa: PLC0415 - slow to load, and rarely needed here

            batch = batch.filter(pc.is_in(batch.column("metric"), from_strings(self.selection.metrics)))
        if self.selection.where is not None and batch.num_rows:
            batch = batch.filter(self._matching(batch).combine_chunks())
        return batch

    @cached_property
    def _time_bounds(self) -> tuple[int | None, int | None]:
        scale = 1 if self.scan.timestamp_unit == "ns" else 1000
        since, until = (None if ns is None else -(-ns // scale) for ns in self.selection.time_bounds())
        return since, until

    @cached_property
    def _engine(self) -> duckdb.DuckDBPyConnection:
        from pipeline.runtime.duckdb import connect_engine, lock_down  # noqa: PLC0415 - only SQL needs DuckDB

        connection = connect_engine(threads=1)
        lock_down(connection, [])
        return connection

    def _matching(self, batch: pa.RecordBatch) -> pa.Array:
        """Evaluate `where` for each row, as true, false or null."""
        import duckdb  # noqa: PLC0415 - only SQL needs DuckDB

        condition = self.selection.where or ""
        with _sql_errors(condition, batch.schema):
            rows = self._engine.from_arrow(pa.Table.from_batches([batch]))
            return rows.select(duckdb.SQLExpression(condition).cast("BOOLEAN")).to_arrow_table().column(0)

    def check(self) -> None:
        """Find errors in the selection before anything is read or written.

        Raises:
            UsageError: a time or the SQL of `where` cannot be read.
        """
        _ = self._time_bounds
        if self.selection.where is not None:
            try:
                # As a filter, so that aggregates and window functions are refused: rows are taken batch by batch.
                with _sql_errors(self.selection.where, self.scan.schema):
                    rows = self._engine.from_arrow(self.scan.schema.empty_table())
                    rows.filter(self.selection.where).fetchall()
            except SourceError as error:
                raise UsageError(str(error)) from error


@contextmanager
def _sql_errors(condition: str, schema: pa.Schema) -> Iterator[None]:
    """Say what is wrong with a user's condition on rows."""
    import duckdb  # noqa: PLC0415 - only SQL needs DuckDB

    try:
        yield
    except duckdb.Error as error:
        text = str(error).splitlines()[0]
        hint = f"; columns: {', '.join(schema.names)}" if "not found in FROM clause" in text else ""
        raise SourceError(f"--where {condition!r}: {text}{hint}") from error


def select(scan: Scan, selection: Selection, *, batch_size: int) -> Selected:
    """Apply a selection to a scan.

    Raises:
        SourceError: the source has no session, or a session, column or path that is named does not exist.
        UsageError: a time or SQL cannot be read.
    """
    if not scan.sessions:
        raise SourceError(f"{scan.name}: holds no session; import some first")
    sessions = list(scan.sessions)
    ids = [session.session_id for session in sessions]
    for wanted in selection.sessions:
        if wanted not in ids:
            raise SourceError(f"no session {wanted!r}; {suggest(wanted, ids, noun='sessions')}")
    if selection.sessions:
        sessions = [session for session in sessions if session.session_id in selection.sessions]
    if selection.where_session is not None:
        sessions = _where_session(sessions, scan, selection.where_session)
    warnings = [
        f"no selected session has metric {metric!r}; {suggest(metric, known, noun='metrics')}"
        for known in [sorted({name for session in sessions for name in session.metrics})]
        for metric in selection.metrics
        if metric not in known
    ]
    redacted, found = _redact(sessions, selection.redact)
    for path in selection.redact:
        # A typing error must not publish a secret.
        if sessions and path not in found:
            raise SourceError(f"--redact {path!r}: no selected session has this path")
    selected = Selected(scan, tuple(redacted), selection, tuple(warnings), batch_size)
    selected.check()
    return selected


def _where_session(sessions: list[Session], scan: Scan, condition: str) -> list[Session]:
    import duckdb  # noqa: PLC0415 - only SQL needs DuckDB

    from pipeline.runtime.duckdb import connect_engine, lock_down  # noqa: PLC0415

    with connect_engine(threads=1) as connection:
        lock_down(connection, [])
        typed = ", ".join(f"{name}::JSON AS {name}" for name in JSON_COLUMNS)
        table = connection.from_arrow(sessions_table(sessions, scan.timestamp_unit))
        try:
            rows = table.project(f"* REPLACE ({typed})").filter(condition).project("session_id").fetchall()
        except duckdb.Error as error:
            text = str(error).splitlines()[0]
            raise UsageError(f"--where-session {condition!r}: {text}; columns: {', '.join(table.columns)}") from error
    wanted = {session_id for (session_id,) in rows}
    return [session for session in sessions if session.session_id in wanted]


def _redact(sessions: Sequence[Session], paths: Sequence[str]) -> tuple[list[Session], set[str]]:
    """Replace the values at paths, and tell which of the paths there are."""
    result, found = list(sessions), set()
    for path in paths:
        where, *steps = _path_steps(path)
        for at, session in enumerate(result):
            value = copy.deepcopy(dict(getattr(session, where)))
            if _replace_at(value, steps):
                found.add(path)
                result[at] = (
                    replace(session, configuration=value)
                    if where == "configuration"
                    else replace(session, attributes=value)
                )
    return result, found


def _path_steps(path: str) -> list[str]:
    steps = [_unquote(quoted) if quoted else plain for quoted, plain in _PATH_STEP.findall(path)]
    spelled = "".join(match.group(0) for match in _PATH_STEP.finditer(path))
    if spelled != path or len(steps) < 2 or steps[0] not in {"configuration", "attributes"}:
        raise UsageError(f"--redact {path!r}: give a path such as configuration.network.address or attributes.robot_id")
    return steps


def _unquote(quoted: str) -> str:
    """Read a key as it stands between quotes in a path."""
    return re.sub(r"\\(.)", r"\1", quoted)


def _replace_at(value: Any, steps: Sequence[str]) -> bool:  # noqa: ANN401 - any JSON value
    """Replace what lies at a path; arrays are passed through, so that a step goes into each of their items."""
    if isinstance(value, list):
        return sum(_replace_at(item, steps) for item in value) > 0
    if not isinstance(value, dict) or steps[0] not in value:
        return False
    if len(steps) == 1:
        value[steps[0]] = REDACTED
        return True
    return _replace_at(value[steps[0]], steps[1:])
