"""Curves of groups: percentiles on a tail axis, and shares of values (ECDF); straight between exact quantiles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pipeline.model.dictionary import is_quantile
from pipeline.report.chart import Chart
from pipeline.report.drawing import Frame
from pipeline.report.labels import group_label, left_out_notes, metric_label, row_facts
from pipeline.report.numbers import axis_number, shown
from pipeline.report.palette import style_of
from pipeline.report.scales import Linear, Tail, value_scale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Row = Mapping[str, Any]

MAX_LINES = 12
NAMED = ("p50", "p75", "p90", "p95", "p99", "p99_9")
_MEDIAN_TEXTS = 6


def percentile_chart(rows: Sequence[Row], by: Sequence[str]) -> Chart:
    """Draw quantiles on a tail axis, a line for each group: each nine more is as far as the one before.

    A line ends at the largest quantile with a sample beyond it, 1 - 1/n, for what follows is the largest sample alone.

    Args:
        rows: groups of one metric and unit, with the figures of `pipeline statistics`.
        by: what they are grouped by.
    """
    drawn = rows[:MAX_LINES]
    lines = [_tail(row) for row in drawn]
    last = max((q for line in lines for q, _ in line), default=0.5)
    x_scale = Tail(max(last, 0.9))
    y_scale = value_scale(value for line in lines for _, value in line)
    frame = Frame(f"{metric_label(rows[0])}: percentiles", [group_label(row, by) for row in drawn])
    frame.x_axis([(x_scale.at(q), f"{100 * q:.7g}") for q in x_scale.ticks], "percentile (%), tail axis")
    frame.y_axis(y_scale.at, y_scale.ticks, axis_number)
    for number, line in enumerate(lines):
        points = [(frame.x(x_scale.at(q)), frame.y(y_scale.at(value))) for q, value in line if math.isfinite(value)]
        frame.line(points, style_of(number))
        if line and points and not all(math.isfinite(value) for _, value in line):
            x, _ = points[-1]
            frame.line([points[-1], (x, frame.top)], f"{style_of(number)} th")
        if len(points) == 1:
            frame.marks(points, number)
    return Chart(
        title=f"Percentiles of {metric_label(rows[0])}",
        description=_described(rows, by),
        body=frame.body,
        height=frame.height,
        columns=["group", "n", "lost", *map(quantile_label, NAMED), "max"],
        rows=[[group_label(row, by), *row_facts(row), *(shown(row[name]) for name in (*NAMED, "max"))] for row in rows],
        notes=left_out_notes(rows),
    )


def ecdf_chart(rows: Sequence[Row], labels: Sequence[str], *, notes: Sequence[str] = ()) -> Chart:
    """Draw which share of the values is at most as large, a line for each group.

    Args:
        rows: groups of one metric and unit, with the figures of `pipeline statistics`.
        labels: of the groups.
        notes: what is known of their difference, a sentence each.
    """
    drawn = rows[:MAX_LINES]
    lines = [[(quantile, value) for quantile, value in _quantiles(row) if math.isfinite(value)] for row in drawn]
    x_scale = value_scale(value for line in lines for _, value in line)
    y_scale = Linear(0, 1)
    frame = Frame(f"{metric_label(rows[0])}: share of values", list(labels[:MAX_LINES]))
    frame.x_axis([(x_scale.at(tick), axis_number(tick)) for tick in x_scale.ticks], metric_label(rows[0]))
    frame.y_axis(y_scale.at, [0, 0.25, 0.5, 0.75, 1], lambda share: f"{100 * share:.3g} %")
    for number, line in enumerate(lines):
        frame.line([(frame.x(x_scale.at(value)), frame.y(share)) for share, value in line], style_of(number))
    medians = [
        f"{label}: half of the values are at most {shown(row['p50'])}"
        for row, label in zip(rows, labels, strict=True)
        if row["p50"] is not None
    ]
    return Chart(
        title=f"Share of values of {metric_label(rows[0])}",
        description=". ".join([*medians[:_MEDIAN_TEXTS], *notes]) + ".",
        body=frame.body,
        height=frame.height,
        columns=["group", "n", "lost", "min", "p25", *map(quantile_label, NAMED), "max"],
        rows=[
            [label, *row_facts(row), *(shown(row[name]) for name in ("min", "p25", *NAMED, "max"))]
            for row, label in zip(rows, labels, strict=True)
        ],
        notes=[*notes, *left_out_notes(rows)],
    )


def quantile_label(name: str) -> str:
    """Write the name of a quantile as people do: `p99_9` is p99.9."""
    return name.replace("_", ".")


def _quantiles(row: Row) -> list[tuple[float, float]]:
    """Give quantiles and their values, ascending, from the smallest value to the largest."""
    found = [(float(name[1:].replace("_", ".")) / 100, row[name]) for name in row if is_quantile(name)]
    ends = [(0.0, row["min"]), *sorted(found), (1.0, row["max"])]
    return [(quantile, value) for quantile, value in ends if value is not None]


def _tail(row: Row) -> list[tuple[float, float]]:
    """Give the quantiles that have a sample beyond them, at least."""
    size = row["count"] + (row["null_count"] if math.isinf(row["p99_999"] or 0) else 0)
    return [
        (quantile, value) for quantile, value in _quantiles(row) if quantile < 1 and (1 - quantile) * size >= 1 - 1e-9
    ]


def _described(rows: Sequence[Row], by: Sequence[str]) -> str:
    told = [
        f"{group_label(row, by)}: p50 {shown(row['p50'])}, p99 {shown(row['p99'])}, largest {shown(row['max'])}"
        for row in rows[:MAX_LINES]
    ]
    more = [] if len(rows) <= MAX_LINES else [f"{len(rows) - MAX_LINES} further groups stand in the table alone"]
    return ". ".join([*told, *more]) + "."
