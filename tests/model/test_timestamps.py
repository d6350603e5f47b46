"""Points in time as text and back, and instants as options give them."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import asdict

import pytest
from hostile import VALUES
from hypothesis import assume, given
from hypothesis import strategies as st
from readers import parse_time
from samples import row, write_ndjson

import pipeline
from pipeline.errors import UsageError
from pipeline.model.timestamps import (
    format_compact,
    format_timestamp,
    localize,
    parse_instant,
    parse_timestamp,
    parse_zone,
)
from pipeline.selection.options import Selection

YEAR_1 = -62_135_596_800
YEAR_10000 = 253_402_300_800
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def microseconds(moment):
    span = moment - EPOCH
    return (span.days * 86_400 + span.seconds) * 10**6 + span.microseconds


# Text.


@pytest.mark.parametrize("unit", ["us", "ns"])
@given(data=st.data())
def test_a_time_survives_its_text(unit, data):
    ticks = data.draw(VALUES[unit])
    text = format_timestamp(ticks, unit)
    assert parse_timestamp(text, unit) == (ticks, False)
    assert parse_time(text) == ticks
    assert len(text) == {"us": 27, "ns": 30}[unit]


@given(VALUES["us"])
def test_text_is_that_of_datetime(ticks):
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=ticks)  # noqa: DTZ001 - is UTC
    assert format_timestamp(ticks, "us") == moment.isoformat(timespec="microseconds") + "Z"


@pytest.mark.parametrize("unit", ["us", "ns"])
@given(data=st.data())
def test_text_sorts_as_time_does(unit, data):
    times = data.draw(st.lists(VALUES[unit], max_size=8))
    assert sorted(format_timestamp(t, unit) for t in times) == [format_timestamp(t, unit) for t in sorted(times)]


@pytest.mark.parametrize(
    ("ticks", "unit", "text"),
    [
        (0, "us", "1970-01-01T00:00:00.000000Z"),
        (-1, "us", "1969-12-31T23:59:59.999999Z"),
        (-1, "ns", "1969-12-31T23:59:59.999999999Z"),
        (1_795_536_000_000_001, "us", "2026-11-24T16:00:00.000001Z"),
        (YEAR_1 * 10**6, "us", "0001-01-01T00:00:00.000000Z"),
        (YEAR_10000 * 10**6 - 1, "us", "9999-12-31T23:59:59.999999Z"),
        (2**63 - 1, "ns", "2262-04-11T23:47:16.854775807Z"),
        (951_782_400_000_000, "us", "2000-02-29T00:00:00.000000Z"),
    ],
)
def test_times_have_the_text_of_the_contract(ticks, unit, text):
    assert format_timestamp(ticks, unit) == text


@pytest.mark.parametrize(
    ("ticks", "unit", "text"),
    [
        (0, "us", "19700101T000000Z"),
        (-1, "ns", "19691231T235959Z"),
        (YEAR_1 * 10**6, "us", "00010101T000000Z"),
        (1_795_536_061_999_999, "us", "20261124T160101Z"),
    ],
)
def test_names_of_files_have_whole_seconds(ticks, unit, text):
    assert format_compact(ticks, unit) == text


@given(
    st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30)),  # noqa: DTZ001 - an offset is added
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
    st.sampled_from(["T", "t", " "]),
)
def test_offsets_are_taken_off(moment, minutes, letter):
    zone = dt.timezone(dt.timedelta(minutes=minutes))
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    text = moment.isoformat(timespec="microseconds").replace("T", letter)
    expected = microseconds(moment.replace(tzinfo=zone))
    for colon in (":", ""):
        written = f"{text}{sign}{size // 60:02}{colon}{size % 60:02}"
        assert parse_timestamp(written, "us") == (expected, False)


@pytest.mark.parametrize("text", ["2026-11-24T16:00:00Z", "2026-11-24 16:00:00z", "2026-11-24T17:00:00+01"])
def test_short_forms_are_read(text):
    assert parse_timestamp(text, "us") == (1_795_536_000_000_000, False)


@pytest.mark.parametrize(
    ("fraction", "unit", "ticks", "dropped"),
    [
        ("", "us", 0, False),
        (".5", "us", 500_000, False),
        (".000001", "us", 1, False),
        (".0000010", "us", 1, False),
        (".0000019", "us", 1, True),
        (".0000009", "us", 0, True),
        (".000000001", "us", 0, True),
        (".000000001", "ns", 1, False),
        (".0000000010", "ns", 1, False),
        (".0000000019", "ns", 1, True),
        (".123456789", "ns", 123_456_789, False),
        (".999999999999", "us", 999_999, True),
    ],
)
def test_digits_below_the_unit_are_dropped_and_told(fraction, unit, ticks, dropped):
    assert parse_timestamp(f"1970-01-01T00:00:00{fraction}Z", unit) == (ticks, dropped)


def test_digits_are_dropped_towards_the_past():
    assert parse_timestamp("1969-12-31T23:59:59.9999999Z", "us") == (-1, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-24",
        "2026-11-24T16:00Z",
        "2026-11-24T16:00:00.Z",
        "2026-11-24T16:00:00,5Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-24T25:00:00Z",
        "2026-11-24T16:60:00Z",
        "2026-12-31T23:59:60Z",
        "2026-11-24T16:00:00+24:00",
        "2026-11-24T16:00:00 Europe/Berlin",
        " 2026-11-24T16:00:00Z",
        "2026-11-24T16:00:00Z\n",
        "20261124T160000Z",
        "١٩٧٠-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "-001-01-01T00:00:00Z",
        "1795536000",
    ],
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"time|years"):
        parse_timestamp(text, "us")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59.999999-00:01"])
def test_times_whose_year_in_utc_has_no_text_are_refused(text):
    with pytest.raises(ValueError, match="years 0001 to 9999"):
        parse_timestamp(text, "us")


@pytest.mark.parametrize("text", ["1677-09-21T00:12:43Z", "2262-04-11T23:47:16.854775808Z", "0001-01-01T00:00:00Z"])
def test_times_that_nanoseconds_cannot_count_are_refused(text):
    with pytest.raises(ValueError, match="1677 to 2262"):
        parse_timestamp(text, "ns")
    assert parse_timestamp(text, "us")


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_refused(text):
    try:
        ticks, _ = parse_timestamp(text, "us", BERLIN)
    except ValueError:
        return
    assert YEAR_1 * 10**6 <= ticks < YEAR_10000 * 10**6


# Zones.


@given(st.datetimes(dt.datetime(1, 1, 3), dt.datetime(9999, 12, 29)))  # noqa: DTZ001 - the zone is what is tested
def test_a_local_time_is_one_instant_or_refused(moment):
    try:
        ticks, _ = parse_timestamp(moment.isoformat(timespec="microseconds"), "us", BERLIN)
    except ValueError:
        first, second = moment.replace(tzinfo=BERLIN), moment.replace(tzinfo=BERLIN, fold=1)
        assert first.utcoffset() != second.utcoffset()
        return
    back = (EPOCH + dt.timedelta(microseconds=ticks)).astimezone(BERLIN)
    assert back.replace(tzinfo=None) == moment


def test_a_time_without_a_zone_needs_one():
    with pytest.raises(ValueError, match="--timezone"):
        parse_timestamp("2026-11-24T16:00:00", "us")
    assert parse_timestamp("2026-11-24T17:00:00", "us", BERLIN)[0] == 1_795_536_000_000_000
    assert parse_timestamp("2026-07-24T17:00:00", "us", BERLIN) == parse_timestamp("2026-07-24T15:00:00Z", "us")


@pytest.mark.parametrize("text", ["2026-03-29T02:00:00", "2026-03-29T02:59:59.999999", "2026-10-25T02:30:00"])
def test_a_time_that_a_zone_skips_or_has_twice_is_refused(text):
    with pytest.raises(ValueError, match="does not exist or is ambiguous"):
        parse_timestamp(text, "us", BERLIN)
    assert parse_timestamp(text + "+01:00", "us", BERLIN)


@pytest.mark.parametrize(
    "text", ["2026-03-29T01:59:59", "2026-03-29T03:00:00", "2026-10-25T01:59:59", "2026-10-25T03:00:00"]
)
def test_times_around_a_change_are_read(text):
    moment = dt.datetime.fromisoformat(text)
    assert localize(moment, BERLIN) == moment.replace(tzinfo=BERLIN)
    assert parse_timestamp(text, "us", BERLIN)[0] == microseconds(moment.replace(tzinfo=BERLIN))


@pytest.mark.parametrize(
    "name", ["", "Berlin", "Europe/Atlantis", "../../etc/passwd", "/etc/localtime", "a\0b", "CEST+1"]
)
def test_an_unknown_zone_is_refused(name):
    with pytest.raises(UsageError, match="--timezone"):
        parse_zone(name)


# Ranges.


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-11-24", "UTC", "2026-11-24T00:00:00Z"),
        ("2026-11-24", "Europe/Berlin", "2026-11-23T23:00:00Z"),
        ("2026-07-24", "Europe/Berlin", "2026-07-23T22:00:00Z"),
        ("2026-11-24T16:00:00", "Europe/Berlin", "2026-11-24T15:00:00Z"),
        ("2026-11-24T16:00:00Z", "Europe/Berlin", "2026-11-24T16:00:00Z"),
        # Midnight that a zone skips: the day begins at the change.
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00Z"),
        # Midnight that a zone has twice: the day begins at the first.
        ("2026-11-01", "America/Havana", "2026-11-01T04:00:00Z"),
        # Offsets had seconds once.
        ("1890-01-01", "Europe/Berlin", "1889-12-31T23:06:32Z"),
        ("9999-12-31", "UTC", "9999-12-31T00:00:00Z"),
        ("0001-01-01", "UTC", "0001-01-01T00:00:00Z"),
        # To the minute.
        ("2026-11-24 18:00", "Europe/Berlin", "2026-11-24T17:00:00Z"),
        ("2026-11-24T18:00", "UTC", "2026-11-24T18:00:00Z"),
        ("2026-11-24 18:00+03:30", "Europe/Berlin", "2026-11-24T14:30:00Z"),
        ("2026-11-24 18:00Z", "Europe/Berlin", "2026-11-24T18:00:00Z"),
    ],
)
def test_a_day_begins_at_its_midnight(text, zone, expected):
    found = parse_instant(text, option="--since", zone=zoneinfo.ZoneInfo(zone))
    assert found == parse_timestamp(expected, "us")[0] * 1000


@given(VALUES["ns"])
def test_instants_count_nanoseconds(ticks):
    assert parse_instant(format_timestamp(ticks, "ns"), option="--since") == ticks


@given(
    st.dates(),
    st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu"]),
)
def test_a_day_is_in_its_zone(day, name):
    zone = zoneinfo.ZoneInfo(name)
    try:
        ticks = parse_instant(day.isoformat(), option="--since", zone=zone)
    except UsageError:
        # At the ends of the calendar a midnight may have no year in UTC.
        assert day.year in {1, 9999}
        return
    assume(1 < day.year < 9999)
    begin = (EPOCH + dt.timedelta(microseconds=ticks // 1000)).astimezone(zone)
    before = (EPOCH + dt.timedelta(microseconds=ticks // 1000 - 1)).astimezone(zone)
    # Apia left out the whole day of 2011-12-30.
    skipped = name == "Pacific/Apia" and day == dt.date(2011, 12, 30)
    assert begin.date() == (day + dt.timedelta(days=1) if skipped else day)
    assert before.date() < day


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_today_and_yesterday_are_days_of_the_zone(zone):
    found = zoneinfo.ZoneInfo(zone)
    while True:
        today = dt.datetime.now(found).date()
        ticks = parse_instant("today", option="--since", zone=found)
        before = parse_instant("yesterday", option="--since", zone=found)
        if dt.datetime.now(found).date() == today:
            break
    assert ticks == parse_instant(today.isoformat(), option="--since", zone=found)
    yesterday = today - dt.timedelta(days=1)
    assert before == parse_instant(yesterday.isoformat(), option="--since", zone=found)


@pytest.mark.parametrize(
    "text",
    [
        *("Tomorrow", "2026-02-30", "24.11.2026", "", "2026-11-24T16", "1795536000", "2026-11", "2026-11-24 24:00"),
        *(
            "18:00",
            "7",
            "d",
            "0d",
            "-7d",
            "7 d",
            "1.5h",
            "7w",
            "999999999d",
            "2026-11-24 18:00 Z",
            "2026-11-24 18:00\n",
        ),
    ],
)
def test_an_instant_that_cannot_be_read_names_its_option(text):
    with pytest.raises(UsageError, match=r"--until .*RFC 3339, a date, .*today, yesterday, tomorrow, or how long ago"):
        parse_instant(text, option="--until")


@pytest.mark.parametrize("text", ["2026-03-29T02:30:00", "2026-03-29 02:30"])
def test_an_instant_that_a_zone_skips_is_refused(text):
    with pytest.raises(UsageError, match="ambiguous"):
        parse_instant(text, option="--since", zone=BERLIN)


@given(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)), st.integers(0, 999), st.integers(1, 9999))  # noqa: DTZ001
def test_what_the_clock_says_is_told_from_one_instant(moment, below, count):
    now = (moment.replace(tzinfo=dt.UTC) - EPOCH) // dt.timedelta(microseconds=1) * 1000 + below
    assert parse_instant("now", option="--since", zone=BERLIN, now=now) == now
    for letter, length in (("s", "seconds"), ("m", "minutes"), ("h", "hours"), ("d", "days")):
        ago = dt.timedelta(**{length: count}) // dt.timedelta(microseconds=1) * 1000
        assert parse_instant(f"{count}{letter}", option="--since", zone=BERLIN, now=now) == now - ago
    day = moment.replace(tzinfo=dt.UTC).astimezone(BERLIN).date()
    for name, days in (("yesterday", -1), ("today", 0), ("tomorrow", 1)):
        found = parse_instant(name, option="--since", zone=BERLIN, now=now)
        assert found == parse_instant((day + dt.timedelta(days)).isoformat(), option="--since", zone=BERLIN)


def test_a_run_has_one_instant(monkeypatch):
    selection = Selection(since="36h", until="now")
    since, until = selection.time_bounds()
    assert until - since == 36 * 3_600 * 10**9
    monkeypatch.setattr("time.time_ns", lambda: 0)
    assert selection.time_bounds() == (since, until)
    assert selection.resolved_times() == {
        "since": format_timestamp(since, "ns"),
        "until": format_timestamp(until, "ns"),
    }
    assert "_now" not in asdict(selection)


def test_a_day_that_begins_before_the_year_1_is_refused(tmp_path):
    source = write_ndjson(tmp_path / "run.ndjson", [row()])
    with pytest.raises(UsageError, match="--since"):
        pipeline.export_measurements(source, tmp_path / "out", since="0001-01-01", timezone="Europe/Berlin")
