"""SQL of users reaches nothing but the rows it is about, whichever way it comes in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import cycle

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from directories import snapshot
from samples import row, write_ndjson

from pipeline import import_sessions
from pipeline.cli import main
from pipeline.notebook.views import connect_locked

SECRET = "secret-7f3a91"  # noqa: S105 - what must not be shown
# What reads something beside the rows, as it stands behind FROM; {at} is the directory of the secrets.
TABLES = [
    "read_csv('{at}/secret.csv')",
    "read_csv_auto('{at}/secret.csv')",
    "read_csv(['{at}/secret.csv'], columns = {{'a': 'VARCHAR'}}, auto_detect = false)",
    "read_text('{at}/secret.csv')",
    "read_text('{at}/*.csv')",
    "read_text('{at}/store/../secret.csv')",
    "read_text('file://{at}/secret.csv')",
    "read_blob('{at}/secret.csv')",
    "read_json('{at}/secret.json')",
    "read_json_auto('{at}/secret.json')",
    "read_json_objects('{at}/secret.json')",
    "read_ndjson('{at}/secret.json')",
    "read_ndjson_objects('{at}/secret.json')",
    "read_parquet('{at}/secret.parquet')",
    "parquet_scan('{at}/secret.parquet')",
    "parquet_schema('{at}/secret.parquet')",
    "parquet_metadata('{at}/secret.parquet')",
    "parquet_file_metadata('{at}/secret.parquet')",
    "parquet_kv_metadata('{at}/secret.parquet')",
    "sniff_csv('{at}/secret.csv')",
    "glob('{at}/*')",
    "'{at}/secret.csv'",
    '"{at}/secret.parquet"',
    "query('FROM read_text(''{at}/secret.csv'')')",
    "query_table('{at}/secret.parquet')",
    "read_text((SELECT '{at}/secret.csv'))",
    "read_text('/proc/self/environ')",
    "read_text('/proc/self/cmdline')",
    "read_csv('/dev/stdin')",
    "read_text('https://127.0.0.1:9/x')",
    "read_text('s3://bucket/x')",
    "json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{at}/secret.csv'')'))",
    "sqlite_scan('{at}/secret.db', 't')",
    "read_xlsx('{at}/secret.xlsx')",
]
# What changes something, as a statement.
STATEMENTS = [
    "COPY (SELECT 1) TO '{at}/written.csv'",
    "COPY (SELECT 1) TO '{at}/store/store.json'",
    "COPY (SELECT 1) TO '/dev/stdout'",
    "EXPORT DATABASE '{at}/written'",
    "IMPORT DATABASE '{at}'",
    "ATTACH '{at}/secret.db'",
    "ATTACH '{at}/written.db' AS w",
    "DETACH memory",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{at}/secret.csv'",
    "FORCE INSTALL json FROM '{at}'",
    "UPDATE EXTENSIONS",
    "SET enable_external_access = true",
    "SET allowed_directories = ['{at}']",
    "SET allowed_paths = ['{at}/secret.csv']",
    "SET lock_configuration = false",
    "SET memory_limit = '1TB'",
    "SET temp_directory = '{at}/written'",
    "SET GLOBAL threads = 64",
    "RESET enable_external_access",
    "PRAGMA enable_profiling",
    "PRAGMA profiling_output = '{at}/written'",
    "PRAGMA database_size",
    "CALL enable_logging(storage = 'file', storage_config = {{'path': '{at}/written'}})",
    "CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')",
    "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')",
    "DROP TABLE IF EXISTS session_rows",
    "DROP VIEW IF EXISTS measurements",
    "INSERT INTO session_rows FROM session_rows",
    "CREATE OR REPLACE MACRO count(x) AS 0",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{at}/written.csv'",
    "CHECKPOINT",
    "VACUUM",
]
# Texts that try to leave the place they stand in.
BREAKS = [
    "true) OR (true",
    "true)) --",
    "true) -- ",
    "true) /*",
    "true */ --",
    "true;",
    "true; SELECT 1",
    "true); SELECT 1; --",
    "(true",
    "true)",
    "((((true)))",
    "'",
    '"',
    "$$",
    "$x$ true",
    "true -- \n) UNION ALL SELECT",
    "true UNION SELECT true",
    "true LIMIT 1",
    "true ORDER BY 1",
    "true GROUP BY ALL",
    "true FROM range(3)",
    "true, true",
    "true AS x",
    "*",
    "?",
    "$1",
    ":x",
    "{{}}[1",
    "\0",
    "true\0; SELECT 1",
    "x" * 100_000,
    "(" * 20_000 + "true" + ")" * 20_000,
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A store, files with secrets beside it, and a file to import."""
    at = tmp_path_factory.mktemp("sql")
    write_ndjson(at / "a.ndjson", [row("s1", n) for n in range(5)])
    import_sessions(at / "a.ndjson", at / "store")
    (at / "secret.csv").write_text(f"a\n{SECRET}\n", encoding="utf-8")
    (at / "secret.json").write_text(f'{{"a": "{SECRET}"}}\n', encoding="utf-8")
    pq.write_table(pa.table({"a": [SECRET], SECRET: [1]}), at / "secret.parquet")
    with duckdb.connect(str(at / "secret.db")) as connection:
        connection.execute(f"CREATE TABLE t AS SELECT '{SECRET}' AS a")
    (at / "run.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    return at


def as_query(sql):
    return ["query", "{at}/store", sql]


def as_condition(command, option):
    to = [] if command == "sessions" else ["--to", "{at}/out"]
    return lambda sql: [command, "{at}/store", *to, option, sql]


def refused(arguments, place, capfd, *, said=None):
    """Run a command, which must be refused in one line and change nothing."""
    before = snapshot(place)
    status = main([word.replace("{at}", str(place)) for word in arguments])
    out, err = capfd.readouterr()
    assert status in {2, 3}, (arguments, out, err)
    assert out == ""
    assert err.count("\n") == 1, err
    assert "fault of the program" not in err
    assert SECRET not in err
    assert len(err) < 4000
    assert said is None or said in err
    assert snapshot(place) == before


CONDITIONS = {
    "export --where": as_condition("export", "--where"),
    "export --where-session": as_condition("export", "--where-session"),
    "statistics --where": as_condition("statistics", "--where"),
    "sessions --where-session": as_condition("sessions", "--where-session"),
}


@pytest.mark.parametrize("table", TABLES)
def test_a_query_reads_no_other_table(place, capfd, table):
    table = table.format(at=place)
    for sql in (
        f"FROM {table}",
        f"SELECT (SELECT count(*) FROM {table})",
        f"SELECT * FROM measurements WHERE EXISTS (FROM {table})",
    ):
        refused(as_query(sql), place, capfd)


@pytest.mark.parametrize("way", CONDITIONS)
@pytest.mark.parametrize("table", TABLES)
def test_a_condition_reads_no_table(place, capfd, way, table):
    table = table.format(at=place)
    refused(CONDITIONS[way](f"1 < (SELECT count(*) FROM {table})"), place, capfd)
    if way == "export --where":
        refused(CONDITIONS[way](f"true) AND EXISTS (FROM {table}"), place, capfd)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_is_refused_wherever_it_stands(place, capfd, statement):
    statement = statement.format(at=place)
    for sql in (statement, f"SELECT 1; {statement}", f"/* */ {statement} -- x"):
        refused(as_query(sql), place, capfd)
    ways = cycle(CONDITIONS.values())
    for sql in (statement, f"true; {statement}", f"true); {statement}; --", f"({statement})"):
        refused(next(ways)(sql), place, capfd)


@pytest.mark.parametrize("way", CONDITIONS)
@pytest.mark.parametrize("text", BREAKS, ids=range(len(BREAKS)))
def test_a_condition_cannot_leave_its_place(place, capfd, way, text):
    refused(CONDITIONS[way](text), place, capfd)


@pytest.mark.parametrize("option", ["--by", "--columns", "--exclude", "--session", "--redact"])
@pytest.mark.parametrize(
    "text", ['x" FROM measurements --', "metric; DROP VIEW x", "(SELECT 1)", "*", "../x", "\0", "'"]
)
def test_names_are_names_in_every_option(place, capfd, option, text):
    refused(["statistics", "{at}/store", "--to", "{at}/out", option, text], place, capfd)


MAPPINGS = [
    "value=a\" FROM read_text('{at}/secret.csv') --",
    "value=(SELECT 1)",
    "value=a'||b",
    "value=a,b",
    "value=*",
    "metric=x'); COPY (SELECT 1) TO '{at}/written",
    "time=a::VARCHAR",
    "unit=(FROM read_text('{at}/secret.csv'))",
]


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_mapping_names_columns(place, capfd, mapping):
    maps = ["--map", mapping] + ([] if mapping.startswith("value") else ["--map", "value=a"])
    refused(["import", "{at}/run.csv", "--to", "{at}/imported", *maps], place, capfd)


def test_a_unit_of_a_mapping_is_text(tmp_path, capfd):
    unit = "'||getvariable('file')||'"
    (tmp_path / "run.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert main(["import", str(tmp_path / "run.csv"), "--to", str(tmp_path / "s"), "--map", f"value=a:{unit}"]) == 0
    capfd.readouterr()
    assert main(["query", str(tmp_path / "s"), "SELECT unit FROM measurements", "--format", "csv"]) == 0
    assert unit in capfd.readouterr().out


IMPORTER = "-- format: csv\n-- name: {name}\n{sql}\n"
MEASUREMENTS = "-- name: measurements\nSELECT 'x' AS metric, 1 AS value FROM records"
SECTIONS = {
    "session": "-- format: csv\n-- name: session\nSELECT count(*)::VARCHAR AS started_at FROM {table}\n" + MEASUREMENTS,
    "prepare": "-- format: csv\n-- name: prepare\nCREATE TABLE t AS FROM {table}\n" + MEASUREMENTS,
    "prepare, a variable": "-- format: csv\n-- name: prepare\nSET VARIABLE x = (SELECT count(*) FROM {table})\n"
    + MEASUREMENTS,
    "measurements": "-- format: csv\n-- name: measurements\nSELECT 'x' AS metric, 1 AS value FROM {table}",
    "measurements, in a row": "-- format: csv\n-- name: measurements\n"
    "SELECT 'x' AS metric, (SELECT count(*) FROM {table}) AS value FROM records",
}


def as_importer(place, sql):
    (place / "own.sql").write_text(sql, encoding="utf-8")
    return ["import", "{at}/run.csv", "--to", "{at}/imported", "--from", "{at}/own.sql"]


@pytest.mark.parametrize("section", SECTIONS)
def test_an_importer_reads_its_file_and_no_other(place, capfd, section):
    for table in TABLES:
        refused(as_importer(place, SECTIONS[section].format(table=table.format(at=place))), place, capfd)


@pytest.mark.parametrize("section", ["session", "prepare", "measurements"])
def test_an_importer_changes_nothing(place, capfd, section):
    for statement in STATEMENTS:
        if section == "prepare" and statement.startswith(("CREATE OR REPLACE MACRO",)):
            continue  # a section that prepares may; the connection is its own
        sql = IMPORTER.format(name=section, sql=statement.format(at=place))
        refused(as_importer(place, sql if section == "measurements" else sql + MEASUREMENTS), place, capfd)


def test_no_function_of_the_engine_gives_what_a_file_holds(place):
    """Every function that takes text first, whatever a new version of the engine brings."""
    with duckdb.connect() as connection:
        functions = connection.execute(
            """SELECT DISTINCT function_name, function_type FROM duckdb_functions()
            WHERE function_type IN ('table', 'scalar', 'table_macro', 'macro') AND len(parameters) > 0
            AND function_name ~ '^[a-z_0-9]+$' AND (parameter_types[1] IS NULL OR parameter_types[1] IN
            ('VARCHAR', 'ANY', 'VARCHAR[]')) ORDER BY ALL"""
        ).fetchall()
    assert len(functions) > 300
    path = place / "secret.csv"
    before = snapshot(place)
    refusals = 0
    with connect_locked(place / "store") as (connection, *_):
        for name, kind in functions:
            call = f"{name}('{path}')"
            sql = f"FROM {call}" if kind.startswith("table") else f"SELECT {call}::VARCHAR"
            try:
                found = str(connection.execute(sql).fetchmany(100))
            except duckdb.Error as error:
                refusals += 1
                found = str(error)
            assert SECRET not in found, name
    assert snapshot(place) == before
    assert refusals > 50


ENDLESS = "WITH RECURSIVE t(n) AS (SELECT 1::BIGINT UNION ALL SELECT n + 1 FROM t) "


@pytest.mark.parametrize(
    "arguments",
    [
        ["query", "{at}/store", f"{ENDLESS}SELECT sum(n) FROM t"],
        ["query", "{at}/store", "SELECT sum(a.range) FROM range(10_000_000_000_000) a"],
        ["query", "{at}/store", f"{ENDLESS}SELECT n FROM t", "--format", "csv"],
    ],
    ids=["endless", "long", "endless rows"],
)
def test_sql_without_end_is_ended_by_an_interruption(place, arguments):
    command = [sys.executable, "-m", "pipeline", *(word.replace("{at}", str(place)) for word in arguments)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(3)
        assert process.poll() is None
        os.kill(process.pid, signal.SIGINT)
        started = time.monotonic()
        _, err = process.communicate(timeout=30)
    assert time.monotonic() - started < 15
    assert process.returncode == 130
    assert err.count("\n") == 1
