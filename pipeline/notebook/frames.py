"""A source as Polars data frames, for notebooks."""

from __future__ import annotations

import atexit
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

from pipeline.arguments import check_arguments
from pipeline.disk.temporary import temporary_directory
from pipeline.errors import UsageError
from pipeline.export.options import selection_of, statistics_options
from pipeline.model.columns import plain_schema
from pipeline.scan.scan import DEFAULT_BATCH_SIZE
from pipeline.selection.selected import select
from pipeline.sources.open import Source, open_for_engine, open_source
from pipeline.statistics.aggregation import DEFAULT_BUDGET_BYTES
from pipeline.tables.statistics import aggregated_rows, statistics_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    import polars as pl

_PLACE = "\0place"  # no column holds this character


def scan(source: Source, *, timezone: str | None = None, verify: bool = True) -> pl.LazyFrame:
    """Open the measurements of a source as a Polars LazyFrame; rows are read when it is collected.

    Sources that are no Parquet in order are converted once, into temporary files that live as long as the process. So
    long the files of a store are held open, as `connect` does.

    Args:
        source: a store, files, globs or a DuckDB file.
        timezone: IANA name of the zone of times that name none.
        verify: compare the files of a store with their SHA-256 first, for Polars verifies nothing.

    Returns:
        the measurements of all sessions in order; attributes that a session lacks are null. Where packs of a store
        overlap in time, they are sorted when it is collected.

    Raises:
        SourceError: the source cannot be read or holds bad data.
        UsageError: Polars is not installed, or an argument has a wrong type.
    """
    check_arguments(locals())
    engine = _polars()
    with ExitStack() as resources:
        _, opened = resources.enter_context(
            open_for_engine(source, timezone=timezone, verify=verify, again="scan again")
        )
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
    if opened.is_in_turns:
        ids = [session.session_id for session in opened.sessions]
        order = engine.LazyFrame({"session_id": ids, _PLACE: range(len(ids))})
        rows = rows.join(order, on="session_id", how="left").sort(_PLACE, "sequence").drop(_PLACE)
    return cast("pl.LazyFrame", rows)


def statistics(
    source: Source,
    *,
    scope: Literal["per-session", "cross-session"] = "per-session",
    by: Sequence[str] = (),
    window: str | None = None,
    quantiles: Sequence[str | float] = (),
    lost: Literal["exclude", "infinite"] = "exclude",
    window_origin: Literal["epoch", "session"] = "epoch",
    kinds: Sequence[str] = (),
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
) -> pl.DataFrame:
    """Compute the statistics that `export_statistics` writes, number for number.

    Args:
        source: a store, files, globs or a DuckDB file.
        scope: `per-session` for rows per session, `cross-session` for rows pooled over all sessions.
        by: attributes to group by, besides metric and unit.
        window: length of windows: `10s`, `1m`, `2h`, `1d`.
        quantiles: quantiles beside the usual ones, from 0 to 1.
        lost: `infinite` counts lost samples as +infinity in quantiles.
        window_origin: `session` counts windows from the start of each session, so that sessions can be laid over each
            other.
        kinds: what metrics are, each as `METRIC=KIND` (gauge, counter, duration, event), or `recorded` for what the
            records of sessions say: figures that mean nothing for a kind are null then, and counters have a `rate`.
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

    Raises:
        UsageError: an option has a wrong type or cannot be read, or Polars is not installed.
        SourceError: the source cannot be read or holds bad data, or lacks what an option names.
    """
    given = locals()
    check_arguments(given)
    engine = _polars()
    selection = selection_of(given)
    asked = statistics_options(
        timezone=timezone,
        scope=scope,
        by=by,
        window=window,
        quantiles=quantiles,
        lost=lost,
        window_origin=window_origin,
        kinds=kinds,
    )
    with (
        open_source(source, timezone=timezone, hold=True) as opened,
        temporary_directory() as directory,
        closing(
            statistics_files(
                selected := select(opened, selection, batch_size=DEFAULT_BATCH_SIZE, columns=by),
                asked,
                partial(
                    aggregated_rows,
                    selected,
                    temporary_directory=directory,
                    budget_bytes=DEFAULT_BUDGET_BYTES,
                    ahead=True,
                ),
                rows_per_file=None,
                finished={},
                digested=False,
                choose_columns=True,
                ahead=True,
            )
        ) as files,
    ):
        table = next(files).reader.read_all()
    return cast("pl.DataFrame", engine.from_arrow(table.cast(plain_schema(table.schema))))


def _polars() -> Any:  # noqa: ANN401 - the module
    try:
        import polars as pl  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise UsageError(
            "Polars is not installed: in the project's directory say `uv run --extra notebook ...`, or "
            "pip install '.[notebook]'"
        ) from error
    return pl
