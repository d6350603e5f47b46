"""DuckDB connections on a source, for notebooks, and the `query` command on one that is locked down."""

from __future__ import annotations

import csv
import datetime as dt
import gc
import hashlib
import io
import json
import shutil
import subprocess
import sys
import threading

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from conftest import FIXTURE_STORE, row, write_ndjson

import pipeline as package
from pipeline.cli import main

FORMATS = ["store", "parquet", "unordered parquet", "csv", "ndjson", "arrow", "duckdb"]
COLUMNS = ["session_id", "sequence", "timestamp", "metric", "value", "unit"]
ATTRIBUTES = {"robot": "VARCHAR", "tries": "BIGINT", "ratio": "DOUBLE", "ok": "BOOLEAN", "zone": "VARCHAR"}


def sample_rows():
    """Rows of two sessions; of the attributes one session lacks `zone`."""
    rows = []
    for session_id in ("a", "b"):
        for at in range(5):
            attributes = {"robot": [None, "r1"][at % 2], "tries": at * 10**15, "ratio": at / 8, "ok": at > 2}
            attributes["zone"] = f"z{at}" if session_id == "b" else None
            value = None if at == 3 else at * 1.5
            rows.append(row(session_id, at, value=value, unit=[None, "ms"][at % 2], **attributes))
    return rows


def arrow_table(rows, unit="us"):
    """Rows as pyarrow types of the model."""
    names = list(dict.fromkeys(name for r in rows for name in r))
    columns = {name: [r.get(name) for r in rows] for name in names}
    times = [dt.datetime.fromisoformat(text) for text in columns["timestamp"]]
    arrays = {name: pa.array(values) for name, values in columns.items() if name != "timestamp"}
    arrays["timestamp"] = pa.array(times, pa.timestamp(unit, "UTC"))
    arrays["value"] = pa.array(columns["value"], pa.float64())
    arrays["unit"] = pa.array(columns["unit"], pa.string())
    return pa.table({name: arrays[name] for name in names})


RECORDS = [
    {
        "session_id": session_id,
        "started_at": "2026-11-24T16:00:00Z",
        "harness": {"name": "probe", "version": "2"},
        "configuration": {"net": {"name": f"net-{session_id}", "rates": [1, 2]}},
        "attributes": {},
    }
    for session_id in ("a", "b")
]


