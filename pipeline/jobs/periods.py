"""Periods: hours, days, weeks, months, by the row's time; a session; all. Times are nanoseconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from pipeline.errors import UsageError
from pipeline.model.timestamps import MAX_SECOND, MIN_SECOND, TICKS_PER_SECOND, format_compact, midnight
from pipeline.statistics.options import StatisticsOptions

if TYPE_CHECKING:
    from datetime import tzinfo

    from pipeline.model.arrays import Integers

PeriodKind = Literal["1h", "2h", "3h", "4h", "6h", "8h", "12h", "day", "week", "month", "session", "all"]
PERIODS: tuple[PeriodKind, ...] = ("1h", "2h", "3h", "4h", "6h", "8h", "12h", "day", "week", "month", "session", "all")
_SECOND = TICKS_PER_SECOND["ns"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS_OF_A_WEEK = 7
_MONTHS = 12
_CHECKED_YEARS = range(2000, 2041)
_MANY = 20_000
_DAY_NAME = re.compile(r"\d{4}-\d\d-\d\d|\d{4}-W\d\d|\d{4}-\d\d|\d{8}T\d{6}Z", re.ASCII)


class Period(NamedTuple):
    """A period.

    Attributes:
        name: as it stands in paths.
        since: its first moment, None where it has none that can be counted.
        until: the moment after it.
        session_id: of the session that it is.
    """

    name: str
    since: int | None
    until: int | None
    session_id: str | None = None


ALL = Period("all", None, None)


def hours_of(kind: PeriodKind) -> int:
    """Give the length of a period of hours, 0 of others."""
    return int(kind.removesuffix("h")) if kind[0].isdigit() else 0


class Calendar:
    """The periods of a kind that time is cut into: of hours from the epoch on, of days, weeks or months of a zone."""

    def __init__(self, kind: PeriodKind, zone: tzinfo) -> None:
        """Choose the kind, which is neither `session` nor `all`."""
        self._kind = kind
        self._zone = zone
        self._hours = hours_of(kind) * 3_600 * _SECOND
        self._start = lru_cache(maxsize=_MANY)(self._find_start)

    def number(self, time: int) -> int:
        """Give the number of the period in which a time lies; they ascend with time."""
        if self._hours:
            return time // self._hours
        number = self._number_of_day(self._local_date(time))
        # A clock that goes back over midnight has moments of the day before behind the first one of the day.
        while (start := self._start(number + 1)) is not None and start <= time:
            number += 1
        while (start := self._start(number)) is not None and start > time:
            number -= 1
        return number

    def period(self, number: int) -> Period:
        """Give a period by its number."""
        return Period(self._name(number), self._start(number), self._start(number + 1))

    def numbers(self, times: Integers, ticks_per_second: int = _SECOND) -> Integers:
        """Give the number of the period in which each time lies; periods begin with whole seconds."""
        seconds = times // ticks_per_second  # nanoseconds of all years are more than 64 bits
        if self._hours or not len(seconds):
            return seconds // (self._hours // _SECOND)
        low, high = (self.number(int(second) * _SECOND) for second in (seconds.min(), seconds.max()))
        starts = [self._start(number) for number in range(low + 1, high + 1)] if high - low < _MANY else [None]
        known = [start // _SECOND for start in starts if start is not None]
        if len(known) < len(starts):
            return np.array([self.number(int(second) * _SECOND) for second in seconds], np.int64)
        return low + np.searchsorted(np.array(known, np.int64), seconds, "right")

    def named(self, name: str) -> Period | None:
        """Give the period of a name, None where none has it."""
        if not _DAY_NAME.fullmatch(name):
            return None
        try:
            number = self._number_named(name)
            return self.period(number) if self._name(number) == name else None
        except (ValueError, OverflowError):
            return None

    def _number_named(self, name: str) -> int:
        if self._hours:
            delta = datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) - _EPOCH
            return (delta.days * 86_400 + delta.seconds) * _SECOND // self._hours
        if self._kind == "month":
            return self._number_of_day(date.fromisoformat(f"{name}-01"))
        return self._number_of_day(date.fromisoformat(name))

    def _local_date(self, time: int) -> date:
        try:
            return (_EPOCH + timedelta(seconds=time // _SECOND)).astimezone(self._zone).date()
        except OverflowError:
            return date.min if time < 0 else date.max

    def _number_of_day(self, day: date) -> int:
        if self._kind == "month":
            return day.year * _MONTHS + day.month - 1
        # The first day of the year 1 is a Monday.
        return day.toordinal() if self._kind == "day" else (day.toordinal() - 1) // _DAYS_OF_A_WEEK

    def _first_day(self, number: int) -> date:
        if self._kind == "month":
            return date(number // _MONTHS, number % _MONTHS + 1, 1)
        return date.fromordinal(number if self._kind == "day" else number * _DAYS_OF_A_WEEK + 1)

    def _find_start(self, number: int) -> int | None:
        if self._hours:
            start = number * self._hours
        else:
            try:
                start = midnight(self._first_day(number), self._zone) * _SECOND
            except (ValueError, OverflowError):
                return None
            if number == self._number_of_day(date.min) and start > MIN_SECOND * _SECOND:
                return None  # the day before, west of Greenwich, has no date
        return start if MIN_SECOND <= start // _SECOND <= MAX_SECOND else None

    def _name(self, number: int) -> str:
        if self._hours:
            return format_compact(number * self._hours, "ns")
        day = self._first_day(number)
        if self._kind == "week":
            year, week, _ = day.isocalendar()
            return f"{year:04}-W{week:02}"
        return day.isoformat() if self._kind == "day" else f"{day.year:04}-{day.month:02}"


def require_dividing(window: str, kind: PeriodKind, zone: tzinfo, *, of_sessions: bool = False) -> None:
    """Refuse windows of which one would lie in two periods: its rows would be in two packages, in part.

    Args:
        window: their length, as `--window` has it; those of days begin with days of the zone.
        kind: of the periods.
        zone: whose days count; a window of hours is counted from the epoch, and so may begin at any minute there.
        of_sessions: windows are counted from the start of each session, which may be any moment.

    Raises:
        UsageError: one would.
    """
    parsed = StatisticsOptions(window=window).parsed_window
    if parsed is None or kind in {"session", "all"}:
        return
    if of_sessions:
        raise UsageError(f"--window-origin session: a window would lie in two periods of {kind}")
    told = f"--window {window} does not divide a period of {kind}"
    hours = hours_of(kind)
    if parsed.days or hours:
        if parsed.days > 1 or (hours and (parsed.days or hours * 3_600 % parsed.seconds)):
            raise UsageError(told)
        return
    for year in _CHECKED_YEARS:
        for month in range(1, _MONTHS + 1):
            if midnight(date(year, month, 1), zone) % parsed.seconds:
                raise UsageError(f"{told} in {zone}: windows are counted from the epoch, and days there begin between")
