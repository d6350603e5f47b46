"""What to aggregate by, and which figures to give."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal, cast, get_args

import pyarrow as pa

from pipeline.errors import SourceError, UsageError, suggest
from pipeline.model.columns import CORE_COLUMNS
from pipeline.model.dictionary import STATISTIC_DESCRIPTIONS
from pipeline.model.metric_facts import Kind
from pipeline.statistics.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.model.metric_facts import MetricFacts

RECORDED = "recorded"
DEFAULT_QUANTILES = ("0.25", "0.5", "0.75", "0.9", "0.95", "0.99")
MAX_QUANTILE_DIGITS = 17
SESSION_WINDOW_COLUMNS = ("window_start_seconds", "window_end_seconds")
_INTEGER_FIGURES = {"count", "null_count", "non_finite_count", "session_count", *SESSION_WINDOW_COLUMNS}
TIME_FIGURES = {"window_start", "window_end", "first_timestamp", "last_timestamp"}


@dataclass(frozen=True, kw_only=True)
class StatisticsOptions:
    """What to aggregate by, and which figures to give.

    Attributes:
        by: further columns to group by.
        window: length of windows such as `1m`, or None.
        quantiles: further quantiles, each from 0 to 1, as decimal texts.
        lost: whether lost samples count as +infinity in quantiles.
        timezone: IANA name of the zone whose days windows are.
        pooled: groups span all sessions.
        window_origin: what windows are counted from: the Unix `epoch`, or the start of each `session`.
        kinds: what metrics are, each as `METRIC=KIND`, or `recorded` for what the records of sessions say; then figures
            that mean nothing for a kind are null, and counters have a rate.
        known_kinds: the same by name; records' are added by `with_recorded`.
    """

    by: Sequence[str] = ()
    window: str | None = None
    quantiles: Sequence[str] = ()
    lost: Literal["exclude", "infinite"] = "exclude"
    timezone: str = "UTC"
    pooled: bool = False
    window_origin: Literal["epoch", "session"] = "epoch"
    kinds: Sequence[str] = ()
    known_kinds: Mapping[str, Kind] = field(default_factory=dict)
    parsed_window: Window | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parsed_window", None if self.window is None else Window.parse(self.window))
        _ = self.quantile_columns
        if self.window_origin == "session" and self.window is None:
            raise UsageError("--window-origin says where windows begin; say their length with --window")
        object.__setattr__(self, "known_kinds", {**self.known_kinds, **_parse_kinds(self.kinds)})

    @property
    def is_from_start(self) -> bool:
        """Whether windows are counted from the start of each session."""
        return self.window_origin == "session"

    @property
    def counters(self) -> frozenset[str]:
        """Names of the metrics that only grow."""
        return frozenset(name for name, kind in self.known_kinds.items() if kind == "counter")

    def with_recorded(self, facts: Iterable[Mapping[str, MetricFacts]]) -> StatisticsOptions:
        """Add the kinds that records of sessions say, where they are asked for and agree.

        Args:
            facts: of the metrics of each session.
        """
        if RECORDED not in self.kinds:
            return self
        return replace(self, known_kinds=recorded_kinds(facts))

    @property
    def window_columns(self) -> tuple[str, ...]:
        """Columns of the borders of windows: times, or whole seconds since the session's start."""
        if self.window is None:
            return ()
        return SESSION_WINDOW_COLUMNS if self.is_from_start else ("window_start", "window_end")

    @property
    def quantile_columns(self) -> dict[str, float]:
        """Quantile by column name, ascending: 0.999 is `p99_9`."""
        numbers = set()
        for text in (*DEFAULT_QUANTILES, *self.quantiles):
            try:
                number = Decimal(text)
            except InvalidOperation as error:
                raise UsageError(f"--quantile {text!r}: give a number from 0 to 1, such as 0.999") from error
            if not (number.is_finite() and 0 <= number <= 1):
                raise UsageError(f"--quantile {text!r}: must be from 0 to 1; p99 is 0.99")
            if number != round(number, MAX_QUANTILE_DIGITS):
                raise UsageError(f"--quantile {text!r}: give at most {MAX_QUANTILE_DIGITS} digits behind the point")
            numbers.add(abs(number))
        return {_quantile_name(number): float(number) for number in sorted(numbers)}

    def group_columns(self, schema: pa.Schema) -> list[str]:
        """Columns that rows are grouped by, windows excepted.

        Raises:
            SourceError: a column of `by` does not exist.
            UsageError: it cannot be grouped by.
        """
        own = [*STATISTIC_DESCRIPTIONS, *self.quantile_columns]
        for name in self.by:
            if name not in schema.names:
                raise SourceError(f"--by: no column {name!r}; {suggest(name, schema.names, noun='columns')}")
            if name in CORE_COLUMNS or name in own:
                reason = (
                    "rows are grouped by it already" if name in {"metric", "unit"} else "is no attribute to group by"
                )
                if name in own:
                    reason = "a statistic has this name"
                raise UsageError(f"--by {name}: {reason}")
        return [*([] if self.pooled else ["session_id"]), "metric", "unit", *dict.fromkeys(self.by)]

    def schema(self, measurements: pa.Schema) -> pa.Schema:
        """Schema of the statistics of rows of a schema."""
        time = measurements.field("timestamp").type
        fields = [measurements.field(name) for name in self.group_columns(measurements)]
        names = [*self.window_columns]
        names += ["count", "null_count", "non_finite_count", *(["session_count"] if self.pooled else [])]
        names += ["mean", "stddev", "min", *self.quantile_columns, "max"]
        names += ["sum", *(["rate"] if self.counters else []), "first", "last", "first_timestamp", "last_timestamp"]
        for name in names:
            kind = time if name in TIME_FIGURES else pa.int64() if name in _INTEGER_FIGURES else pa.float64()
            fields.append(pa.field(name, kind, nullable=name not in _INTEGER_FIGURES))
        return pa.schema(fields)


def recorded_kinds(facts: Iterable[Mapping[str, MetricFacts]]) -> dict[str, Kind]:
    """Give the kinds of metrics that records of sessions agree on, by name."""
    found: dict[str, set[Kind]] = {}
    for of_session in facts:
        for name, one in of_session.items():
            found.setdefault(name, set()).add(one.kind)
    return {name: next(iter(kinds)) for name, kinds in sorted(found.items()) if len(kinds) == 1}


def _parse_kinds(given: Sequence[str]) -> dict[str, Kind]:
    parsed: dict[str, Kind] = {}
    for text in given:
        name, equals, kind = text.rpartition("=")
        if text == RECORDED:
            continue
        if not (name and equals):
            raise UsageError(f"--kind {text!r}: give METRIC=KIND, or {RECORDED} for what the records say")
        if kind not in get_args(Kind):
            raise UsageError(f"--kind {text!r}: {suggest(kind, get_args(Kind), noun='kinds')}")
        parsed[name] = cast("Kind", kind)
    return parsed


def _quantile_name(number: Decimal) -> str:
    text = f"{number.scaleb(2):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "p" + text.replace(".", "_")
