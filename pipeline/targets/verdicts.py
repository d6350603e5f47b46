"""Verdicts: immutable records of what was compared with what, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, Literal

from pipeline.display import html_table, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

Verdict = Literal["pass", "fail", "no-data", "cannot-tell"]
_BY_WEIGHT: tuple[Verdict, ...] = ("fail", "no-data", "cannot-tell", "pass")
FORMAT_VERSION = 1
"""Of the JSON form of verdicts."""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Give the verdict on several: fail where one fails, else no-data, else cannot-tell, else pass.

    Nothing at all is no-data.
    """
    found = set(verdicts)
    return next((one for one in _BY_WEIGHT if one in found), "no-data")


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupVerdict:
    """The verdict on one group of samples: a session, a window of one, or all sessions together.

    Attributes:
        verdict: `pass`, `fail`, `no-data` or `cannot-tell`.
        session_id: the session, None for all together.
        window_start: of a window, RFC 3339, inclusive; None without one.
        window_end: the same, exclusive.
        value: the figure, in `unit`; None where there is none. Infinite where it falls among lost samples.
        bound: its one-sided confidence bound, which is compared with the limit then; None without confidence, or where
            there are too few samples for one.
        limit: the number of the limit, in `unit`; None where its unit does not fit.
        unit: unit of the three.
        count: number of samples that the figure is of, lost ones included where they count.
        lost_count: number of lost samples.
        reason: why it is no pass, or what is to be known of it, in a line; empty where nothing is.
    """

    verdict: Verdict
    session_id: str | None
    window_start: str | None = None
    window_end: str | None = None
    value: float | None = None
    bound: float | None = None
    limit: float | None = None
    unit: str | None = None
    count: int = 0
    lost_count: int = 0
    reason: str = ""

    @property
    def name(self) -> str:
        """How people call the group."""
        session = "all sessions" if self.session_id is None else self.session_id
        return session if self.window_start is None else f"{session} {self.window_start} to {self.window_end}"

    @property
    def excess(self) -> float:
        """By how much the compared number is off the limit, as a part of that; 0 where nothing was compared."""
        compared = self.value if self.bound is None else self.bound
        if compared is None or self.limit is None or isnan(compared):
            return 0.0
        return abs(compared - self.limit) / (abs(self.limit) or 1.0)

    @property
    def shown(self) -> str:
        """The compared number for people, with four digits that count; empty where there is none."""
        number = self.value if self.bound is None else self.bound
        unit = None if self.unit == "1" else self.unit
        return "" if number is None else " ".join(filter(None, [f"{number:.4g}", unit]))

    def describe(self) -> dict[str, Any]:
        """Describe it as JSON values; numbers that are not finite are texts."""
        return {name: _json_value(getattr(self, name)) for name in self.__slots__}


@dataclass(frozen=True, kw_only=True)
class TargetVerdict:
    """The verdict on a target.

    Attributes:
        name: of the target, as all that follows but for the last three.
        metric: whose samples.
        figure: what of them, such as `p95`.
        limit: as the file has it, such as `< 50 ms`.
        per: `session`, `all` or a window.
        sessions: condition on sessions, None for all.
        confidence: with which a quantile has to meet the limit, None for the estimate.
        lost: `exclude` or `infinite` where the file says so.
        verdict: that of the worst group.
        groups: verdicts on the groups, in the order of sessions and time.
        reason: why there is no group; empty where there is one.
    """

    name: str
    metric: str
    figure: str
    limit: str
    per: str
    sessions: str | None
    confidence: float | None
    lost: str | None
    verdict: Verdict
    groups: tuple[GroupVerdict, ...]
    reason: str = ""

    @property
    def passed(self) -> int:
        """Number of groups that pass."""
        return sum(group.verdict == "pass" for group in self.groups)

    @property
    def worst_group(self) -> GroupVerdict | None:
        """The group that decides: of those with the verdict the farthest off the limit, or if it passes the nearest."""
        deciding = [group for group in self.groups if group.verdict == self.verdict]
        if self.verdict == "pass":
            return min(deciding, key=lambda group: group.excess, default=None)
        return max(deciding, key=lambda group: group.excess, default=None)

    def describe(self) -> dict[str, Any]:
        """Describe it as JSON values."""
        own = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "groups"}
        return {**own, "groups": [group.describe() for group in self.groups]}


@dataclass(frozen=True, kw_only=True)
class Check:
    """What came of a check of targets.

    Attributes:
        source: what was checked, as packages call it.
        targets: verdicts on the targets, in the order of the file.
        warnings: what its reader should know, a sentence each.
    """

    source: str
    targets: tuple[TargetVerdict, ...]
    warnings: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """That of the worst target."""
        return worst(target.verdict for target in self.targets)

    @property
    def is_met(self) -> bool:
        """Whether all targets pass."""
        return self.verdict == "pass"

    def describe(self) -> dict[str, Any]:
        """Describe it as JSON values."""
        return {
            "version": FORMAT_VERSION,
            "source": self.source,
            "verdict": self.verdict,
            "targets": [target.describe() for target in self.targets],
            "warnings": list(self.warnings),
        }

    def rows(self) -> list[tuple[str, ...]]:
        """Give a row of texts for each target, below `HEADER`."""
        return [_row(target) for target in self.targets]

    def summary(self) -> str:
        """Say in a line how many targets pass."""
        met = sum(target.verdict == "pass" for target in self.targets)
        return f"{self.verdict}: {met} of {quantity(len(self.targets), 'target')} met"

    def _repr_html_(self) -> str:
        return html_table(
            f"{self.source}: {self.summary()}", HEADER, self.rows(), [f"warning: {one}" for one in self.warnings]
        )


HEADER = ("verdict", "target", "metric", "figure", "limit", "worst", "n", "lost", "passed", "where, why")


def _row(target: TargetVerdict) -> tuple[str, ...]:
    group = target.worst_group
    place = "" if group is None or target.verdict == "pass" else group.name
    why = target.reason if group is None else group.reason
    return (
        target.verdict,
        target.name,
        target.metric,
        target.figure + ("" if target.confidence is None else f", bound {target.confidence:g}"),
        target.limit,
        "" if group is None else group.shown,
        "" if group is None else f"{group.count:,}",
        "" if group is None else f"{group.lost_count:,}",
        f"{target.passed:,} of {len(target.groups):,}",
        ": ".join(part for part in (place, why) if part),
    )


def _json_value(value: object) -> object:
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
