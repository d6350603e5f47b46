"""The files of a package, one after the other: which rows each takes, and what describes it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.aggregation import DESCRIPTIONS as STATISTIC_DESCRIPTIONS
from pipeline.aggregation import StatisticsOptions, aggregate
from pipeline.batches import Peekable, first_rows, of_session
from pipeline.content import Content, observed
from pipeline.errors import SourceError
from pipeline.naming import safe_names
from pipeline.overlap import ScannedAhead
from pipeline.sessions_table import DESCRIPTIONS as SESSION_DESCRIPTIONS
from pipeline.sessions_table import sessions_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.model import Session
    from pipeline.selection import Selected

    Observer = Callable[[pa.RecordBatch], None]


@dataclass(kw_only=True)
class TableFile:
    """One file to write.

    Attributes:
        table: `measurements`, `statistics` or `sessions`.
        scope: the word of the scope in the file's name, None for sessions.
        sessions: the sessions it describes.
        reader: its rows; reading it fills `content`.
        content: figures of the rows, complete when they are written.
        window: length of its windows, as text.
        part: number of the part, from 1, where the table is split.
        key: columns that identify a row.
    """

    table: str
    scope: str | None
    sessions: Sequence[Session]
    reader: pa.RecordBatchReader
    content: Content
    window: str | None = None
    part: int = 1
    key: Sequence[str] = field(default_factory=list)

    @property
    def provisional_name(self) -> str:
        """Name until its content, on which the final one depends, is known."""
        return provisional_name(self.table, self.scope, self.part)

    @property
    def resource_name(self) -> str:
        """Name of the resource, without the part."""
        if self.table == "measurements" and self.scope != "cross-session":
            return f"{self.table}_{self.scope}".lower()
        return self.table


def provisional_name(table: str, scope: str | None, part: int) -> str:
    """Name a file before its content is known."""
    return f"{table}-{scope}-{part}"


def measurement_files(
    selected: Selected,
    *,
    per_session: bool,
    rows_per_file: int | None,
    digested: bool,
    ahead: bool,
    finished: Mapping[str, Content],
    on_batch: Observer | None = None,
) -> Iterator[TableFile]:
    """Give the files of measurements; each must be read before the next is asked for.

    Args:
        selected: the rows.
        per_session: one file a session, those without rows included.
        rows_per_file: split files after so many rows.
        digested: compute digests.
        ahead: scan in a thread of its own.
        finished: contents of the first files, by provisional name, which are there already; they get no rows.
        on_batch: is shown every batch, for progress.
    """
    columns = selected.choose_columns(selected.scan.schema.names)
    selected.check_redacted(columns)
    schema = selected.scan.physical_schema(columns)
    key = [name for name in ("session_id", "sequence") if name in columns]
    groups: list[tuple[str, Sequence[Session]]] = [("cross-session", selected.sessions)]
    if per_session:
        names = safe_names(session.session_id for session in selected.sessions)
        groups = [(f"session-{names[session.session_id]}", [session]) for session in selected.sessions]

    def content_of(scope: str, sessions: Sequence[Session], part: int) -> Content:
        content = finished.get(provisional_name("measurements", scope, part)) or Content(digested=digested)
        if per_session:
            content.rows_by_session = dict.fromkeys((s.session_id for s in sessions), 0) | content.rows_by_session
        return content

    def scanned() -> Iterator[_FileBegins | pa.RecordBatch]:
        """Say where each file begins, then give its rows, which have entered its content."""
        whole = _whole_groups([scope for scope, _ in groups], finished, is_split=rows_per_file is not None)
        for scope, sessions in groups[:whole]:
            for part in count(1):
                if provisional_name("measurements", scope, part) not in finished:
                    break
                yield _FileBegins(scope, sessions, part, content_of(scope, sessions, part))
        rest = groups[whole:]
        rows = replace(selected, sessions=tuple(s for _, sessions in rest for s in sessions))
        batches = Peekable(rows.batches([*columns, "timestamp"]))
        for scope, sessions in rest:
            group_rows = of_session(batches, sessions[0].session_id) if per_session else first_rows(batches, None)
            for part, part_rows in _parts(group_rows, rows_per_file):
                content = content_of(scope, sessions, part)
                is_finished = provisional_name("measurements", scope, part) in finished
                if is_finished:
                    _pass_over(part_rows, content)
                yield _FileBegins(scope, sessions, part, content)
                if not is_finished:
                    yield from observed(part_rows, columns, [partial(content.add, columns=columns)])

    items = scanned()
    with ScannedAhead(items) if ahead else nullcontext(items) as stream:
        for begin, rows in _by_file(iter(stream)):
            yield TableFile(
                table="measurements",
                scope=begin.scope,
                sessions=begin.sessions,
                reader=pa.RecordBatchReader.from_batches(
                    schema, observed(rows, columns, [on_batch] if on_batch else [])
                ),
                content=begin.content,
                part=begin.part,
                key=key if len(key) == 2 else [],
            )


@dataclass(frozen=True)
class _FileBegins:
    """Stands before the rows of a file.

    Attributes:
        scope: the word of the scope in its name.
        sessions: the sessions it describes.
        part: its number.
        content: what its rows enter before they are given.
    """

    scope: str
    sessions: Sequence[Session]
    part: int
    content: Content


def _by_file(
    stream: Iterator[_FileBegins | pa.RecordBatch],
) -> Iterator[tuple[_FileBegins, Iterator[pa.RecordBatch]]]:
    """Part a stream where files begin; the rows of each must be taken before the next is asked for."""
    begins = [item for item in islice(stream, 1) if isinstance(item, _FileBegins)]

    def rows() -> Iterator[pa.RecordBatch]:
        for item in stream:
            if isinstance(item, _FileBegins):
                begins.append(item)
                return
            yield item

    while begins:
        yield begins.pop(), rows()


def _whole_groups(scopes: Sequence[str], finished: Mapping[str, Content], *, is_split: bool) -> int:
    """Count the groups of which all files are finished: those before the last of which one is, and that if unsplit."""
    begun = [scope for scope in scopes if provisional_name("measurements", scope, 1) in finished]
    if any(name.startswith("statistics-") for name in finished):
        return len(scopes)
    return max(len(begun) - is_split, 0)


def _pass_over(rows: Iterable[pa.RecordBatch], content: Content) -> None:
    """Read rows that a finished file holds.

    Raises:
        SourceError: they are not as many.
    """
    passed = sum(batch.num_rows for batch in rows)
    if passed != content.rows:
        raise SourceError(f"{passed} rows stand where {content.rows} were; the source changed while it was read")


def _parts(rows: Iterable[pa.RecordBatch], limit: int | None) -> Iterator[tuple[int, Iterator[pa.RecordBatch]]]:
    """Cut rows into parts; without rows there is one part without rows."""
    batches = Peekable(rows)
    part = 1
    yield part, first_rows(batches, limit)
    while limit is not None and batches.peek() is not None:
        part += 1
        yield part, first_rows(batches, limit)


def statistics_files(
    selected: Selected,
    options: StatisticsOptions,
    *,
    rows_per_file: int | None,
    digested: bool,
    choose_columns: bool,
    temporary_directory: Path,
    budget_bytes: int,
    ahead: bool,
    finished: Mapping[str, Content],
    on_batch: Observer | None = None,
) -> Iterator[TableFile]:
    """Give the files of statistics.

    Args:
        selected: the rows to aggregate.
        options: what to aggregate by.
        rows_per_file: split files after so many rows.
        digested: compute digests.
        choose_columns: whether the selection's columns are those of the statistics.
        temporary_directory: where values may spill.
        budget_bytes: memory for values.
        ahead: scan in a thread of its own.
        finished: contents of the first files, by provisional name, which are there already; they get no rows.
        on_batch: is shown every batch of measurements, for progress.
    """
    schema = options.schema(selected.scan.schema)
    selected.check_redacted(options.by)
    columns = selected.choose_columns(schema.names) if choose_columns else schema.names
    times = Content(digested=False)

    def read(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        rows = selected.batches([*wanted, "timestamp"])
        seen: list[Observer] = [partial(times.add, columns=[]), *([on_batch] if on_batch else [])]
        with ScannedAhead(rows) if ahead else nullcontext(rows) as batches:
            yield from observed(batches, ["session_id", *wanted], seen)

    table = aggregate(
        read,
        selected.scan.schema,
        [session.session_id for session in selected.sessions],
        options,
        temporary_directory=temporary_directory,
        budget_bytes=budget_bytes,
    ).select(list(columns))
    key = [*options.group_columns(selected.scan.schema), *(["window_start"] if options.window else [])]
    scope = "cross-session" if options.pooled else "per-session"
    for part, part_rows in _parts(table.to_batches(selected.batch_size), rows_per_file):
        rows: Iterable[pa.RecordBatch] = part_rows
        content = finished.get(provisional_name("statistics", scope, part)) or Content(digested=digested)
        if provisional_name("statistics", scope, part) in finished:
            _pass_over(rows, content)
            rows = []
        if times.first_timestamp is not None and times.last_timestamp is not None:
            content.add_times(times.first_timestamp, times.last_timestamp)
        yield TableFile(
            table="statistics",
            scope=scope,
            sessions=selected.sessions,
            reader=pa.RecordBatchReader.from_batches(table.schema, observed(rows, columns, [content.add_plain])),
            content=content,
            window=options.window,
            part=part,
            key=key if set(key) <= set(columns) else [],
        )


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
    )


def describe_column(table: str, name: str, measurements: dict[str, Any]) -> str:
    """Describe a column of a table in a sentence."""
    if table == "sessions":
        return SESSION_DESCRIPTIONS[name]
    if name in measurements:
        return str(measurements[name].description)
    if table == "statistics" and name in STATISTIC_DESCRIPTIONS:
        return STATISTIC_DESCRIPTIONS[name]
    if table == "statistics" and name[0] == "p" and name[1:2].isdigit():
        return f"{name[1:].replace('_', '.')}th percentile, exact, type 7"
    return "Attribute"
