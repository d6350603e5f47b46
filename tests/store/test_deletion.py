"""Sessions that are deleted: gone from every reader, noted, and nothing else changes."""

from __future__ import annotations

import json
import shutil
import threading

import pytest
from directories import contents, measurement_files, names_in, snapshot
from program import pipeline
from samples import row, rows_of, write_ndjson

from pipeline import (
    BusyError,
    DestinationError,
    SourceError,
    UsageError,
    delete_sessions,
    import_sessions,
    list_sessions,
    verify_store,
)
from pipeline.store.writer import StoreWriter

PACKED = 70


@pytest.fixture
def store(tmp_path):
    """A pack of 70 sessions, and two sessions with directories of their own."""
    packed = [row(f"p{number:02}", at, value=number + at / 2) for number in range(PACKED) for at in range(2)]
    import_sessions(write_ndjson(tmp_path / "packed.ndjson", packed), tmp_path / "store")
    alone = [row(f"s{number}", at) for number in range(2) for at in range(2)]
    import_sessions(write_ndjson(tmp_path / "alone.ndjson", alone), tmp_path / "store")
    return tmp_path / "store"


def ids(store):
    return {session["session_id"] for session in list_sessions(store)}


def noted(store):
    return [json.loads(line) for line in (store / "deletions.ndjson").read_text(encoding="utf-8").splitlines()]


def test_sessions_are_gone_and_noted(store):
    digests = {session["session_id"]: session["content_digest"] for session in list_sessions(store)}
    rows = set(rows_of(store))
    result = delete_sessions(store, sessions=["p03", "s1", "p69"])
    assert (set(result.deleted), result.rows) == ({"p03", "s1", "p69"}, 6)
    assert ids(store) == digests.keys() - {"p03", "s1", "p69"}
    assert set(rows_of(store)) == {one for one in rows if one[0] not in {"p03", "s1", "p69"}}
    assert {one["session_id"]: one["content_digest"] for one in noted(store)} == {
        name: digests[name] for name in ("p03", "s1", "p69")
    }
    assert not verify_store(store).problems
    assert names_in(store / "staging") == []


def test_a_path_never_changes_its_content(store):
    before = {path: path.read_bytes() for path in measurement_files(store)}
    delete_sessions(store, sessions=["p00"])
    assert all(path.read_bytes() == before[path] for path in measurement_files(store) if path in before)


def test_a_pack_or_store_may_lose_all_of_its_sessions(store):
    delete_sessions(store, where_session="session_id LIKE 'p%'")
    assert names_in(store / "sessions") == ["s0", "s1"]
    delete_sessions(store, where_session="true")
    assert (names_in(store / "sessions"), verify_store(store).sessions) == ([], 0)
    assert len(noted(store)) == PACKED + 2


def test_both_choices_must_hold(store):
    assert delete_sessions(store, sessions=["s0", "s1"], where_session="session_id <> 's0'").deleted == ("s1",)


def test_a_dry_run_and_a_refusal_change_nothing(store):
    before = snapshot(store)
    assert delete_sessions(store, sessions=["s0"], dry_run=True).deleted == ("s0",)
    with pytest.raises(UsageError, match="name the sessions"):
        delete_sessions(store)
    with pytest.raises(SourceError, match="no session 'nosuch'"):
        delete_sessions(store, sessions=["s0", "nosuch"])
    with pytest.raises(UsageError, match="--where-session"):
        delete_sessions(store, where_session="nosuch = 1")
    with pytest.raises(SourceError, match="is no store"):
        delete_sessions(store.parent, sessions=["s0"])
    asked = pipeline("delete", store, "--session", "s0")
    assert asked.status == 2
    assert "1 session, 2 rows would be deleted, and nobody can be asked; give --yes" in asked.err
    assert snapshot(store) == before


def test_nothing_is_noted_where_that_is_wanted(store):
    result = pipeline("delete", store, "--session", "s0", "--yes", "--no-record")
    assert (result.status, result.out.splitlines()[0]) == (0, "s0")
    assert "packages made before, snapshots and backups still hold the rows" in result.err
    assert not (store / "deletions.ndjson").exists()


def test_what_others_put_beside_a_session_stays(store):
    (store / "sessions" / "s0" / "notes.txt").write_text("mine", encoding="utf-8")
    delete_sessions(store, sessions=["s0"])
    assert contents(store / "sessions" / "s0") == {"notes.txt": b"mine"}
    assert "s0" not in ids(store)


def test_a_record_that_cannot_be_written_stops_the_deletion(store, tmp_path):
    (store / "deletions.ndjson").symlink_to(tmp_path / "elsewhere")
    before = ids(store)
    with pytest.raises(DestinationError, match=r"deletions\.ndjson: cannot be written"):
        delete_sessions(store, sessions=["p00"])
    assert ids(store) == before
    assert not (tmp_path / "elsewhere").exists()


def test_a_damaged_pack_is_left_as_it_is(store):
    data = next(path for path in measurement_files(store) if "pack-" in str(path))
    damaged = bytearray(data.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    data.write_bytes(damaged)
    with pytest.raises(SourceError, match="damaged"):
        delete_sessions(store, sessions=["p00"])
    assert data.read_bytes() == damaged


def test_a_session_of_an_early_version_is_deleted(tmp_path):
    from project import ROOT  # noqa: PLC0415 - for this test alone

    shutil.copytree(ROOT / "data" / "fixtures" / "v1" / "store", tmp_path / "v1")
    first = list_sessions(tmp_path / "v1")[0]["session_id"]
    assert delete_sessions(tmp_path / "v1", sessions=[first]).deleted == (first,)
    assert first not in ids(tmp_path / "v1")


def test_another_that_holds_the_store_is_waited_for(store):
    held = StoreWriter(store, None)
    with pytest.raises(BusyError):
        delete_sessions(store, sessions=["s0"])
    assert pipeline("delete", store, "--session", "s0", "--yes", "--wait", "0.2").status == 7
    timer = threading.Timer(0.3, held.close)
    timer.start()
    try:
        assert delete_sessions(store, sessions=["s0"], wait_seconds=60).deleted == ("s0",)
    finally:
        timer.join()
    assert pipeline("delete", store, "--session", "s1", "--yes", "--wait", "-1").status == 2
