"""Time ranges of a selection: instants, days of a zone, and words for days."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from project import FIXTURE_STORE
from samples import row
from selections import at, exported, small

import pipeline as package


def test_since_is_inclusive_and_until_exclusive(tmp_path):
    times = ["15:59:59.999999", "16:00:00.000000", "16:00:00.000001", "16:00:01.000000"]
    rows = [row(sequence=i, timestamp=f"2026-11-24T{time}Z") for i, time in enumerate(times)]
    source = small(tmp_path, rows)

    def sequences(**options):
        return [r["sequence"] for r in exported(source, tmp_path, **options)]

    assert sequences(since="2026-11-24T16:00:00Z") == [1, 2, 3]
    assert sequences(until="2026-11-24T16:00:00Z") == [0]
    assert sequences(since="2026-11-24T16:00:00.000001Z", until="2026-11-24T16:00:01Z") == [2]
    # Finer than the rows' unit: half a microsecond lies between two rows.
    assert sequences(since="2026-11-24T16:00:00.0000005Z") == [2, 3]
    assert sequences(until="2026-11-24T16:00:00.0000005Z") == [0, 1]
    # The same instants in other zones and spellings.
    assert sequences(since="2026-11-24T17:00:00+01:00") == [1, 2, 3]
    assert sequences(since="2026-11-24 11:00:00", timezone="America/New_York") == [1, 2, 3]
    assert sequences(since="2026-11-25") == []
    assert sequences(since="2026-11-24", until="2026-11-25") == [0, 1, 2, 3]
    # Midnight of Kathmandu is 18:15 of the day before.
    assert sequences(until="2026-11-24", timezone="Asia/Kathmandu") == []
    assert sequences(until="2026-11-25", timezone="Asia/Kathmandu") == [0, 1, 2, 3]


def test_bounds_in_nanoseconds_are_exact(tmp_path):
    times = [f"2026-11-24T16:00:00.00000000{digit}Z" for digit in range(4)]
    rows = [row(sequence=i, timestamp=time) for i, time in enumerate(times)]
    source = small(tmp_path, rows)
    found = exported(source, tmp_path, since=times[1], until=times[3])
    assert [r["timestamp"] for r in found] == times[1:3]


def test_times_before_1970_are_bounded_like_others(tmp_path):
    times = ["1969-12-31T23:59:59.999998Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00.000000Z"]
    source = small(tmp_path, [row(sequence=i, timestamp=time) for i, time in enumerate(times)])
    found = exported(source, tmp_path, since=times[1], until=times[2])
    assert [r["timestamp"] for r in found] == [times[1]]
    found = exported(source, tmp_path, since="1969-12-31T23:59:59.9999985Z")
    assert [r["timestamp"] for r in found] == times[1:]


@pytest.mark.parametrize(
    ("bound", "timezone", "first"),
    [
        ("1850-01-01", "Europe/Berlin", "1849-12-31T23:06:32.000000Z"),  # local mean time, to the second
        ("2026-03-30", "Europe/Berlin", "2026-03-29T22:00:00.000000Z"),
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00.000000Z"),  # has no midnight
        ("0001-01-02", "UTC", "0001-01-02T00:00:00.000000Z"),
    ],
)
def test_dates_begin_at_midnight_of_the_zone(tmp_path, bound, timezone, first):
    before = (at(first) - dt.timedelta(microseconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27)
    source = small(tmp_path, [row(sequence=i, timestamp=time) for i, time in enumerate([before, first])])
    assert [r["timestamp"] for r in exported(source, tmp_path, since=bound, timezone=timezone)] == [first]
    assert [r["timestamp"] for r in exported(source, tmp_path, until=bound, timezone=timezone)] == [before]


# At any moment one of these has another date than UTC.
@pytest.mark.parametrize("timezone", [None, "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_today_and_yesterday_are_those_of_the_zone(tmp_path, timezone):
    zone = ZoneInfo(timezone or "UTC")
    while True:
        today = dt.datetime.now(zone).date()
        edges = {
            name: dt.datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(dt.UTC)
            for name, day in (("yesterday", today - dt.timedelta(days=1)), ("today", today))
        }
        times = sorted(edge + dt.timedelta(microseconds=by) for edge in edges.values() for by in (-1, 0))
        rows = [row(sequence=i, timestamp=t.strftime("%Y-%m-%dT%H:%M:%S.%fZ")) for i, t in enumerate(times)]
        source = small(tmp_path, rows)
        found = [
            [r["sequence"] for r in exported(source, tmp_path, timezone=timezone, **options)]
            for options in (
                {"since": "yesterday"},
                {"since": "today"},
                {"until": "today"},
                {"since": "yesterday", "until": "today"},
            )
        ]
        if dt.datetime.now(zone).date() == today:  # else midnight came in between
            break
    assert found == [[1, 2, 3], [3], [0, 1, 2], [1, 2]]


@pytest.mark.parametrize(
    "options",
    [
        {"since": "noon"},
        {"since": ""},
        {"until": "2026-13-01"},
        {"until": "2026-02-30"},
        {"since": "2026-11-24T25:00:00Z"},
        {"since": "24.11.2026"},
        {"since": "1795536000"},
        {"since": "Today"},
        {"since": "2026-11-25", "until": "2026-11-24"},
        {"since": "2026-11-24", "until": "2026-11-24"},
        {"since": "today", "until": "yesterday"},
        {"since": "2026-03-29 02:30:00", "timezone": "Europe/Berlin"},  # does not exist
        {"since": "2026-10-25 02:30:00", "timezone": "Europe/Berlin"},  # exists twice
        {"since": "2026-11-24", "timezone": "Mars/Olympus"},
        {"since": "2026-11-24", "timezone": "../../etc/passwd"},
    ],
)
def test_times_that_cannot_be_read_are_usage_errors(tmp_path, options):
    with pytest.raises(package.UsageError):
        package.export_measurements(FIXTURE_STORE, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
