"""A dot for each session: its median, a line up to its p95; of a counter how fast it grew."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pipeline.report.chart import Chart
from pipeline.report.drawing import Frame, px
from pipeline.report.labels import group_label, left_out_notes, metric_label, row_facts
from pipeline.report.numbers import axis_number, shown
from pipeline.report.palette import style_of
from pipeline.report.scales import value_scale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.report.gathering import Gathered

    Row = Mapping[str, Any]

_HEIGHT = 150


def session_chart(gathered: Gathered, rows: Sequence[Row]) -> Chart:
    """Draw the sessions in their order, coloured by group.

    Args:
        gathered: what was gathered.
        rows: its rows of sessions of one metric and unit.
    """
    is_counter = gathered.is_counter(rows[0]["metric"])
    figures = ("rate",) if is_counter else ("p50", "p95")
    label = metric_label(rows[0]) + (", growth a second" if is_counter else "")
    places = {session.session_id: at for at, session in enumerate(gathered.shown)}
    by_group: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_group[group_label(row, gathered.by)].append(row)
    values = [row[figure] for row in rows for figure in figures if row[figure] is not None]
    scale = value_scale(values)
    count = len(places)
    frame = Frame(f"{label}: sessions", list(by_group), height=_HEIGHT, marks=True)
    frame.x_axis(_numbers(count), "session, in order" + ("" if is_counter else "; mark p50, line to p95"), grid=False)
    frame.y_axis(scale.at, scale.ticks, axis_number)
    radius = 4 if count <= 40 else 2.5
    for number, of_group in enumerate(by_group.values()):
        dots, lines = [], []
        for row in of_group:
            x = frame.x((places[row["session_id"]] + 0.5) / count)
            found = [row[figure] for figure in figures if row[figure] is not None and math.isfinite(row[figure])]
            if found:
                dots.append((x, frame.y(scale.at(found[0]))))
            if found[1:]:
                lines.append(f"M{px(x)} {px(frame.y(scale.at(found[0])))}V{px(frame.y(scale.at(found[1])))}")
        if lines:
            frame.parts.append(f'<path class="ln th {style_of(number).split()[0]}" d="{"".join(lines)}"/>')
        frame.marks(dots, number, radius)
    return Chart(
        title=f"Sessions by {label}",
        description=_described(rows, figures[0]),
        body=frame.body,
        height=frame.height,
        columns=["session", "number", "group", "n", "lost", *figures],
        rows=[
            [
                row["session_id"],
                str(places[row["session_id"]] + 1),
                group_label(row, gathered.by),
                *row_facts(row),
                *(shown(row[figure]) for figure in figures),
            ]
            for row in rows
        ],
        notes=left_out_notes(rows),
    )


def _numbers(count: int) -> list[tuple[float, str]]:
    """Give the numbers of sessions that are written at the axis."""
    step = max(1, -(-count // 12))
    return [((at + 0.5) / count, str(at + 1)) for at in range(0, count, step)]


def _described(rows: Sequence[Row], figure: str) -> str:
    known = [row for row in rows if row[figure] is not None]
    if not known:
        return f"No session has a {figure}."
    low, high = (choose(known, key=lambda row: row[figure]) for choose in (min, max))
    return (
        f"{len({row['session_id'] for row in rows})} sessions; {figure} from {shown(low[figure])} "
        f"({low['session_id']}) to {shown(high[figure])} ({high['session_id']})."
    )
