"""The file of targets, checked as a whole before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pipeline.disk.checked_toml import NUMBER, TABLES, TEXT, choice, read_toml
from pipeline.errors import TomlError, UsageError
from pipeline.statistics.options import StatisticsOptions
from pipeline.targets.limits import Figure, Limit, check_units, parse_figure, parse_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.disk.checked_toml import TomlTable

T = TypeVar("T")

_KINDS = {
    "name": TEXT,
    "metric": TEXT,
    "figure": TEXT,
    "limit": TEXT,
    "sessions": TEXT,
    "per": TEXT,
    "confidence": NUMBER,
    "lost": choice("exclude", "infinite"),
}
_REQUIRED = ("name", "metric", "figure", "limit")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a figure of a metric has to be.

    Attributes:
        name: as people call it.
        metric: whose samples.
        figure: what of them.
        limit: what the figure has to meet.
        sessions: SQL condition on sessions, as of `--where-session`; None takes all.
        per: what has to meet it: `session`, each; `all`, together; or the text of a window, each of each session.
        window_seconds: length of the window, None where there is none.
        confidence: with which the quantile itself has to meet it; None compares the estimate.
        lost: whether lost samples count as infinite; None where they do for latencies.
        file: where it is defined.
        lines: line of the file by key, and of the whole under the empty one.
    """

    name: str
    metric: str
    figure: Figure
    limit: Limit
    sessions: str | None
    per: str
    window_seconds: int | None
    confidence: float | None
    lost: Literal["exclude", "infinite"] | None
    file: str
    lines: Mapping[str, int]

    def describe(self) -> dict[str, Any]:
        """Describe what is asked as JSON values, wherever it was written."""
        return {
            "name": self.name,
            "metric": self.metric,
            "figure": self.figure.text,
            "limit": self.limit.text,
            "sessions": self.sessions,
            "per": self.per,
            "confidence": self.confidence,
            "lost": self.lost,
        }

    def error(self, problem: str, key: str = "") -> TomlError:
        """Make the error of a problem of it, or of what stands under a key."""
        return TomlError(problem, file=self.file, line=self.lines.get(key, self.lines[""]))


def read_targets(file: str | Path) -> tuple[Target, ...]:
    """Read a file of targets; what is checked needs no data.

    Args:
        file: TOML with a table `[[target]]` for each.

    Raises:
        TomlError: it cannot be read, or a target cannot be understood; the message names file and line.
    """
    root = read_toml(file)
    root.check({"target": TABLES}, required=["target"])
    targets: dict[str, Target] = {}
    for table in root.tables("target"):
        target = _target(table)
        if target.name in targets:
            first = targets[target.name].lines["name"]
            raise table.error(f"name {target.name!r} is that of the target in line {first}; give each its own", "name")
        targets[target.name] = target
    if not targets:
        raise root.error("has no [[target]]; a file of targets has one at least")
    return tuple(targets.values())


def _target(table: TomlTable) -> Target:
    table.check(_KINDS, required=_REQUIRED)
    values = table.values
    figure = _parsed(table, "figure", parse_figure)
    limit = _parsed(table, "limit", parse_limit)
    _parsed(table, "limit", lambda _: check_units(figure, limit))
    confidence = values.get("confidence")
    if confidence is not None:
        if figure.kind != "quantile":
            raise table.error(f"confidence is for quantiles, such as p95, not for {figure.text}", "confidence")
        if not 0.5 <= confidence < 1:
            raise table.error(f"confidence must be from 0.5 to below 1, such as 0.95, not {confidence}", "confidence")
    if "lost" in values and figure.kind in {"count", "rate", "loss"}:
        raise table.error(f"lost changes nothing of {figure.text}; leave it out", "lost")
    per = values.get("per", "session")
    return Target(
        name=values["name"],
        metric=values["metric"],
        figure=figure,
        limit=limit,
        sessions=values.get("sessions"),
        per=per,
        window_seconds=_window_seconds(table, per),
        confidence=None if confidence is None else float(confidence),
        lost=values.get("lost"),
        file=table.file,
        lines={"": table.line(), **{key: table.line(key) for key in values}},
    )


def _parsed(table: TomlTable, key: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(table.values[key])
    except ValueError as error:
        raise table.error(f"{key} {error}", key) from error


def _window_seconds(table: TomlTable, per: str) -> int | None:
    if per in {"session", "all"}:
        return None
    try:
        window = StatisticsOptions(window=per).parsed_window
    except UsageError:
        window = None
    if window is None:
        raise table.error(f"per {per!r}: give session, all, or a window such as 10s, 1m or 2h", "per")
    seconds = window.seconds or window.days * 86_400
    try:
        StatisticsOptions(window=f"{seconds}s")  # as which it is counted
    except UsageError as error:
        raise table.error(f"per {per!r}: is longer than any session", "per") from error
    return seconds
