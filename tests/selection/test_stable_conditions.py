"""Conditions hold for the same rows every time: what changes of itself is refused, what is fixed is not."""

from __future__ import annotations

import re

import pytest
from program import pipeline
from samples import row
from selections import exported, small

import pipeline as package
from pipeline.importers.definition import built_in
from pipeline.runtime.duckdb import connect_engine

# Each changes between two readings of the same row: by chance, with the clock, with the connection or the machine.
CHANGING = [
    "random() < 0.5",
    "RANDOM() < 0.5",
    '"random"() < 0.5',
    "main.random() < 0.5",
    "system.main.random() < 0.5",
    "uuid()::VARCHAR < '8'",
    "gen_random_uuid()::VARCHAR < '8'",
    "uuidv7()::VARCHAR < '8'",
    "now() > '2026-11-24'",
    "current_timestamp > '2026-11-24'",
    "\"current_timestamp\" > '2026-11-24'",
    "CURRENT_DATE > '2026-11-24'",
    "today() > '2026-11-24'",
    "localtime > '10:00'",
    "localtimestamp > '2026-11-24'",
    "current_time IS NOT NULL",
    "transaction_timestamp() > '2026-11-24'",
    "get_current_timestamp() > '2026-11-24'",
    "ago(INTERVAL 1 DAY) > '2026-11-24'",
    "pg_postmaster_start_time() > '2026-11-24'",
    "age(TIMESTAMP '2026-11-24') > INTERVAL 1 DAY",
    "age(TIMESTAMPTZ '2026-11-24') > INTERVAL 1 DAY",
    "hour(now()) > 3",
    "now() - INTERVAL 1 DAY > '2026-11-24'",
    "strftime(today(), '%Y') = '2026'",
    "txid_current() > 3",
    "current_connection_id() > 3",
    "current_query() = 'x'",
    "current_setting('TimeZone') = 'UTC'",
    "getvariable('x') IS NULL",
    "version() LIKE 'v%'",
    "current_schema() = 'main'",
    "current_catalog = 'memory'",
    "setseed(0.5) IS NULL",
    "sleep_ms(0) IS NULL",
    "list_sum(list_transform([1], lambda x: random())) > 1",
    "list_filter([1], lambda x: now() > '2026-11-24') = []",
    "{'a': random()}.a > 0.5",
    "CASE WHEN random() < 0.5 THEN true END",
    "(SELECT random()) < 0.5",
    "0.5 > (WITH x AS (SELECT random() AS r) SELECT r FROM x)",
    "EXISTS (SELECT 1 FROM range(9) AS x(i) ORDER BY random() LIMIT (random() * 2)::INT)",
    "EXISTS (SELECT DISTINCT ON (random()) 1)",
    "1 = ANY (SELECT count(*) FILTER (random() < 0.5) OVER (PARTITION BY i) FROM range(9) AS x(i))",
    "EXISTS (FROM range(3) TABLESAMPLE 50%)",
    "EXISTS (FROM range(3) USING SAMPLE 1 ROWS)",
    "EXISTS (FROM query('SELECT hour(now())'))",
    "EXISTS (FROM duckdb_settings())",
    "EXISTS (FROM pg_timezone_names())",
    "EXISTS (FROM information_schema.tables)",
    "EXISTS (FROM (SHOW ALL TABLES))",
    "json_serialize_plan('SELECT hour(now())')::VARCHAR LIKE '%3%'",
]
FIXED = [
    "timestamp > '2026-11-24'",
    "timestamp::DATE = '2026-11-24' AND hour(timestamp) = 16",
    "date_trunc('hour', timestamp) = '2026-11-24T16:00:00Z'",
    "timestamp + INTERVAL 1 DAY > '2026-11-24'",
    "timestamp AT TIME ZONE 'Europe/Berlin' > '2026-11-24'",
    "strftime(timestamp, '%A') = 'Tuesday'",
    "age(timestamp, TIMESTAMPTZ '2026-01-01T00:00:00Z') > INTERVAL 1 DAY",
    "time_bucket(INTERVAL 1 HOUR, timestamp) > '2026-11-24'",
    "value < pi()",
    "sequence % 2 = 0",
    "hash(sequence) % 2 = 0",
    "metric COLLATE NOCASE = 'RTT'",
    "list_contains(['rtt'], metric) OR len(list_filter([1], lambda x: x > sequence)) = 1",
    "sequence IN (FROM range(3))",
    "EXISTS (WITH x AS (SELECT unnest([1, 2]) AS i) SELECT 1 FROM x WHERE i = sequence)",
    "sequence = (SELECT max(i) FROM generate_series(1, 3) AS x(i))",
    "CASE WHEN sequence < 0 THEN error('no') ELSE true END",
    "array_to_string([metric], ',') = 'rtt'",
]