def make_source(kind, directory, rows=None):
    """The same rows as a source of some kind, written by others."""
    rows = rows or sample_rows()
    directory.mkdir(parents=True, exist_ok=True)
    table = arrow_table(rows)
    path = directory / f"source.{kind.split()[-1]}"
    if kind == "store":
        write_ndjson(path.with_suffix(".ndjson"), rows)
        path.with_suffix(".session.json").write_text(json.dumps(RECORDS), encoding="utf-8")
        package.import_sessions(path.with_suffix(".ndjson"), path)
        return path
    if kind == "parquet":
        pq.write_table(table, path)
    elif kind == "unordered parquet":
        pq.write_table(table.take(list(range(len(rows)))[::-1]), path)
    elif kind == "csv":
        text = table.set_column(2, "timestamp", pa.array([r["timestamp"] for r in rows]))
        pv.write_csv(text, path)
    elif kind == "ndjson":
        write_ndjson(path, rows)
    elif kind == "arrow":
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table, max_chunksize=3)
    else:
        with duckdb.connect(str(path)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.from_arrow(table).create("measurements")
    path.with_suffix(".session.json").write_text(json.dumps(RECORDS), encoding="utf-8")
    return path


def expected_rows():
    """Rows as DuckDB gives them."""
    names = [*COLUMNS, *ATTRIBUTES]
    return [tuple(dt.datetime.fromisoformat(r[n]) if n == "timestamp" else r[n] for n in names) for r in sample_rows()]


ALL = f"SELECT {', '.join([*COLUMNS, *ATTRIBUTES])} FROM measurements ORDER BY session_id, sequence"


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


def null_store(directory, rows):
    """A store of rows without session records."""
    package.import_sessions(write_ndjson(directory / "n.ndjson", rows), directory / "store")
    return directory / "store"


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


class Query:
    """Runs the command in this process."""

    def __init__(self, capture, source=FIXTURE_STORE):
        self._capture = capture
        self._source = source

    def __call__(self, sql, *options, source=None):
        status = main(["query", str(source or self._source), sql, *options])
        out, err = self._capture.readouterr()
        return status, out.decode(), err.decode()

    def rows(self, sql, format="json", source=None):  # noqa: A002 - the option's name
        status, out, err = self(sql, "--format", format, source=source)
        assert (status, err) == (0, "")
        if format == "csv":
            return list(csv.reader(io.StringIO(out, newline="")))
        if format == "ndjson":
            return [json.loads(line) for line in out.splitlines()]
        return json.loads(out) if format == "json" else out.splitlines()


@pytest.fixture
def query(capsysbinary):
    """Run `pipeline query` on the recorded store."""
    return Query(capsysbinary)


COUNT = "SELECT metric, count(*) AS n, max(value) AS most FROM measurements GROUP BY metric ORDER BY metric"


def test_query_gives_the_same_rows_in_every_format(query):
    files = sorted(FIXTURE_STORE.glob("sessions/*/measurements-*.parquet"))
    frame = pl.concat([pl.read_parquet(file) for file in files], how="diagonal")
    expected = frame.group_by("metric").agg(pl.len().alias("n"), pl.col("value").max().alias("most")).sort("metric")
    assert query.rows(COUNT, "json") == query.rows(COUNT, "ndjson") == expected.to_dicts()
    texts = [["metric", "n", "most"], *([m, str(n), repr(most)] for m, n, most in expected.rows())]
    assert query.rows(COUNT, "csv") == texts
    header, rule, *lines = query.rows(COUNT, "table")
    assert header.split() == ["metric", "n", "most"]
    assert set(rule) == {"-", " "}
    assert [line.split() for line in lines] == texts[1:]


def test_query_takes_sources_of_any_kind(query, tmp_path):
    for kind in FORMATS:
        source = make_source(kind, tmp_path / kind.replace(" ", "-"))
        found = query.rows("SELECT count(*) AS n, sum(tries) AS tries FROM measurements", source=source)
        assert found == [{"n": 10, "tries": 2 * 10**16}], kind
        named = "SELECT configuration->'net'->>'name' AS name FROM sessions ORDER BY 1"
        assert query.rows(named, source=source) == [{"name": "net-a"}, {"name": "net-b"}]


ODD_TYPES = [
    ("sum(sequence)", 27_397_884),
    ("9223372036854775807::HUGEINT", 2**63 - 1),
    ("(-128)::TINYINT", -128),
    ("4294967295::UINTEGER", 4_294_967_295),
    ("1.25::DECIMAL(10, 3)", 1.25),
    ("0.5::FLOAT", 0.5),
    ("'nan'::DOUBLE", "NaN"),
    ("'-inf'::DOUBLE", "-Infinity"),
    ("1e400", "Infinity"),
    ("-0.0::DOUBLE", -0.0),
    ("NULL", None),
    ("NULL::INTEGER", None),
    ("NULL::INTEGER[]", None),
    ("NULL::TIMESTAMPTZ", None),
    ("true", True),
    ("DATE '2026-02-28'", "2026-02-28"),
    ("TIME '12:34:56'", "12:34:56"),
    ("TIMESTAMP '2026-02-28 12:00:00'", "2026-02-28 12:00:00"),
    ("TIMESTAMPTZ '2026-02-28 12:00:00.5Z'", "2026-02-28T12:00:00.500000Z"),
    ("INTERVAL 90 MINUTE", "01:30:00"),
    ("'00000000-0000-0000-0000-000000000001'::UUID", "00000000-0000-0000-0000-000000000001"),
    ("'b'::ENUM ('a', 'b')", "b"),
    ("'101'::BIT", "101"),
    ("'text'", "text"),
    ("''", ""),
    ("'😀 \" , \\ é'", '😀 " , \\ é'),
    ("'a' || chr(10) || 'b'", "a\nb"),
]
NESTED = [
    ("[1, NULL, 3]", [1, None, 3]),
    ("{'a': 1, 'b': {'c': 'x'}}", {"a": 1, "b": {"c": "x"}}),
    ("[1.5, 'nan'::DOUBLE, 'inf'::DOUBLE]", [1.5, "NaN", "Infinity"]),
    ("{'a': '-inf'::DOUBLE}", {"a": "-Infinity"}),
    ("[]", []),
    ("['é\"😀']", ['é"😀']),
    ("{'a': [true, NULL]}", {"a": [True, None]}),
    ('\'{"k": [1, "x"]}\'::JSON', {"k": [1, "x"]}),
]


@pytest.mark.parametrize(("sql", "value"), ODD_TYPES, ids=[sql for sql, _ in ODD_TYPES])
def test_query_gives_a_text_for_every_type(query, sql, value):
    select = f"SELECT {sql} AS x" + (" FROM measurements" if "sequence" in sql else "")
    for format in ("json", "ndjson"):  # noqa: A001 - the option's name
        found = query.rows(select, format)
        assert found == [{"x": value}]
        assert repr(found[0]["x"]) == repr(value)
    # Beside another column: a line of one null would be an empty line.
    header, cells = query.rows(select.replace(" AS x", " AS x, 1 AS y"), "csv")
    assert header == ["x", "y"]
    special = {True: "true", None: "", "NaN": "NaN", "Infinity": "inf", "-Infinity": "-inf"}
    assert cells == [special.get(value, value if isinstance(value, str) else repr(value)), "1"]
    status, out, err = query(select)
    assert (status, err) == (0, "")
    assert len(out.splitlines()) == 3


@pytest.mark.parametrize(("sql", "value"), NESTED, ids=[sql for sql, _ in NESTED])
def test_query_gives_json_for_what_is_nested(query, sql, value):
    def strict(name):
        raise AssertionError(f"{name} is no JSON")

    for format in ("json", "ndjson", "csv"):  # noqa: A001 - the option's name
        found = query.rows(f"SELECT {sql} AS x", format)
        text = found[1][0] if format == "csv" else found[0]["x"]
        assert json.loads(text, parse_constant=strict) == value


@pytest.mark.parametrize(
    "sql",
    [
        "MAP {'a': 1, 'b': 2}",
        "union_value(number := 1)",
        "'\\xAA'::BLOB",
        "[DATE '2026-01-01']",
        "{'t': TIMESTAMPTZ '2026-01-01 00:00:00Z', 'i': INTERVAL 1 DAY, 'd': 1.5::DECIMAL(4, 2)}",
        "[{'a': [1::HUGEINT]}]",
        "12345678901234567890123456789012345678901234567890::BIGNUM",
        "['\\xAA'::BLOB]",
        "array_value(1, 2, 3)",
        "now()",
        "epoch_ms(0)",
        "make_timestamp_ns(1)",
        "'2026-01-01'::TIMESTAMP_S",
        "'12:00:00+02'::TIMETZ",
    ],
)
@pytest.mark.parametrize("format", ["table", "json", "csv"])
def test_query_has_an_answer_for_rare_types(query, sql, format):  # noqa: A002 - the option's name
    status, out, err = query(f"SELECT {sql} AS x", "--format", format)
    assert (status, err) == (0, "")
    assert "x" in out
    if format == "json":
        assert isinstance(json.loads(out)[0]["x"], str)


def test_query_writes_both_columns_of_one_name_or_refuses(query):
    sql = "SELECT 1 AS a, 2 AS a, NULL AS a"
    assert query.rows(sql, "csv") == [["a", "a", "a"], ["1", "2", ""]]
    assert query.rows(sql, "table")[2].split() == ["1", "2"]
    for format in ("json", "ndjson"):  # noqa: A001 - the option's name
        # An object cannot have a key twice: readers keep one of the values.
        status, out, err = query(sql, "--format", format)
        assert status == 2
        assert out == ""
        assert "'a'" in err


@pytest.mark.parametrize("format", ["table", "csv", "json", "ndjson"])
def test_query_without_rows_is_valid(query, format):  # noqa: A002 - the option's name
    found = query.rows("SELECT metric, value FROM measurements WHERE false", format)
    assert found == {"table": found, "csv": [["metric", "value"]], "json": [], "ndjson": []}[format]
    if format == "table":
        assert found[0].split() == ["metric", "value"]
        assert len(found) == 2


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS x;",
        "/* c */ SELECT 1 AS x -- d",
        "WITH t AS (SELECT 1 AS x) FROM t",
        "VALUES (1)",
        "FROM range(1)",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT n FROM t WHERE n = 1",
        "(SELECT 1)",
        "SELECT DISTINCT 1 FROM measurements",
        "SELECT * FROM (SELECT count(*) FROM sessions) WHERE true",
    ],
)
def test_query_takes_anything_that_selects(query, sql):
    assert len(query.rows(sql, "ndjson")) == 1


