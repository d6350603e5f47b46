"""The commands as Python functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pipeline.display import Sessions
from pipeline.export.options import ExportOptions, Scope, split_options, statistics_options
from pipeline.export.run import run
from pipeline.scan.scan import DEFAULT_BATCH_SIZE
from pipeline.selection.options import Selection
from pipeline.selection.selected import select
from pipeline.sources.open import Source, open_source
from pipeline.statistics.options import StatisticsOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.export.result import ExportResult


def export_measurements(
    source: Source,
    to: str | Path,
    *,
    scope: Scope = "cross-session",
    format: str = "ndjson",  # noqa: A002 - the option's name
    compression: str | None = None,
    with_statistics: bool = False,
    on_progress: Callable[[int, int, int], None] | None = None,
    **options: Any,  # noqa: ANN401 - the options of a selection and of an export
) -> ExportResult:
    """Export raw measurements as one package.

    Args:
        source: a store, files, globs or a DuckDB file.
        to: the directory to publish, or `-` for standard output.
        scope: `cross-session` for one file over all, `per-session` for one file a session.
        format: `ndjson`, `json`, `csv`, `parquet`, `arrow` or `influx`.
        compression: `none`, `gzip` or `zstd`; the format's default where None.
        with_statistics: add the statistics of each session, as `export_statistics` gives them by default.
        on_progress: is called with the rows done, the rows there are, at most, and the bytes written.
        **options: of `pipeline.selection.options.Selection` (`sessions`, `metrics`, `since`, `until`, `where`,
            `where_session`, `columns`, `exclude`, `redact`, `timezone`) and of
            `pipeline.export.options.ExportOptions` (`overwrite`, `rows_per_file`, `spreadsheet`, `package_metadata`,
            `fail_if_empty`, `sync`, `hashed`, `verify`, `discard_stage`, `threads`, `batch_size`, `memory_limit`).

    Raises:
        UsageError: an option does not exist or cannot be read.
        SourceError: the source cannot be read or holds bad data.
        DestinationError: the destination cannot be written, or holds something else.
    """
    selection, rest = split_options(options)
    statistics = StatisticsOptions(timezone=selection.timezone or "UTC")
    chosen = ExportOptions(
        source=source,
        to=to,
        tables=("measurements", "statistics") if with_statistics else ("measurements",),
        scope=scope,
        format=format,
        compression=compression,
        selection=selection,
        statistics=statistics,
        **rest,
    )
    return run(chosen, on_progress)


def export_statistics(
    source: Source,
    to: str | Path,
    *,
    scope: Scope = "per-session",
    by: Sequence[str] = (),
    window: str | None = None,
    quantiles: Sequence[str | float] = (),
    lost: Literal["exclude", "infinite"] = "exclude",
    format: str = "csv",  # noqa: A002 - the option's name
    compression: str | None = None,
    on_progress: Callable[[int, int, int], None] | None = None,
    **options: Any,  # noqa: ANN401 - the options of a selection and of an export
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
        format: `csv`, `ndjson`, `json`, `parquet`, `arrow` or `xlsx`.
        compression: `none`, `gzip` or `zstd`; the format's default where None.
        on_progress: is called with the rows done, the rows there are, at most, and the bytes written.
        **options: as in `export_measurements`; `columns` and `exclude` choose among the statistics.

    Raises:
        UsageError: an option does not exist or cannot be read.
        SourceError: the source cannot be read or holds bad data.
        DestinationError: the destination cannot be written, or holds something else.
    """
    selection, rest = split_options(options)
    statistics = statistics_options(selection, scope=scope, by=by, window=window, quantiles=quantiles, lost=lost)
    chosen = ExportOptions(
        source=source,
        to=to,
        tables=("statistics",),
        scope=scope,
        format=format,
        compression=compression,
        selection=selection,
        statistics=statistics,
        **rest,
    )
    return run(chosen, on_progress)


def list_sessions(source: Source, *, where_session: str | None = None, timezone: str | None = None) -> Sessions:
    """Describe the sessions of a source, in order, as JSON values: a list of dicts, which Jupyter shows as a table.

    Args:
        source: a store, files, globs or a DuckDB file.
        where_session: SQL condition on the columns of the sessions table.
        timezone: IANA name of the zone of times that name none.

    Raises:
        SourceError: the source cannot be read or holds bad data.
        UsageError: the condition cannot be read.
    """
    selection = Selection(where_session=where_session, timezone=timezone)
    with open_source(source, timezone=timezone) as scan:
        selected = select(scan, selection, batch_size=DEFAULT_BATCH_SIZE)
        return Sessions(session.describe() for session in selected.sessions)
