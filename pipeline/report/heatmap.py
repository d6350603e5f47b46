"""Heat maps over the time since each session's start: counts of values, p50, p99 and largest, and lost samples."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.report.cells import value_at
from pipeline.report.chart import Chart
from pipeline.report.drawing import Frame, px
from pipeline.report.labels import group_key, group_label, left_out_notes, metric_label, row_facts
from pipeline.report.numbers import axis_number, share, shown, time_text
from pipeline.report.scales import Octaves, time_ticks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.report.cells import Cells
    from pipeline.report.gathering import Gathered

    Row = Mapping[str, Any]

_MOST_BUCKETS = 32
_LOST_HEIGHT = 12
_LOST_GAP = 8
HEAT_LIMITS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Shares of the values of a window from which on a cell is darker."""
LOST_LIMITS = (0.01, 0.05, 0.2)
"""Shares of lost samples above which marks are darker."""
_FIGURES = (("p50", ""), ("p99", " d1"), ("max", " d2"))


def heatmap_chart(gathered: Gathered, group: Row) -> Chart:
    """Draw one group: a column for each window, a row for each bucket of values, darker where there are more.

    Args:
        gathered: what was gathered, with windows.
        group: a row of its groups.
    """
    by = gathered.by
    rows = [row for row in gathered.over_time if group_key(row, by) == group_key(group, by)]
    label = metric_label(group) + (f", {group_label(group, by)}" if by else "")
    frame = Frame(label, [], height=170, below=_LOST_GAP + _LOST_HEIGHT)
    _draw_cells(frame, gathered, gathered.cells[group_key(group, by)], rows)
    _draw_lost(frame, rows, gathered)
    first, seconds = gathered.first_window, gathered.window_seconds
    ticks = time_ticks(first * seconds, (first + gathered.windows) * seconds, 6)
    frame.x_axis(
        [((tick / seconds - first) / gathered.windows, time_text(tick)) for tick in ticks],
        "time since the session's start",
        grid=False,
    )
    return Chart(
        title=f"{label} over time",
        description=_described(rows, gathered, label),
        body=frame.body,
        height=frame.height,
        columns=["from", "n", "lost", "p50", "p99", "max"],
        rows=[
            [
                time_text(row["window_start_seconds"]),
                *row_facts(row),
                *(shown(row[figure]) for figure, _ in _FIGURES),
            ]
            for row in rows
        ],
        notes=left_out_notes(rows),
    )


def _draw_cells(frame: Frame, gathered: Gathered, cells: Cells, rows: Sequence[Row]) -> None:
    edges, counts = _coarser(cells)
    ends = [*edges, *([0.0] if cells.has_zeros else [])]
    used = np.flatnonzero(counts.any(axis=0)).tolist()
    nearest = min((abs(edge) for edge in ends if edge), default=1.0)
    if ends and min(ends) < 0 < max(ends):  # the buckets of both signs nearest to zero that hold values
        nearest = min((min(abs(edges[at]), abs(edges[at + 1])) for at in used), default=nearest)
    scale = Octaves.around(min(ends, default=0.0), max(ends, default=0.0) or 1.0, nearest)
    totals = np.maximum(cells.counts.sum(axis=1) + cells.zeros, 1)
    signed = ([at for at in used if edges[at + 1] > 0], [at for at in used if edges[at + 1] <= 0])
    for rows_of_sign in signed:  # whose heights are equal
        if rows_of_sign:
            low, high = (frame.y(scale.place(edges[rows_of_sign[0] + more])) for more in (0, 1))
            _draw_rows(frame, [(at - rows_of_sign[0], counts[:, at] / totals) for at in rows_of_sign], low, low - high)
    if cells.zeros.any():
        half = frame.inner_height * scale.gap / 2 / (scale.high - scale.low)
        middle = frame.y(scale.place(0.0))
        low, high = min(middle + half, frame.bottom), middle - half
        _draw_rows(frame, [(0, cells.zeros / totals)], low, low - high)
    frame.y_axis(scale.at, scale.ticks_between(value_at(min(ends)), value_at(max(ends))) if ends else [], axis_number)
    _draw_figures(frame, gathered, rows, scale)


