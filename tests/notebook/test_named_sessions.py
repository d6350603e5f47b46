"""A query that keeps to some sessions opens no files of others."""

from __future__ import annotations

import duckdb
import pytest
from samples import row, write_ndjson

from pipeline import SourceError, import_sessions, query
from pipeline.cli import main
from pipeline.notebook.named_sessions import named_sessions

KEPT = {
    "SELECT * FROM measurements WHERE session_id = 'a'": {"a"},
    "from Measurements m where 'a' = m.SESSION_ID and value > 1 and (unit = 'ms' or unit is null)": {"a"},
    "SELECT * FROM measurements WHERE measurements.session_id IN ('a', 'it''s', 'a')": {"a", "it's"},
    "WITH m AS (FROM measurements WHERE session_id = 'a') SELECT * FROM m JOIN sessions USING (session_id)": {"a"},
    "FROM measurements WHERE session_id = 'a' UNION ALL FROM measurements WHERE session_id = 'b'": {"a", "b"},
    "SELECT (SELECT max(value) FROM measurements WHERE session_id = 'a') FROM sessions": {"a"},
    "SELECT * FROM (FROM measurements WHERE session_id = 'a' AND session_id = 'b')": {"a"},
    "SELECT count(*) FROM sessions": set(),
    "SELECT 1": set(),
}
ANY = [
    "FROM measurements",
    "FROM measurements WHERE session_id = 'a' OR value > 1",
    "FROM measurements WHERE NOT session_id = 'a'",
    "FROM measurements WHERE session_id NOT IN ('a')",
    "FROM measurements WHERE session_id > 'a'",
    "FROM measurements WHERE session_id LIKE 'a'",
    "FROM measurements WHERE session_id = metric",
    "FROM measurements WHERE session_id IN (SELECT session_id FROM sessions)",
    "FROM measurements WHERE upper(session_id) = 'A'",
    "FROM measurements WHERE metric = 'a'",
    "FROM measurements m WHERE s.session_id = 'a'",
    "FROM measurements AS m(x, session_id) WHERE session_id = 'a'",
    "FROM measurements TABLESAMPLE 3 ROWS WHERE session_id = 'a'",
    "FROM measurements JOIN sessions USING (session_id) WHERE session_id = 'a'",
    "FROM measurements WHERE session_id = 'a' UNION ALL FROM measurements",
    "FROM measurements WHERE session_id = 'a' AND value > (SELECT avg(value) FROM measurements)",
    "WITH measurements AS (FROM measurements) FROM measurements WHERE session_id = 'a'",
    "WITH sessions AS (FROM measurements) FROM sessions",
    "FROM query_table('measurements')",
    "FROM query('FROM measurements')",
    "DESCRIBE measurements",
    "SUMMARIZE measurements",
    "PIVOT measurements ON metric USING max(value)",
    "FROM pipeline_rows.sessions",
    "FROM information_schema.columns",
    "FROM duckdb_columns",
    "SELECT",
    "DROP VIEW measurements",
    "SELECT 'x' IN session_id FROM measurements",
    "",
    "SELECT 1; SELECT 2",
    "SELECT " + "abs(" * 900 + "1" + ")" * 900,
]


@pytest.mark.parametrize("sql", KEPT)
def test_what_a_query_keeps_to_is_found(sql):
    with duckdb.connect() as connection:
        assert named_sessions(connection, sql) == KEPT[sql]


@pytest.mark.parametrize("sql", ANY)
def test_what_may_ask_for_any_session_does_so(sql):
    with duckdb.connect() as connection:
        assert named_sessions(connection, sql) is None


@pytest.fixture
def store(tmp_path):
    rows = [row("a", at, robot="r") for at in range(3)] + [row("b", at, tries=at) for at in range(4)]
    import_sessions(write_ndjson(tmp_path / "rows.ndjson", rows), tmp_path / "store")
    return tmp_path / "store"


def test_damage_in_other_sessions_stops_no_query(store, capsys):
    asked = {sql: query(store, sql) for sql in KEPT}
    columns = query(store, "FROM measurements LIMIT 0").schema
    none = query(store, "FROM measurements WHERE session_id = 'c'")
    (path,) = store.glob("sessions/b/*.parquet")
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)
    found = query(store, "SELECT * FROM measurements WHERE session_id = 'a'")
    assert (found.num_rows, found.schema) == (3, columns)
    assert none.schema == columns
    for sql, wanted in asked.items():
        if "b" not in KEPT[sql]:
            assert query(store, sql).equals(wanted), sql
    for sql in ("SELECT * FROM measurements", "SELECT * FROM measurements WHERE session_id = 'b'"):
        with pytest.raises(SourceError, match="SHA-256"):
            query(store, sql)
    assert main(["query", str(store), "SELECT count(*) FROM measurements WHERE session_id = 'a'"]) == 0
    assert main(["query", str(store), "SELECT count(*) FROM measurements"]) == 3
    assert str(path) in capsys.readouterr().err
