"""Reports and single charts of a source, as files and in Jupyter."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar

from pipeline.arguments import check_arguments
from pipeline.compare.run import compare_sessions
from pipeline.disk.local_path import local_path
from pipeline.disk.temporary import temporary_directory
from pipeline.errors import UsageError
from pipeline.export.options import selection_of
from pipeline.export.sizes import parse_size
from pipeline.publish.file_stage import require_place, write_file
from pipeline.report.comparison import sides_of
from pipeline.report.gathering import GatheringOptions, gather
from pipeline.report.images import is_image, png_of, require_resvg
from pipeline.report.page import is_report
from pipeline.report.plots import plot_chart, wanted_by
from pipeline.report.run import write_page
from pipeline.scan.passing import DisorderError
from pipeline.scan.scan import DEFAULT_BATCH_SIZE
from pipeline.selection.selected import select
from pipeline.sources.open import Source, open_source
from pipeline.statistics.aggregation import DEFAULT_BUDGET_BYTES
from pipeline.store.reading import require_outside_stores
from pipeline.targets.target_file import read_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from pipeline.report.chart import Chart
    from pipeline.selection.options import Selection
    from pipeline.selection.selected import Selected

_Made = TypeVar("_Made")


class _Place(TypedDict):
    """What may lie at a destination."""

    is_ours: Callable[[bytes], bool]
    noun: str


def write_report(
    source: Source,
    to: str | Path,
    *,
    targets: str | Path | None = None,
    baseline: str | None = None,
    candidate: str | None = None,
    by: Sequence[str] = (),
    kinds: Sequence[str] = (),
    lost: Literal["exclude", "infinite"] = "exclude",
    sessions: Sequence[str] = (),
    metrics: Sequence[str] = (),
    since: str | date | datetime | None = None,
    until: str | date | datetime | None = None,
    where: str | None = None,
    where_session: str | None = None,
    redact: Sequence[str] = (),
    timezone: str | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    memory_limit: str | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> bool:
    """Write a report: one HTML file that needs neither JavaScript nor a network.

    Its size depends on metrics, groups and shown sessions, not on rows; the same content gives the same bytes.

    Args:
        source: a store, files, globs or a DuckDB file.
        to: the file, `.html`.
        targets: TOML file of targets, as `check_targets` takes it; the verdicts come first then.
        baseline: SQL condition on sessions, of those that others are compared with, as `compare_sessions` does.
        candidate: SQL condition on those others.
        by: attributes to group by, besides metric and unit; a line in the charts each.
        kinds: what metrics are, where records do not say it, each as `METRIC=KIND`: gauge, counter, duration, event.
        lost: `infinite` counts lost samples as +infinity in quantiles.
        sessions: ids of the sessions to take; all by default.
        metrics: names of the metrics to take; all by default.
        since: earliest time, inclusive: a datetime, a date, or RFC 3339, `today` or `yesterday` as text.
        until: latest time, exclusive.
        where: SQL condition on the columns of a row.
        where_session: SQL condition on the columns of the sessions table.
        redact: paths such as `configuration.network.address`, whose values are replaced.
        timezone: IANA name of the zone of days and of times that name none; UTC by default.
        overwrite: replace a report that is there.
        threads: of the engine; one per core by default.
        memory_limit: of sorting and of statistics, such as `128MB`.
        on_warning: is called with what the reader of the figures should know, a sentence each.

    Returns:
        whether it was written; False where this report lies there already.

    Raises:
        UsageError: an option has a wrong type, cannot be read, or excludes another.
        SourceError: the source cannot be read or holds bad data, or lacks what an option names.
        DestinationError: the destination cannot be written, or holds something else.
    """
    given = locals()
    check_arguments({name: value for name, value in given.items() if name != "targets" or value is not None})
    target = _target(to, (".html", ".htm"))
    place: _Place = {"is_ours": is_report, "noun": "report"}
    require_place(target, overwrite=True, **place)
    if (baseline is None) != (candidate is None):
        raise UsageError("a comparison has two sides; give --baseline and --candidate, or neither")
    wanted = () if targets is None else read_targets(targets)
    comparison = None
    if baseline is not None:
        named = ("sessions", "metrics", "since", "until", "where", "where_session", "timezone")
        comparison = compare_sessions(source, baseline, candidate, **{name: given[name] for name in named})
    sides = sides_of(comparison) if comparison else {}
    options = GatheringOptions(by=tuple(by), kinds=tuple(kinds), lost=lost, sides=sides)
    notes: list[str] = []
    make = partial(write_page, options=options, targets=wanted, comparison=comparison, on_warning=notes.append)
    page, warnings = _read(source, selection_of(given), options, make, threads, memory_limit)
    is_new = write_file(target, page.encode(), overwrite=overwrite, **place)
    _tell([*warnings, *dict.fromkeys(notes)], on_warning)
    return is_new


def plot(
    source: Source,
    metric: str,
    *,
    kind: Literal["percentiles", "ecdf", "heatmap", "sessions"] = "percentiles",
    to: str | Path | None = None,
    by: Sequence[str] = (),
    kinds: Sequence[str] = (),
    lost: Literal["exclude", "infinite"] = "exclude",
    sessions: Sequence[str] = (),
    since: str | date | datetime | None = None,
    until: str | date | datetime | None = None,
    where: str | None = None,
    where_session: str | None = None,
    timezone: str | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    memory_limit: str | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> Chart:
    """Draw one chart, which Jupyter shows with its figures.

    Args:
        source: a store, files, globs or a DuckDB file.
        metric: name of the metric.
        kind: `percentiles` on a tail axis, `ecdf` for shares of values, `heatmap` over the time since the sessions'
            start, `sessions` for a dot each.
        to: a file to write it to, `.svg` or `.png`; none by default.
        by: attributes to group by; a line in the chart each.
        kinds: what metrics are, where records do not say it, each as `METRIC=KIND`: gauge, counter, duration, event.
        lost: `infinite` counts lost samples as +infinity in quantiles.
        sessions: ids of the sessions to take; all by default.
        since: earliest time, inclusive: a datetime, a date, or RFC 3339, `today` or `yesterday` as text.
        until: latest time, exclusive.
        where: SQL condition on the columns of a row.
        where_session: SQL condition on the columns of the sessions table.
        timezone: IANA name of the zone of days and of times that name none; UTC by default.
        overwrite: replace a chart that is there.
        threads: of the engine; one per core by default.
        memory_limit: of sorting and of statistics, such as `128MB`.
        on_warning: is called with what the reader of the figures should know, a sentence each.

    Returns:
        the chart: `to_svg()` gives it as a text, `columns` and `rows` are the figures that it shows.

    Raises:
        UsageError: an option has a wrong type or cannot be read, the chart cannot show these rows, or resvg, which PNG
            needs, is not installed.
        SourceError: the source cannot be read or holds bad data, or lacks what an option names.
        DestinationError: the destination cannot be written, or holds something else.
    """
    given = locals()
    check_arguments({name: value for name, value in given.items() if name != "to" or value is not None})
    place: _Place = {"is_ours": is_image, "noun": "chart"}
    target = None if to is None else _target(to, (".svg", ".png"))
    if target is not None:
        require_place(target, overwrite=True, **place)
        if target.suffix.lower() == ".png":
            require_resvg()
    options = GatheringOptions(by=tuple(by), kinds=tuple(kinds), lost=lost, wants=wanted_by(kind))
    selection = selection_of({**given, "metrics": (metric,)})

    def draw(selected: Selected, **how: Any) -> Chart:  # noqa: ANN401 - options of `gather`
        return plot_chart(gather(selected, options, **how), metric, kind, warnings=selected.warnings)

    chart, warnings = _read(source, selection, options, draw, threads, memory_limit)
    if target is not None:
        content = png_of(chart) if target.suffix.lower() == ".png" else chart.to_svg().encode()
        write_file(target, content, overwrite=overwrite, **place)
    _tell([*warnings, *(f"{metric}: {note}" for note in chart.notes)], on_warning)
    return chart


def _tell(warnings: Sequence[str], on_warning: Callable[[str], None] | None) -> None:
    if on_warning is not None:
        for warning in warnings:
            on_warning(warning)


def _target(to: str | Path, suffixes: Sequence[str]) -> Path:
    """Take a destination whose name says its form.

    Raises:
        UsageError: it does not, or is a URL.
    """
    target = local_path(to)
    if target.suffix.lower() not in suffixes:
        raise UsageError(f"--to {to}: name a file that ends in {' or '.join(suffixes)}")
    require_outside_stores(target)
    return target


def _read(
    source: Source,
    selection: Selection,
    options: GatheringOptions,
    make: Callable[..., _Made],
    threads: int | None,
    memory_limit: str | None,
) -> tuple[_Made, Sequence[str]]:
    """Open a source, and make something of what is selected; files that turn out to be in disorder are sorted.

    Returns:
        what was made, and what its reader should know of the selection.
    """
    how = {
        "budget_bytes": DEFAULT_BUDGET_BYTES if memory_limit is None else parse_size(memory_limit),
        "ahead": threads != 1,
    }
    for reads_once in (not selection.asks_of_rows, False):
        try:
            with (
                open_source(
                    source,
                    timezone=selection.timezone,
                    memory_limit=memory_limit,
                    threads=threads,
                    hold=True,
                    told_by="bytes",
                    reads_once=reads_once,
                    knows_order=True,  # windows begin where sessions do
                ) as inventory,
                temporary_directory() as directory,
            ):
                selected = select(inventory, selection, batch_size=DEFAULT_BATCH_SIZE, columns=options.by)
                return make(selected, temporary_directory=directory, **how), selected.warnings
        except DisorderError:
            if not reads_once:
                raise
    raise AssertionError("the second time nothing is in disorder")