def _draw_rows(frame: Frame, rows: Sequence[tuple[int, NDArray[np.float64]]], low: float, height: float) -> None:
    """Draw rows of cells: each a number from below, and shares by window.

    A row is a line as wide as it is high, in units of cells, so that a run of cells takes few bytes.
    """
    paths: dict[int, list[str]] = defaultdict(list)
    width = 0.0
    for number, shares in rows:
        width = frame.width / len(shares)
        levels = np.where(shares > 0, 1 + np.searchsorted(HEAT_LIMITS, shares, side="right"), 0)
        for at, length, level in _runs(levels.tolist()):
            paths[level].append(f"M{at} {number}h{length}")
    drawn = "".join(f'<path class="h{level - 1}" d="{"".join(found)}"/>' for level, found in sorted(paths.items()))
    place = f"translate({frame.left} {px(low - height / 2)})scale({width:.4g} {-height:.4g})"
    frame.parts.append(f'<g class="ce" transform="{place}">{drawn}</g>')


def _coarser(cells: Cells) -> tuple[list[float], NDArray[np.int64]]:
    """Unite neighbouring buckets until they are few enough to be seen; counts stay exact."""
    counts, edges = cells.counts, cells.edges.tolist()
    while counts.shape[1] > _MOST_BUCKETS:
        if counts.shape[1] % 2:
            counts = np.concatenate([counts, np.zeros((len(counts), 1), np.int64)], axis=1)
            edges.append(2 * edges[-1] - edges[-2])
        counts, edges = counts[:, ::2] + counts[:, 1::2], edges[::2]
    return (edges, counts) if counts.shape[1] else ([], counts)


def _runs(levels: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Give runs of equal levels above 0: where they begin, how long they are, the level."""
    at = 0
    for level, run in groupby(levels):
        length = len(list(run))
        if level:
            yield at, length, level
        at += length


def _draw_figures(frame: Frame, gathered: Gathered, rows: Sequence[Row], scale: Octaves) -> None:
    """Draw the figures as steps, a window wide; a window without a value has none."""
    width = frame.width / gathered.windows
    for figure, dash in _FIGURES:
        steps, before = [], None
        for row in rows:
            window = row["window_start_seconds"] // gathered.window_seconds
            value = row[figure]
            if value is None or math.isinf(value):
                continue
            x, y = px(frame.left + (window - gathered.first_window) * width), px(frame.y(scale.at(value)))
            steps.append(f"{'V' + y if before == window - 1 else f'M{x} {y}'}h{px(width)}")
            before = window
        frame.parts.append(f'<path class="ln th ov{dash}" d="{"".join(steps)}"/>' if steps else "")


def _draw_lost(frame: Frame, rows: Sequence[Row], gathered: Gathered) -> None:
    """Draw a row of marks below the cells: the share of lost samples of each window."""
    width = frame.width / gathered.windows
    y = frame.bottom + _LOST_GAP
    frame.text(frame.left - 6, y + _LOST_HEIGHT - 2, "lost", anchor="end")
    paths: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        if row["null_count"]:
            of_rows = row["null_count"] / (row["null_count"] + row["count"] + row["non_finite_count"])
            level = sum(of_rows > limit for limit in LOST_LIMITS)
            window = row["window_start_seconds"] // gathered.window_seconds - gathered.first_window
            x = frame.left + window * width
            paths[level].append(f"M{px(x)} {y}h{px(width)}v{_LOST_HEIGHT}h-{px(width)}z")
    frame.parts += [f'<path class="x{level}" d="{"".join(found)}"/>' for level, found in sorted(paths.items())]


def _described(rows: Sequence[Row], gathered: Gathered, label: str) -> str:
    count, lost = (sum(row[name] for row in rows) for name in ("count", "null_count"))
    told = [f"{label} in windows of {gathered.window} from each session's start: {count:,} values, {lost:,} lost"]
    known = [row for row in rows if row["max"] is not None]
    if known:
        worst = max(known, key=lambda row: row["max"])
        told.append(f"the largest, {shown(worst['max'])}, comes from {time_text(worst['window_start_seconds'])} on")
    if lost:
        most = max(rows, key=lambda row: row["null_count"])
        told.append(
            f"most are lost from {time_text(most['window_start_seconds'])} on, "
            f"{share(most['null_count'], most['null_count'] + most['count'] + most['non_finite_count'])} of that window"
        )
    return ". ".join(told) + "."