@pytest.mark.parametrize("condition", CHANGING)
def test_what_changes_of_itself_is_refused_in_conditions_on_rows_and_on_sessions(tmp_path, condition):
    source = small(tmp_path)
    for call in (
        lambda: package.export_measurements(source, tmp_path / "out", where=condition),
        lambda: package.export_measurements(source, tmp_path / "out", where_session=condition),
        lambda: package.list_sessions(source, where_session=condition),
    ):
        with pytest.raises(package.UsageError, match="a condition has to hold for the same rows every time") as caught:
            call()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("condition", FIXED)
def test_what_is_fixed_by_the_row_is_taken(tmp_path, condition):
    first = exported(small(tmp_path), tmp_path, where=condition)
    assert exported(small(tmp_path), tmp_path, where=condition, batch_size=1) == first


@pytest.mark.parametrize("name", ["current_date", "user", "today", "random"])
def test_a_column_may_have_the_name_of_what_changes(tmp_path, name):
    rows = [row("a", i, value=float(i), **{name: f"t{i}"}) for i in range(4)]
    assert len(exported(small(tmp_path, rows), tmp_path, where=f"{name} = 't3'")) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "--where"],
        ["statistics", "--where"],
        ["export", "--where-session"],
        ["statistics", "--where-session"],
        ["sessions", "--where-session"],
    ],
    ids=" ".join,
)
def test_every_command_tells_the_way_round(commands, tmp_path, arguments):
    command, option = arguments
    to = [] if command == "sessions" else ["--to", "out"]
    source = small(tmp_path)
    result = commands.run([command, str(source), *to, option, "now() > '2026-11-24'"], cwd=tmp_path, tmp=tmp_path)
    assert (result.status, result.out) == (2, "")
    (line,) = result.err.splitlines()
    for phrase in (option, "now()", "TIMESTAMPTZ '2026-11-24T09:00:00Z'", "--since"):
        assert phrase in line


def test_queries_may_have_what_changes(tmp_path):
    result = pipeline(
        "query", small(tmp_path), "SELECT random() < 2 AND now() > '2026-11-24' AS yes", "--format", "csv"
    )
    assert (result.status, result.out) == (0, "yes\ntrue\n"), result.err


# A condition of each kind that a time zone or a locale could change.
LOCAL = (
    "timestamp > '2026-11-24 16:00:02' AND timestamp::DATE = '2026-11-24' AND hour(timestamp) = 16 "
    "AND timestamp::VARCHAR LIKE '2026-11-24 16:%' AND strftime(timestamp, '%A %H') = 'Tuesday 16' "
    "AND '2026-11-24'::TIMESTAMPTZ = TIMESTAMPTZ '2026-11-24T00:00:00Z' AND monthname(timestamp) = 'November' "
    "AND date_trunc('week', timestamp) = '2026-11-23' AND make_timestamptz(2026, 11, 24, 0, 0, 0) < timestamp "
    "AND lower('I') = 'i' AND '1.5'::DOUBLE < value"
)


@pytest.mark.parametrize(
    "machine",
    [
        {"TZ": "America/New_York", "LC_ALL": "th_TH.UTF-8", "LANG": "th_TH.UTF-8"},
        {"TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
        {"TZ": "UTC", "LC_ALL": "C"},
    ],
    ids=lambda machine: machine["TZ"],
)
def test_the_zone_and_the_locale_of_the_machine_make_no_difference(tmp_path, machine):
    wanted = exported(small(tmp_path), tmp_path, where="sequence >= 3 AND value IS NOT NULL")
    assert len(wanted) == 8
    assert exported(small(tmp_path), tmp_path, where=LOCAL) == wanted
    local = pipeline("export", small(tmp_path), "--to", tmp_path / "local", "--where", LOCAL, env=machine)
    assert local.status == 0, local.err
    utc = pipeline("export", small(tmp_path), "--to", tmp_path / "local", "--where", LOCAL, env={"TZ": "UTC"})
    assert "is this package already" in utc.out, utc.err
    of_session = "started_at > '2026-11-24 16:00' AND started_at::DATE = '2026-11-24' OR hour(started_at) = 16"
    listed = pipeline("sessions", small(tmp_path), "--where-session", of_session, "--format", "csv", env=machine)
    assert len(listed.out.splitlines()) == 3, listed.err


def test_importers_that_come_with_the_program_give_the_same_every_time():
    """Who writes an importer may use what changes; ours use nothing of it, in whatever kind of statement."""
    with connect_engine(threads=1) as connection:
        rows = connection.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability = 'VOLATILE' "
            "OR stability <> 'CONSISTENT' AND len(parameter_types) = 0"
        ).fetchall()
    names = {name for (name,) in rows} - {"error"}
    assert {"random", "now", "uuid", "today", "nextval"} <= names
    changing = re.compile(
        rf"\b({'|'.join(names)})\b(?=\s*\()|\b(current_\w+|localtime\w*|tablesample|ago)\b", re.IGNORECASE
    )
    assert changing.search("SELECT Now ()")
    assert changing.search("SELECT current_date")
    for definition in built_in():
        for section, sql in definition.sections.items():
            assert changing.search(sql) is None, f"{definition.name}, section {section}"
