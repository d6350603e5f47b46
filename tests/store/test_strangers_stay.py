"""What others put into a store is left as it is by whatever writes the store: nothing of it is removed or moved."""

from __future__ import annotations

import os
import shutil

import pytest
from directories import names_in, snapshot
from recordings import columns_of, killed
from samples import row, write_ndjson
from store_records import edit_record

from pipeline import (
    DestinationError,
    RecoveryError,
    SourceError,
    connect,
    import_sessions,
    list_sessions,
    record_session,
    recover_sessions,
)
from pipeline.store import directories


@pytest.fixture
def store(tmp_path):
    rows = [row(session_id, at) for session_id in ("s1", "s2") for at in range(5)]
    import_sessions(write_ndjson(tmp_path / "a.ndjson", rows), tmp_path / "store")
    (tmp_path / "store" / "recordings").mkdir()
    return tmp_path / "store"


def a_file(at):
    (at / ".DS_Store").write_text("mine", encoding="utf-8")
    return at / ".DS_Store"


def a_directory(at):
    (at / "thesis").mkdir()
    (at / "thesis" / "chapter").write_text("years", encoding="utf-8")
    return at / "thesis"


def a_directory_called_by_a_number(at):
    (at / "0001").mkdir()
    (at / "0001" / "chapter").write_text("years", encoding="utf-8")
    return at / "0001"


def a_link(at):
    (at / "link").symlink_to("/")
    return at / "link"


def a_fifo(at):
    os.mkfifo(at / "pipe")
    return at / "pipe"


def put_aside(at):
    """Called as what an exchange of directories puts aside."""
    (at / "thesis.aside").mkdir()
    (at / "thesis.aside" / "chapter").write_text("years", encoding="utf-8")
    return at / "thesis.aside"


def a_file_of_rows(at):
    """That is none of a recording."""
    (at / "measurements-0001.parquet").write_text("rows", encoding="utf-8")
    return at / "measurements-0001.parquet"


KINDS = [a_file, a_directory, a_directory_called_by_a_number, a_link, a_fifo, put_aside]
strangers = pytest.mark.parametrize("make", KINDS, ids=lambda one: one.__name__)


def state_of(path):
    return (
        path.lstat().st_mode,
        path.lstat().st_ino,
        snapshot(path) if path.is_dir() and not path.is_symlink() else None,
    )


def replace_all(store):
    rows = [row(session_id, at, value=9.0) for session_id in ("s1", "s2") for at in range(7)]
    import_sessions(write_ndjson(store.parent / "b.ndjson", rows), store, if_exists="replace")
    assert connect(store).sql("SELECT count(*), min(value) FROM measurements").fetchall() == [(14, 9.0)]


@strangers
def test_an_import_removes_nothing_of_others_from_staging(store, make):
    stranger = make(store / "staging")
    before = state_of(stranger)
    replace_all(store)
    assert state_of(stranger) == before
    assert names_in(store / "staging") == [stranger.name]
    assert names_in(store / "sessions") == ["s1", "s2"]


@strangers
def test_what_lies_beside_a_session_stays_beside_the_one_that_replaces_it(store, make):
    stranger = make(store / "sessions" / "s1")
    before = state_of(stranger)
    for _ in range(2):
        replace_all(store)
        assert state_of(stranger) == before
    assert names_in(store / "staging") == []


def test_a_session_is_not_replaced_where_what_lies_beside_it_cannot_be_renamed(store, monkeypatch):
    """As a mount point, which never is."""
    a_file(store / "sessions" / "s1")
    a_directory(store / "sessions" / "s1")
    before = snapshot(store / "sessions")
    real = directories.rename_new

    def refuse(source, target):
        if source.name == "thesis":
            raise OSError(16, "Device or resource busy")
        real(source, target)

    monkeypatch.setattr(directories, "rename_new", refuse)
    with pytest.raises(DestinationError, match=r"s1: holds 'thesis', .* it was not replaced; move that away first"):
        replace_all(store)
    assert snapshot(store / "sessions") == before
    assert names_in(store / "staging") == []
    monkeypatch.undo()
    replace_all(store)


def test_a_session_of_a_later_version_is_refused(store):
    record = store / "sessions" / "s2" / "session.json"
    edit_record(record, format_version=3)
    with pytest.raises(SourceError, match=r"s2/session\.json: format version 3; this program reads versions 1 to 2"):
        list_sessions(store)


def test_what_a_killed_import_left_beside_a_stranger_goes_and_the_stranger_stays(store):
    shutil.copytree(store / "sessions" / "s1", store / "staging" / "0001")
    a_file(store / "staging" / "0001")
    replace_all(store)
    assert names_in(store / "staging" / "0001") == [".DS_Store"]


@strangers
def test_recovery_passes_by_what_is_no_recording(store, make):
    with killed(store, session_id="r1") as recorder:
        recorder.record("m", 1.0)
    stranger = make(store / "recordings")
    before = state_of(stranger)
    assert recover_sessions(store) == ["r1"]
    assert state_of(stranger) == before
    assert names_in(store / "recordings") == [stranger.name]


def test_a_copy_of_a_session_among_the_recordings_is_not_removed(store):
    shutil.copytree(store / "sessions" / "s1", store / "recordings" / "s1")
    before = snapshot(store / "recordings")
    assert recover_sessions(store) == []
    assert snapshot(store / "recordings") == before


@pytest.mark.parametrize("make", [*KINDS, a_file_of_rows], ids=lambda one: one.__name__)
def test_what_lies_in_a_recording_stays_when_that_has_become_a_session(store, make):
    with killed(store, session_id="r1") as recorder:
        recorder.record("m", 1.0)
    stranger = make(store / "recordings" / "r1")
    before = state_of(stranger)
    for recovered in (["r1"], []):
        assert recover_sessions(store) == recovered
        assert state_of(stranger) == before
        assert names_in(store / "recordings" / "r1") == [stranger.name]
    assert columns_of(store, "r1")["value"] == [1.0]
    assert names_in(store / "staging") == []


@strangers
def test_a_recorder_leaves_what_lies_where_it_records(store, make):
    (store / "recordings" / "r1").mkdir()
    stranger = make(store / "recordings" / "r1")
    before = state_of(stranger)
    with record_session(store, session_id="r1") as recorder:
        recorder.record("m", 1.0)
    assert columns_of(store, "r1")["value"] == [1.0]
    assert state_of(stranger) == before


def test_rows_whose_record_was_taken_away_are_not_removed(store):
    with killed(store, session_id="r1") as recorder:
        recorder.record("m", 1.0)
    (store / "recordings" / "r1" / "recording.json").rename(store.parent / "kept.json")
    with pytest.raises(RecoveryError, match=r"has no recording\.json, without which its batches cannot be read"):
        recover_sessions(store)
    (store.parent / "kept.json").rename(store / "recordings" / "r1" / "recording.json")
    assert recover_sessions(store) == ["r1"]
    assert len(list_sessions(store)) == 3
