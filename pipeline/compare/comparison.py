"""What came of a comparison: immutable records, for people and as JSON values."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, Literal

from pipeline.display import html_table, quantity

if TYPE_CHECKING:
    from pipeline.model.metric_facts import Better

Verdict = Literal["regression", "improvement", "change", "no-change", "cannot-tell"]
FORMAT_VERSION = 1
"""Of the JSON form of comparisons."""
HEADER = ("verdict", "metric", "figure", "baseline", "candidate", "shift", "95% interval", "corrected p", "why")
CONFIGURATION_HEADER = ("configuration", "baseline", "candidate")


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionFigure:
    """The figure of one session.

    Attributes:
        session_id: the session.
        value: the figure; infinite where it falls among lost samples.
        count: number of samples that it is of.
        lost_count: number of lost samples.
    """

    session_id: str
    value: float
    count: int
    lost_count: int

    def describe(self) -> dict[str, Any]:
        """Describe it as JSON values; numbers that are not finite are texts."""
        return {name: _json_value(getattr(self, name)) for name in self.__slots__}


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A figure of a metric on both sides.

    Attributes:
        verdict: `regression` or `improvement`, `change` where nobody knows which way is better, `no-change` where none
            is shown, `cannot-tell` where none could be.
        metric: the metric.
        unit: unit of its values.
        figure: the figure, such as `p95`.
        better: `lower`, `higher` or None.
        baseline: the figure of each session of the baseline that has one, in order.
        candidate: the same of the candidate.
        baseline_median: median of those; None where there are none.
        candidate_median: the same.
        shift: median of all differences candidate - baseline; None where a side has none.
        low: lower end of its interval; None where a side has less than two.
        high: upper end.
        effect: shift / |baseline_median|.
        p: of the test of Mann and Whitney; None where a side has none.
        corrected_p: the same after Holm's correction over all rows.
        further_sessions: how many more each side needs before anything can be told; 0 where nothing lacks.
        reason: why nothing can be told, or what is to be known, in a line; empty where nothing is.
    """

    verdict: Verdict
    metric: str
    unit: str | None
    figure: str
    better: Better | None
    baseline: tuple[SessionFigure, ...]
    candidate: tuple[SessionFigure, ...]
    baseline_median: float | None
    candidate_median: float | None
    shift: float | None
    low: float | None
    high: float | None
    effect: float | None
    p: float | None
    corrected_p: float | None
    further_sessions: int
    reason: str

    def describe(self) -> dict[str, Any]:
        """Describe it as JSON values; numbers that are not finite are texts."""
        own = {name: _json_value(getattr(self, name)) for name in self.__dataclass_fields__}
        return own | {
            "baseline": [one.describe() for one in self.baseline],
            "candidate": [one.describe() for one in self.candidate],
        }

    def row(self) -> tuple[str, ...]:
        """Give it as texts, below `HEADER`."""
        return (
            self.verdict,
            self.metric,
            self.figure,
            _side(self.baseline_median, self.unit, len(self.baseline)),
            _side(self.candidate_median, self.unit, len(self.candidate)),
            _percent(self.effect),
            "" if self.low is None else f"{self._of_baseline(self.low)} to {self._of_baseline(self.high)}",
            "" if self.corrected_p is None else f"{self.corrected_p:.3g}",
            self.reason,
        )

    def _of_baseline(self, end: float | None) -> str:
        """Write an end of the interval as a part of the baseline, as the shift is."""
        if end is None or not self.baseline_median:
            return "" if end is None else f"{end:.4g}"
        return _percent(end / abs(self.baseline_median))


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What the configuration has otherwise on the two sides.

    Attributes:
        path: where it stands, such as `configuration.video.fps`, `attributes.robot_id` or `harness.version`.
        baseline: its values on the sessions of the baseline, each once, as JSON texts; `null` where it is not there.
        candidate: the same of the candidate.
        is_apart: no value is on both sides.
    """

    path: str
    baseline: tuple[str, ...]
    candidate: tuple[str, ...]
    is_apart: bool

    def describe(self) -> dict[str, Any]:
        """Describe it as JSON values."""
        own = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return own | {"baseline": list(self.baseline), "candidate": list(self.candidate)}

    def row(self) -> tuple[str, ...]:
        """Give it as texts, below `CONFIGURATION_HEADER`."""
        return self.path, _few(self.baseline), _few(self.candidate)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What came of a comparison.

    Attributes:
        source: where the candidate is from, as packages call it.
        baseline_source: where the baseline is from.
        baseline: ids of the sessions of the baseline, in order.
        candidate: ids of the sessions of the candidate, in order.
        rows: figures, by metric and unit.
        configuration: what differs in their records, what keeps the sides apart first.
        tests: number of tests that the correction is over.
        min_effect: smallest effect that counts.
        warnings: what its reader should know, a sentence each.
    """

    source: str
    baseline_source: str
    baseline: tuple[str, ...]
    candidate: tuple[str, ...]
    rows: tuple[Compared, ...]
    configuration: tuple[Difference, ...]
    tests: int
    min_effect: float
    warnings: tuple[str, ...] = ()

    @property
    def regressions(self) -> tuple[Compared, ...]:
        """The rows that are regressions."""
        return tuple(one for one in self.rows if one.verdict == "regression")

    def describe(self) -> dict[str, Any]:
        """Describe it as JSON values."""
        own = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return (
            {"version": FORMAT_VERSION}
            | own
            | {
                "baseline": list(self.baseline),
                "candidate": list(self.candidate),
                "rows": [one.describe() for one in self.rows],
                "configuration": [one.describe() for one in self.configuration],
                "warnings": list(self.warnings),
            }
        )

    def summary(self) -> str:
        """Say in a line what was found."""
        found = [one.verdict for one in self.rows]
        told = ", ".join(
            quantity(found.count(verdict), noun)
            for verdict, noun in (("regression", "regression"), ("improvement", "improvement"), ("change", "change"))
            if verdict in found
        )
        untold = found.count("cannot-tell")
        rest = f"; {untold:,} of {quantity(len(found), 'figure')} cannot be told" if untold else ""
        sides = f"{quantity(len(self.baseline), 'session')} against {len(self.candidate):,}"
        return f"{sides}: {told or 'no change shown'}{rest}"

    def _repr_html_(self) -> str:
        notes = [
            f"{path}: {before} against {after}" for path, before, after in (one.row() for one in self.configuration)
        ]
        notes += [f"warning: {one}" for one in self.warnings]
        return html_table(f"{self.source}: {self.summary()}", HEADER, [one.row() for one in self.rows], notes)


_SHOWN_VALUES = 3
_MAX_CHARACTERS = 30


def _side(median: float | None, unit: str | None, sessions: int) -> str:
    number = "" if median is None else " ".join(filter(None, [f"{median:.4g}", None if unit == "1" else unit]))
    return f"{number} ({sessions:,})".strip()


def _percent(part: float | None) -> str:
    return "" if part is None else f"{part:+.1%}" if isfinite(part) else f"{part:+}"


def _few(values: tuple[str, ...]) -> str:
    more = len(values) - _SHOWN_VALUES
    shown = (one if len(one) <= _MAX_CHARACTERS else f"{one[:_MAX_CHARACTERS]} ..." for one in values[:_SHOWN_VALUES])
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def _json_value(value: object) -> object:
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
