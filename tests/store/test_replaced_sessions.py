"""Readers beside `import --if-exists replace`: the session of before or of after, or a plain error; never an alarm."""

from __future__ import annotations

import json
from contextlib import contextmanager

import duckdb
import pytest
from directories import measurement_files, names_in
from samples import row, rows_of, write_ndjson
from together import run_together

import pipeline
from pipeline import SourceError, compact_store, delete_sessions, import_sessions
from pipeline.cli import main
from pipeline.disk import held
from pipeline.errors import ReplacedError
from pipeline.sources.open import open_all, open_source
from pipeline.store import compaction, directory

SAME, OTHER = 1.5, 7.0


def values(value, number=50):
    return [row(session_id, at, value=value) for session_id in ("s1", "s2") for at in range(number)]


@pytest.fixture
def store(tmp_path):
    import_sessions(write_ndjson(tmp_path / "a.ndjson", values(SAME)), tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture
def replace(tmp_path, store):
    """Replace all sessions by rows of one value."""

    def replace(value):
        import_sessions(write_ndjson(tmp_path / "b.ndjson", values(value)), store, if_exists="replace")

    return replace


@contextmanager
def opened(store, *, hold=False):
    """Open all sessions of a store."""
    with open_source(store, hold=hold) as inventory:
        yield open_all(inventory)


def read_values(scan):
    return {value.as_py() for batch in scan.batches() for value in batch.column("value")}


def test_a_path_never_changes_its_content(store, replace):
    seen = {}
    for value in (OTHER, SAME, OTHER):
        for path in measurement_files(store):
            assert seen.setdefault(path, path.read_bytes()) == path.read_bytes()
        replace(value)
    assert names_in(store / "sessions" / "s1") == ["measurements-0003.parquet", "session.json"]
    (named,) = json.loads((store / "sessions" / "s1" / "session.json").read_bytes())["files"]
    assert named["name"] == "measurements-0003.parquet"
    assert set(rows_of(store, "SELECT value FROM measurements")) == {(OTHER,)}


@pytest.mark.parametrize("value", [SAME, OTHER])
def test_a_source_that_holds_its_files_reads_what_it_was_opened_with(store, replace, value):
    with opened(store, hold=True) as scan:
        replace(value)
        assert read_values(scan) == {SAME}


def test_a_source_that_holds_nothing_goes_on_with_the_same_rows(store, replace):
    with opened(store) as scan:
        replace(SAME)
        assert read_values(scan) == {SAME}
        replace(SAME)
        assert read_values(scan) == {SAME}


def test_a_source_that_holds_nothing_is_told_of_other_rows(store, replace):
    with opened(store) as scan:
        replace(OTHER)
        with pytest.raises(ReplacedError, match=r"sessions/s1: was replaced while it was read; run it again"):
            read_values(scan)


def test_a_session_whose_rows_have_begun_is_read_to_its_end(store, replace):
    with opened(store) as scan:
        batches = scan.batches(scan.sessions[:1], batch_size=10)
        first = next(batches)
        replace(OTHER)
        assert {value.as_py() for batch in (first, *batches) for value in batch.column("value")} == {SAME}


def test_a_session_that_is_gone_is_not_called_damaged(store):
    with opened(store) as scan:
        (store / "sessions" / "s1").rename(store.parent / "s1")
        with pytest.raises(ReplacedError):
            read_values(scan)


@pytest.mark.parametrize("step", ["before the record is read", "after the record is read"])
def test_a_record_and_its_files_are_of_one_moment(store, replace, monkeypatch, step):
    hash_of = directory.file_sha256
    left = [OTHER]

    def hashed(path):
        found = None if step.startswith("before") else hash_of(path)
        if path.name == "session.json" and left:
            replace(left.pop())
        return found or hash_of(path)

    monkeypatch.setattr(directory, "file_sha256", hashed)
    with opened(store, hold=True) as scan:
        assert not left
        assert read_values(scan) == {OTHER}


def test_views_stay_those_of_the_moment_in_which_they_were_made(store, replace):
    connection = pipeline.connect(store)
    frame = pipeline.scan(store)
    for _ in range(2):
        replace(OTHER)
        assert connection.execute("SELECT DISTINCT value FROM measurements").fetchall() == [(SAME,)]
        assert connection.cursor().execute("SELECT count(*) FROM measurements").fetchall() == [(100,)]
        assert set(frame.collect()["value"]) == {SAME}
    assert set(rows_of(store, "SELECT value FROM measurements")) == {(OTHER,)}


CHANGES = {
    "replace": lambda _, replace: replace(OTHER),
    "delete": lambda store, _: delete_sessions(store, sessions=["s2"]),
    "compact": lambda store, _: compact_store(store),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("most_held", [0, 1, 2])
def test_a_view_is_of_its_moment_or_says_to_connect_again(store, replace, monkeypatch, change, most_held):
    monkeypatch.setattr(compaction, "FEWEST_PACKED", 2)
    limit = len(held._held) + most_held
    monkeypatch.setattr(held, "_limit", lambda: limit)
    connection, frame = pipeline.connect(store), pipeline.scan(store)
    rows = "SELECT session_id, count(*), min(value) FROM measurements JOIN sessions USING (session_id) GROUP BY 1"
    before = [("s1", 50, SAME), ("s2", 50, SAME)]
    assert sorted(connection.execute(rows).fetchall()) == before
    assert frame.collect().height == 100
    directories = names_in(store / "sessions")
    CHANGES[change](store, replace)
    assert change != "compact" or names_in(store / "sessions") != directories
    if most_held == 2:
        assert sorted(connection.cursor().execute(rows).fetchall()) == before
        assert set(frame.collect()["value"]) == {SAME}
    else:
        for ask in (connection.execute, connection.sql, connection.cursor().execute):
            with pytest.raises(duckdb.Error, match="the store has changed since, connect again"):
                ask(rows).fetchall()
        with pytest.raises(Exception, match="the store has changed since, scan again"):
            frame.collect()
        assert connection.execute("SELECT count(*) FROM sessions").fetchall() == [(2,)]
    again = pipeline.connect(store).execute(rows).fetchall()
    value = OTHER if change == "replace" else SAME
    assert sorted(again) == [("s1", 50, value), ("s2", 50, value)][: 1 if change == "delete" else 2]


@pytest.mark.parametrize("times", [1, 100])
def test_a_query_begins_anew_where_a_session_is_replaced_before_there_is_a_row(
    store, replace, monkeypatch, capsys, times
):
    from pipeline.notebook import queries  # noqa: PLC0415 - it is changed here alone

    in_types = queries._in_model_types
    left = [SAME, OTHER] * times

    def late(relation):
        if left:
            replace(left.pop())
        return in_types(relation)

    monkeypatch.setattr(queries, "_in_model_types", late)
    monkeypatch.setattr(queries, "ATTEMPTS", 5)
    status = main(["query", str(store), "SELECT DISTINCT value FROM measurements", "--format", "csv"])
    said = capsys.readouterr()
    if times == 1:
        assert (status, said.out, said.err) == (0, f"value\n{SAME}\n", "")
    else:
        assert (status, said.out) == (3, "")
        assert said.err == f"pipeline: {store}/sessions/s1: was replaced while it was read; run it again\n"


def test_holding_costs_one_descriptor_a_file_and_none_when_all_is_closed(store, tmp_path):
    with held.HeldFiles() as one, held.HeldFiles() as two:
        paths = [holder.hold(path) for holder in (one, two, one) for path in measurement_files(store)]
        assert len(set(paths)) == 2
        assert len(held._held) >= 2
        before = len(held._held)
        one.close()
        assert len(held._held) == before
        assert paths[0].read_bytes() == measurement_files(store)[0].read_bytes()
    assert not any(path.exists() for path in paths)
    with pytest.raises(OSError, match="a directory, no regular file"), held.HeldFiles() as one:
        one.hold(tmp_path)


def test_damage_stays_damage(store, replace):
    replace(OTHER)
    path = measurement_files(store)[0]
    data = bytearray(path.read_bytes())
    data[100] ^= 4
    path.write_bytes(data)
    for read in (lambda: pipeline.export_measurements(store, "-"), lambda: pipeline.connect(store)):
        with pytest.raises(SourceError, match="is damaged or was changed, its SHA-256") as caught:
            read()
        assert not isinstance(caught.value, ReplacedError)


@pytest.mark.parametrize("is_held", [True, False])
def test_readers_beside_a_writer_give_one_version_of_each_session(tmp_path, is_held):
    readers = ["connect", "query", "export"] if is_held else ["query", "export"]
    outcomes = run_together(tmp_path, readers, 2, is_held=is_held)
    assert all(outcomes.values()), "each has done something"
    assert {outcome for of_one in outcomes.values() for outcome in of_one} <= {"replaced", "right", "told"}
    if is_held:
        assert all("told" not in of_one for of_one in outcomes.values())