def test_query_in_a_table_shows_no_control_characters(query):
    _, out, _ = query("SELECT 'a' || chr(27) || '[2J' AS x, 'b' || chr(10) || 'c' AS y")
    assert "\x1b" not in out
    assert len(out.splitlines()) == 3
    _, out, _ = query('SELECT 1 AS "a\x1b[2Jb"')
    assert "\x1b" not in out


def test_query_refuses_a_table_for_too_many_rows(query):
    status, out, err = query("FROM range(100_000)")
    assert (status, out) == (2, "")
    assert "--format" in err
    assert len(query.rows("FROM range(100_000)", "ndjson")) == 100_000


def locked_statements(tmp_path):
    """Statements that reach for files, settings or anything but the source."""
    (tmp_path / "secret.csv").write_text("a\n1\n", encoding="utf-8")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "secret.parquet")
    with duckdb.connect(str(tmp_path / "secret.db")) as connection:
        connection.execute("CREATE TABLE a AS SELECT 1 AS a")
    data = next(tmp_path.glob("store/sessions/*/measurements-*.parquet"))
    out = tmp_path / "written"
    selects = [
        f"SELECT * FROM read_csv('{tmp_path}/secret.csv')",
        f"SELECT * FROM read_text('{tmp_path}/secret.csv')",
        f"SELECT * FROM read_blob('{tmp_path}/secret.csv')",
        f"SELECT * FROM read_parquet('{tmp_path}/secret.parquet')",
        f"SELECT * FROM read_json('{tmp_path}/secret.csv')",
        f"SELECT * FROM parquet_metadata('{tmp_path}/secret.parquet')",
        f"SELECT * FROM parquet_schema('{tmp_path}/secret.parquet')",
        f"SELECT * FROM sniff_csv('{tmp_path}/secret.csv')",
        f"SELECT * FROM glob('{tmp_path}/*')",
        f"SELECT * FROM '{tmp_path}/secret.csv'",
        f"SELECT * FROM '{tmp_path}/secret.parquet'",
        f"SELECT * FROM query('SELECT * FROM read_text(''{tmp_path}/secret.csv'')')",
        f"SELECT * FROM query_table('{tmp_path}/secret.parquet')",
        f"SELECT (SELECT count(*) FROM glob('{tmp_path}/*'))",
        f"SELECT * FROM read_blob('{data.parent}/session.json')",
        f"SELECT * FROM read_blob('{data}/../session.json')",
        f"SELECT * FROM read_parquet('{data.parent}/*.json')",
        f"SELECT * FROM read_text('{data}/../../../../secret.csv')",
        "SELECT * FROM read_csv('https://example.org/x.csv')",
        "SELECT * FROM read_text('/proc/self/environ')",
        "SELECT getenv('HOME')",
    ]
    others = [
        f"COPY measurements TO '{out}.csv'",
        f"COPY (SELECT 1) TO '{data}'",
        f"COPY (SELECT 1) TO '{data}' (USE_TMP_FILE false)",
        f"EXPLAIN ANALYZE COPY (SELECT 1) TO '{data}' (FORMAT parquet, USE_TMP_FILE false)",
        f"EXPLAIN ANALYZE COPY (SELECT 1) TO '{out}.parquet'",
        f"EXPORT DATABASE '{out}'",
        f"ATTACH '{tmp_path}/secret.db'",
        f"ATTACH '{out}.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 1",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET allowed_paths",
        "PRAGMA threads = 1",
        "PRAGMA enable_profiling",
        "CREATE TABLE t AS SELECT 1",
        "CREATE OR REPLACE VIEW measurements AS SELECT 1",
        "CREATE MACRO f() AS 1",
        "CREATE SECRET s (TYPE s3)",
        "INSERT INTO session_rows SELECT * FROM session_rows",
        "DELETE FROM session_rows",
        "DROP VIEW measurements",
        "ALTER VIEW measurements RENAME TO m",
        "EXPLAIN ANALYZE DROP VIEW measurements",
        "CHECKPOINT",
        "BEGIN",
        "VACUUM",
        "CALL pragma_version()",
        "SELECT 1; SELECT 2",
        f"SELECT 1; COPY measurements TO '{out}.csv'",
        "PREPARE p AS SELECT 1",
        "USE memory",
        f"IMPORT DATABASE '{tmp_path}'",
    ]
    return [*selects, *others]


