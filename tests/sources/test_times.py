"""Times of files: zones, offsets, units, and digits below the unit."""

from __future__ import annotations

import datetime as dt
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from plain_files import (
    ONE_OF_EACH,
    arrow_table,
    microseconds,
    record_of,
    stored_rows,
    stored_table,
    write_arrow,
    write_rows,
    write_table,
)
from samples import row, write_ndjson

from pipeline import DestinationError, SourceError, import_sessions


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_times_without_a_zone_need_one(tmp_path, name):
    local = row("s1", 0, timestamp="2026-11-24T17:00:00.25")
    if name in {"a.csv", "a.ndjson"}:
        write_rows(tmp_path / name, [local])
    else:
        table = arrow_table([row("s1", 0)])
        naive = pa.array([dt.datetime(2026, 11, 24, 17, 0, 0, 250_000)], pa.timestamp("us"))  # noqa: DTZ001 - the case
        table = table.set_column(2, "timestamp", naive)
        write_table(tmp_path / name, table)
    with pytest.raises(SourceError, match="--timezone"):
        import_sessions(tmp_path / name, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    import_sessions(tmp_path / name, tmp_path / "store", timezone="Europe/Berlin")
    assert [r["timestamp"] for r in stored_rows(tmp_path / "store")] == [microseconds("2026-11-24T16:00:00.25Z")]


@pytest.mark.parametrize("time", ["2026-10-25T02:30:00", "2026-03-29T02:30:00"], ids=["twice", "skipped"])
@pytest.mark.parametrize("name", ["a.csv", "a.ndjson", "a.parquet"])
def test_a_local_time_that_is_not_one_time_is_refused(tmp_path, name, time):
    if name == "a.parquet":
        naive = pa.array([dt.datetime.fromisoformat(time)], pa.timestamp("us"))
        pq.write_table(arrow_table([row("s1", 0)]).set_column(2, "timestamp", naive), tmp_path / name)
    else:
        write_rows(tmp_path / name, [row("s1", 0, timestamp=time)])
    with pytest.raises(SourceError, match=r"ambiguous|exist") as told:
        import_sessions(tmp_path / name, tmp_path / "store", timezone="Europe/Berlin")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("year", [1, 1600, 1676, 2263, 3000, 9999])
def test_times_of_int96_that_nanoseconds_do_not_count_are_refused(tmp_path, year):
    times = [dt.datetime(1700, 1, 1), dt.datetime(2262, 1, 1), None, dt.datetime(year, 6, 1)]  # noqa: DTZ001 - as Spark
    table = arrow_table([row("s1", at) for at in range(len(times))])
    table = table.set_column(2, "timestamp", pa.array(times, pa.timestamp("us")))
    pq.write_table(table, tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)
    with pytest.raises(SourceError, match="row 4, column 'timestamp': the time is INT96") as told:
        import_sessions(tmp_path / "a.parquet", tmp_path / "store", timezone="UTC")
    assert "\n" not in str(told.value)
    kept = table.take([0, 1])
    pq.write_table(kept, tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)
    import_sessions(tmp_path / "a.parquet", tmp_path / "store", timezone="UTC")
    assert [r["timestamp"] for r in stored_rows(tmp_path / "store")] == kept["timestamp"].cast("int64").to_pylist()


def test_times_with_an_offset_become_utc(tmp_path):
    texts = ("2026-11-24T17:00:00+01:00", "2026-11-24 16:00:00z", "2026-11-24t21:30:00.5+05:30")
    rows = [row("s1", i, timestamp=text) for i, text in enumerate(texts)]
    import_sessions(write_ndjson(tmp_path / "a.ndjson", rows), tmp_path / "store")
    utc = ("2026-11-24T16:00:00Z", "2026-11-24T16:00:00Z", "2026-11-24T16:00:00.5Z")
    assert [r["timestamp"] for r in stored_rows(tmp_path / "store")] == [microseconds(text) for text in utc]


def nanosecond_source(path):
    """Rows with times of 0, 1, 999 and 123,456,789 ns after a second, the first before 1970."""
    ticks = [-1_000_000_000, 1, 999, 1_764_000_000_123_456_789]
    if path.suffix in {".csv", ".ndjson"}:
        texts = [
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00.000000001Z",
            "1970-01-01T00:00:00.000000999Z",
            "2025-11-24T16:00:00.123456789Z",
        ]
        return write_rows(path, [row("s1", i, timestamp=text) for i, text in enumerate(texts)]), ticks
    table = arrow_table([row("s1", i) for i in range(4)])
    table = table.set_column(2, "timestamp", pa.array(ticks).cast(pa.timestamp("ns", "UTC")))
    return write_table(path, table), ticks


@pytest.mark.parametrize("name", ["a.csv", "a.ndjson", "a.parquet", "a.arrow"])
def test_digits_below_the_unit_are_dropped_and_counted(tmp_path, name):
    source, ticks = nanosecond_source(tmp_path / name)
    report = import_sessions(source, tmp_path / "us")
    assert [r["timestamp"] for r in stored_rows(tmp_path / "us")] == [t // 1000 for t in ticks]
    assert report.dropped_digits == record_of(tmp_path / "us")["dropped_digit_count"] == 3
    report = import_sessions(source, tmp_path / "ns", timestamp_unit="ns")
    assert [r["timestamp"] for r in stored_rows(tmp_path / "ns")] == ticks
    assert report.dropped_digits == record_of(tmp_path / "ns")["dropped_digit_count"] == 0
    assert json.loads((tmp_path / "ns" / "store.json").read_bytes())["timestamp_unit"] == "ns"


@pytest.mark.parametrize(
    ("unit", "fraction", "kept"),
    [
        ("us", "1234567", 123_456),
        ("us", "1234560001", 123_456),
        ("us", "123456000000", 123_456),
        ("ns", "1234567891", 123_456_789),
        ("ns", "1234567890", 123_456_789),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.ndjson"])
def test_any_digit_that_is_lost_counts(tmp_path, name, unit, fraction, kept):
    source = write_rows(tmp_path / name, [row("s1", 0, timestamp=f"1970-01-01T00:00:00.{fraction}Z")])
    import_sessions(source, tmp_path / "store", timestamp_unit=unit)
    assert [r["timestamp"] for r in stored_rows(tmp_path / "store")] == [kept]
    lost = int(fraction.rstrip("0") != str(kept))
    assert record_of(tmp_path / "store")["dropped_digit_count"] == lost


@pytest.mark.parametrize("name", ["a.csv", "a.ndjson"])
def test_fine_digits_do_not_narrow_the_years_of_other_rows(tmp_path, name):
    rows = [
        row("s1", 0, timestamp="2026-11-24T16:00:00.1234567Z"),
        row("s1", 1, timestamp="2300-01-01T00:00:00Z"),
    ]
    import_sessions(write_rows(tmp_path / name, rows), tmp_path / "store")
    assert record_of(tmp_path / "store")["dropped_digit_count"] == 1
    assert record_of(tmp_path / "store")["last_timestamp"] == "2300-01-01T00:00:00.000000Z"


def test_a_store_keeps_its_unit(tmp_path):
    import_sessions(write_ndjson(tmp_path / "a.ndjson", [row("s1", 0)]), tmp_path / "store", timestamp_unit="ns")
    source = write_ndjson(tmp_path / "b.ndjson", [row("s2", 0, timestamp="2026-11-24T16:00:00.123456789Z")])
    with pytest.raises(DestinationError, match="one unit"):
        import_sessions(source, tmp_path / "store", timestamp_unit="us")
    import_sessions(source, tmp_path / "store")
    assert record_of(tmp_path / "store", "s2")["first_timestamp"] == "2026-11-24T16:00:00.123456789Z"
    assert {str(field.type) for field in stored_table(tmp_path / "store").schema if field.name == "timestamp"} == {
        "timestamp[ns, tz=UTC]"
    }


@pytest.mark.parametrize(
    ("times", "first"),
    [
        (pa.array([1, 2], pa.timestamp("s", "UTC")), 1_000_000),
        (pa.array([1, 2], pa.timestamp("ms", "UTC")), 1_000),
        (pa.array([1, 2], pa.timestamp("us", "Europe/Berlin")), 1),
        (pa.array([1_000, 2_000], pa.timestamp("ns", "UTC")), 1),
        (pa.array([1, 2], pa.timestamp("us", "UTC")).dictionary_encode(), 1),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_timestamps_of_other_units_are_taken(tmp_path, times, first):
    table = arrow_table([row("s1", 0), row("s1", 1)]).set_column(2, "timestamp", times)
    import_sessions(write_arrow(tmp_path / "a.arrow", table), tmp_path / "store")
    assert stored_rows(tmp_path / "store")[0]["timestamp"] == first
    assert record_of(tmp_path / "store")["dropped_digit_count"] == 0
