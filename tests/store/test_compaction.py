"""A store is compacted: fewer directories, the same sessions, whatever happens meanwhile."""

from __future__ import annotations

import pytest
from directories import contents, measurement_files, names_in, snapshot
from program import pipeline
from samples import row, rows_of, write_ndjson

from pipeline import (
    DestinationError,
    SourceError,
    compact_store,
    delete_sessions,
    export_measurements,
    import_sessions,
    list_sessions,
    verify_store,
)
from pipeline.store import adding, building, compaction

SESSIONS = 70


def rows(name, number, count=2):
    return [
        row(f"{name}{number:03}", at, value=number + at / 2, timestamp=f"2026-11-24T16:{number % 60:02}:{at % 60:02}Z")
        for at in range(count)
    ]


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Small sessions in directories of their own, as many imports leave them, and a large one."""
    monkeypatch.setattr(adding, "FEWEST_PACKED", 10**6)
    small = [one for number in range(SESSIONS) for one in rows("s", number)]
    large = rows("large", 5, 120)
    import_sessions(write_ndjson(tmp_path / "small.ndjson", small), tmp_path / "store")
    import_sessions(write_ndjson(tmp_path / "large.ndjson", large), tmp_path / "store")
    monkeypatch.undo()
    monkeypatch.setattr(compaction, "SMALL_ROWS", 100)
    return tmp_path / "store"


def kinds(store):
    return sorted({name.split("-")[0] if "-" in name else name for name in names_in(store / "sessions")})


def same_package(store, tmp_path):
    """Whether an export is the package that was made at the first call: records and rows did not change."""
    return export_measurements(store, tmp_path / "package").is_unchanged


def test_small_sessions_come_to_share_a_directory(store, tmp_path):
    same_package(store, tmp_path)
    records, before = list_sessions(store), rows_of(store)
    large = {path: path.stat().st_ino for path in measurement_files(store) if "large" in str(path)}
    result = compact_store(store)
    assert (result.sessions, result.rows) == (SESSIONS, 2 * SESSIONS)
    assert (result.directories_before, result.directories_after) == (SESSIONS + 1, 2)
    assert kinds(store) == ["large005", "pack"]
    assert list_sessions(store) == records
    assert rows_of(store) == before
    assert all(path.stat().st_ino == inode for path, inode in large.items())
    assert same_package(store, tmp_path)
    assert verify_store(store).problems == ()
    assert names_in(store / "staging") == []


def test_what_is_compact_is_left_as_it_is(store):
    compact_store(store)
    before = snapshot(store)
    assert (compact_store(store).sessions, compact_store(store).directories_after) == (0, None)
    assert snapshot(store) == before


def test_a_dry_run_changes_nothing(store):
    before = snapshot(store)
    assert compact_store(store, dry_run=True).sessions == SESSIONS
    told = pipeline("compact", store, "--dry-run").out
    assert " would be packed (there were 71 directories) in " in told
    assert snapshot(store) == before


def test_packs_that_overlap_come_in_order_and_full_ones_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "_MAX_SESSIONS", 40)
    store = tmp_path / "store"
    for name in "ab":
        many = [one for number in range(0, 120, 2) for one in rows(name, number)]
        import_sessions(write_ndjson(tmp_path / f"{name}.ndjson", many), store)
    wanted = [session["session_id"] for session in list_sessions(store)]
    result = compact_store(store)
    assert result.sessions == 120
    assert len(names_in(store / "sessions")) == 3
    assert [session["session_id"] for session in list_sessions(store)] == wanted
    assert compact_store(store).sessions == 0
    stays = {path: path.stat().st_ino for path in measurement_files(store)}
    late = [row(f"z{number:03}", timestamp="2026-12-01T00:00:00Z") for number in range(70)]
    import_sessions(write_ndjson(tmp_path / "late.ndjson", late), store)
    assert compact_store(store).sessions == 0
    assert all(path.stat().st_ino == inode for path, inode in stays.items())


def test_what_a_deletion_left_of_packs_is_gathered(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "_MAX_SESSIONS", 30)
    store = tmp_path / "store"
    many = [one for number in range(70) for one in rows("s", number)]
    import_sessions(write_ndjson(tmp_path / "m.ndjson", many), store)
    delete_sessions(store, where_session="right(session_id, 1) <> '0'")
    assert len(names_in(store / "sessions")) == 3
    compact_store(store)
    assert len(names_in(store / "sessions")) == 1
    assert [session["session_id"] for session in list_sessions(store)] == [
        session["session_id"] for session in sorted(list_sessions(store), key=lambda one: one["started_at"])
    ]


def test_what_others_put_into_a_store_stays(store):
    (store / "sessions" / "@eaDir").mkdir()
    (store / "sessions" / "@eaDir" / "x").write_text("1", encoding="utf-8")
    (store / "sessions" / ".DS_Store").write_text("2", encoding="utf-8")
    (store / "sessions" / "s003" / "notes").mkdir()
    (store / "sessions" / "large005" / "notes.txt").write_text("3", encoding="utf-8")
    compact_store(store)
    found = contents(store / "sessions")
    assert {name: found[name] for name in ("@eaDir/x", ".DS_Store", "large005/notes.txt")} == {
        "@eaDir/x": b"1",
        ".DS_Store": b"2",
        "large005/notes.txt": b"3",
    }
    assert (store / "sessions" / "s003" / "notes").is_dir()
    assert len(list_sessions(store)) == SESSIONS + 1


def test_the_command_says_what_it_did(store):
    assert " packed (there were 71 directories, now " in pipeline("compact", store).out
    assert pipeline("compact", store).out == f"{store}: nothing to compact\n"


class Killed(BaseException):
    pass


@pytest.mark.parametrize("exchanged", [False, True])
def test_what_a_kill_left_is_removed_by_the_next_one(store, monkeypatch, exchanged):
    (store / "sessions" / "large005" / "notes.txt").write_text("3", encoding="utf-8")
    records = list_sessions(store)
    real = compaction.exchange_at_once

    def kill(source, target):
        if exchanged:
            real(source, target)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(compaction, "exchange_at_once", kill)
        patch.setattr(compaction, "clear_compacted", lambda *_: None)
        with pytest.raises(Killed):
            compact_store(store)
    assert list_sessions(store) == records
    assert names_in(store / "staging") == ["compacted"]
    compact_store(store)
    assert list_sessions(store) == records
    assert kinds(store) == ["large005", "pack"]
    assert names_in(store / "staging") == []
    assert (store / "sessions" / "large005" / "notes.txt").read_bytes() == b"3"


def test_a_file_system_that_cannot_do_it_is_said(store, monkeypatch):
    before = contents(store)
    monkeypatch.setattr("pipeline.disk.directories._renameat2", lambda *_: False)
    with pytest.raises(DestinationError, match="cannot exchange two directories in one step"):
        compact_store(store)
    assert contents(store) == before


def test_a_damaged_session_stops_it_and_nothing_changes(store):
    path = store / "sessions" / "s007" / "measurements-0000.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    before = contents(store)
    with pytest.raises(SourceError, match="damaged"):
        compact_store(store)
    assert contents(store) == before


def test_permissions_of_directories_stay(store):
    (store / "sessions").chmod(0o700)
    compact_store(store)
    assert (store / "sessions").stat().st_mode & 0o777 == 0o700
