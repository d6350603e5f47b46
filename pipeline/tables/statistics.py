"""The table of statistics: its files, aggregated when the first of them is asked for."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from pipeline.rows.batches import parts
from pipeline.rows.content import Content, observed
from pipeline.runtime.progress import phase
from pipeline.runtime.threads import ScannedAhead
from pipeline.statistics.aggregation import aggregate, statistics_schema
from pipeline.tables.table_file import TableFile, provisional_name

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.selection.selected import Selected
    from pipeline.statistics.options import StatisticsOptions
    from pipeline.tables.table_file import Observer


class Aggregated(NamedTuple):
    """Statistics of rows, all of which have passed.

    Attributes:
        batches: the statistics, all columns of `statistics_schema`, in order.
        times: figures of the measurements that they were made of.
    """

    batches: Iterator[pa.RecordBatch]
    times: Content


def aggregated_rows(
    selected: Selected,
    options: StatisticsOptions,
    *,
    temporary_directory: Path,
    budget_bytes: int,
    ahead: bool,
    on_batch: Observer | None = None,
) -> Aggregated:
    """Aggregate the rows of a selection, which are read once.

    Args:
        selected: the rows.
        options: what to aggregate by, with the kinds that records say.
        temporary_directory: where groups and values may spill.
        budget_bytes: memory for them.
        ahead: scan in a thread of its own.
        on_batch: is shown every batch of measurements, for progress.
    """
    times = Content(digested=False)

    def read(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        rows = selected.batches([*wanted, "timestamp"])
        seen: list[Observer] = [partial(times.add, columns=[]), *([on_batch] if on_batch else [])]
        with ScannedAhead(rows) if ahead else nullcontext(rows) as batches:
            yield from observed(batches, ["session_id", *wanted], seen)

    aggregated = aggregate(
        read,
        selected.scan.schema,
        [session.session_id for session in selected.sessions],
        options,
        starts=[session.started_at for session in selected.sessions],
        batch_size=selected.batch_size,
        temporary_directory=temporary_directory,
        budget_bytes=budget_bytes,
        threads=selected.threads,
    )
    return Aggregated(aggregated, times)


def statistics_files(
    selected: Selected,
    options: StatisticsOptions,
    aggregated_by: Callable[[StatisticsOptions], Aggregated],
    *,
    rows_per_file: int | None,
    digested: bool,
    choose_columns: bool,
    ahead: bool,
    finished: Mapping[str, Content],
) -> Generator[TableFile, None, None]:
    """Give the files of statistics.

    Args:
        selected: the rows to aggregate.
        options: what to aggregate by.
        aggregated_by: aggregates the rows, with the kinds that records say.
        rows_per_file: split files after so many rows.
        digested: compute digests.
        choose_columns: whether the selection's columns are those of the statistics.
        ahead: find figures in a thread of its own.
        finished: contents of the first files, by provisional name, which are there already; they get no rows.
    """
    options = options.with_recorded(session.metric_facts for session in selected.sessions)
    schema = options.schema(selected.scan.schema)
    selected.check_redacted(options.by)
    columns = selected.choose_columns(schema.names) if choose_columns else schema.names
    aggregated, times = aggregated_by(options)
    whole = statistics_schema(options, selected.scan.schema)
    written = pa.schema([whole.field(name) for name in columns])
    key = [*options.group_columns(selected.scan.schema), *options.window_columns[:1]]
    scope = "cross-session" if options.pooled else "per-session"
    with phase("writing statistics"), ScannedAhead(aggregated) if ahead else nullcontext(aggregated) as batches:
        for part, part_rows in parts(batches, rows_per_file):
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
                reader=pa.RecordBatchReader.from_batches(written, observed(rows, columns, [content.add_plain])),
                content=content,
                window=options.window,
                part=part,
                key=key if set(key) <= set(columns) else [],
                aggregated=times,
            )
