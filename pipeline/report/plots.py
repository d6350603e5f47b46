"""One chart alone: which kinds there are, and what each needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pipeline.errors import SourceError, UsageError
from pipeline.report.curves import ecdf_chart, percentile_chart
from pipeline.report.heatmap import heatmap_chart
from pipeline.report.labels import group_label
from pipeline.report.session_dots import session_chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.report.chart import Chart
    from pipeline.report.gathering import Gathered, Want

    Row = Mapping[str, Any]

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
        raise SourceError(f"{metric}: all samples are lost, there is nothing to draw")
    if kind == "sessions":
        return session_chart(gathered, [row for row in gathered.sessions if row["metric"] == metric])
    if gathered.is_counter(metric):
        raise UsageError(f"{metric} is a counter, whose level says nothing; --kind sessions shows its rates")
    known_rows = [row for row in rows if row["p50"] is not None]
    if kind == "percentiles":
        return percentile_chart(known_rows, gathered.by)
    if kind == "ecdf":
        return ecdf_chart(known_rows, [group_label(row, gathered.by) for row in known_rows])
    return _heatmap(gathered, rows)


def _heatmap(gathered: Gathered, rows: Sequence[Row]) -> Chart:
    if len(rows) > 1:
        raise UsageError(
            f"a heat map shows one group, and --by makes {len(rows)}; choose with --where or --where-session"
        )
    if gathered.window is None:
        raise UsageError("the sessions last a second at most, too short for windows of time; draw percentiles or ecdf")
    return heatmap_chart(gathered, rows[0])
