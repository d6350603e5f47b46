"""Import: every format gives the same store, records are kept, bad data is refused whole."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from conftest import FIXTURE_STORE, ROOT, SHARED, names_in, only, pipeline, row, write_ndjson
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import (
    DestinationError,
    SourceError,
    UsageError,
    export_measurements,
    import_sessions,
    list_sessions,
)

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
NON_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
FLOAT_COLUMNS = {"value", "ratio"}
CORE = ("session_id", "sequence", "timestamp", "metric", "value", "unit")
RECORD = {
    "session_id": "s1",
    "started_at": "2026-11-24T15:59:00Z",
    "ended_at": "2026-11-24T17:00:00.5Z",
    "harness": {"name": "bench", "version": "1.2"},
    "configuration": {"duration_s": 40, "nested": {"list": [1, None, "ä"]}},
    "attributes": {"robot": "r7", "tries": 3, "ratio": 0.5, "warm": True, "tags": ["a"], "none": None},
}
CORE_ARROW_TYPES = {
    "session_id": pa.string(),
    "sequence": pa.int64(),
    "timestamp": pa.timestamp("us", "UTC"),
    "metric": pa.string(),
    "value": pa.float64(),
    "unit": pa.string(),
}


def microseconds(text):
    """Count a time as the tests write it, by way of Python's datetime."""
    return (dt.datetime.fromisoformat(text) - EPOCH) // dt.timedelta(microseconds=1)


def comparable(value):
    """Keep 1, 1.0, -0.0 and NaN apart, and NaN equal to itself."""
    return ("float", repr(value)) if isinstance(value, float) else value


def as_stored(rows):
    """What a store must hold of rows as NDJSON has them."""
    names = [*CORE, *dict.fromkeys(name for r in rows for name in r if name not in CORE)]
    stored = []
    for r in sorted(rows, key=lambda r: (r["session_id"], r["sequence"])):
        values = {name: r.get(name) for name in names}
        values["timestamp"] = microseconds(r["timestamp"])
        for name, value in values.items():
            if isinstance(value, str) and value in NON_FINITE and name in FLOAT_COLUMNS:
                values[name] = NON_FINITE[value]
        stored.append({name: comparable(value) for name, value in values.items()})
    return stored


def stored_table(store):
    """The rows of a store, read by pyarrow alone, by session id and sequence."""
    files = sorted(Path(store).glob("sessions/*/measurements-*.parquet"))
    table = pa.concat_tables([pq.read_table(file) for file in files], promote_options="default")
    return table.sort_by([("session_id", "ascending"), ("sequence", "ascending")])


def stored_rows(store):
    table = stored_table(store)
    at = table.schema.get_field_index("timestamp")
    table = table.set_column(at, "timestamp", table.column("timestamp").cast(pa.int64()))
    return [{name: comparable(value) for name, value in r.items()} for r in table.to_pylist()]


def record_of(store, session_id="s1"):
    """A session's record as it lies in the store."""
    records = [json.loads(path.read_bytes()) for path in Path(store).glob("sessions/*/session.json")]
    found = [record for record in records if record["session_id"] == session_id]
    assert len(found) == 1, [record["session_id"] for record in records]
    return found[0]


def arrow_table(rows, **types):
    """Rows as Arrow with the types of the model."""
    names = [*CORE, *dict.fromkeys(name for r in rows for name in r if name not in CORE)]
    arrays = []
    for name in names:
        values = [r.get(name) for r in rows]
        if name == "timestamp":
            array = pa.array([microseconds(v) for v in values], pa.int64()).cast(CORE_ARROW_TYPES[name])
        elif name in FLOAT_COLUMNS:
            array = pa.array([NON_FINITE.get(v, v) for v in values], pa.float64())
        else:
            array = pa.array(values, types.get(name, CORE_ARROW_TYPES.get(name)))
        arrays.append(array)
    return pa.table(arrays, names=names)


def csv_text(rows):
    """Rows as CSV, by hand: Python's writer cannot keep null and the empty string apart."""

    def field(name, value):
        if value is None:
            return ""
        if isinstance(value, bool):
            return str(value).lower()
        text = str(NON_FINITE.get(value, value)).replace("nan", "NaN") if name in FLOAT_COLUMNS else str(value)
        quoted = text == "" or any(c in text for c in ',"\r\n')
        return '"' + text.replace('"', '""') + '"' if quoted else text

    names = list(dict.fromkeys(name for r in rows for name in r))
    lines = [names, *([field(name, r.get(name)) for name in names] for r in rows)]
    return "".join(",".join(line) + "\n" for line in lines)


def ndjson_text(rows):
    return "".join(json.dumps(r) + "\n" for r in rows)


def write_arrow(path, table, *, stream=False):
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with pa.OSFile(str(path), "wb") as file, new(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)
    return path


def write_duckdb(path, table):
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", table)
        connection.execute("CREATE TABLE measurements AS FROM rows")
    return path


def write_table(path, table):
    """Write a table in the format that the name says."""
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix in {".duckdb", ".db"}:
        write_duckdb(path, table)
    else:
        write_arrow(path, table, stream=path.suffix == ".arrows")
    return path


