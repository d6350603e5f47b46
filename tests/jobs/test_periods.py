"""Periods: each moment lies in one, whatever a zone does with its clock; their names and borders."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.jobs.periods import PERIODS, Calendar
from pipeline.model.timestamps import MAX_SECOND, MIN_SECOND

NS = 10**9
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",  # half an hour, and a clock that went back over midnight
    "America/Sao_Paulo",  # no midnight on the day when summer began
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # half an hour of summer
    "Pacific/Apia",  # a day that never was
    "Pacific/Kiritimati",
    "Etc/GMT+12",
    "Atlantic/Azores",  # two midnights on the day when summer ends
)
CUT = [kind for kind in PERIODS if kind not in {"session", "all"}]
SECONDS = st.one_of(
    st.integers(MIN_SECOND, MAX_SECOND),
    st.integers(946_684_800, 1_893_456_000),  # 2000 to 2030
    st.sampled_from([MIN_SECOND, MAX_SECOND, 0, -1]),
)


def ns(*moment, zone=UTC):
    delta = datetime(*moment, tzinfo=zone) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * NS


@given(seconds=SECONDS, fraction=st.integers(0, NS - 1), zone=st.sampled_from(ZONES), kind=st.sampled_from(CUT))
def test_each_moment_lies_in_one_period_which_is_found_by_its_name(seconds, fraction, zone, kind):
    calendar = Calendar(kind, ZoneInfo(zone))
    time = seconds * NS + fraction
    number = calendar.number(time)
    period = calendar.period(number)
    assert period.since is None or period.since <= time
    assert period.until is None or time < period.until
    assert calendar.named(period.name) == period
    if period.since is not None and period.since > (MIN_SECOND + 40 * 86_400) * NS:  # there is one before
        assert calendar.period(number - 1).until == period.since
        assert calendar.number(period.since) == number
        assert calendar.number(period.since - 1) < number


@given(
    times=st.lists(st.integers(946_684_800 * NS, 1_893_456_000 * NS), max_size=20),
    zone=st.sampled_from(ZONES),
    kind=st.sampled_from(CUT),
)
def test_many_times_lie_where_each_of_them_does(times, zone, kind):
    calendar = Calendar(kind, ZoneInfo(zone))
    assert calendar.numbers(np.array(times, np.int64)).tolist() == [calendar.number(time) for time in times]


@given(seconds=st.integers(946_684_800, 1_893_456_000), zone=st.sampled_from(ZONES))
def test_a_day_is_that_of_the_zone(seconds, zone):
    """Python's own clock as the oracle; where it went back over midnight, a day has begun when it first began."""
    local = datetime.fromtimestamp(seconds, ZoneInfo(zone))
    later = (local + timedelta(days=1)).date()  # what such a clock may show just before
    calendar = Calendar("day", ZoneInfo(zone))
    name = calendar.period(calendar.number(seconds * NS)).name
    went_back = local.fold == 1
    assert name == local.date().isoformat() or (went_back and name == later.isoformat())


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Europe/Berlin", date(2026, 11, 24), 24),
        ("Atlantic/Azores", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Asia/Kathmandu", date(2026, 11, 24), 24),
    ],
)
def test_days_are_as_long_as_their_clock_makes_them(zone, day, hours):
    period = Calendar("day", ZoneInfo(zone)).named(day.isoformat())
    assert (period.until - period.since) / 3_600 / NS == hours


@pytest.mark.parametrize(
    ("kind", "zone", "time", "name", "since", "until"),
    [
        ("6h", "Asia/Kolkata", ns(2026, 11, 24, 7), "20261124T060000Z", ns(2026, 11, 24, 6), ns(2026, 11, 24, 12)),
        ("day", "Europe/Berlin", ns(2026, 11, 23, 23), "2026-11-24", ns(2026, 11, 23, 23), ns(2026, 11, 24, 23)),
        ("week", "UTC", ns(2026, 11, 24), "2026-W48", ns(2026, 11, 23), ns(2026, 11, 30)),
        ("week", "UTC", ns(2027, 1, 1), "2026-W53", ns(2026, 12, 28), ns(2027, 1, 4)),
        (
            "month",
            "Asia/Kathmandu",
            ns(2026, 10, 31, 18, 15),
            "2026-11",
            ns(2026, 10, 31, 18, 15),
            ns(2026, 11, 30, 18, 15),
        ),
    ],
)
def test_periods_have_the_names_of_the_design(kind, zone, time, name, since, until):
    calendar = Calendar(kind, ZoneInfo(zone))
    assert calendar.period(calendar.number(time)) == (name, since, until, None)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("day", "2026-02-30"),
        ("day", "2026-W48"),
        ("week", "2026-W54"),
        ("month", "2026-13"),
        ("month", "2026-11-24"),
        ("6h", "20261124T070000Z"),
        ("6h", "2026-11-24"),
        ("day", "latest"),
    ],
)
def test_what_is_the_name_of_no_period_is_none(kind, name):
    assert Calendar(kind, UTC).named(name) is None
