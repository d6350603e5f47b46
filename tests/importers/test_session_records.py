"""Records of sessions: where they come from, which one wins, and how a start is found."""

from __future__ import annotations

import json

import duckdb
import pytest
from plain_files import (
    CORE,
    ONE_OF_EACH,
    RECORD,
    arrow_table,
    comparable,
    record_of,
    stored_rows,
    write_duckdb,
    write_rows,
    write_table,
)
from samples import row, write_ndjson

from pipeline import SourceError, import_sessions, list_sessions


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
