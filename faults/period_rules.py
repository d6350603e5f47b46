"""The periods of a job by the rule of the documents, in plain Python: an independent second opinion."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """A period: its name, its first moment and the one after it, in microseconds since the epoch."""

    name: str
    since: int
    until: int


def microseconds(when: datetime) -> int:
    """Microseconds since the epoch."""
    return (when - _EPOCH) // timedelta(microseconds=1)


def moment(time: int) -> datetime:
    """The moment so many microseconds after the epoch."""
    return _EPOCH + timedelta(microseconds=time)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return microseconds(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC))


@lru_cache(maxsize=200_000)
def span_at(kind: str, time: int, zone: ZoneInfo) -> Span:
    """Give the period of a kind in which a time lies."""
    if kind[0].isdigit():
        length = int(kind[:-1]) * 3_600 * _SECOND
        since = time // length * length
        return Span(moment(since).strftime("%Y%m%dT%H%M%SZ"), since, since + length)
    day = moment(time).astimezone(zone).date()
    if kind == "day":
        first, after, name = day, day + timedelta(1), day.isoformat()
    elif kind == "week":
        year, week, weekday = day.isocalendar()
        first = day - timedelta(weekday - 1)
        after, name = first + timedelta(7), f"{year:04}-W{week:02}"
    else:
        first, name = day.replace(day=1), f"{day:%Y-%m}"
        after = (first + timedelta(31)).replace(day=1)
    return Span(name, _midnight(first, zone), _midnight(after, zone))


def spans_of(kind: str, first: int, last: int, zone: ZoneInfo) -> Iterator[Span]:
    """Give the periods that a range of time meets, its last moment included."""
    time = first
    while time <= last:
        span = span_at(kind, time, zone)
        yield span
        time = span.until
