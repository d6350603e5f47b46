"""Windows of time: of a fixed length, aligned to the Unix epoch, or of days of a time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from pipeline.errors import SourceError, UsageError
from pipeline.model.timestamps import (
    MAX_SECOND,
    MIN_SECOND,
    TICKS_PER_SECOND,
    format_timestamp,
    midnight,
    parse_zone,
)

if TYPE_CHECKING:
    from pipeline.model.arrays import Integers

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY_SECONDS = 86_400
_FARTHEST_OFFSET_DAYS = 2  # no zone is farther from UTC than a day, and a window may start a day before


@dataclass(frozen=True)
class Window:
    """Length of the windows of statistics: a number of seconds, or of calendar days.

    Attributes:
        text: as it was given, for file names and records.
        seconds: length of a window of fixed length, 0 where it counts days.
        days: length of a window in days of the time zone, 0 where it counts seconds.
    """

    text: str
    seconds: int = 0
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read `10s`, `1m`, `2h` or `1d`."""
        match = re.fullmatch(r"([1-9]\d{0,8})([smhd])", text, re.ASCII)
        if match is None:
            raise UsageError(f"--window {text!r}: give a number and s, m, h or d, such as 10s or 1d")
        number, letter = int(match[1]), match[2]
        if letter == "d":
            return cls(text, days=number)
        return cls(text, seconds=number * {"s": 1, "m": 60, "h": 3600}[letter])


class Windows:
    """Finds the window of each time; times are counts of a unit since the Unix epoch."""

    def __init__(self, window: Window, timezone: str, unit: str, *, of_sessions: bool = False) -> None:
        """Set the length.

        Args:
            window: length of a window.
            timezone: IANA name of the zone whose days count.
            unit: us or ns.
            of_sessions: times are counted since a session's start, and days have 24 hours.
        """
        self._unit = unit
        self._scale = TICKS_PER_SECOND[unit]
        fixed = window.seconds or (window.days * _DAY_SECONDS if timezone == "UTC" or of_sessions else 0)
        self._length = fixed * self._scale
        self._of_sessions = of_sessions
        self._days = window.days
        self._zone = parse_zone(timezone)
        self._first: int | None = None  # start of the first window so far
        self._last: int | None = None
        self._midnight = lru_cache(maxsize=100_000)(self._find_midnight)

    def starts(self, times: Integers) -> Integers:
        """Give the start of each time's window; there is one at least."""
        starts = self._starts(times)
        first, last = int(starts.min()), int(starts.max())
        self._first = first if self._first is None else min(first, self._first)
        self._last = last if self._last is None else max(last, self._last)
        return starts

    def _starts(self, times: Integers) -> Integers:
        with _beyond_calendar():
            if self._length:
                return self._fixed_starts(times)
            first, last = int(times.min()), int(times.max())
            days = self._local_days(first, last, times)
            midnights = np.array([self._midnight(day) for day in days], np.int64)
            found = np.searchsorted(midnights, times, "right") - 1
            if (found < 0).any():  # their local day lies before the year 0001
                raise OverflowError
            windows = np.array([self._midnight(day // self._days * self._days) for day in days], np.int64)
            return windows[found]

    def ends(self, starts: Integers) -> Integers:
        """Give the end of the window of each start, all of which `starts` gave and `check` let pass."""
        if self._length:
            return starts + self._length
        distinct, places = np.unique(starts, return_inverse=True)
        return np.array([self._end(start) for start in distinct.tolist()], np.int64)[places]

    def check(self) -> None:
        """Check the windows of all times so far.

        Raises:
            SourceError: a window reaches beyond the years 0001 to 9999, or what the unit can count; all windows are
                refused then, so that no row is missing from the statistics without a word.
        """
        if self._first is None or self._last is None or self._of_sessions:
            return
        # No two windows overlap: if any reaches beyond the first or last time, it is the first or last window.
        low, high = MIN_SECOND * self._scale, min(MAX_SECOND * self._scale, 2**63 - 1)
        if self._end(self._last) > high:
            self._refuse("begins at {} ends beyond", self._last, "--until")
        if self._first < low:
            self._refuse("ends at {} begins before", self._end(self._first), "--since")

    def _refuse(self, window: str, border: int, option: str) -> NoReturn:
        time = format_timestamp(border, self._unit)
        raise SourceError(
            f"--window: the window that {window.format(time)} the times that can be counted; "
            f"give a shorter one, or leave its rows out with {option} {time}"
        )

    def _fixed_starts(self, times: Integers) -> Integers:
        if self._length >= 2**63:
            raise OverflowError
        starts = times - times % self._length
        if (starts > times).any():  # the subtraction wrapped around
            raise OverflowError
        return starts

    def _end(self, start: int) -> int:
        if self._length:
            return start + self._length
        local = (_EPOCH + timedelta(seconds=start // self._scale)).astimezone(self._zone)
        day = local.date().toordinal() - _EPOCH_DAY
        try:
            # The zone may have skipped the day that the window starts with.
            return self._midnight(day // self._days * self._days + self._days)
        except (OverflowError, ValueError):  # the year 10000
            return 2**63

    def _local_days(self, first: int, last: int, times: Integers) -> list[int]:
        """List days of the zone, since the epoch, so that each time lies in one of them; they ascend."""
        day = _DAY_SECONDS * self._scale
        near = range(-_FARTHEST_OFFSET_DAYS, _FARTHEST_OFFSET_DAYS + 1)
        utc_days = range(first // day, last // day + 1)
        if len(utc_days) > len(times):
            utc_days = np.unique(times // day).tolist()
        lowest, highest = 1 - _EPOCH_DAY, date.max.toordinal() - _EPOCH_DAY
        return sorted({d + n for d in utc_days for n in near if lowest <= d + n <= highest})

    def _find_midnight(self, day: int) -> int:
        return midnight(date.fromordinal(day + _EPOCH_DAY), self._zone) * self._scale


class _beyond_calendar:  # noqa: N801 - reads as a phrase in a with statement
    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OverflowError | ValueError):
            raise SourceError(
                "--window: a window reaches beyond the times that can be counted; give a shorter one, "
                "or leave its rows out with --since or --until"
            ) from error