def test_query_is_locked_down(tmp_path, query):
    store = make_source("store", tmp_path).rename(tmp_path / "store")
    statements = locked_statements(tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert len(statements) > 50
    for sql in statements:
        status, out, err = query(sql, source=store)
        assert status in {2, 3}, sql
        assert out == "", sql
        assert err.count("\n") == 1, sql
        assert "fault of the program" not in err, sql
        assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before, sql


def test_query_on_a_converted_source_is_locked_down_too(tmp_path, query):
    source = make_source("csv", tmp_path)
    for sql in (
        f"SELECT * FROM read_text('{source}')",
        f"SELECT * FROM read_csv('{source}')",
        "FROM glob('/tmp/*')",
    ):
        status, out, _ = query(sql, source=source)
        assert (status, out) == (2, ""), sql


def test_query_takes_no_names_from_python(query):
    frame = pl.DataFrame({"a": [1]})
    assert query("SELECT * FROM frame")[0] == 2
    assert frame.shape == (1, 1)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("", "SELECT"),
        ("   ", "SELECT"),
        ("-- nothing", "SELECT"),
        ("SELECT", "SELECT"),
        ("SELEC 1", "SELEC"),
        ("SELECT nope FROM measurements", "nope"),
        ("SELECT vale FROM measurements", "value"),
        ("SELECT * FROM measurement", "measurements"),
        ("SELECT error('boom\n\nwith lines')", "boom"),
        ("SELECT 'x'::INT", "x"),
        ("SELECT metric::INT FROM measurements", "token_validation"),
        ("SELECT 1 / 'a'", "a"),
        ("SELECT ?", "parameter"),
        ("SELECT $name", "parameter"),
        ("SELECT 170141183460469231731687303715884105727::HUGEINT", "range"),
        ("SELECT 'infinity'::TIMESTAMPTZ", "9999"),
        ("SELECT '20000-01-01'::TIMESTAMPTZ", "9999"),
        ("SELECT '0044-03-15 (BC)'::TIMESTAMPTZ", "9999"),
        ("SELECT '", "unterminated"),
    ],
)
@pytest.mark.parametrize("format", ["table", "csv", "json", "ndjson"])
def test_query_errors_are_one_line(query, sql, said, format):  # noqa: A002 - the option's name
    status, _, err = query(sql, "--format", format)
    assert status == 2
    assert err.startswith("pipeline: ")
    assert err.count("\n") == 1
    assert said in err
    assert "fault of the program" not in err


