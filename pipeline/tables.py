"""The files of a package, but those of measurements: which rows each takes, and what describes it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.model.sessions_table import sessions_table
from pipeline.rows.batches import parts
from pipeline.rows.content import Content, observed
from pipeline.runtime.threads import ScannedAhead
from pipeline.statistics.aggregation import aggregate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.model.session import Session
    from pipeline.selection.selected import Selected
    from pipeline.statistics.options import StatisticsOptions

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
    for part, part_rows in parts(table.to_batches(selected.batch_size), rows_per_file):
        rows: Iterable[pa.RecordBatch] = part_rows
        content = finished.get(provisional_name("statistics", scope, part)) or Content(digested=digested)
        if provisional_name("statistics", scope, part) in finished:
            content.pass_over(rows)
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
