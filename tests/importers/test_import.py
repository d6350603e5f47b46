"""Import: every format gives the same store, sessions that exist are kept, bad data is refused whole."""

from __future__ import annotations

import json

import polars as pl
import pyarrow.parquet as pq
import pytest
from directories import measurement_files, names_in, snapshot
from plain_files import (
    CORE,
    CORE_TYPES,
    FORMATS,
    RECORD,
    TWO_SESSIONS,
    arrow_table,
    as_stored,
    comparable,
    microseconds,
    record_of,
    stored_rows,
    stored_table,
    write_rows,
    write_table,
)
from program import pipeline
from project import FIXTURE_STORE, HARNESS_FILES, SHARED
from samples import row, write_ndjson
from store_records import checksum

from pipeline import SourceError, UsageError, export_measurements, import_sessions, list_sessions


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
        **CORE_TYPES,
        "robot": "string",
        "tries": "int64",
        "ratio": "double",
        "warm": "bool",
    }


def test_a_session_that_is_there_is_an_error_unless_told_what_to_do(tmp_path):
    store = tmp_path / "store"
    import_sessions(write_ndjson(tmp_path / "a.ndjson", [row("s1", 0)]), store)
    both = write_ndjson(tmp_path / "b.ndjson", [row("s1", 0, value=7.5), row("s2", 0)])
    before = snapshot(store)
    with pytest.raises(SourceError, match="has session 's1' already"):
        import_sessions(both, store)
    assert snapshot(store) == before
    report = import_sessions(both, store, if_exists="skip")
    assert (report.imported, report.unchanged, report.rows) == (("s2",), ("s1",), 1)
    del before["index.parquet"]
    assert before.items() <= snapshot(store).items()
    report = import_sessions(both, store, if_exists="replace")
    assert (report.imported, report.unchanged) == (("s1", "s2"), ())
    assert [r["value"] for r in stored_rows(store)] == [comparable(7.5), comparable(1.5)]
    assert len(list_sessions(store)) == 2
    assert names_in(store / "sessions") == ["s1", "s2"]
    assert names_in(store / "staging") == []
    with pytest.raises(UsageError, match="if_exists must be"):
        import_sessions(both, store, if_exists="merge")


HYPERFINE = HARNESS_FILES / "hyperfine" / "two-commands.json"


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


@pytest.mark.parametrize("name", FORMATS)
def test_rows_out_of_order_are_sorted(tmp_path, name):
    rows = [TWO_SESSIONS[at] for at in (6, 3, 0, 5, 2, 1, 4)]
    import_sessions(write_rows(tmp_path / name, rows), tmp_path / "store")
    files = measurement_files(tmp_path / "store")
    sequences = [pq.read_table(file).column("sequence").to_pylist() for file in files]
    assert sequences == [[0, 1, 2, 5, 6], [-4, 9]]
    assert stored_rows(tmp_path / "store") == as_stored(TWO_SESSIONS)


@pytest.mark.parametrize("name", ["a[1].parquet", "metric=foo/a.parquet", "session_id=zz/*?/a.parquet", "'/a.parquet"])
def test_a_path_means_nothing_but_a_place(tmp_path, name):
    """The sorting engine takes `k=v` in a path for a column, and brackets for a pattern."""
    rows = [row("s1", 1, value=2.5), row("s1", 0)]
    import_sessions(write_rows(tmp_path / name, rows), tmp_path / "store")
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


TELEOPERATION = SHARED / "teleoperation"
recorded = pytest.mark.skipif(not TELEOPERATION.is_dir(), reason=f"the recordings are not at {TELEOPERATION}")


@recorded
def test_the_recorded_sessions_give_the_fixture_store(tmp_path):
    report = import_sessions(str(TELEOPERATION / "*.ndjson"), tmp_path / "store")
    assert len(report.imported) == 11
    assert list_sessions(tmp_path / "store") == list_sessions(FIXTURE_STORE)
    for session_id in report.imported:
        here, there = record_of(tmp_path / "store", session_id), record_of(FIXTURE_STORE, session_id)
        # The fixture is of 0.1.0, which named no files, and kept statistics of floats in them.
        assert here.pop("record_sha256") == checksum(here)
        assert len(here.pop("files")) == 1
        now, then = (
            pq.read_table(next((store / "sessions" / session_id).glob("*.parquet")))
            for store in (tmp_path / "store", FIXTURE_STORE)
        )
        assert now.equals(then)
        assert here | {"format_version": 1, "sha256": there["sha256"], "bytes": there["bytes"]} == there


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
    assert json.loads(result.err)["warning"].startswith("1 time had digits below the store's unit")
    again = pipeline("import", source, "--to", tmp_path / "store", "--if-exists", "skip", "--quiet")
    assert (again.status, again.out, again.err) == (0, "", "")
    result = pipeline("import", source, "--to", tmp_path / "other", "--session-id", "s1")
    assert result.status == 3
    assert "rows are of session 's2', not of 's1'" in result.err
