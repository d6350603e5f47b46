"""Windows of time in the statistics: half-open, aligned, days as long as the zone has them."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from figures import EPOCH, agree, by_group, figures, oracle, sample, ticks, write_parquet
from project import FIXTURE_STORE

import pipeline as package
from pipeline.statistics.windows import Window, Windows


def zone_day(tick, zone, days, scale):
    """Start and end of the window of days that a time lies in, by Python's zoneinfo."""
    moment = EPOCH + dt.timedelta(microseconds=tick * 1_000_000 // scale)
    day = moment.astimezone(zone).date()
    first = dt.date(1970, 1, 1) + dt.timedelta(days=(day - dt.date(1970, 1, 1)).days // days * days)
    bounds = []
    for date in (first, first + dt.timedelta(days=days)):
        midnight = dt.datetime(date.year, date.month, date.day, tzinfo=zone)
        span = midnight.astimezone(dt.UTC) - EPOCH
        bounds.append((span.days * 86_400 + span.seconds) * scale)
    return bounds


def check_windows(source, rows, tmp_path, window, unit="us", timezone=None):
    """Compare windows and the figures in them; gives the (start, end) pairs."""
    number, letter = int(window[:-1]), window[-1]
    scale = {"us": 10**6, "ns": 10**9}[unit]
    length = number * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[letter] * scale
    placed = []
    for r in rows:
        if letter == "d" and timezone:
            start, end = zone_day(r["timestamp"], ZoneInfo(timezone), number, scale)
        else:
            start = r["timestamp"] // length * length
            end = start + length
        assert start <= r["timestamp"] < end
        placed.append(r | {"window_start": start, "window_end": end})
    keys = ["session_id", "metric", "unit", "window_start", "window_end"]
    expected = oracle(placed, keys)
    found = by_group(figures(source, tmp_path, window=window, timezone=timezone), keys)
    assert found.keys() == expected.keys()
    for group, want in expected.items():
        agree(found[group], want)
    return [group[-2:] for group in found]


@pytest.mark.parametrize("unit", ["us", "ns"])
@pytest.mark.parametrize("window", ["10s", "1m", "90m", "2h", "1d", "3d", "7s"])
def test_windows_are_half_open_and_aligned_to_the_epoch(tmp_path, window, unit):
    scale = {"us": 10**6, "ns": 10**9}[unit]
    length = int(window[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[window[-1]] * scale
    # The tick before a boundary, the boundary and the tick after it, on both sides of 1970.
    times = sorted(edge * length + by for edge in (-7, -1, 0, 1, 4) for by in (-1, 0, 1))
    rows = [sample(at, float(at), timestamp=time) for at, time in enumerate(times)]
    source = write_parquet(tmp_path / "a.parquet", rows, unit)
    windows = check_windows(source, rows, tmp_path, window, unit)
    assert (-length, 0) in windows
    assert (0, length) in windows
    # Between 1 and 4 lie windows without rows.
    assert (2 * length, 3 * length) not in windows


@pytest.mark.parametrize("unit", ["us", "ns"])
@pytest.mark.parametrize(
    ("timezone", "around"),
    [
        ("Europe/Berlin", ["2026-03-29", "2026-10-25", "1969-12-31", "1999-12-31"]),
        ("America/Sao_Paulo", ["2018-11-04", "2018-02-18"]),  # midnight itself is skipped
        ("America/Havana", ["2015-11-01", "2015-03-08"]),  # midnight occurs twice
        ("Asia/Kathmandu", ["2026-01-01", "1985-12-31"]),
        ("Pacific/Apia", ["2011-12-30"]),  # a day that never was
        ("Etc/UTC", ["2026-11-24"]),
    ],
)
@pytest.mark.parametrize("window", ["1d", "2d"])
def test_windows_of_days_begin_at_midnight_of_the_zone(tmp_path, timezone, around, window, unit):
    scale = {"us": 10**6, "ns": 10**9}[unit]
    rows = []
    for date in around:
        start = ticks(f"{date}T00:00:00Z") // 10**6
        for minutes in range(-36 * 60, 40 * 60, 30):
            rows.append(sample(len(rows), float(len(rows)), timestamp=(start + minutes * 60) * scale))
            rows.append(sample(len(rows), 1.0, timestamp=(start + minutes * 60) * scale - 1))
    source = write_parquet(tmp_path / "a.parquet", rows, unit)
    check_windows(source, rows, tmp_path, window, unit, timezone)


@pytest.mark.parametrize("timezone", ["America/Havana", "Europe/Berlin", "Africa/Cairo", "America/Santiago"])
def test_windows_of_days_hold_their_rows_and_do_not_overlap(tmp_path, timezone):
    # Whichever rules a zone has by now: those of the start must be those of the end.
    start = ticks("2026-01-01T00:00:00Z")
    rows = [sample(at, 1.0, timestamp=start + at * 3_600_000_000) for at in range(366 * 24)]
    source = write_parquet(tmp_path / "a.parquet", rows)
    found = figures(source, tmp_path, window="1d", timezone=timezone)
    assert sum(r["count"] for r in found) == len(rows)
    for r in found:
        assert r["window_start"] <= r["first_timestamp"] <= r["last_timestamp"] < r["window_end"]
    for before, after in pairwise(found):
        assert before["window_end"] == after["window_start"]


def test_days_of_berlin_have_23_and_25_hours_where_clocks_change(tmp_path):
    times = ["2026-03-29T12:00:00Z", "2026-10-25T12:00:00Z", "2026-06-01T12:00:00Z"]
    rows = [sample(at, 1.0, timestamp=ticks(time)) for at, time in enumerate(times)]
    source = write_parquet(tmp_path / "a.parquet", rows)
    found = figures(source, tmp_path, window="1d", timezone="Europe/Berlin")
    spans = [(r["window_start"], (r["window_end"] - r["window_start"]) // 3_600_000_000) for r in found]
    assert spans == [
        (ticks("2026-03-28T23:00:00Z"), 23),
        (ticks("2026-05-31T22:00:00Z"), 24),
        (ticks("2026-10-24T22:00:00Z"), 25),
    ]


def test_windows_of_hours_do_not_follow_the_zone(tmp_path):
    rows = [sample(0, 1.0, timestamp=ticks("2026-06-01T12:30:00Z"))]
    source = write_parquet(tmp_path / "a.parquet", rows)
    found = figures(source, tmp_path, window="2h", timezone="Asia/Kathmandu")[0]
    assert found["window_start"] == ticks("2026-06-01T12:00:00Z")
    assert found["window_end"] == ticks("2026-06-01T14:00:00Z")


@pytest.mark.parametrize(
    ("time", "unit", "window", "timezone"),
    [
        ("2262-04-11T23:30:00.000000001Z", "ns", "1d", None),
        ("1677-09-21T00:12:44.000000001Z", "ns", "1d", None),
        ("1677-09-21T00:12:44.000000001Z", "ns", "1d", "Europe/Berlin"),
        ("9999-12-31T23:30:00Z", "us", "1d", None),
        ("9999-12-31T23:30:00Z", "us", "1d", "Europe/Berlin"),
        ("0001-01-01T00:30:00Z", "us", "1d", "America/New_York"),
        ("0001-01-01T00:30:00Z", "us", "7h", None),
        ("2026-11-24T16:00:00Z", "us", "999999999d", None),
        ("2026-11-24T16:00:00Z", "us", "999999999d", "Europe/Berlin"),
        ("2026-11-24T16:00:00Z", "ns", "999999999h", None),
    ],
)
def test_windows_beyond_what_times_can_count_are_errors_not_wrong_times(tmp_path, time, unit, window, timezone):
    rows = [sample(0, 1.0, timestamp=ticks(time, unit))]
    source = write_parquet(tmp_path / "a.parquet", rows, unit)
    with pytest.raises(package.PipelineError, match="window"):
        figures(source, tmp_path, window=window, timezone=timezone)


@pytest.mark.parametrize(
    ("times", "window", "timezone", "option"),
    [
        (["9999-12-30T12:00:00Z", "9999-12-31T12:00:00Z"], "1d", None, "--until 9999-12-31T00:00:00.000000Z"),
        (["9999-12-31T23:59:58.5Z", "9999-12-31T23:59:59.5Z"], "1s", None, "--until 9999-12-31T23:59:59.000000Z"),
        (["9999-12-30T12:00:00Z", "9999-12-31T12:00:00Z"], "1d", "America/Lima", "--until 9999-12-31T05:00:00.000000Z"),
        (["0001-01-01T00:30:00Z", "0001-01-02T12:00:00Z"], "7h", None, "--since 0001-01-01T02:00:00.000000Z"),
    ],
)
def test_rows_whose_window_cannot_be_written_refuse_all_and_the_way_round_works(
    tmp_path, times, window, timezone, option
):
    """Statistics without a part of the rows, or with windows of another length, would be wrong without a word."""
    rows = [sample(at, 1.0, timestamp=ticks(time)) for at, time in enumerate(times)]
    source = write_parquet(tmp_path / "a.parquet", rows)
    with pytest.raises(package.SourceError) as caught:
        figures(source, tmp_path, window=window, timezone=timezone)
    assert option in str(caught.value)
    name, time = option.removeprefix("--").split()
    (found,) = figures(source, tmp_path, window=window, timezone=timezone, **{name: time})
    assert found["count"] == 1


@pytest.mark.parametrize("text", ["0s", "1w", "s", "-1s", "1.5h", "", "1 m", "10S", "01m", "1ms"])
def test_windows_that_cannot_be_read_are_usage_errors(tmp_path, text):
    with pytest.raises(package.UsageError, match="window"):
        package.export_statistics(FIXTURE_STORE, tmp_path / "out", window=text)


def test_a_day_begins_when_the_clock_reaches_it_where_a_gap_straddles_midnight():
    # In Toronto the clock went from 23:30 of the 30th to 00:30 of the 31st, so this is 00:45 of the 31st.
    moment = int(dt.datetime(1919, 3, 31, 4, 45, tzinfo=dt.UTC).timestamp()) * 10**6
    windows = Windows(Window.parse("1d"), "America/Toronto", "us")
    start = windows.starts(np.array([moment], np.int64))
    assert [dt.datetime.fromtimestamp(at / 10**6, dt.UTC) for at in (start[0], windows.ends(start)[0])] == [
        dt.datetime(1919, 3, 31, 4, 30, tzinfo=dt.UTC),
        dt.datetime(1919, 4, 1, 4, tzinfo=dt.UTC),
    ]
    before = windows.starts(np.array([moment - 20 * 60 * 10**6], np.int64))
    assert windows.ends(before)[0] == start[0]