def write_rows(path, rows, **types):
    """Write rows in the format that the name says, with writers that are not ours."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    stem, _, _ = path.name.partition(".gz") if ".gz" in path.name else path.name.partition(".zst")
    kind = Path(stem).suffix
    if kind not in {".csv", ".ndjson", ".jsonl"}:
        write_table(path, arrow_table(rows, **types))
    else:
        data = (csv_text(rows) if kind == ".csv" else ndjson_text(rows)).encode()
        if path.suffix == ".gz":
            data = gzip.compress(data)
        elif path.suffix == ".zst":
            data = zstandard.compress(data)
        path.write_bytes(data)
    return path


FORMATS = (
    "a.csv",
    "a.csv.gz",
    "a.csv.zst",
    "a.ndjson",
    "a.jsonl",
    "a.ndjson.gz",
    "a.ndjson.zst",
    "a.parquet",
    "a.arrow",
    "a.arrows",
    "a.feather",
    "a.duckdb",
)
ONE_OF_EACH = ("a.csv", "a.ndjson", "a.parquet", "a.arrow", "a.duckdb")

TWO_SESSIONS = [
    row("s1", 0, value=0.1, robot="007", tries=1, ratio=0.5, warm=True),
    row("s1", 1, value=None, unit=None, robot="", tries=None, ratio=None, warm=None),
    row("s1", 2, value="NaN", robot='a,"b"\nc', tries=-(2**63), ratio=-0.0, warm=False),
    row("s1", 5, value="Infinity", robot=None, tries=2**63 - 1, ratio=1e-07, warm=True),
    row("s1", 6, value="-Infinity", robot="😀 ü", tries=0, ratio="NaN", warm=True),
    row("s2", -4, value=1e300, robot="null", tries=7, ratio=1e16, warm=False, metric="jitter", unit=""),
    row("s2", 9, value=-5e-324, robot=" x ", tries=8, ratio=2.0, warm=None, timestamp="0001-01-01T00:00:00Z"),
]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_store(tmp_path, name):
    store = tmp_path / "store"
    report = import_sessions(write_rows(tmp_path / name, TWO_SESSIONS), store)
    assert stored_rows(store) == as_stored(TWO_SESSIONS)
    assert (report.imported, report.rows, report.skipped_rows) == (("s1", "s2"), 7, 0)
    reference = tmp_path / "reference"
    import_sessions(write_rows(tmp_path / "other" / "b.ndjson", TWO_SESSIONS), reference)
    for session_id in ("s1", "s2"):
        # The size of the Parquet file aside, nothing tells which format the rows came in.
        there, here = record_of(reference, session_id), record_of(store, session_id)
        assert {**here, "bytes": 0} == {**there, "bytes": 0}


def test_the_type_of_every_column_is_the_models(tmp_path):
    import_sessions(write_rows(tmp_path / "a.csv", TWO_SESSIONS), tmp_path / "store")
    types = {field.name: str(field.type) for field in stored_table(tmp_path / "store").schema}
    assert types == {
        "session_id": "string",
        "sequence": "int64",
        "timestamp": "timestamp[us, tz=UTC]",
        "metric": "string",
        "value": "double",
        "unit": "string",
        "robot": "string",
        "tries": "int64",
        "ratio": "double",
        "warm": "bool",
    }


@pytest.mark.parametrize("name", ["a.ndjson", "a.ndjson.gz", "a.csv", "a.csv.gz", "a.parquet", "a.arrow", "a.duckdb"])
def test_the_record_beside_the_file_describes_its_session(tmp_path, name):
    write_rows(tmp_path / name, [row("s1", 0), row("s1", 1)])
    (tmp_path / "a.session.json").write_text(json.dumps(RECORD | {"measurement_count": 2}), encoding="utf-8")
    import_sessions(tmp_path / name, tmp_path / "store")
    record = record_of(tmp_path / "store")
    assert record["started_at"] == "2026-11-24T15:59:00.000000Z"
    assert record["ended_at"] == "2026-11-24T17:00:00.500000Z"
    for key in ("harness", "configuration", "attributes"):
        assert record[key] == RECORD[key]
    # Scalars become columns of every row; what is nested or null stays in the record.
    attributes = {"robot": "r7", "tries": 3, "ratio": comparable(0.5), "warm": True}
    for stored in stored_rows(tmp_path / "store"):
        assert {name: value for name, value in stored.items() if name not in CORE} == attributes


def test_an_attribute_of_the_record_does_not_replace_a_column_of_the_rows(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row("s1", 0, robot="row"), row("s1", 1, robot=None)])
    (tmp_path / "a.session.json").write_text(json.dumps(RECORD), encoding="utf-8")
    import_sessions(tmp_path / "a.ndjson", tmp_path / "store")
    assert [r["robot"] for r in stored_rows(tmp_path / "store")] == ["row", None]


def test_an_array_of_records_describes_the_sessions_of_the_file(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row("s1", 0), row("s2", 0), row("s3", 0)])
    records = [RECORD, {"session_id": "s2", "configuration": {"other": 1}, "attributes": {"tries": 9}}]
    (tmp_path / "a.session.json").write_text(json.dumps(records), encoding="utf-8")
    import_sessions(tmp_path / "a.ndjson", tmp_path / "store")
    configurations = [record_of(tmp_path / "store", s)["configuration"] for s in ("s1", "s2", "s3")]
    assert configurations == [RECORD["configuration"], {"other": 1}, {}]
    rows = {r["session_id"]: (r.get("tries"), r.get("robot")) for r in stored_rows(tmp_path / "store")}
    assert rows == {"s1": (3, "r7"), "s2": (9, None), "s3": (None, None)}


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_record_says_nothing_of_another_session(tmp_path, name):
    write_rows(tmp_path / name, [row("s1", 0), row("s2", 0)])
    (tmp_path / "a.session.json").write_text(json.dumps(RECORD), encoding="utf-8")
    import_sessions(tmp_path / name, tmp_path / "store")
    robots = {r["session_id"]: r["robot"] for r in stored_rows(tmp_path / "store")}
    assert robots == {"s1": "r7", "s2": None}
    assert record_of(tmp_path / "store", "s2")["attributes"] == {}


def test_the_sessions_table_of_a_database_holds_the_records(tmp_path):
    table = arrow_table([row("s1", 0), row("s2", 0)])
    with duckdb.connect(str(write_duckdb(tmp_path / "a.duckdb", table))) as connection:
        connection.execute(
            "CREATE TABLE sessions AS SELECT 's1' AS session_id, TIMESTAMPTZ '2026-11-24 15:00:00Z' AS started_at, "
            """'{"a": {"b": 1}}'::JSON AS configuration, {'robot': 'r1'} AS attributes, 'k6' AS harness_name, """
            "1 AS measurement_count"
        )
    import_sessions(tmp_path / "a.duckdb", tmp_path / "store")
    record = record_of(tmp_path / "store")
    assert record["started_at"] == "2026-11-24T15:00:00.000000Z"
    assert record["configuration"] == {"a": {"b": 1}}
    assert record["harness"] == {"name": "k6", "version": None}
    assert {r["session_id"]: r["robot"] for r in stored_rows(tmp_path / "store")} == {"s1": "r1", "s2": None}


def test_a_view_of_a_database_reads_no_other_file(tmp_path):
    write_rows(tmp_path / "secret.parquet", [row("s1", 0)])
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute(f"CREATE VIEW measurements AS FROM read_parquet('{tmp_path}/secret.parquet')")
    with pytest.raises(SourceError, match=r"disabled by configuration|Permission"):
        import_sessions(tmp_path / "a.duckdb", tmp_path / "store")


@pytest.mark.parametrize("name", ONE_OF_EACH)
@pytest.mark.parametrize("ids", [("s1",), ("s1", "s2")], ids=["one session", "two sessions"])
def test_a_configuration_is_that_of_all_sessions_without_a_record(tmp_path, name, ids):
    source = write_rows(tmp_path / name, [row(session_id, 0) for session_id in ids])
    (tmp_path / "configuration.json").write_text('{"rate": 20}', encoding="utf-8")
    import_sessions(source, tmp_path / "store", configuration=tmp_path / "configuration.json")
    assert [record_of(tmp_path / "store", s)["configuration"] for s in ids] == [{"rate": 20}] * len(ids)


def test_the_record_wins_over_the_configuration_given(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row("s1", 0)])
    (tmp_path / "a.session.json").write_text(json.dumps(RECORD), encoding="utf-8")
    import_sessions(tmp_path / "a.ndjson", tmp_path / "store", configuration={"rate": 20})
    assert record_of(tmp_path / "store")["configuration"] == RECORD["configuration"]


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_rows_without_a_session_get_the_id_given(tmp_path, name):
    table = arrow_table([row("gone", 0), row("gone", 1)]).drop_columns("session_id")
    if name in {"a.parquet", "a.arrow", "a.duckdb"}:
        write_table(tmp_path / name, table)
    else:
        rows = [{k: v for k, v in row("gone", i).items() if k != "session_id"} for i in (0, 1)]
        write_rows(tmp_path / name, rows)
    with pytest.raises(SourceError, match="--session-id"):
        import_sessions(tmp_path / name, tmp_path / "store")
    import_sessions(tmp_path / name, tmp_path / "store", session_id="given ✓")
    assert [r["session_id"] for r in stored_rows(tmp_path / "store")] == ["given ✓"] * 2
    assert record_of(tmp_path / "store", "given ✓")["measurement_count"] == 2


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_session_id_that_contradicts_the_rows_is_refused(tmp_path, name):
    source = write_rows(tmp_path / name, [row("s1", 0)])
    with pytest.raises(SourceError, match=r"'s1', not of 'other'"):
        import_sessions(source, tmp_path / "store", session_id="other", started_at="2026-01-01T00:00:00Z")
    assert not (tmp_path / "store").exists()


def test_a_start_given_is_that_of_sessions_whose_record_says_none(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row("s1", 0), row("s2", 0)])
    records = [RECORD, {"session_id": "s2", "configuration": {}}]
    (tmp_path / "a.session.json").write_text(json.dumps(records), encoding="utf-8")
    write_ndjson(tmp_path / "b.ndjson", [row("s3", 0)])
    import_sessions(
        [tmp_path / "a.ndjson", tmp_path / "b.ndjson"],
        tmp_path / "store",
        started_at="2026-11-24T12:00:00",
        timezone="Europe/Berlin",
    )
    starts = [record_of(tmp_path / "store", s)["started_at"] for s in ("s1", "s2", "s3")]
    assert starts == ["2026-11-24T15:59:00.000000Z", *["2026-11-24T11:00:00.000000Z"] * 2]
    assert [s["session_id"] for s in list_sessions(tmp_path / "store")] == ["s2", "s3", "s1"]


def test_a_session_starts_at_its_first_row_where_nothing_says_more(tmp_path):
    rows = [
        row("s1", 4, timestamp="2026-11-24T16:00:09Z"),
        row("s1", 1, timestamp="2026-11-24T16:00:05Z"),
        row("s1", 2, timestamp="2026-11-24T16:00:01Z"),
    ]
    import_sessions(write_ndjson(tmp_path / "a.ndjson", rows), tmp_path / "store")
    record = record_of(tmp_path / "store")
    assert (record["started_at"], record["ended_at"]) == (
        "2026-11-24T16:00:05.000000Z",
        "2026-11-24T16:00:09.000000Z",
    )
    assert (record["first_timestamp"], record["last_timestamp"]) == (
        "2026-11-24T16:00:01.000000Z",
        "2026-11-24T16:00:09.000000Z",
    )
    assert record["backward_timestamp_count"] == 1


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
    with pytest.raises(SourceError, match=r"ambiguous|exist"):
        import_sessions(tmp_path / name, tmp_path / "store", timezone="Europe/Berlin")


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


@pytest.mark.parametrize(
    ("array", "kind", "values"),
    [
        (pa.array([1, None], pa.int8()), "int64", [1, None]),
        (pa.array([-(2**31), 1], pa.int32()), "int64", [-(2**31), 1]),
        (pa.array([2**63 - 1, 0], pa.uint64()), "int64", [2**63 - 1, 0]),
        (pa.array([0.1, None], pa.float32()), "double", [float(np.float32(0.1)), None]),
        (pa.array(np.array([1.5, -0.0], np.float16)), "double", [1.5, -0.0]),
        (pa.array(["a", None]).dictionary_encode(), "string", ["a", None]),
        (pa.array([7, 8]).dictionary_encode(), "int64", [7, 8]),
        (pa.array(["ä", ""], pa.large_string()), "string", ["ä", ""]),
        (pa.array(["ä", "longer than a view's twelve bytes"], pa.string_view()), "string", None),
        (pa.array([True, None]), "bool", [True, None]),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_other_arrow_types_are_taken_where_nothing_is_lost(tmp_path, array, kind, values):
    table = arrow_table([row("s1", 0), row("s1", 1)]).append_column("extra", array)
    import_sessions(write_arrow(tmp_path / "a.arrow", table), tmp_path / "store")
    assert str(stored_table(tmp_path / "store").schema.field("extra").type) == kind
    expected = array.to_pylist() if values is None else values
    assert [r["extra"] for r in stored_rows(tmp_path / "store")] == [comparable(value) for value in expected]


@pytest.mark.parametrize(
    ("column", "array", "phrase"),
    [
        ("extra", pa.array([1, 2**63], pa.uint64()), "'s1', sequence 1, column 'extra': 9223372036854775808"),
        ("value", pa.array([1, 2**53 + 1]), "sequence 1, column 'value': 9007199254740993"),
        ("value", pa.array(["1", "2"]), "column 'value' has type string"),
        ("sequence", pa.array([0.0, 1.0]), "column 'sequence' has type double"),
        ("metric", pa.array([1, 2]), "column 'metric' has type int64"),
        ("timestamp", pa.array(["2026-11-24", "2026-11-25"]), "column 'timestamp' has type string"),
        ("timestamp", pa.array([0, 2**53], pa.timestamp("s", "UTC")), "column 'timestamp'"),
        ("timestamp", pa.array([0, 253_402_300_800], pa.timestamp("s", "UTC")), "0001 to 9999"),
        ("extra", pa.array([[1], [2]]), "column 'extra' has type list"),
        ("extra", pa.array([b"a", b"b"]), "column 'extra' has type binary"),
        ("extra", pa.array([dt.date(2026, 1, 1)] * 2), "column 'extra' has type date32"),
        ("extra", pa.array([1, 2]).cast(pa.decimal128(30, 2)), "column 'extra' has type decimal128"),
    ],
)
@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_a_type_that_would_lose_something_is_refused(tmp_path, name, column, array, phrase):
    table = arrow_table([row("s1", 0), row("s1", 1)])
    if column == "extra":
        table = table.append_column(column, array)
    else:
        table = table.set_column(table.schema.get_field_index(column), column, array)
    write_table(tmp_path / name, table)
    with pytest.raises(SourceError, match=phrase.replace("(", r"\(")):
        import_sessions(tmp_path / name, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def tree(directory):
    """Every file below a directory: name, content, time of its last change."""
    files = sorted(path for path in Path(directory).rglob("*") if path.is_file())
    return {str(p.relative_to(directory)): (p.read_bytes(), p.stat().st_mtime_ns) for p in files}


def test_a_session_that_is_there_is_an_error_unless_told_what_to_do(tmp_path):
    store = tmp_path / "store"
    import_sessions(write_ndjson(tmp_path / "a.ndjson", [row("s1", 0)]), store)
    both = write_ndjson(tmp_path / "b.ndjson", [row("s1", 0, value=7.5), row("s2", 0)])
    before = tree(store)
    with pytest.raises(SourceError, match="has session 's1' already"):
        import_sessions(both, store)
    assert tree(store) == before
    report = import_sessions(both, store, if_exists="skip")
    assert (report.imported, report.unchanged, report.rows) == (("s2",), ("s1",), 1)
    assert before.items() <= tree(store).items()
    report = import_sessions(both, store, if_exists="replace")
    assert (report.imported, report.unchanged) == (("s1", "s2"), ())
    assert [r["value"] for r in stored_rows(store)] == [comparable(7.5), comparable(1.5)]
    assert len(list_sessions(store)) == 2
    assert names_in(store / "sessions") == ["s1", "s2"]
    assert names_in(store / "staging") == []
    with pytest.raises(UsageError, match="if-exists"):
        import_sessions(both, store, if_exists="merge")


HYPERFINE = ROOT / "data" / "fixtures" / "harness" / "hyperfine" / "two-commands.json"


def bad_file(directory, kind):
    """Write a file that is wrong at its end."""
    rows = [row("s9", i) for i in range(50)]
    directory.mkdir()
    if kind == "a line that is no JSON":
        path = write_ndjson(directory / "bad.ndjson", rows)
        path.write_bytes(path.read_bytes()[:-10])
        return path
    if kind == "a duplicate in Parquet":
        return write_table(directory / "bad.parquet", arrow_table([*rows, rows[-1]]))
    if kind == "a bad value in CSV":
        lines = [",".join(map(str, one)) for one in (rows[0], *(r.values() for r in rows), ["s9", "x"])]
        (directory / "bad.csv").write_text("\n".join(lines), encoding="utf-8")
        return directory / "bad.csv"
    if kind == "a harness file that is cut off":
        (directory / "bad.json").write_bytes(HYPERFINE.read_bytes()[:-40])
        return directory / "bad.json"
    return directory / "missing.ndjson"


@pytest.mark.parametrize("first", ["rows", "a harness file"])
@pytest.mark.parametrize(
    "kind",
    [
        "no file",
        "a line that is no JSON",
        "a duplicate in Parquet",
        "a bad value in CSV",
        "a harness file that is cut off",
    ],
)
def test_an_error_in_the_second_of_several_files_imports_nothing(tmp_path, first, kind):
    store = tmp_path / "store"
    rows = [row(session_id, i) for session_id in ("s1", "s2") for i in range(50)]
    good = HYPERFINE if first == "a harness file" else write_ndjson(tmp_path / "first.ndjson", rows)
    bad = bad_file(tmp_path / "second", kind)
    for if_exists in ("error", "replace"):
        with pytest.raises(SourceError) as caught:
            import_sessions([good, bad], store, if_exists=if_exists)
        assert bad.name in str(caught.value) or "s9" in str(caught.value)
        assert "imported before" not in str(caught.value)
        assert not store.exists()
        assert import_sessions(good, tmp_path / if_exists).imported  # which is sound by itself


def test_a_replacement_may_give_an_attribute_its_right_type(tmp_path):
    store = tmp_path / "store"
    import_sessions(write_ndjson(tmp_path / "a.ndjson", [row("s1", 0, robot=7)]), store)
    import_sessions(write_ndjson(tmp_path / "b.ndjson", [row("s1", 0, robot="7")]), store, if_exists="replace")
    assert [r["robot"] for r in stored_rows(store)] == ["7"]


GOOD_LINE = json.dumps(row("s1", 0)).encode()
BAD_LINES = {
    "no JSON": b"{",
    "no object": b"[1]",
    "not UTF-8": b'{"metric":"\xff"}',
    "bare NaN": GOOD_LINE.replace(b"1.5", b"NaN"),
    "doubled key": b'{"sequence":1,"sequence":2}',
    "text for a number": json.dumps(row("s1", 1, value="fast")).encode(),
    "no sequence": b'{"session_id":"s1","metric":"m","timestamp":"2026-11-24T16:00:00Z"}',
    "null metric": json.dumps(row("s1", 1, metric=None)).encode(),
    "NUL": json.dumps(row("s1", 1, unit="a\0")).encode(),
    "no time": json.dumps(row("s1", 1, timestamp="soon")).encode(),
    "int beyond 64 bits": json.dumps(row("s1", 2**63)).encode(),
    "half a surrogate pair": b'{"session_id":"s1","sequence":1,"metric":"\\ud83d"}',
}


@pytest.mark.parametrize("what", BAD_LINES)
def test_bad_lines_are_left_out_and_counted_when_asked(tmp_path, what):
    last = json.dumps(row("s1", 9)).encode()
    (tmp_path / "a.ndjson").write_bytes(b"\n".join([GOOD_LINE, BAD_LINES[what], BAD_LINES[what], last]) + b"\n")
    with pytest.raises(SourceError):
        import_sessions(tmp_path / "a.ndjson", tmp_path / "store")
    report = import_sessions(tmp_path / "a.ndjson", tmp_path / "store", skip_bad=True)
    assert (report.rows, report.skipped_rows) == (2, 2)
    assert [r["sequence"] for r in stored_rows(tmp_path / "store")] == [0, 9]


BAD_CSV_ROWS = {
    "too few fields": b"s1,1",
    "too many fields": b"s1,1,2026-11-24T16:00:00Z,m,1.5,ms,more",
    "text for a number": b"s1,1,2026-11-24T16:00:00Z,m,fast,ms",
    "fraction for an integer": b"s1,1.5,2026-11-24T16:00:00Z,m,1.5,ms",
    "no time": b"s1,1,soon,m,1.5,ms",
    "null metric": b"s1,1,2026-11-24T16:00:00Z,,1.5,ms",
    "not UTF-8": b"s1,1,2026-11-24T16:00:00Z,\xff,1.5,ms",
    "NUL": b"s1,1,2026-11-24T16:00:00Z,a\0,1.5,ms",
}


@pytest.mark.parametrize("what", BAD_CSV_ROWS)
def test_bad_rows_of_csv_are_left_out_and_counted_when_asked(tmp_path, what):
    lines = [
        b"session_id,sequence,timestamp,metric,value,unit",
        b"s1,0,2026-11-24T16:00:00Z,m,1.5,ms",
        BAD_CSV_ROWS[what],
        b"s1,9,2026-11-24T16:00:00Z,m,1.5,ms",
        BAD_CSV_ROWS[what],
    ]
    (tmp_path / "a.csv").write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(SourceError):
        import_sessions(tmp_path / "a.csv", tmp_path / "store")
    report = import_sessions(tmp_path / "a.csv", tmp_path / "store", skip_bad=True)
    assert (report.rows, report.skipped_rows) == (2, 2)
    assert [r["sequence"] for r in stored_rows(tmp_path / "store")] == [0, 9]


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_bad_rows_of_columnar_files_are_left_out_and_counted_when_asked(tmp_path, name):
    table = arrow_table([row("s1", i) for i in range(5)])
    text = pa.Array.from_buffers(
        pa.string(), 5, [None, pa.py_buffer(np.arange(6, dtype=np.int32)), pa.py_buffer(b"ab\xffde")]
    )
    table = table.set_column(3, "metric", text).append_column("big", pa.array([0, 2**63, 0, 0, 0], pa.uint64()))
    table = table.set_column(1, "sequence", pa.array([0, 1, 2, None, 4]))
    write_table(tmp_path / name, table)
    with pytest.raises(SourceError):
        import_sessions(tmp_path / name, tmp_path / "store")
    report = import_sessions(tmp_path / name, tmp_path / "store", skip_bad=True)
    assert (report.rows, report.skipped_rows) == (2, 3)
    assert [r["metric"] for r in stored_rows(tmp_path / "store")] == ["a", "e"]


def test_a_count_of_the_record_that_bad_rows_explain_does_not_stop_the_import(tmp_path):
    (tmp_path / "a.ndjson").write_bytes(GOOD_LINE + b"\n{\n")
    (tmp_path / "a.session.json").write_text(json.dumps(RECORD | {"measurement_count": 2}), encoding="utf-8")
    result = pipeline("import", tmp_path / "a.ndjson", "--to", tmp_path / "store", "--skip-bad")
    assert result.status == 0
    assert "warning: 1 bad row left out" in result.err
    assert record_of(tmp_path / "store")["measurement_count"] == 1


def test_a_count_of_the_record_that_does_not_match_is_refused(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row("s1", 0)])
    (tmp_path / "a.session.json").write_text(json.dumps(RECORD | {"measurement_count": 2}), encoding="utf-8")
    with pytest.raises(SourceError, match="says 2 measurements, its rows are 1"):
        import_sessions(tmp_path / "a.ndjson", tmp_path / "store")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("name", FORMATS)
def test_rows_out_of_order_are_sorted(tmp_path, name):
    rows = [TWO_SESSIONS[at] for at in (6, 3, 0, 5, 2, 1, 4)]
    import_sessions(write_rows(tmp_path / name, rows), tmp_path / "store")
    files = sorted((tmp_path / "store").glob("sessions/*/measurements-*.parquet"))
    sequences = [pq.read_table(file).column("sequence").to_pylist() for file in files]
    assert sequences == [[0, 1, 2, 5, 6], [-4, 9]]
    assert stored_rows(tmp_path / "store") == as_stored(TWO_SESSIONS)


@pytest.mark.parametrize("name", ["a[1].parquet", "metric=foo/a.parquet", "session_id=zz/*?/a.parquet", "'/a.parquet"])
def test_a_path_means_nothing_but_a_place(tmp_path, name):
    """The sorting engine takes `k=v` in a path for a column, and brackets for a pattern."""
    rows = [row("s1", 1, value=2.5), row("s1", 0)]
    import_sessions(write_rows(tmp_path / name, rows), tmp_path / "store")
    assert stored_rows(tmp_path / "store") == as_stored(rows)


@pytest.mark.parametrize("names", [("Robot", "robot"), ("VALUE", "Metric")], ids=" ".join)
@pytest.mark.parametrize("sequences", [(0, 1), (1, 0)], ids=["in order", "out of order"])
def test_columns_that_differ_only_in_case_are_kept_apart_or_refused(tmp_path, names, sequences):
    first, second = names
    rows = [row("s1", s, **{first: f"{first} {s}", second: f"{second} {s}"}) for s in sequences]
    try:
        import_sessions(write_ndjson(tmp_path / "a.ndjson", rows), tmp_path / "store")
    except SourceError as error:
        assert first in str(error) or second in str(error)  # noqa: PT017 - either way is right
    else:
        assert stored_rows(tmp_path / "store") == as_stored(rows)


def test_a_session_may_lie_in_several_files(tmp_path):
    rows = [row("s1", i, value=float(i)) for i in range(9)]
    write_rows(tmp_path / "late.csv", rows[6:])
    write_rows(tmp_path / "early.ndjson", rows[:3])
    write_rows(tmp_path / "middle.parquet", rows[3:6])
    names = ("late.csv", "early.ndjson", "middle.parquet")
    import_sessions([tmp_path / name for name in names], tmp_path / "store")
    assert stored_rows(tmp_path / "store") == as_stored(rows)
    # Files whose rows alternate, too; a glob finds them.
    write_rows(tmp_path / "part-a.ndjson", rows[::2])
    write_rows(tmp_path / "part-b.ndjson", rows[1::2])
    import_sessions(str(tmp_path / "part-*.ndjson"), tmp_path / "other")
    assert stored_rows(tmp_path / "other") == as_stored(rows)
    assert record_of(tmp_path / "other")["content_digest"] == record_of(tmp_path / "store")["content_digest"]


@pytest.mark.parametrize("files", [[[0, 1, 1, 2]], [[0, 1, 2, 1]], [[0, 1], [1, 2]], [[2, 1], [0, 2]]], ids=str)
@pytest.mark.parametrize("suffix", ["ndjson", "parquet", "csv"])
def test_a_sequence_number_that_occurs_twice_is_refused(tmp_path, files, suffix):
    for at, sequences in enumerate(files):
        write_rows(tmp_path / f"{at}.{suffix}", [row("s1", s) for s in sequences])
    doubled = 2 if files == [[2, 1], [0, 2]] else 1
    with pytest.raises(SourceError, match=f"session 's1', sequence {doubled}, column 'sequence': occurs twice"):
        import_sessions(str(tmp_path / f"*.{suffix}"), tmp_path / "store")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("values", [("a", 1), (1, True), (1.5, "x"), (True, 0.5), (True, "true")], ids=str)
def test_an_attribute_of_two_types_is_refused(tmp_path, values):
    one, other = values
    write_ndjson(tmp_path / "a.ndjson", [row("s1", 0, x=one)])
    write_ndjson(tmp_path / "b.ndjson", [row("s2", 0, x=other)])
    write_ndjson(tmp_path / "both.ndjson", [row("s1", 0, x=one), row("s2", 0, x=other)])
    sources = [tmp_path / "a.ndjson", tmp_path / "b.ndjson"]
    for source in (sources, tmp_path / "both.ndjson"):
        with pytest.raises(SourceError, match="'x'"):
            import_sessions(source, tmp_path / "store")
        assert not (tmp_path / "store").exists()
    import_sessions(sources[0], tmp_path / "store")
    before = tree(tmp_path / "store")
    with pytest.raises(SourceError, match="'x'"):
        import_sessions(sources[1], tmp_path / "store")
    assert tree(tmp_path / "store") == before


def test_columns_of_two_types_are_refused_in_columnar_files(tmp_path):
    write_rows(tmp_path / "a.parquet", [row("s1", 0, x=1)])
    write_rows(tmp_path / "b.parquet", [row("s2", 0, x=1.5)])
    with pytest.raises(SourceError, match="attribute 'x' is float64, elsewhere it is int64"):
        import_sessions([tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path / "store")


def test_whole_and_broken_numbers_of_json_are_one_type(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row("s1", 0, x=1)])
    write_ndjson(tmp_path / "b.ndjson", [row("s2", 0, x=1.5)])
    import_sessions([tmp_path / "a.ndjson", tmp_path / "b.ndjson"], tmp_path / "store")
    assert [r["x"] for r in stored_rows(tmp_path / "store")] == [comparable(1.0), comparable(1.5)]


def test_whole_numbers_that_broken_ones_would_round_are_refused(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row("s1", 0, x=2**53 + 1)])
    write_ndjson(tmp_path / "b.ndjson", [row("s2", 0, x=1.5)])
    with pytest.raises(SourceError, match="'x'") as caught:
        import_sessions([tmp_path / "a.ndjson", tmp_path / "b.ndjson"], tmp_path / "store")
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("first", ["finite", "NaN"])
def test_the_type_of_an_attribute_does_not_depend_on_the_batch(tmp_path, first):
    """More rows than a batch has: one kind of text fills the first batch, the other the second."""
    kinds = {"finite": 1.5, "NaN": "NaN"}
    other = kinds["NaN" if first == "finite" else "finite"]
    rows = [row("s1", i, x=kinds[first] if i < 16_500 else other) for i in range(17_000)]
    import_sessions(write_ndjson(tmp_path / "a.ndjson", rows), tmp_path / "store")
    column = stored_table(tmp_path / "store").column("x")
    assert str(column.type) == "double"
    values = np.asarray(column)
    assert np.isnan(values).sum() == (500 if first == "finite" else 16_500)
    assert (values == 1.5).sum() == (16_500 if first == "finite" else 500)


def test_sessions_may_have_different_attributes(tmp_path):
    rows = [row("s1", 0, robot="r1"), row("s2", 0, site=3), row("s3", 0)]
    import_sessions(write_ndjson(tmp_path / "a.ndjson", rows[:2]), tmp_path / "store")
    import_sessions(write_ndjson(tmp_path / "b.ndjson", rows[2:]), tmp_path / "store")
    assert stored_rows(tmp_path / "store") == as_stored(rows)
    export_measurements(tmp_path / "store", tmp_path / "out")
    exported = [json.loads(line) for line in only(tmp_path / "out", "measurements_*").open(encoding="utf-8")]
    assert exported == [{**dict.fromkeys(["robot", "site"]), **r} for r in exported]
    assert [(r["robot"], r["site"]) for r in exported] == [("r1", None), (None, 3), (None, None)]


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_column_of_nulls_gets_its_type_when_a_value_comes(tmp_path, name):
    first = write_rows(tmp_path / name, [row("s1", 0, x=None), row("s1", 1, x=None)], x=pa.null())
    import_sessions(first, tmp_path / "store")
    export_measurements(tmp_path / "store", tmp_path / "nulls")
    lines = only(tmp_path / "nulls", "measurements_*").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["x"] for line in lines] == [None, None]
    import_sessions(write_ndjson(tmp_path / "later.ndjson", [row("s2", 0, x=7)]), tmp_path / "store")
    export_measurements(tmp_path / "store", tmp_path / "typed")
    lines = only(tmp_path / "typed", "measurements_*").read_text(encoding="utf-8").splitlines()
    assert sorted(str(json.loads(line)["x"]) for line in lines) == ["7", "None", "None"]


def test_a_session_may_have_no_measurements(tmp_path):
    (tmp_path / "a.ndjson").write_bytes(b"")
    (tmp_path / "a.session.json").write_text(json.dumps(RECORD | {"measurement_count": 0}), encoding="utf-8")
    (tmp_path / "b.csv").write_text(",".join(CORE) + "\n", encoding="utf-8")
    record = {"session_id": "s2", "started_at": "2026-11-24T15:00:00Z"}
    (tmp_path / "b.session.json").write_text(json.dumps(record), encoding="utf-8")
    report = import_sessions([tmp_path / "a.ndjson", tmp_path / "b.csv"], tmp_path / "store")
    assert (report.imported, report.rows) == (("s2", "s1"), 0)
    listed = list_sessions(tmp_path / "store")
    assert [(s["session_id"], s["measurement_count"], s["first_timestamp"]) for s in listed] == [
        ("s2", 0, None),
        ("s1", 0, None),
    ]
    assert listed[1]["configuration"] == RECORD["configuration"]
    import_sessions(write_ndjson(tmp_path / "c.ndjson", [row("s3", 0)]), tmp_path / "store")
    report = export_measurements(tmp_path / "store", tmp_path / "out", scope="per-session")
    assert sorted(file.rows for file in report.files if "session-" in file.name) == [0, 0, 1]


def test_a_session_without_rows_needs_a_start(tmp_path):
    (tmp_path / "a.ndjson").write_bytes(b"")
    (tmp_path / "a.session.json").write_text('{"session_id": "s1"}', encoding="utf-8")
    with pytest.raises(SourceError, match="--started-at"):
        import_sessions(tmp_path / "a.ndjson", tmp_path / "store")
    import_sessions(tmp_path / "a.ndjson", tmp_path / "store", started_at="2026-11-24T15:00:00Z")
    assert record_of(tmp_path / "store")["started_at"] == "2026-11-24T15:00:00.000000Z"


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "20", "-3"], "int64"),
        (["0", "9223372036854775807", "-9223372036854775808"], "int64"),
        (["1.5", "-0.0", "1e-07", "1e+16", "NaN", "inf", "-inf"], "double"),
        (["true", "false"], "bool"),
        (["007", "1"], "string"),
        (["1.10", "2.5"], "string"),
        (["+1", "2"], "string"),
        (["1e5", "2.5"], "string"),
        (["-0", "1"], "string"),
        (["1.", "2"], "string"),
        ([".5", "2"], "string"),
        (["0x10", "2"], "string"),
        (["1_000", "2"], "string"),
        (["\N{ARABIC-INDIC DIGIT ONE}", "2"], "string"),
        (["9223372036854775808", "1"], "string"),
        (["9007199254740993", "1.5"], "string"),
        (["0.1000000000000000055511151231257827", "1.5"], "string"),
        (["NaN", "robot"], "string"),
        (["inf", "x"], "string"),
        (["nan", "1.5"], "string"),
        (["Infinity", "1.5"], "string"),
        (["1e999", "1.5"], "string"),
        (["True", "false"], "string"),
        (["true", "1"], "string"),
        (["null", "1"], "string"),
        ([" 1", "2"], "string"),
        (["1 ", "2"], "string"),
        (["", "1"], "string"),
        (["2026-11-24T16:00:00Z", "2026-11-24"], "string"),
    ],
    ids=str,
)
def test_a_text_of_csv_is_a_number_only_where_it_is_written_as_we_write_it(tmp_path, texts, kind):
    rows = [row("s1", i, x=text) for i, text in enumerate([*texts, None])]
    import_sessions(write_rows(tmp_path / "a.csv", rows), tmp_path / "store")
    column = stored_table(tmp_path / "store").column("x")
    assert str(column.type) == kind
    if kind == "string":
        assert column.to_pylist() == [*texts, None]
    else:
        # Written out again, each is the text it was.
        export_measurements(tmp_path / "store", tmp_path / "out", format="csv", columns=["x", "sequence"])
        lines = only(tmp_path / "out", "measurements_*").read_text(encoding="utf-8").splitlines()[1:]
        assert lines == [f"{text},{i}" for i, text in enumerate([*texts, ""])]


def test_the_empty_string_of_csv_is_no_null(tmp_path):
    text = (
        "session_id,sequence,timestamp,metric,value,unit,x,y\n"
        's1,0,2026-11-24T16:00:00Z,m,,"","",\n'
        's1,1,2026-11-24T16:00:00Z,m,1.5,,,""\n'
    )
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    import_sessions(tmp_path / "a.csv", tmp_path / "store")
    rows = [(r["value"], r["unit"], r["x"], r["y"]) for r in stored_rows(tmp_path / "store")]
    assert rows == [(None, "", "", None), (comparable(1.5), None, None, "")]


def test_a_text_attribute_of_the_store_stays_text_in_csv(tmp_path):
    import_sessions(write_ndjson(tmp_path / "a.ndjson", [row("s1", 0, robot="r1")]), tmp_path / "store")
    import_sessions(write_rows(tmp_path / "b.csv", [row("s2", 0, robot="42")]), tmp_path / "store")
    assert [r["robot"] for r in stored_rows(tmp_path / "store")] == ["r1", "42"]


@pytest.mark.parametrize("name", ["a.csv", "a.ndjson"])
def test_a_text_may_be_longer_than_any_block(tmp_path, name):
    rows = [row("s1", 0, note="x"), row("s1", 1, note="ü" * 3_000_000), row("s1", 2, note="y")]
    import_sessions(write_rows(tmp_path / name, rows), tmp_path / "store")
    assert stored_rows(tmp_path / "store") == as_stored(rows)


def test_a_csv_file_may_have_a_byte_order_mark_and_windows_line_ends(tmp_path):
    rows = [row("s1", 0, x="a"), row("s1", 1, x="b\nc")]
    data = csv_text(rows).replace("\n", "\r\n").replace("b\r\nc", "b\nc")
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf" + data.encode())
    import_sessions(tmp_path / "a.csv", tmp_path / "store")
    assert stored_rows(tmp_path / "store") == as_stored(rows)


def test_lines_may_lack_keys_be_blank_and_have_them_in_any_order(tmp_path):
    first = '{"x": 1, "value": null, "metric": "m", "sequence": 0, "session_id": "s1", '
    text = f'\ufeff{first}"timestamp": "2026-11-24T16:00:00Z"}}\n\n   \n' + json.dumps(row("s1", 1, y="z"))
    (tmp_path / "a.ndjson").write_text(text, encoding="utf-8")
    import_sessions(tmp_path / "a.ndjson", tmp_path / "store")
    rows = [(r["value"], r["unit"], r["x"], r["y"]) for r in stored_rows(tmp_path / "store")]
    assert rows == [(None, None, 1, None), (comparable(1.5), "ms", None, "z")]


HOSTILE_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
FLOATS = st.floats() | st.sampled_from([1e16, 1e-5, 123456789012345680.0, 5e-324, -0.0])
ATTRIBUTE_VALUES = {
    "text": HOSTILE_TEXT | st.sampled_from(["NaN", "Infinity", "null", "1", "true", '"', "%s"]),
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": FLOATS,
    "bool": st.booleans(),
}
# Names that mean something to SQL or to the sorting engine, beside any text at all.
COLUMN_NAMES = (HOSTILE_TEXT | st.sampled_from(["rowid", "row", "starts", "start", "%s", '"', "a b", "{}"])).filter(
    lambda name: name != "" and name.lower() not in CORE
)
TIMES = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999_999))  # noqa: DTZ001 - naive on purpose


def as_json(value):
    """A value as its text forms have it: non-finite numbers are strings."""
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN
        return "NaN"
    return (
        {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, value) if isinstance(value, float) else value
    )


@st.composite
def hostile_rows(draw):
    kinds = draw(
        st.dictionaries(COLUMN_NAMES, st.sampled_from(sorted(ATTRIBUTE_VALUES)), max_size=3).filter(
            lambda names: len({name.casefold() for name in names}) == len(names)
        )
    )
    ids = draw(st.lists(HOSTILE_TEXT.filter(bool) | st.just("x" * 128), min_size=1, max_size=3, unique=True))
    rows = []
    for session_id in ids:
        for sequence in draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4, unique=True)):
            fixed = {
                "session_id": session_id,
                "sequence": sequence,
                "timestamp": draw(TIMES).isoformat(timespec="microseconds") + "Z",
                "metric": draw(HOSTILE_TEXT),
                "value": as_json(draw(st.none() | FLOATS)),
                "unit": draw(st.none() | HOSTILE_TEXT),
            }
            extra = {n: as_json(draw(st.none() | ATTRIBUTE_VALUES[kind])) for n, kind in kinds.items()}
            rows.append(fixed | extra)
    return draw(st.permutations(rows))


def in_order(rows):
    """Rows in the order of the model: by start of the session, its id, and the sequence."""
    starts = {}
    for r in sorted(rows, key=lambda r: r["sequence"], reverse=True):
        starts[r["session_id"]] = r["timestamp"]
    return sorted(rows, key=lambda r: (starts[r["session_id"]], r["session_id"], r["sequence"]))


@settings(max_examples=40)
@given(rows=hostile_rows())
def test_what_was_imported_is_exported_byte_for_byte(rows):
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        import_sessions(write_ndjson(directory / "a.ndjson", rows), directory / "store")
        export_measurements(directory / "store", directory / "out", sync=False)
        written = only(directory / "out", "measurements_*").read_bytes()
    lines = [json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n" for r in in_order(rows)]
    assert written.decode() == "".join(lines)


@settings(max_examples=15)
@given(rows=hostile_rows())
def test_hostile_rows_pass_through_csv_parquet_and_arrow_unchanged(rows):
    """Text that looks like a number is one in CSV, so there the digests of text columns are not compared."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        import_sessions(write_ndjson(directory / "a.ndjson", rows), directory / "store")
        wanted = {s["session_id"]: s["content_digest"] for s in list_sessions(directory / "store")}
        for kind in ("parquet", "arrow", "csv"):
            columns = [*CORE] if kind == "csv" else None
            export_measurements(directory / "store", directory / kind, format=kind, sync=False, columns=columns)
            import_sessions(only(directory / kind, "measurements_*"), directory / f"{kind}-store")
            found = {s["session_id"]: s["content_digest"] for s in list_sessions(directory / f"{kind}-store")}
            if kind == "csv":
                import_sessions(
                    write_ndjson(directory / "core.ndjson", [{n: r[n] for n in CORE} for r in rows]),
                    directory / "core-store",
                )
                wanted = {s["session_id"]: s["content_digest"] for s in list_sessions(directory / "core-store")}
            assert found == wanted, kind


