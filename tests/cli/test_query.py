"""The `query` command: its formats and types, and a connection that is locked down."""

from __future__ import annotations

import csv
import io
import json
import shutil

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from project import FIXTURE_STORE
from sample_sources import FORMATS, make_source

import pipeline as package
from pipeline.cli import main


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
    ("MAP {'a': 'nan'::DOUBLE, 'b': '-inf'::DOUBLE}", [["a", "NaN"], ["b", "-Infinity"]]),
    ("MAP {'nan'::DOUBLE: [MAP {1: 'inf'::DOUBLE}]}", [["NaN", [[[1, "Infinity"]]]]]),
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


def test_a_table_shows_the_first_rows_and_says_how_many_there_are(query):
    *rows, note = query.rows("FROM range(100_000)", "table")[2:]
    assert [int(line) for line in rows] == list(range(100))
    assert "the first 100 of 100,000 rows" in note
    assert "--to FILE" in note
    assert len(query.rows("FROM range(100)", "table")) == 102
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
        "INSERT INTO pipeline_rows.sessions FROM pipeline_rows.sessions",
        "DELETE FROM pipeline_rows.sessions",
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
