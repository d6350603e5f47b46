"""The verdict on one group of samples: its figure against the limit; docs/targets.md defines each case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.targets.measures import GROWING, Measured, measure
from pipeline.targets.units import UnknownUnitError, plain_unit
from pipeline.targets.verdicts import GroupVerdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from pipeline.targets.figures import Row
    from pipeline.targets.limits import Limit
    from pipeline.targets.target_file import Target
    from pipeline.targets.verdicts import Verdict

_NO_ROW: Row = {"count": 0, "null_count": 0, "non_finite_count": 0, "unit": None}


@dataclass(frozen=True)
class Place:
    """What group of samples is judged.

    Attributes:
        session_id: the session, None for all together.
        seconds: how long it lasts.
        window_start: of a window, RFC 3339.
        window_end: the same.
    """

    session_id: str | None
    seconds: Fraction
    window_start: str | None = None
    window_end: str | None = None


def told(place: Place, verdict: Verdict, reason: str) -> GroupVerdict:
    """Give the verdict on a group of which nothing is compared."""
    return GroupVerdict(verdict=verdict, session_id=place.session_id, reason=reason)


def judge(
    target: Target, place: Place, rows: Sequence[Row], *, is_lost_infinite: bool, bound: float | None
) -> GroupVerdict:
    """Judge a group.

    Args:
        target: what is asked.
        place: which group it is.
        rows: statistics of its samples, one for each unit.
        is_lost_infinite: whether lost samples count as infinite.
        bound: confidence bound of the quantile, which decides; None without confidence, or where there is none.

    Raises:
        TomlError: the unit of the limit is no UCUM code.
    """
    measured = _measure(target, place, rows, is_lost_infinite=is_lost_infinite)
    limit = None if measured.value is None else _converted(target, target.limit, measured.unit, "limit")
    verdict, reason = _compared(target, measured, limit, bound)
    lost = sum(row["null_count"] for row in rows)
    if verdict == "fail":
        reason = f"{_samples(lost)} lost" if lost else "" if rows else "no sample in this window"
    return GroupVerdict(
        verdict=verdict,
        session_id=place.session_id,
        window_start=place.window_start,
        window_end=place.window_end,
        value=measured.value,
        bound=bound,
        limit=limit,
        unit=measured.unit,
        count=measured.count,
        lost_count=lost,
        reason=reason,
    )


def _compared(target: Target, measured: Measured, limit: float | None, bound: float | None) -> tuple[Verdict, str]:
    """Give the verdict on a figure, and why it is no pass where the numbers do not say it."""
    if measured.value is None:
        return measured.verdict, measured.problem
    if limit is None:
        return "cannot-tell", _unfit(target.limit, measured.unit)
    if target.confidence is not None and bound is None:
        return "cannot-tell", f"too few for a bound with {target.confidence:g}: {_samples(measured.count)}"
    if target.confidence is None and measured.problem:
        return "cannot-tell", measured.problem
    is_met = target.limit.is_met(measured.value if bound is None else bound, limit)
    stays_too_large = target.limit.is_upper and target.figure.text in GROWING
    if measured.largest is not None:
        is_known = not is_met or target.limit.is_met(measured.largest, limit)
    else:
        is_known = not measured.unknown or (stays_too_large and not is_met)
    if not is_known:
        return "cannot-tell", measured.unknown
    return "pass" if is_met else "fail", ""


def _measure(target: Target, place: Place, rows: Sequence[Row], *, is_lost_infinite: bool) -> Measured:
    """Take the figure out of the statistics of a group."""
    # A window in which nothing came has a rate, if its session has samples.
    if not rows and not (target.figure.kind == "rate" and place.window_start):
        return Measured(verdict="no-data", problem="no sample")
    units = {row["unit"] for row in rows}
    if len(units) > 1:
        return Measured(problem=f"units are mixed: {', '.join(sorted(map(_named, units)))}")
    row = rows[0] if rows else _NO_ROW
    threshold = target.figure.threshold
    if threshold is not None and _converted(target, threshold, row["unit"], "figure") is None:
        return Measured(problem=_unfit(threshold, row["unit"]))
    return measure(target.figure, row, place.seconds, is_lost_infinite=is_lost_infinite)


def _converted(target: Target, limit: Limit, unit: str | None, key: str) -> float | None:
    """Give a limit in the unit of a figure; None where it does not fit.

    Raises:
        TomlError: its own unit is no UCUM code.
    """
    try:
        return limit.in_unit(unit)
    except UnknownUnitError as error:
        if limit.unit is not None and error.unit == plain_unit(limit.unit):
            raise target.error(
                f"{key} {limit.text!r}: {error}, and not the unit of the data, {_named(unit)}", key
            ) from error
        return None


def _unfit(limit: Limit, unit: str | None) -> str:
    return f"units do not fit: the limit is in {_named(limit.unit)}, the data in {_named(unit)}"


def _named(unit: str | None) -> str:
    return "no unit" if unit is None else unit


def _samples(number: int) -> str:
    return f"{number:,} sample{'' if number == 1 else 's'}"
