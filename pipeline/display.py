"""How results look in Jupyter: small tables of HTML, in which all text is escaped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MAX_ROWS = 200
_MAX_CHARACTERS = 80


class Sessions(list[dict[str, Any]]):
    """Descriptions of sessions: a list, which Jupyter shows as a table."""

    def _repr_html_(self) -> str:
        header = ("session_id", "started_at", "ended_at", "harness", "measurements", "lost", "metrics", "configuration")
        rows = [
            (
                one["session_id"],
                one["started_at"],
                one["ended_at"],
                " ".join(part for part in one["harness"].values() if part),
                one["measurement_count"],
                one["null_count"],
                _shortened(", ".join(one["metrics"])),
                _shortened(json.dumps(one["configuration"], ensure_ascii=False)),
            )
            for one in self
        ]
        return html_table(quantity(len(self), "session"), header, rows)


def html_table(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str | float | None]], notes: Iterable[str] = ()
) -> str:
    """Write a table with a line above it.

    Args:
        title: the line.
        header: names of the columns.
        rows: their values: texts, numbers or None; only the first ones of many are shown.
        notes: lines below it.
    """
    from html import escape  # noqa: PLC0415 - only a notebook needs it

    lines = [f"<div><p>{escape(title)}</p>"]
    if rows:
        names = "".join(f"<th>{escape(name)}</th>" for name in header)
        lines.append(f"<table><thead><tr>{names}</tr></thead><tbody>")
        lines += [f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows[:_MAX_ROWS]]
        lines.append("</tbody></table>")
    if len(rows) > _MAX_ROWS:
        lines.append(f"<p>and {len(rows) - _MAX_ROWS:,} more</p>")
    lines += [f"<p>{escape(note)}</p>" for note in notes]
    return "\n".join([*lines, "</div>"])


def quantity(number: int, noun: str) -> str:
    """Write a number of things, such as `1 session` or `2,000 sessions`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]} ..."


def _cell(value: str | float | None) -> str:
    if value is None:
        return "<td></td>"
    if isinstance(value, str):
        from html import escape  # noqa: PLC0415 - as above

        return f'<td style="text-align: left">{escape(value)}</td>'
    return f'<td style="text-align: right">{value:,}</td>'
