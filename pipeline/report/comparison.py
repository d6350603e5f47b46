"""The section of a comparison: what differs between two sides, with the shift, its interval, and both distributions."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from pipeline.compare.comparison import CONFIGURATION_HEADER, HEADER
from pipeline.report.chart import html_rows
from pipeline.report.curves import ecdf_chart
from pipeline.report.page import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.compare.comparison import Compared, Comparison
    from pipeline.report.chart import Chart
    from pipeline.report.gathering import Gathered

    Row = Mapping[str, Any]

SIDES = ("baseline", "candidate")
_MAX_CHARTS = 60


def sides_of(comparison: Comparison) -> dict[str, frozenset[str]]:
    """Give the ids of the sessions of each side, for what is gathered."""
    return dict(zip(SIDES, map(frozenset, (comparison.baseline, comparison.candidate)), strict=True))


def comparison_section(comparison: Comparison, gathered: Gathered) -> Section:
    """Give what was compared, and the share of values of both sides of each metric."""
    rows = html_rows(HEADER[1:2] + HEADER[:1] + HEADER[2:], [_row(one) for one in comparison.rows], label="Comparison")
    body = rows.replace("<table>", '<table class="v">')
    if comparison.configuration:
        body += "<h3>What differs between the sides</h3>" + html_rows(
            CONFIGURATION_HEADER, [one.row() for one in comparison.configuration], label="What differs"
        ).replace("<table>", '<table class="w">')
    explained = (
        f"{escape(comparison.summary())}. Figures are one a session; the shift is the median of all differences, its "
        "interval goes over sessions. A line of a chart is the share of the values of all sessions of a side."
    )
    charts = _charts(comparison, gathered)
    notes = [explained]
    if len(charts) > _MAX_CHARTS:
        notes.append(f"The first {_MAX_CHARTS} of {len(charts)} metrics are drawn.")
    return Section(name="comparison", title="Comparison", notes=notes, body=body, charts=charts[:_MAX_CHARTS])


def _row(one: Compared) -> list[str]:
    verdict, metric, *rest = one.row()
    return [metric, verdict, *rest]


def _charts(comparison: Comparison, gathered: Gathered) -> list[Chart]:
    compared: dict[tuple[str, str | None], list[Compared]] = {}
    for one in comparison.rows:
        compared.setdefault((one.metric, one.unit), []).append(one)
    charts = []
    for key, found in compared.items():
        rows = [row for side in SIDES for row in gathered.sides[side] if (row["metric"], row["unit"]) == key]
        if len(rows) == len(SIDES) and all(row["p50"] is not None for row in rows):
            charts.append(ecdf_chart(rows, SIDES, notes=[_told(one) for one in found]))
    return charts


def _told(one: Compared) -> str:
    """Say what came of a figure, in words."""
    verdict, _, figure, _, _, shift, interval, p, why = one.row()
    facts = [f"shift {shift}" if shift else "", f"95% interval {interval}" if interval else "", f"p {p}" if p else ""]
    return f"{figure}: {', '.join([verdict, *filter(None, [*facts, why])])}"
