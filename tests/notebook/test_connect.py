"""DuckDB connections on a source, for notebooks."""

from __future__ import annotations

import datetime as dt
import gc
import hashlib
import json
import shutil
import subprocess
import sys
import threading

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from project import FIXTURE_STORE
from sample_sources import (
    ALL,
    ATTRIBUTES,
    COLUMNS,
    FORMATS,
    arrow_table,
    expected_rows,
    make_source,
    null_store,
    sample_rows,
)
from samples import row, write_ndjson

import pipeline as package


@pytest.mark.parametrize("kind", FORMATS)
def test_measurements_are_a_view_of_any_source(tmp_path, kind):
    connection = package.connect(make_source(kind, tmp_path))
    assert connection.sql("FROM measurements").columns == [*COLUMNS, *ATTRIBUTES]
    types = [str(kind) for kind in connection.sql("FROM measurements").types]
    core = ["VARCHAR", "BIGINT", "TIMESTAMP WITH TIME ZONE", "VARCHAR", "DOUBLE", "VARCHAR"]
    assert types == [*core, *ATTRIBUTES.values()]
    assert connection.execute(ALL).fetchall() == expected_rows()
    views = "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1"
    assert [name for (name,) in connection.execute(views).fetchall()] == ["measurements", "sessions"]
    assert connection.execute("SHOW TABLES").fetchall() == [("measurements",), ("sessions",)]
    undescribed = (
        "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal AND comment IS NULL"
    )
    assert connection.execute(undescribed).fetchall() == []


@pytest.mark.parametrize("kind", FORMATS)
def test_sessions_are_a_view_with_json_configuration(tmp_path, kind):
    connection = package.connect(make_source(kind, tmp_path))
    found = connection.execute(
        """SELECT session_id, configuration->'net'->>'name', (configuration->>'$.net.rates[1]')::INT,
            harness_name, measurement_count, null_count, started_at
        FROM sessions ORDER BY session_id"""
    ).fetchall()
    start = dt.datetime(2026, 11, 24, 16, tzinfo=dt.UTC)
    assert found == [(s, f"net-{s}", 2, "probe", 5, 1, start) for s in ("a", "b")]
    kinds = dict(connection.execute("SELECT column_name, column_type FROM (DESCRIBE sessions)").fetchall())
    assert {kinds[name] for name in ("configuration", "attributes", "metrics")} == {"JSON"}
    joined = "SELECT count(*) FROM measurements JOIN sessions USING (session_id) WHERE unit IS NULL"
    assert connection.execute(joined).fetchall() == [(6,)]


@pytest.mark.parametrize("kind", FORMATS)
def test_cursors_and_threads_see_the_views(tmp_path, kind):
    connection = package.connect(make_source(kind, tmp_path))
    found = []

    def count():
        found.append(connection.cursor().execute("SELECT count(*), sum(value) FROM measurements").fetchall())

    threads = [threading.Thread(target=count) for _ in range(4)]
    # A cursor can read while a reader of the connection is open.
    reader = connection.sql("SELECT sequence FROM measurements").to_arrow_reader(1)
    next(reader)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[(10, 21.0)]] * 4


@pytest.mark.parametrize("kind", ["store", "csv", "unordered parquet"])
def test_a_cursor_outlives_the_connection_it_came_from(tmp_path, kind):
    cursor = package.connect(make_source(kind, tmp_path)).cursor()
    gc.collect()
    assert cursor.execute("SELECT count(*) FROM measurements").fetchall() == [(10,)]


@pytest.mark.parametrize("kind", ["store", "csv"])
def test_a_relation_outlives_the_connection_it_came_from(tmp_path, kind):
    relation = package.connect(make_source(kind, tmp_path)).sql("SELECT count(*) FROM measurements")
    gc.collect()
    assert relation.fetchall() == [(10,)]


