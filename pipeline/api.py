"""The commands as Python functions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from pipeline.arguments import check_arguments
from pipeline.display import Sessions
from pipeline.errors import UsageError
from pipeline.export.options import export_options, selection_of, statistics_options
from pipeline.export.run import run
from pipeline.scan.scan import DEFAULT_BATCH_SIZE
from pipeline.selection.options import Selection
from pipeline.selection.selected import select
from pipeline.sources.open import Source, open_source
from pipeline.statistics.options import StatisticsOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from pipeline.export.result import ExportResult
    from pipeline.model.session import Session
    from pipeline.scan.inventory import Inventory
    from pipeline.selection.selected import Selected
    from pipeline.store.deletion import DeletionResult


def export_measurements(
    source: Source,
    to: str | Path,
    *,
    scope: Literal["per-session", "cross-session"] = "cross-session",
    format: Literal["ndjson", "json", "csv", "parquet", "arrow", "influx", "xlsx"] = "ndjson",  # noqa: A002 - the option's name
    compression: Literal["none", "gzip", "zstd"] | None = None,
    with_statistics: bool = False,
    sessions: Sequence[str] = (),
    metrics: Sequence[str] = (),
    since: str | date | datetime | None = None,
    until: str | date | datetime | None = None,
    where: str | None = None,
    where_session: str | None = None,
    columns: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    redact: Sequence[str] = (),
    timezone: str | None = None,
    overwrite: bool = False,
    rows_per_file: int | None = None,
    spreadsheet: bool = False,
    locale: str | None = None,
    package_metadata: str | Path | None = None,
    fail_if_empty: bool = False,
    sync: bool = True,
    hashed: bool = True,
    verify: bool = False,
    report: bool = False,
    discard_stage: bool = False,
    keep_stage: bool = False,
    engine: Literal["local", "spark"] = "local",
    master: str | None = None,
    rows_per_task: int | None = None,
    threads: int | None = None,
    batch_size: int = DEFAULT_BATCH_SIZE,
    memory_limit: str | None = None,
    on_progress: Callable[[int, int, int], None] | None = None,
) -> ExportResult:
    """Export raw measurements as one package.

    Args:
        source: a store, files, globs or a DuckDB file.
        to: the directory to publish, or `-` for standard output.
        scope: `cross-session` for one file over all, `per-session` for one file a session.
        format: `ndjson`, `json`, `csv`, `parquet`, `arrow`, `influx` or `xlsx`.
        compression: `none`, `gzip` or `zstd`; the format's default where None.
        with_statistics: add the statistics of each session, as `export_statistics` gives them by default.
        sessions: ids of the sessions to take; all by default.
        metrics: names of the metrics to take; all by default.
        since: earliest time, inclusive: a datetime, a date, or RFC 3339, `today` or `yesterday` as text.
        until: latest time, exclusive.
        where: SQL condition on the columns of a row.
        where_session: SQL condition on the columns of the sessions table.
        columns: columns of the measurements, in this order; all by default.
        exclude: columns to leave out.
        redact: paths such as `configuration.network.address`, whose values are replaced in all metadata.
        timezone: IANA name of the zone of days and of times that name none; UTC by default.
        overwrite: replace a package that an export wrote.
        rows_per_file: split files after so many rows.
        spreadsheet: write CSV for spreadsheet programs.
        locale: their language, such as `de`: what stands between fields and before decimals.
        package_metadata: JSON file with title, licenses and the like, which the descriptor gets.
        fail_if_empty: raise EmptyExportError where no row is selected.
        sync: wait until the disk has the package.
        hashed: compute SHA-256 and digests.
        verify: read the package back before it is published.
        report: add the report of what the package holds, an HTML file; rows are read again for it.
        discard_stage: remove what an interrupted run left, instead of continuing it.
        keep_stage: refuse where what an interrupted run left cannot be continued, instead of removing it.
        engine: `local`, or `spark` for a cluster that speaks Spark Connect; the files are the same.
        master: address of its server, `sc://HOST:PORT`.
        rows_per_task: rows of a task there, at least; 2,000,000 by default.
        threads: of the engine; one per core by default.
        batch_size: rows of a batch.
        memory_limit: of sorting and of statistics, such as `128MB`.
        on_progress: is called with the rows done, the rows there are, at most, and the bytes written.

    Raises:
        UsageError: an option has a wrong type, cannot be read, or excludes another.
        SourceError: the source cannot be read or holds bad data, or lacks what an option names.
        DestinationError: the destination cannot be written, or holds something else.
        ClusterError: a cluster cannot be reached, or is lost.
    """
    given = locals()
    check_arguments(given)
    tables = ("measurements", "statistics") if with_statistics else ("measurements",)
    return run(export_options(given, tables, StatisticsOptions(timezone=timezone or "UTC")), on_progress)


def export_statistics(
    source: Source,
    to: str | Path,
    *,
    scope: Literal["per-session", "cross-session"] = "per-session",
    by: Sequence[str] = (),
    window: str | None = None,
    quantiles: Sequence[str | float] = (),
    lost: Literal["exclude", "infinite"] = "exclude",
    window_origin: Literal["epoch", "session"] = "epoch",
    kinds: Sequence[str] = (),
    format: Literal["csv", "ndjson", "json", "parquet", "arrow", "xlsx"] = "csv",  # noqa: A002 - the option's name
    compression: Literal["none", "gzip", "zstd"] | None = None,
    sessions: Sequence[str] = (),
    metrics: Sequence[str] = (),
    since: str | date | datetime | None = None,
    until: str | date | datetime | None = None,
    where: str | None = None,
    where_session: str | None = None,
    columns: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    redact: Sequence[str] = (),
    timezone: str | None = None,
    overwrite: bool = False,
    rows_per_file: int | None = None,
    spreadsheet: bool = False,
    locale: str | None = None,
    package_metadata: str | Path | None = None,
    fail_if_empty: bool = False,
    sync: bool = True,
    hashed: bool = True,
    verify: bool = False,
    report: bool = False,
    discard_stage: bool = False,
    keep_stage: bool = False,
    engine: Literal["local", "spark"] = "local",
    master: str | None = None,
    rows_per_task: int | None = None,
    threads: int | None = None,
    batch_size: int = DEFAULT_BATCH_SIZE,
    memory_limit: str | None = None,
    on_progress: Callable[[int, int, int], None] | None = None,
) -> ExportResult:
    """Export statistics of measurements as one package.

    Args:
        source: a store, files, globs or a DuckDB file.
        to: the directory to publish, or `-` for standard output.
        scope: `per-session` for rows per session, `cross-session` for rows pooled over all sessions.
        by: attributes to group by, besides metric and unit.
        window: length of windows: `10s`, `1m`, `2h`, `1d`.
        quantiles: quantiles beside the usual ones, from 0 to 1.
        lost: `infinite` counts lost samples as +infinity in quantiles.
        window_origin: `session` counts windows from the start of each session, so that sessions can be laid over each
            other.
        kinds: what metrics are, each as `METRIC=KIND` (gauge, counter, duration, event), or `recorded` for what the
            records of sessions say: figures that mean nothing for a kind are null then, and counters have a `rate`.
        format: `csv`, `ndjson`, `json`, `parquet`, `arrow` or `xlsx`.
        compression: `none`, `gzip` or `zstd`; the format's default where None.
        sessions: ids of the sessions to take; all by default.
        metrics: names of the metrics to take; all by default.
        since: earliest time, inclusive: a datetime, a date, or RFC 3339, `today` or `yesterday` as text.
        until: latest time, exclusive.
        where: SQL condition on the columns of a row.
        where_session: SQL condition on the columns of the sessions table.
        columns: columns of the statistics, in this order; all by default.
        exclude: columns to leave out.
        redact: paths such as `configuration.network.address`, whose values are replaced in all metadata.
        timezone: IANA name of the zone of days and of times that name none; UTC by default.
        overwrite: replace a package that an export wrote.
        rows_per_file: split files after so many rows.
        spreadsheet: write CSV for spreadsheet programs.
        locale: their language, such as `de`: what stands between fields and before decimals.
        package_metadata: JSON file with title, licenses and the like, which the descriptor gets.
        fail_if_empty: raise EmptyExportError where no row is selected.
        sync: wait until the disk has the package.
        hashed: compute SHA-256 and digests.
        verify: read the package back before it is published.
        report: add the report of what the package holds, an HTML file; rows are read again for it.
        discard_stage: remove what an interrupted run left, instead of continuing it.
        keep_stage: refuse where what an interrupted run left cannot be continued, instead of removing it.
        engine: `local`, or `spark` for a cluster that speaks Spark Connect; the files are the same.
        master: address of its server, `sc://HOST:PORT`.
        rows_per_task: rows of a task there, at least; 2,000,000 by default.
        threads: of the engine; one per core by default.
        batch_size: rows of a batch.
        memory_limit: of sorting and of statistics, such as `128MB`.
        on_progress: is called with the rows done, the rows there are, at most, and the bytes written.

    Raises:
        UsageError: an option has a wrong type, cannot be read, or excludes another.
        SourceError: the source cannot be read or holds bad data, or lacks what an option names.
        DestinationError: the destination cannot be written, or holds something else.
        ClusterError: a cluster cannot be reached, or is lost.
    """
    given = locals()
    check_arguments(given)
    statistics = statistics_options(
        timezone=timezone,
        scope=scope,
        by=by,
        window=window,
        quantiles=quantiles,
        lost=lost,
        window_origin=window_origin,
        kinds=kinds,
    )
    return run(export_options(given, ("statistics",), statistics), on_progress)


def list_sessions(
    source: Source,
    *,
    metrics: Sequence[str] = (),
    since: str | date | datetime | None = None,
    until: str | date | datetime | None = None,
    where_session: str | None = None,
    timezone: str | None = None,
) -> Sessions:
    """Describe the sessions of a source, in order, as JSON values: a list of dicts, which Jupyter shows as a table.

    Args:
        source: a store, files, globs or a DuckDB file.
        metrics: only sessions that have one of these metrics.
        since: only sessions that have a measurement from then on: a datetime, a date, or RFC 3339, `today` or
            `yesterday` as text.
        until: only sessions that have a measurement before.
        where_session: SQL condition on the columns of the sessions table, and on attributes and values of the
            configuration by their bare names.
        timezone: IANA name of the zone of days and of times that name none.

    Raises:
        SourceError: the source cannot be read or holds bad data.
        UsageError: the condition or a time cannot be read, or an argument has a wrong type.
    """
    given = locals()
    check_arguments(given)
    return Sessions(session.describe() for session in find_sessions(source, selection_of(given)).sessions)


def find_sessions(source: Source, selection: Selection) -> Selected:
    """Find what `list_sessions` describes.

    Args:
        source: as there.
        selection: which sessions; no row is read.
    """
    with open_source(source, timezone=selection.timezone) as inventory:
        return select(inventory, selection, batch_size=DEFAULT_BATCH_SIZE)


def delete_sessions(
    store: str | Path,
    *,
    sessions: Sequence[str] = (),
    where_session: str | None = None,
    dry_run: bool = False,
    recorded: bool = True,
    wait_seconds: float = 0,
) -> DeletionResult:
    """Delete sessions from a store.

    Packages that were made before, snapshots and backups still hold the rows; nothing outside the store is looked at.

    Args:
        store: the store.
        sessions: their ids.
        where_session: SQL on the columns of the sessions table; with ids, both must hold.
        dry_run: only say which they are.
        recorded: note id, digest and time of each in `deletions.ndjson` of the store.
        wait_seconds: how long to wait for another that holds the store.

    Raises:
        UsageError: no sessions are named, or the SQL cannot be read.
        SourceError: it is no store, a session is not there, or a pack is damaged.
        BusyError: another holds the store.
        DestinationError: the store cannot be written; the message says how many sessions are gone.
    """
    check_arguments(locals())
    from pipeline.runtime.signals import telling  # noqa: PLC0415 - exports need none of it
    from pipeline.store.deletion import DeletionResult, delete_from  # noqa: PLC0415
    from pipeline.store.reading import require_store  # noqa: PLC0415
    from pipeline.store.writer import StoreWriter  # noqa: PLC0415

    started = time.monotonic()
    path = require_store(store)
    if not sessions and where_session is None:
        raise UsageError("name the sessions to delete, with --session or --where-session")
    selection = Selection(sessions=tuple(sessions), where_session=where_session)

    def chosen(inventory: Inventory) -> tuple[Session, ...]:
        return select(inventory, selection, batch_size=DEFAULT_BATCH_SIZE).sessions

    deleted: list[str] = []
    if dry_run:
        with open_source(path) as inventory:
            found = chosen(inventory)
    else:
        with (
            telling(deleted, verb="deleted", rest="the same command deletes the others that are there"),
            StoreWriter(path, None, wait_seconds=wait_seconds) as writer,
        ):
            found = () if writer.inventory is None else chosen(writer.inventory)
            delete_from(writer, found, recorded=recorded, deleted=deleted)
    return DeletionResult(
        store=str(store),
        deleted=tuple(session.session_id for session in found),
        rows=sum(session.measurement_count for session in found),
        is_dry_run=dry_run,
        seconds=time.monotonic() - started,
    )
