"""Sections of the page that are made of figures: their table, percentiles, heat maps, a dot for each session."""

from __future__ import annotations

from collections import Counter
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pipeline.report.chart import html_rows
from pipeline.report.curves import MAX_LINES, percentile_chart, quantile_label
from pipeline.report.heatmap import HEAT_LIMITS, LOST_LIMITS, heatmap_chart
from pipeline.report.labels import group_key, group_label, left_out_notes, metric_label, row_facts
from pipeline.report.numbers import DIGITS, share, shown
from pipeline.report.page import Section
from pipeline.report.palette import LIGHT
from pipeline.report.session_dots import session_chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.report.chart import Chart
    from pipeline.report.gathering import Gathered, GatheringOptions

    Row = Mapping[str, Any]

MAX_CHARTS = 60
_LEAST_SAMPLES = 20
_MAX_ROWS = 1_000
_SHOWN = ("mean", "p50", "p90", "p95", "p99", "max")


def by_metric(rows: Sequence[Row]) -> list[list[Row]]:
    """Part rows, which are in the order of metric and unit, by these."""
    return [list(found) for _, found in groupby(rows, key=lambda row: (row["metric"], row["unit"]))]


def figures_section(gathered: Gathered, options: GatheringOptions) -> Section:
    """Give the figures of all groups, and what they are."""
    rows = gathered.groups[:_MAX_ROWS]
    figures = [*_SHOWN, *(["rate"] if rows and "rate" in rows[0] else [])]
    of = ", ".join(gathered.by)
    columns = ["metric", "unit", *gathered.by, "n", "lost", *map(quantile_label, figures)]
    texts = [
        [
            row["metric"],
            row["unit"] or "",
            *(group_label(row, [name]) for name in gathered.by),
            *row_facts(row),
            *(shown(row.get(figure)) for figure in figures),
        ]
        for row in rows
    ]
    lost = (
        "Lost samples (null) count as infinite in quantiles."
        if options.lost == "infinite"
        else "Lost samples (null) are counted and left out of all other figures."
    )
    explained = (
        f"<i>n</i> counts finite values. {lost} Quantiles are exact, type 7 of Hyndman and Fan (1996): "
        "h = (n \N{MINUS SIGN} 1) q, lo + (hi \N{MINUS SIGN} lo) (h \N{MINUS SIGN} \N{LEFT FLOOR}h\N{RIGHT FLOOR}). "
        f"Sessions are pooled{f' by {escape(of)}' if of else ''}. "
        f"{DIGITS} significant digits are shown; <code>pipeline statistics --scope cross-session"
        f"{''.join(f' --by {escape(name)}' for name in gathered.by)}</code> gives all."
    )
    notes = [explained]
    for of_metric in by_metric(gathered.groups):
        notes += [f"{escape(metric_label(of_metric[0]))}: {note}." for note in left_out_notes(of_metric)]
    if "rate" in figures:
        notes.append(
            "A counter has a <i>rate</i>, its growth a second; mean and quantiles of a running total mean nothing."
        )
    if len(gathered.groups) > _MAX_ROWS:
        notes.append(f"The first {_MAX_ROWS:,} of {len(gathered.groups):,} groups are shown.")
    body = html_rows(columns, texts, label="Figures of all groups")
    return Section(name="figures", title="Figures", notes=notes, body=body)


def curves_section(gathered: Gathered) -> Section | None:
    """Give percentiles of each metric that has samples, a line for each group."""
    metrics = [
        [row for row in rows if row["count"] and row["p50"] is not None] for rows in by_metric(_samples(gathered))
    ]
    found = [rows for rows in metrics if rows]
    drawn = [rows for rows in found if max(row["count"] for row in rows) >= _LEAST_SAMPLES]
    if not found:
        return None
    explained = (
        "The axis is that of the tail: each nine more is as far as the one before. Lines are exact at the quantiles "
        "that have a name, and straight between; a line ends at 1 \N{MINUS SIGN} 1/n, behind which stands the largest "
        "sample alone."
    )
    notes = [explained]
    if any(len(rows) > MAX_LINES for rows in drawn):
        notes.append(f"Of each metric {MAX_LINES} groups are drawn; the tables have all.")
    few = sorted({rows[0]["metric"] for rows in found if rows not in drawn})
    if few:
        notes.append(
            f"Fewer than {_LEAST_SAMPLES} samples in each group are no curve: {escape(', '.join(few))}; "
            "the table above has their figures."
        )
    notes += _left_out(gathered, len(drawn))
    charts = [percentile_chart(rows, gathered.by) for rows in drawn[:MAX_CHARTS]]
    return Section(name="percentiles", title="Percentiles", notes=notes, charts=charts)


