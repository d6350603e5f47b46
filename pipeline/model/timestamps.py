"""Points in time and windows as text, and back. Times are counts of a unit since the Unix epoch, UTC."""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from pipeline.errors import UsageError

TICKS_PER_SECOND = {"us": 1_000_000, "ns": 1_000_000_000}
FRACTION_DIGITS = {"us": 6, "ns": 9}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d(?::?\d\d)?)?", re.ASCII)
_TO_THE_MINUTE = r"(?a)^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d)((?:[Zz]|[+-]\d\d(?::?\d\d)?)?)$"
_AGO = r"(?a)([1-9]\d{0,8})([smhd])"
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
MIN_SECOND = (1 - _EPOCH_ORDINAL) * 86_400
"""First second of the year 0001."""
MAX_SECOND = (date.max.toordinal() + 1 - _EPOCH_ORDINAL) * 86_400 - 1
"""Last second of the year 9999."""
COUNTABLE = {
    "us": range(MIN_SECOND * 1_000_000, (MAX_SECOND + 1) * 1_000_000),
    "ns": range(-(2**63) + 1, 2**63),
}
"""By unit, the times that can be counted: those of the years 0001 to 9999, and those that fit int64."""
YEARS = {"us": "0001 to 9999", "ns": "that nanoseconds can count, 1677 to 2262"}
"""The years of `COUNTABLE`, for errors."""


@lru_cache(maxsize=4096)
def _date_text(day: int) -> str:
    return date.fromordinal(day + _EPOCH_ORDINAL).isoformat()


def format_timestamp(ticks: int, unit: str) -> str:
    """Write a time as RFC 3339 in UTC with six digits of a second, nine where the unit is ns."""
    second, fraction = divmod(ticks, TICKS_PER_SECOND[unit])
    day, second = divmod(second, 86_400)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    digits = FRACTION_DIGITS[unit]
    return f"{_date_text(day)}T{hour:02}:{minute:02}:{second:02}.{fraction:0{digits}}Z"


def format_compact(ticks: int, unit: str) -> str:
    """Write a time as `YYYYMMDDTHHMMSSZ`, for file names."""
    text = format_timestamp(ticks, unit)
    return f"{text[:4]}{text[5:7]}{text[8:13]}{text[14:16]}{text[17:19]}Z"


def parse_timestamp(text: str, unit: str, zone: tzinfo | None = None) -> tuple[int, bool]:
    """Read an RFC 3339 time.

    Args:
        text: the time; a space may stand for the T.
        unit: unit to count in.
        zone: zone of a time that names none.

    Returns:
        the count of units since the epoch, and whether digits below the unit were dropped.

    Raises:
        ValueError: it is no such time, lies outside the years 0001 to 9999, or names no zone.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time like 2026-11-24T16:00:00.000001Z")
    day, clock, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{(offset or '').upper()}")
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time: {error}") from error
    if moment.tzinfo is None:
        if zone is None:
            raise ValueError(f"{text!r} names no time zone; say which with --timezone")
        moment = localize(moment, zone)
    digits = FRACTION_DIGITS[unit]
    fraction = fraction or ""
    second = _checked_second(moment - datetime(1970, 1, 1, tzinfo=UTC))
    ticks = second * TICKS_PER_SECOND[unit] + int(fraction[:digits].ljust(digits, "0"))
    if ticks not in COUNTABLE[unit]:
        raise ValueError(f"{text!r} lies outside the years {YEARS[unit]}")
    return ticks, fraction[digits:].strip("0") != ""


def _checked_second(since_epoch: timedelta) -> int:
    second = since_epoch.days * 86_400 + since_epoch.seconds
    if not MIN_SECOND <= second <= MAX_SECOND:
        raise ValueError("it lies outside the years 0001 to 9999 in UTC")
    return second


def localize(moment: datetime, zone: tzinfo) -> datetime:
    """Attach a zone to a local time, refusing times that the zone skips or has twice."""
    earlier, later = moment.replace(tzinfo=zone), moment.replace(tzinfo=zone, fold=1)
    if earlier.utcoffset() != later.utcoffset():
        raise ValueError(f"{moment.isoformat()} does not exist or is ambiguous in {zone}")
    return earlier


def parse_zone(name: str) -> tzinfo:
    """Find a time zone by its IANA name."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - few commands need it

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"--timezone {name!r}: unknown time zone; give an IANA name such as Europe/Berlin") from error


def midnight(day: date, zone: tzinfo) -> int:
    """Find the first moment of a day of a zone, in seconds since the epoch; where midnight is skipped, after the gap.

    Args:
        day: the day.
        zone: the zone.

    Raises:
        OverflowError: the moment lies outside the years that can be counted.
    """
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    low, high = (_seconds(local.replace(fold=fold)) for fold in (1, 0))
    # In a gap the two readings lie on its two sides, and the change of the clock between them; else the first
    # reading is the first moment.
    while low < high - 1:
        middle = (low + high) // 2
        if (_EPOCH + timedelta(seconds=middle)).astimezone(zone).date() >= day:
            high = middle
        else:
            low = middle
    return high


def _seconds(moment: datetime) -> int:
    delta = moment.astimezone(UTC) - _EPOCH
    return delta.days * 86_400 + delta.seconds


def parse_instant(text: str, *, option: str, zone: tzinfo = UTC, now: int | None = None) -> int:
    """Read `--since` or `--until` as nanoseconds since the epoch.

    Args:
        text: RFC 3339, a date, a date and the minute, `now`, `today`, `yesterday`, `tomorrow`, or how long before now:
            `7d` (each of 24 hours), `36h`, `90m`, `10s`.
        option: what to call it in an error.
        zone: whose days are meant, and the zone of a time that names none.
        now: nanoseconds since the epoch, by the clock where it is None.
    """
    now = time.time_ns() if now is None else now
    try:
        if text == "now":
            return now
        if ago := re.fullmatch(_AGO, text):
            return _checked_instant(now - int(ago[1]) * _SECONDS[ago[2]] * TICKS_PER_SECOND["ns"])
        if text in _DAYS:
            day = datetime.fromtimestamp(now // TICKS_PER_SECOND["ns"], zone).date() + timedelta(days=_DAYS[text])
        elif re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            day = date.fromisoformat(text)
        else:
            ticks, _ = parse_timestamp(re.sub(_TO_THE_MINUTE, r"\1:00\2", text), "us", zone)
            fraction = re.search(r"\.(\d+)", text)
            below = int(fraction[1][6:9].ljust(3, "0")) if fraction else 0
            return ticks * 1000 + below
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone) - datetime(1970, 1, 1, tzinfo=UTC)
        return _checked_second(midnight) * TICKS_PER_SECOND["ns"]
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{option} {text!r}: give RFC 3339, a date, '2026-11-24 18:00', now, today, yesterday, tomorrow, "
            f"or how long ago, such as 7d or 36h ({error})"
        ) from error


def _checked_instant(ticks: int) -> int:
    _checked_second(timedelta(seconds=ticks // TICKS_PER_SECOND["ns"]))
    return ticks
