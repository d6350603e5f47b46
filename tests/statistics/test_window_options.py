"""Windows as options, and their starts and ends in what is exported."""

from __future__ import annotations

import pytest
from directories import descriptor
from hostile import VALUES
from hypothesis import given, settings
from hypothesis import strategies as st
from readers import csv_with_python
from samples import row, write_ndjson

import pipeline
from pipeline.errors import SourceError, UsageError
from pipeline.model.timestamps import format_timestamp
from pipeline.statistics.windows import Window


@pytest.mark.parametrize(
    ("text", "seconds", "days"),
    [
        ("10s", 10, 0),
        ("1m", 60, 0),
        ("2h", 7200, 0),
        ("1d", 0, 1),
        ("999999999s", 999_999_999, 0),
        ("7d", 0, 7),
    ],
)
def test_windows_are_read(text, seconds, days):
    assert Window.parse(text) == Window(text, seconds=seconds, days=days)


@pytest.mark.parametrize(
    "text", ["", "m", "0s", "-1m", "1", "1.5h", "1 m", "01m", "1M", "1w", "1m\n", "٣m", "9999999999s"]
)
def test_what_is_no_window_is_refused(text):
    with pytest.raises(UsageError, match="--window"):
        Window.parse(text)


def windows(directory, unit="us"):
    resource = next(r for r in descriptor(directory)["resources"] if r["pipeline:table"] == "statistics")
    kinds = [("window_start", unit), ("window_end", unit), ("count", "int64")]
    data = (directory / resource["path"]).read_bytes()
    return [
        (format_timestamp(start, unit), format_timestamp(end, unit), count)
        for start, end, count in csv_with_python(data, kinds)
    ]


def statistics(tmp_path, times, window, **options):
    rows = [row(sequence=at, timestamp=text) for at, text in enumerate(times)]
    source = write_ndjson(tmp_path / "run.ndjson", rows)
    columns = ("window_start", "window_end", "count")
    pipeline.export_statistics(source, tmp_path / "out", window=window, columns=columns, sync=False, **options)
    return windows(tmp_path / "out")


def test_windows_are_half_open_and_aligned_to_the_epoch(tmp_path):
    times = [
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:00:06.999999Z",
        "1970-01-01T00:00:21Z",
    ]
    assert statistics(tmp_path, times, "7s") == [
        ("1969-12-31T23:59:53.000000Z", "1970-01-01T00:00:00.000000Z", 1),
        ("1970-01-01T00:00:00.000000Z", "1970-01-01T00:00:07.000000Z", 2),
        # A window without rows has no row.
        ("1970-01-01T00:00:21.000000Z", "1970-01-01T00:00:28.000000Z", 1),
    ]


def test_days_follow_the_zone_where_a_day_has_23_or_25_hours(tmp_path):
    times = ["2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"]
    times += ["2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"]
    assert statistics(tmp_path, times, "1d", timezone="Europe/Berlin") == [
        ("2026-03-27T23:00:00.000000Z", "2026-03-28T23:00:00.000000Z", 1),
        ("2026-03-28T23:00:00.000000Z", "2026-03-29T22:00:00.000000Z", 2),
        ("2026-03-29T22:00:00.000000Z", "2026-03-30T22:00:00.000000Z", 1),
        ("2026-10-24T22:00:00.000000Z", "2026-10-25T23:00:00.000000Z", 2),
        ("2026-10-25T23:00:00.000000Z", "2026-10-26T23:00:00.000000Z", 1),
    ]


def test_days_are_those_of_utc_without_a_zone(tmp_path):
    assert statistics(tmp_path, ["2026-03-28T23:59:59.999999Z", "2026-03-29T00:00:00Z"], "1d") == [
        ("2026-03-28T00:00:00.000000Z", "2026-03-29T00:00:00.000000Z", 1),
        ("2026-03-29T00:00:00.000000Z", "2026-03-30T00:00:00.000000Z", 1),
    ]


def test_a_day_may_begin_after_midnight(tmp_path):
    times = ["2018-11-04T02:59:59Z", "2018-11-04T03:00:00Z"]
    assert statistics(tmp_path, times, "1d", timezone="America/Sao_Paulo") == [
        ("2018-11-03T03:00:00.000000Z", "2018-11-04T03:00:00.000000Z", 1),
        ("2018-11-04T03:00:00.000000Z", "2018-11-05T02:00:00.000000Z", 1),
    ]


@pytest.mark.parametrize("window", ["999999999d", "999999999h", "1d"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_a_window_that_has_no_end_is_refused(tmp_path, window, zone):
    source = write_ndjson(tmp_path / "run.ndjson", [row(timestamp="9999-12-31T23:30:00Z")])
    with pytest.raises((SourceError, UsageError), match="--window"):
        pipeline.export_statistics(source, tmp_path / "out", window=window, timezone=zone)
    assert not (tmp_path / "out").exists()


@settings(max_examples=40)
@given(
    st.lists(VALUES["us"].filter(lambda t: abs(t) < 5 * 10**16), min_size=1, max_size=6),
    st.sampled_from(["7s", "13m", "5h", "3d"]),
)
def test_each_row_is_in_its_window(tmp_path_factory, times, window):
    length = {"7s": 7, "13m": 780, "5h": 18_000, "3d": 259_200}[window] * 10**6
    directory = tmp_path_factory.mktemp("windows")
    found = statistics(directory, [format_timestamp(t, "us") for t in times], window)
    expected = {}
    for ticks in times:
        expected[ticks // length * length] = expected.get(ticks // length * length, 0) + 1
    assert found == [
        (format_timestamp(start, "us"), format_timestamp(start + length, "us"), count)
        for start, count in sorted(expected.items())
    ]