def heatmaps_section(gathered: Gathered) -> Section | None:
    """Give a heat map over time of each group that has samples in two windows at least."""
    if gathered.window is None:
        return None

    def key_of(row: Row) -> tuple[Any, ...]:
        return group_key(row, gathered.by)

    windows = Counter(map(key_of, gathered.over_time))
    drawn = [row for row in _samples(gathered) if key_of(row) in gathered.cells and windows[key_of(row)] > 1]
    if not drawn:
        return None
    explained = (
        f"Sessions are laid over each other; a column is {gathered.window} from each session's start. Cells are exact "
        "counts, shown as shares of their column, from below "
        f"{share(1, round(1 / HEAT_LIMITS[0]))} to {share(round(10 * HEAT_LIMITS[-1]), 10)} and more; p50, p99 and the "
        "largest value of a column are exact, too."
    )
    notes = [explained]
    left_out = gathered.heatmaps_left_out + max(0, len(drawn) - MAX_CHARTS)
    if left_out:
        notes.append(
            f"{left_out:,} further groups are not drawn; <code>pipeline plot --kind heatmap</code> draws one of them."
        )
    return Section(
        name="time",
        title="Over time",
        notes=notes,
        body=_key(),
        charts=[heatmap_chart(gathered, row) for row in drawn[:MAX_CHARTS]],
    )


def dots_section(gathered: Gathered, sessions: int) -> Section | None:
    """Give a dot for each session, of each metric."""
    if sessions < 2 or not gathered.sessions:
        return None
    figure = {True: "rate", False: "p50"}
    rows = sorted(gathered.sessions, key=lambda row: (row["metric"], row["unit"] is None, row["unit"] or ""))
    charts: list[Chart] = []
    for of_metric in by_metric([row for row in rows if row["metric"] not in gathered.aggregates]):
        name = figure[gathered.is_counter(of_metric[0]["metric"])]
        if any(row.get(name) is not None for row in of_metric):
            charts.append(session_chart(gathered, of_metric))
    notes = ["Numbers are those of the table of sessions below."]
    if sessions > len(gathered.shown):
        notes.append(f"{len(gathered.shown)} of {sessions:,} sessions are shown, at equal distances in their order.")
    if len(charts) > MAX_CHARTS:
        notes.append(f"The first {MAX_CHARTS} of {len(charts)} metrics are drawn.")
    return Section(name="session-figures", title="Session by session", notes=notes, charts=charts[:MAX_CHARTS])


def _samples(gathered: Gathered) -> Sequence[Row]:
    """Give the groups whose values are samples: no aggregates, bins or running totals."""
    left_out = {*gathered.aggregates, *(name for name, kind in gathered.kinds.items() if kind == "counter")}
    return [row for row in gathered.groups if row["metric"] not in left_out]


def _left_out(gathered: Gathered, charts: int) -> list[str]:
    named = {row["metric"] for row in gathered.groups}
    counters = sorted(name for name in named if gathered.is_counter(name))
    aggregates = sorted(named & gathered.aggregates)
    notes = []
    if counters:
        notes.append(f"Counters have no percentiles: {escape(', '.join(counters))}.")
    if aggregates:
        notes.append(f"Left out, since their values stand for many samples: {escape(', '.join(aggregates))}.")
    if charts > MAX_CHARTS:
        notes.append(f"The first {MAX_CHARTS} of {charts} metrics are drawn.")
    return notes


def _key() -> str:
    """Give the key of the heat maps."""
    few = "".join(
        f'<rect class="h{at}" stroke-width="0" x="{at * 14}" width="14" height="14"/>' for at in range(len(LIGHT.heat))
    )
    lines = [
        f'<svg viewBox="0 0 34 14" aria-hidden="true"><path class="ln th ov{dash}" d="M1 7h32"/></svg>{name}'
        for name, dash in (("p50", ""), ("p99", " d1"), ("largest", " d2"))
    ]
    limits = ["more than 0", *(f"{share(round(1000 * limit), 1000)}" for limit in LOST_LIMITS)]
    marks = "".join(f'<rect class="x{at}" x="{at * 14}" width="14" height="14"/>' for at in range(len(LIGHT.lost)))
    return (
        '<p class="key">'
        f'<span><svg viewBox="0 0 {14 * len(LIGHT.heat)} 14" aria-hidden="true">{few}</svg>'
        "share of the values of a column</span>"
        f"{''.join(f'<span>{line}</span>' for line in lines)}"
        f'<span><svg viewBox="0 0 {14 * len(LIGHT.lost)} 14" aria-hidden="true">{marks}</svg>'
        f"lost: {', '.join(limits)} of the samples</span></p>"
    )