@pytest.mark.parametrize(
    ("kind", "compression"),
    [
        ("ndjson", "none"),
        ("ndjson", "gzip"),
        ("ndjson", "zstd"),
        ("csv", "none"),
        ("csv", "gzip"),
        ("csv", "zstd"),
        ("parquet", "zstd"),
        ("parquet", "none"),
        ("arrow", "none"),
        ("arrow", "zstd"),
    ],
)
@pytest.mark.parametrize("scope", ["cross-session", "per-session"])
def test_our_own_files_can_be_imported_again(fixture_store, tmp_path, kind, compression, scope):
    export_measurements(fixture_store, tmp_path / "out", format=kind, compression=compression, scope=scope, sync=False)
    import_sessions(str(tmp_path / "out" / "measurements_*"), tmp_path / "store")
    figures = (
        "content_digest",
        "measurement_count",
        "null_count",
        "metrics",
        "first_timestamp",
        "last_timestamp",
    )
    wanted = {s["session_id"]: [s[f] for f in figures] for s in list_sessions(fixture_store)}
    assert {s["session_id"]: [s[f] for f in figures] for s in list_sessions(tmp_path / "store")} == wanted


def test_json_lines_is_another_name_of_ndjson(tmp_path):
    for name in ("a.ndjson", "a.jsonl"):
        import_sessions(write_rows(tmp_path / name, TWO_SESSIONS), tmp_path / f"{name}-store")
    stores = [stored_rows(tmp_path / f"{name}-store") for name in ("a.ndjson", "a.jsonl")]
    assert stores[0] == stores[1]


