"""A source as Polars data frames, for notebooks."""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal, cast

from pipeline.disk.temporary import temporary_directory
from pipeline.errors import UsageError
from pipeline.export.options import split_options, statistics_options
from pipeline.model.columns import plain_schema
from pipeline.scan.scan import DEFAULT_BATCH_SIZE
from pipeline.selection.selected import select
from pipeline.sources.open import Source, open_for_engine, open_source
from pipeline.statistics.aggregation import DEFAULT_BUDGET_BYTES
from pipeline.tables.statistics import statistics_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from pipeline.export.options import Scope


def scan(source: Source, *, timezone: str | None = None, verify: bool = True) -> pl.LazyFrame:
    """Open the measurements of a source as a Polars LazyFrame; rows are read when it is collected.

    Sources that are no Parquet in order are converted once, into temporary files that live as long as the process. So
    long the files of a store are held open, as `connect` does.

    Args:
        source: a store, files, globs or a DuckDB file.
        timezone: IANA name of the zone of times that name none.
        verify: compare the files of a store with their SHA-256 first, for Polars verifies nothing.

    Returns:
        the measurements of all sessions in order; attributes that a session lacks are null.

    Raises:
        SourceError: the source cannot be read or holds bad data.
        UsageError: Polars is not installed.
    """
    engine = _polars()
    with ExitStack() as resources:
        opened = resources.enter_context(open_for_engine(source, timezone=timezone, verify=verify))
        atexit.register(resources.pop_all().close)
    schema = engine.from_arrow(opened.schema.empty_table()).schema
    if not opened.files:
        return cast("pl.LazyFrame", engine.LazyFrame(schema=schema))
    rows = engine.scan_parquet(
        [file.opened_as for file in opened.files],
        schema=schema,
        missing_columns="insert",
        extra_columns="ignore",
        hive_partitioning=False,
        glob=False,
    )
    return cast("pl.LazyFrame", rows)


def statistics(
    source: Source,
    *,
    scope: Scope = "per-session",
    by: Sequence[str] = (),
    window: str | None = None,
    quantiles: Sequence[str | float] = (),
    lost: Literal["exclude", "infinite"] = "exclude",
    **options: Any,  # noqa: ANN401 - the options of a selection
) -> pl.DataFrame:
    """Compute the statistics that `export_statistics` writes, number for number.

    Args:
        source: a store, files, globs or a DuckDB file.
        scope: `per-session` for rows per session, `cross-session` for rows pooled over all sessions.
        by: attributes to group by, besides metric and unit.
        window: length of windows: `10s`, `1m`, `2h`, `1d`.
        quantiles: quantiles beside the usual ones, from 0 to 1.
        lost: `infinite` counts lost samples as +infinity in quantiles.
        **options: of `pipeline.selection.options.Selection`; `columns` and `exclude` choose among the statistics.

    Raises:
        UsageError: an option does not exist or cannot be read, or Polars is not installed.
        SourceError: the source cannot be read or holds bad data.
    """
    engine = _polars()
    selection, rest = split_options(options)
    if rest:
        raise UsageError(f"{next(iter(rest))} is an option of exports; nothing is written here")
    asked = statistics_options(selection, scope=scope, by=by, window=window, quantiles=quantiles, lost=lost)
    with (
        open_source(source, timezone=selection.timezone, hold=True) as opened,
        temporary_directory() as directory,
    ):
        files = statistics_files(
            select(opened, selection, batch_size=DEFAULT_BATCH_SIZE),
            asked,
            rows_per_file=None,
            finished={},
            digested=False,
            choose_columns=True,
            temporary_directory=directory,
            budget_bytes=DEFAULT_BUDGET_BYTES,
            ahead=True,
        )
        table = next(files).reader.read_all()
    return cast("pl.DataFrame", engine.from_arrow(table.cast(plain_schema(table.schema))))


def _polars() -> Any:  # noqa: ANN401 - the module
    try:
        import polars as pl  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise UsageError("Polars is not installed: pip install 'measurement-export-pipeline[notebook]'") from error
    return pl