@pytest.mark.parametrize("damage", ["cut", "zeros"])
def test_query_of_a_damaged_store_is_a_source_error(tmp_path, query, damage):
    store = tmp_path / "store"
    shutil.copytree(FIXTURE_STORE, store)
    for path in store.glob("sessions/*/measurements-*.parquet"):
        data = path.read_bytes()
        half = len(data) // 2
        path.write_bytes(data[:8] if damage == "cut" else data[:4] + bytes(half) + data[half + 4 :])
    status, out, err = query("SELECT sum(value), max(metric) FROM measurements", source=store)
    assert status == 3
    assert out == ""
    assert err.count("\n") == 1
    if damage == "cut":
        with pytest.raises(package.SourceError):
            package.connect(store)


def test_query_of_nothing_is_a_source_error(tmp_path, query):
    status, out, err = query("SELECT 1", source=tmp_path / "nowhere")
    assert (status, out) == (3, "")
    assert err.count("\n") == 1


def test_query_obeys_memory_limit_and_threads(query):
    sql = "SELECT current_setting('threads') AS t, current_setting('memory_limit') AS m"
    status, out, err = query(sql, "--format", "json", "--threads", "1", "--memory-limit", "100MiB")
    assert (status, err) == (0, "")
    assert json.loads(out) == [{"t": 1, "m": "100.0 MiB"}]
    status, out, err = query("SELECT list(value) FROM measurements, range(400)", "--memory-limit", "40MB")
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert "fault of the program" not in err


def test_query_reads_times_in_utc_whatever_the_machine_says(query, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    found = query.rows("SELECT '2026-11-24 16:00:00'::TIMESTAMPTZ AS t, TIMESTAMPTZ '2026-11-24 16:00Z'::VARCHAR AS v")
    assert found == [{"t": "2026-11-24T16:00:00.000000Z", "v": "2026-11-24 16:00:00+00"}]