TELEOPERATION = SHARED / "teleoperation"
recorded = pytest.mark.skipif(not TELEOPERATION.is_dir(), reason=f"the recordings are not at {TELEOPERATION}")


@recorded
def test_the_recorded_sessions_give_the_fixture_store(tmp_path):
    report = import_sessions(str(TELEOPERATION / "*.ndjson"), tmp_path / "store")
    assert len(report.imported) == 11
    assert list_sessions(tmp_path / "store") == list_sessions(FIXTURE_STORE)
    for session_id in report.imported:
        here, there = record_of(tmp_path / "store", session_id), record_of(FIXTURE_STORE, session_id)
        assert {**here, "bytes": 0} == {**there, "bytes": 0}


@recorded
def test_every_row_of_the_fixture_store_is_one_that_was_recorded():
    checked = 0
    for path in sorted(TELEOPERATION.glob("*.ndjson")):
        lines = [json.loads(line) for line in path.open(encoding="utf-8")]
        (file,) = (FIXTURE_STORE / "sessions" / path.stem).glob("measurements-*.parquet")
        frame = pl.read_parquet(file).with_columns(pl.col("timestamp").dt.epoch("us"))
        assert frame.columns == list(lines[0])
        wanted = [{**line, "timestamp": microseconds(line["timestamp"])} for line in lines]
        assert frame.to_dicts() == wanted
        checked += len(wanted)
    assert checked == 24_553


