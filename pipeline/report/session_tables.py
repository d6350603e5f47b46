"""Sessions and their configuration: what all have, and what differs."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from pipeline.model.timestamps import TICKS_PER_SECOND, format_timestamp
from pipeline.report.chart import html_rows
from pipeline.report.numbers import shown
from pipeline.report.page import Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.model.session import Session

_MAX_DIFFERENCES = 24
_MAX_CELL = 60
_ABSENT = "\N{EN DASH}"


def sessions_section(sessions: Sequence[Session], shown_ones: Sequence[Session]) -> Section:
    """Give a row for each shown session, then its configuration.

    Args:
        sessions: all sessions.
        shown_ones: those that are shown one by one.
    """
    notes = []
    if len(shown_ones) < len(sessions):
        notes.append(
            f"{len(shown_ones)} of {len(sessions):,} sessions are shown, at equal distances in their order; the first "
            "and the last are among them."
        )
    flat = [dict(_leaves({**one.configuration, **_apart(one)})) for one in shown_ones]
    names = list(dict.fromkeys(name for one in flat for name in one))
    same = {name: flat[0].get(name, _ABSENT) for name in names if len({one.get(name) for one in flat}) == 1}
    differing = [name for name in names if name not in same]
    places = {session.session_id: at for at, session in enumerate(shown_ones)}
    columns = ["session", "number", "started", "lasts", "rows", "lost"]
    rows = [
        [
            one.session_id,
            str(number + 1),
            f"{format_timestamp(one.started_at, one.timestamp_unit)[:19]}Z",
            f"{shown((one.ended_at - one.started_at) / TICKS_PER_SECOND[one.timestamp_unit])} s",
            f"{one.measurement_count:,}",
            f"{one.null_count:,}",
        ]
        for number, one in enumerate(shown_ones)
    ]
    body = html_rows(columns, rows, label="Sessions")
    if differing:
        body += "<h3>What differs</h3>" + _differences(differing, shown_ones, flat, places)
    if same:
        body += "<h3>What is the same in all</h3>" + html_rows(
            ["configuration", "value"], [[name, _cut(value)] for name, value in same.items()], label="The same in all"
        ).replace("<table>", '<table class="w">')
    return Section(name="sessions", title="Sessions and configuration", notes=notes, body=body)


def _apart(session: Session) -> dict[str, Any]:
    """Give what else a session was run with."""
    named = {"harness": session.harness_name, "harness version": session.harness_version}
    own = {name: value for name, value in session.attributes.items() if session.configuration.get(name) != value}
    return {name: value for name, value in named.items() if value is not None} | {"attributes": own}


def _leaves(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Give the values of nested objects by their paths, as texts; lists stay whole."""
    for key, item in value.items():
        name = f"{path}.{key}" if path else key
        if isinstance(item, dict):
            yield from _leaves(item, name)
        else:
            yield name, item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)


def _differences(
    names: Sequence[str], shown_ones: Sequence[Session], flat: Sequence[Mapping[str, str]], places: Mapping[str, int]
) -> str:
    """Give a column for each value that differs; where one is another than the most common, it is marked."""
    columns = names[:_MAX_DIFFERENCES]
    usual = {name: _most_common([one.get(name, _ABSENT) for one in flat]) for name in columns}
    head = "".join(f'<th scope="col" class="t">{escape(name)}</th>' for name in ("session", *columns))
    body = []
    for one in shown_ones:
        cells = []
        for name in columns:
            value = flat[places[one.session_id]].get(name, _ABSENT)
            text = escape(_cut(value))
            cells.append(
                f'<td class="t d"><b>{text}</b></td>' if value != usual[name] else f'<td class="t">{text}</td>'
            )
        body.append(f'<tr><th scope="row">{escape(one.session_id)}</th>{"".join(cells)}</tr>')
    more = len(names) - len(columns)
    note = (
        "<p>Bold and on a ground of its own is what is another than in most sessions."
        f"{f' {more:,} further values differ; pipeline sessions --format json has all.' if more else ''}</p>"
    )
    return (
        f'{note}<div class="scroll" tabindex="0" role="region" aria-label="What differs"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _most_common(values: Sequence[str]) -> str:
    """Give the value that most have, the first of several; where all have another, none is common."""
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    common = max(counts, key=lambda value: counts[value])
    return common if counts[common] > 1 else values[0]


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CELL else f"{text[: _MAX_CELL - 1]}\N{HORIZONTAL ELLIPSIS}"