def test_connecting_without_verification_reads_no_rows_of_a_store(tmp_path):
    store = tmp_path / "store"
    shutil.copytree(FIXTURE_STORE, store)
    for path in store.glob("sessions/*/measurements-*.parquet"):
        data = bytearray(path.read_bytes())
        data[4 : len(data) // 2] = bytes(len(data) // 2 - 4)
        path.write_bytes(data)
    connection = package.connect(store, verify=False)
    assert connection.execute("SELECT count(*) FROM sessions").fetchall() == [(11,)]
    with pytest.raises(duckdb.Error):
        connection.execute("SELECT sum(value) FROM measurements").fetchall()


def test_rows_are_read_when_a_query_runs(tmp_path):
    store = make_source("store", tmp_path)
    connection = package.connect(store)
    for path in store.glob("sessions/*/measurements-*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.slice(0, 2), path)
    assert connection.execute("SELECT count(*) FROM measurements").fetchall() == [(4,)]


def test_the_source_is_left_as_it_is(tmp_path):
    store = make_source("store", tmp_path)
    before = {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in store.rglob("*") if p.is_file()}
    connection = package.connect(store)
    connection.execute("CREATE TABLE own AS SELECT * FROM measurements")
    connection.execute("DELETE FROM own")
    for statement in ("DELETE FROM measurements", "UPDATE sessions SET session_id = 'x'"):
        with pytest.raises(duckdb.Error):
            connection.execute(statement)
    connection.close()
    assert {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in store.rglob("*") if p.is_file()} == before


def test_temporary_files_go_with_the_connection(tmp_path, monkeypatch):
    # In a process of its own: the files of connections that other tests hold live in the same place.
    script = f"""
import os, pipeline
connection = pipeline.connect({str(make_source("csv", tmp_path / "in"))!r})
assert connection.execute("SELECT count(*) FROM measurements").fetchall() == [(10,)]
assert os.listdir({str(tmp_path / "tmp")!r})
"""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    subprocess.run([sys.executable, "-c", script], check=True)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_recorded_rows_match_other_engines():
    connection = package.connect(FIXTURE_STORE)
    query = "SELECT metric, count(*), count(value), max(value) FROM measurements GROUP BY ALL ORDER BY ALL"
    files = sorted(FIXTURE_STORE.glob("sessions/*/measurements-*.parquet"))
    frame = pl.concat([pl.read_parquet(file) for file in files], how="diagonal")
    value = pl.col("value")
    expected = frame.group_by("metric").agg(pl.len(), value.count().alias("n"), value.max()).sort("metric")
    assert connection.execute(query).fetchall() == expected.rows()
    assert connection.sql("FROM measurements").pl().shape == frame.shape
    assert isinstance(connection.sql("FROM sessions").df(), pd.DataFrame)


def test_attributes_of_sessions_are_united(tmp_path):
    rows = [row("a", at, only_a=at, shared=1.5) for at in range(2)]
    rows += [row("b", at, only_b=True, shared=None) for at in range(2)]
    for r in rows:
        write_ndjson(
            tmp_path / "in" / f"{r['session_id']}.ndjson",
            [s for s in rows if s["session_id"] == r["session_id"]],
        )
    package.import_sessions(str(tmp_path / "in" / "*.ndjson"), tmp_path / "store")
    for source in (tmp_path / "store", str(tmp_path / "in" / "*.ndjson")):
        connection = package.connect(source)
        query = "SELECT session_id, only_a, only_b, shared FROM measurements ORDER BY session_id, sequence"
        expected = [
            ("a", 0, None, 1.5),
            ("a", 1, None, 1.5),
            ("b", None, True, None),
            ("b", None, True, None),
        ]
        assert connection.execute(query).fetchall() == expected
        assert connection.execute("SELECT sum(only_a) FROM measurements").fetchall() == [(1,)]


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet", "arrow", "duckdb", "store"])
def test_an_attribute_that_is_null_in_every_row_is_a_column(tmp_path, kind):
    rows = [row("a", at, nothing=None, something=at) for at in range(2)]
    connection = package.connect(make_source(kind, tmp_path, rows) if kind != "store" else null_store(tmp_path, rows))
    found = connection.execute("SELECT nothing, something FROM measurements ORDER BY sequence").fetchall()
    assert found == [(None, 0), (None, 1)]


@pytest.mark.parametrize("kind", ["parquet", "store", "ndjson", "unordered parquet"])
@pytest.mark.parametrize(
    "directory",
    ["robot=9", "session_id=z", "a[1]b", "a*b", "a?b", "q'uote", 'd"q', "per%cent", "ä 😀", "{x,y}", "a;b"],
)
def test_the_names_of_directories_mean_nothing(tmp_path, kind, directory):
    # Not a partition, not a pattern, not SQL.
    connection = package.connect(make_source(kind, tmp_path / directory))
    assert connection.execute(ALL).fetchall() == expected_rows()


def test_columns_that_sql_cannot_tell_apart_are_refused(tmp_path):
    # DuckDB would take one for the other, silently.
    source = write_ndjson(tmp_path / "a.ndjson", [row("a", 0, Value="text")])
    with pytest.raises(package.SourceError, match="'value' and 'Value'"):
        package.connect(source)


def test_hostile_attribute_names_are_columns(tmp_path):
    names = ['q"q', "a b", "select", "x;y--", "é😀", "%s", "1"]
    rows = [row("a", 0, **{name: f"value of {name}" for name in names})]
    connection = package.connect(write_ndjson(tmp_path / "a.ndjson", rows))
    relation = connection.sql("FROM measurements")
    assert relation.columns[6:] == names
    assert list(relation.fetchall()[0][6:]) == [f"value of {name}" for name in names]


def test_nanoseconds_are_kept(tmp_path):
    table = arrow_table(sample_rows()).to_pylist()
    times = pa.array([1_795_536_000_000_000_001 + at for at in range(10)], pa.int64())
    source = arrow_table(sample_rows()).set_column(2, "timestamp", times.view(pa.timestamp("ns", "UTC")))
    pq.write_table(source, tmp_path / "ns.parquet")
    connection = package.connect(tmp_path / "ns.parquet")
    found = connection.execute("SELECT min(epoch_ns(timestamp)), max(epoch_ns(timestamp)) FROM measurements")
    assert found.fetchall() == [(1_795_536_000_000_000_001, 1_795_536_000_000_000_010)]
    assert len(table) == 10


def test_times_without_a_zone_need_one(tmp_path):
    rows = [row("a", 0, timestamp="2026-06-01 12:00:00")]
    source = write_ndjson(tmp_path / "a.ndjson", rows)
    with pytest.raises(package.SourceError, match="timezone"):
        package.connect(source)
    connection = package.connect(source, timezone="Europe/Berlin")
    found = connection.execute("SELECT timestamp FROM measurements").fetchall()
    assert found == [(dt.datetime(2026, 6, 1, 10, tzinfo=dt.UTC),)]


@pytest.mark.parametrize("source", ["nowhere", "nowhere/*.ndjson", "broken.parquet", "broken.duckdb", "x.unknown"])
def test_a_source_that_cannot_be_read_is_a_source_error(tmp_path, source):
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    (tmp_path / "broken.duckdb").write_bytes(b"no database" * 1000)
    (tmp_path / "x.unknown").write_bytes(b"x")
    with pytest.raises(package.SourceError):
        package.connect(tmp_path / source)


def test_sessions_without_rows_are_in_the_views(tmp_path):
    path = write_ndjson(tmp_path / "a.ndjson", [])
    path.write_text("", encoding="utf-8")
    record = {"session_id": "empty", "started_at": "2026-11-24T16:00:00Z"}
    path.with_suffix(".session.json").write_text(json.dumps(record), encoding="utf-8")
    connection = package.connect(path)
    assert connection.execute("SELECT session_id, measurement_count FROM sessions").fetchall() == [("empty", 0)]
    assert connection.execute("SELECT * FROM measurements").fetchall() == []