def test_the_command_says_what_it_imported(tmp_path):
    source = write_ndjson(tmp_path / "a.ndjson", [row("s1", 0, timestamp="2026-11-24T16:00:00.1234567Z"), row("s2", 0)])
    result = pipeline("import", source, "--to", tmp_path / "store", "--json")
    assert result.status == 0
    report = json.loads(result.out)
    assert (report["imported"], report["rows"], report["dropped_digits"]) == (["s2", "s1"], 2, 1)
    assert "warning: 1 time had digits below the store's unit" in result.err
    again = pipeline("import", source, "--to", tmp_path / "store", "--if-exists", "skip", "--quiet")
    assert (again.status, again.out, again.err) == (0, "", "")
    result = pipeline("import", source, "--to", tmp_path / "other", "--session-id", "s1")
    assert result.status == 3
    assert "rows are of session 's2', not of 's1'" in result.err


POLARS_FILES = {
    "a.arrow": lambda frame, path: frame.write_ipc(path),
    "compressed/a.arrow": lambda frame, path: frame.write_ipc(path, compression="zstd"),
    "sunk/a.arrow": lambda frame, path: frame.lazy().sink_ipc(path),
    "oldest/a.arrow": lambda frame, path: frame.write_ipc(path, compat_level=pl.CompatLevel.oldest()),
    "a.arrows": lambda frame, path: frame.write_ipc_stream(path),
    "a.parquet": lambda frame, path: frame.write_parquet(path),
}


@pytest.mark.parametrize("repeated", [pl.String, pl.Categorical, pl.Enum(["s1", "s2", "m", "é", "ms"])], ids=str)
@pytest.mark.parametrize("name", POLARS_FILES)
def test_files_of_polars_are_read(tmp_path, name, repeated):
    texts = ("session_id", "metric", "unit", "link")
    rows = [
        row(f"s{1 + i // 40}", i, metric="m", value=i / 7, unit="ms" if i % 3 else None, link="é" if i % 2 else None)
        for i in range(80)
    ]
    frame = pl.DataFrame(rows).with_columns(
        pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC"), pl.col(texts).cast(repeated)
    )
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    POLARS_FILES[name](frame, path)
    export_measurements(path, tmp_path / "out")
    (written,) = (tmp_path / "out").glob("measurements_*.ndjson")
    assert [json.loads(line) for line in written.read_text(encoding="utf-8").splitlines()] == rows
