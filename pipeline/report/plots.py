"""One chart alone: which kinds there are, and what each needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pipeline.errors import SourceError, UsageError
from pipeline.report.curves import ecdf_chart, percentile_chart
from pipeline.report.heatmap import heatmap_chart
from pipeline.report.labels import group_label, left_out_notes
from pipeline.report.session_dots import session_chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.report.chart import Chart
    from pipeline.report.gathering import Gathered, Want

    Row = Mapping[str, Any]

_MOST_NAMED = 6
PlotKind = Literal["percentiles", "ecdf", "heatmap", "sessions"]


def wanted_by(kind: PlotKind) -> frozenset[Want]:
    """Say which figures a kind of chart needs."""
    wants: dict[PlotKind, frozenset[Want]] = {
        "percentiles": frozenset({"groups"}),
        "ecdf": frozenset({"groups"}),
        "heatmap": frozenset({"groups", "windows"}),
        "sessions": frozenset({"groups", "sessions"}),
    }
    return wants[kind]


def plot_chart(gathered: Gathered, metric: str, kind: PlotKind, *, warnings: Sequence[str] = ()) -> Chart:
    """Draw one chart of one metric.

    Args:
        gathered: what is `wanted_by` the kind.
        metric: name of the metric.
        kind: of the chart.
        warnings: of the selection, which say what metrics there are.

    Raises:
        SourceError: there is no such metric, or it has no finite value.
        UsageError: the chart cannot show what was gathered.
    """
    rows = [row for row in gathered.groups if row["metric"] == metric]
    if not rows:
        raise SourceError("; ".join(warnings) or f"no measurement of {metric!r} is selected; there is nothing to draw")
    units = sorted({row["unit"] or "none" for row in rows})
    if len(units) > 1:
        raise UsageError(f"{metric} has values in {', '.join(units)}; choose with --where \"unit = '{units[0]}'\"")
    if not any(row["count"] for row in rows):
        raise SourceError(f"{metric}: all samples are lost or not finite, there is nothing to draw")
    if kind == "sessions":
        return session_chart(gathered, [row for row in gathered.sessions if row["metric"] == metric])
    if gathered.is_counter(metric):
        raise UsageError(f"{metric} is a counter, whose level says nothing; --kind sessions shows its rates")
    if kind == "heatmap":
        return _heatmap(gathered, rows)
    drawn = [row for row in rows if row["p50"] is not None]
    labels = [group_label(row, gathered.by) for row in drawn]
    chart = percentile_chart(drawn, gathered.by) if kind == "percentiles" else ecdf_chart(drawn, labels)
    return replace(chart, notes=[*left_out_notes(rows), *_without_values(rows, gathered.by)])


def _without_values(rows: Sequence[Row], by: Sequence[str]) -> list[str]:
    """Name the groups that have samples and no line."""
    found = [group_label(row, by) for row in rows if row["p50"] is None]
    more = "" if len(found) <= _MOST_NAMED else f" and {len(found) - _MOST_NAMED} more"
    named = ", ".join(found[:_MOST_NAMED])
    return [f"all samples are lost or not finite, so there is no line: {named}{more}"] if found else []


def _heatmap(gathered: Gathered, rows: Sequence[Row]) -> Chart:
    if len(rows) > 1:
        raise UsageError(
            f"a heat map shows one group, and --by makes {len(rows)}; choose with --where or --where-session"
        )
    if gathered.window is None:
        raise UsageError("the sessions last a second at most, too short for windows of time; draw percentiles or ecdf")
    return heatmap_chart(gathered, rows[0])
