"""The section of verdicts: which target is met, and by which group."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from pipeline.report.labels import group_label
from pipeline.report.page import Section
from pipeline.targets.verdicts import worst

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.model.session import Session
    from pipeline.targets.verdicts import Check, TargetVerdict, Verdict

_SHOWN: Mapping[Verdict, tuple[str, str]] = {
    "pass": ("pass", "\N{CHECK MARK}"),
    "fail": ("fail", "\N{MULTIPLICATION X}"),
    "no-data": ("none", "\N{EMPTY SET}"),
    "cannot-tell": ("unsure", "?"),
}
"""By verdict: its class in the style sheet, and a sign, since colour alone tells nothing to some."""
_MAX_GROUPS = 12


def verdicts_section(check: Check, sessions: Sequence[Session], by: Sequence[str]) -> Section:
    """Give a row for each target: its verdict, that of each group, and what decided it.

    Args:
        check: the verdicts.
        sessions: all sessions.
        by: attributes that groups are made by.
    """
    groups = {one.session_id: _group_of(one, by) for one in sessions} if by else {}
    names = list(dict.fromkeys(groups.values()))[:_MAX_GROUPS]
    counts = Counter(target.verdict for target in check.targets)
    badges = "".join(
        f"<li>{_badge(verdict, f'{counts[verdict]:,} {verdict}')}</li>" for verdict in _SHOWN if counts[verdict]
    )
    columns = ("target", "verdict", *names, "decided by", "n", "lost", "where, why")
    numbers = {"decided by", "n", "lost"}
    head = "".join(f'<th scope="col"{"" if name in numbers else " class=t"}>{escape(name)}</th>' for name in columns)
    body = "".join(_row(target, row, groups, names) for target, row in zip(check.targets, check.rows(), strict=True))
    table = (
        '<div class="scroll" tabindex="0" role="region" aria-label="Verdicts on all targets"><table class="v">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    explained = (
        "Only <i>pass</i> is a pass: a target without samples has <i>no-data</i>, and one that too few samples are "
        "there for <i>cannot-tell</i>. Lost samples of a latency count as infinite here, unless the target says "
        "otherwise."
    )
    notes = [explained]
    if names:
        notes.append(f"Below each {escape(', '.join(by))}: how many of its sessions, or windows of them, pass.")
    return Section(name="verdicts", title="Verdicts", notes=notes, body=f'<ul class="counts">{badges}</ul>{table}')


def _group_of(session: Session, by: Sequence[str]) -> str:
    named = {"metric": None, "unit": None, **{name: session.attributes.get(name) for name in by}}
    return group_label(named, by)


def _badge(verdict: Verdict, text: str) -> str:
    kind, sign = _SHOWN[verdict]
    return f'<span class="b b-{kind}">{sign} {escape(text)}</span>'


def _row(target: TargetVerdict, row: Sequence[str], groups: Mapping[str, str], names: Sequence[str]) -> str:
    verdict, name, metric, figure, limit, decided, size, lost, _, why = row
    cells = [_badge(target.verdict, verdict)]
    for group in names:
        found = [one.verdict for one in target.groups if groups.get(one.session_id or "") == group]
        met = sum(one == "pass" for one in found)
        cells.append(_badge(worst(found), f"{met:,} of {len(found):,}") if found else "")
    told = "".join(f'<td class="t">{cell}</td>' for cell in cells)
    told += "".join(f"<td>{escape(text)}</td>" for text in (decided, size, lost))
    asked = f"{figure} of {metric} {limit}".replace("<=", "\N{LESS-THAN OR EQUAL TO}").replace(
        ">=", "\N{GREATER-THAN OR EQUAL TO}"
    )
    return (
        f'<tr><th scope="row">{escape(name)}<br><span class="m">{escape(asked)}</span></th>{told}'
        f'<td class="t y">{escape(why)}</td></tr>'
    )
