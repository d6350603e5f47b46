"""What a figure of a group of samples is, out of its statistics; docs/targets.md defines each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.targets.order_statistics import minimum_samples
from pipeline.targets.units import UNITY, is_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from fractions import Fraction

    from pipeline.model.metric_facts import MetricFacts
    from pipeline.targets.figures import Row
    from pipeline.targets.limits import Figure
    from pipeline.targets.verdicts import Verdict

GROWING = {"mean", "max", "sum"}
"""Figures that more and larger values do not make smaller, so that what is too large already stays so."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A figure of a group, and what it is of.

    Attributes:
        value: the figure in `unit`, None where there is none.
        unit: its unit.
        count: number of samples that it is of.
        verdict: that on a group without a value.
        problem: why there is none, or why it is of too few samples; empty where it can be compared.
        unknown: what of the samples has no value, though it may count; empty where nothing is.
        largest: what the figure would be if all of that met the condition of a share; None of other figures.
    """

    value: float | None = None
    unit: str | None = None
    count: int = 0
    verdict: Verdict = "cannot-tell"
    problem: str = ""
    unknown: str = ""
    largest: float | None = None


def is_latency(facts: Iterable[MetricFacts | None], unit: str | None) -> bool:
    """Whether lost samples of a metric took for ever: it is a duration, or of a unit of time where nobody says.

    Args:
        facts: what is known of the metric, of each session.
        unit: unit of its values.
    """
    kinds = {one.kind for one in facts if one is not None}
    return "duration" in kinds if kinds else is_time(unit)


def measure(figure: Figure, row: Row, seconds: Fraction, *, is_lost_infinite: bool) -> Measured:
    """Take a figure out of the statistics of a group.

    Args:
        figure: which.
        row: the statistics of the group.
        seconds: how long it lasts.
        is_lost_infinite: whether lost samples count as infinite.
    """
    return _MEASURES[figure.kind](figure, row, seconds, is_lost_infinite)


def _number_of_rows(row: Row) -> int:
    return int(row["count"] + row["null_count"] + row["non_finite_count"])


def _count(figure: Figure, row: Row, _seconds: Fraction, _is_lost_infinite: bool) -> Measured:  # noqa: FBT001 - of a table
    return Measured(value=float(row[figure.text]), unit=UNITY, count=_number_of_rows(row))


def _rate(_figure: Figure, row: Row, seconds: Fraction, _is_lost_infinite: bool) -> Measured:  # noqa: FBT001 - of a table
    came = _number_of_rows(row) - row["null_count"]
    if seconds <= 0:
        return Measured(unit="Hz", count=came, problem="the session has no length")
    return Measured(value=float(came / seconds), unit="Hz", count=came)


def _loss(_figure: Figure, row: Row, _seconds: Fraction, _is_lost_infinite: bool) -> Measured:  # noqa: FBT001 - of a table
    rows = _number_of_rows(row)
    return Measured(value=row["null_count"] / rows, unit=UNITY, count=rows)


def _share(figure: Figure, row: Row, _seconds: Fraction, is_lost_infinite: bool) -> Measured:  # noqa: FBT001 - of a table
    lost = row["null_count"]
    size = _number_of_rows(row) - (0 if is_lost_infinite else lost)
    if not size:
        return Measured(unit=UNITY, verdict="no-data", problem=_all_lost(row))
    is_upper = figure.threshold is not None and figure.threshold.is_upper
    met = (row["sum"] or 0.0) + (lost if is_lost_infinite and not is_upper else 0)
    odd = row["non_finite_count"]  # of conditions: NaN neither meets nor misses one
    unknown = f"{odd:,} {'value that is' if odd == 1 else 'values that are'} NaN may meet it or not" if odd else ""
    return Measured(value=met / size, unit=UNITY, count=size, unknown=unknown, largest=(met + odd) / size)


def _quantile(figure: Figure, row: Row, _seconds: Fraction, is_lost_infinite: bool) -> Measured:  # noqa: FBT001 - of a table
    size = row["count"] + (row["null_count"] if is_lost_infinite else 0)
    if not size:
        return Measured(unit=row["unit"], verdict="no-data", problem=_all_lost(row))
    needed = minimum_samples(float(figure.quantile or 0))
    there = f"{size:,} {'is' if size == 1 else 'are'} there"
    return Measured(
        value=row[figure.text],
        unit=row["unit"],
        count=size,
        problem=f"{figure.text} needs {needed:,} samples, {there}" if size < needed else "",
        unknown=_odd(row),
    )


def _statistic(figure: Figure, row: Row, _seconds: Fraction, is_lost_infinite: bool) -> Measured:  # noqa: FBT001 - of a table
    name, unit, count = figure.text, row["unit"], row["count"]
    if not count:
        return Measured(unit=unit, verdict="no-data", problem=_all_lost(row))
    if row[name] is None:
        return Measured(unit=unit, count=count, problem=f"{name} needs 2 samples, 1 is there")
    unknown = _odd(row)
    if row["null_count"] and is_lost_infinite and name in {*GROWING, "stddev"}:
        lost = row["null_count"]
        have = "sample has" if lost == 1 else "samples have"
        unknown = f'{lost:,} lost {have} no value; lost = "exclude" leaves {"it" if lost == 1 else "them"} out'
    return Measured(value=row[name], unit=unit, count=count, unknown=unknown)


_MEASURES: Mapping[str, Callable[[Figure, Row, Fraction, bool], Measured]] = {
    "count": _count,
    "rate": _rate,
    "loss": _loss,
    "share": _share,
    "quantile": _quantile,
    "values": _statistic,
}
"""By the kind of a figure: how it is taken out of the statistics of a group that lasts so many seconds."""


def _all_lost(row: Row) -> str:
    rows = _number_of_rows(row)
    return f"all {rows:,} samples are lost or not finite" if rows > 1 else "the sample is lost or not finite"


def _odd(row: Row) -> str:
    odd = row["non_finite_count"]
    return f"{odd:,} {'value is' if odd == 1 else 'values are'} not finite, and no figure has them" if odd else ""
