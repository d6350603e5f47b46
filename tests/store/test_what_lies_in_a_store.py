"""What others put into a store: what is none of ours is passed by, what would be counted as ours is an error."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from directories import contents, names_in
from samples import row, write_ndjson
from store_records import edit_record, make_early

import pipeline
from pipeline import DestinationError, SourceError, export_measurements, import_sessions, list_sessions
from pipeline.cli import main

DATA = "measurements-0000.parquet"


@pytest.fixture
def store(tmp_path):
    rows = [row(session_id, at) for session_id in ("s1", "s2") for at in range(5)]
    import_sessions(write_ndjson(tmp_path / "a.ndjson", rows), tmp_path / "store")
    return tmp_path / "store"


@pytest.mark.parametrize("name", [".DS_Store", "@eaDir", ".Trash-0", "lost+found", "#recycle", ".snapshot", "notes"])
@pytest.mark.parametrize("inside", ["nothing", "a file", "directories"])
def test_a_directory_of_others_among_the_sessions_does_no_harm(store, tmp_path, name, inside):
    stray = store / "sessions" / name
    stray.mkdir()
    if inside == "a file":
        (stray / "info").write_text("x", encoding="utf-8")
    if inside == "directories":
        shutil.copytree(store / "sessions" / "s1", stray / "files" / "s1")
    assert [one["session_id"] for one in list_sessions(store)] == ["s1", "s2"]
    export_measurements(store, tmp_path / "out")
    more = [row(session_id, 0) for session_id in ("s1", "s3", "notes")]
    import_sessions(write_ndjson(tmp_path / "b.ndjson", more), store, if_exists="replace")
    assert [one["session_id"] for one in list_sessions(store)] == ["notes", "s1", "s2", "s3"]
    assert names_in(stray) == {"nothing": [], "a file": ["info"], "directories": ["files"]}[inside]


def cannot_be_opened(monkeypatch, directory):
    """Root may open everything, so the system's answer is made here."""
    real = os.open

    def refuse(path, *arguments, **options):
        if os.fspath(path) == str(directory):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)


def test_a_directory_that_nobody_may_open_is_no_session_where_none_is_called_so(store, monkeypatch):
    (store / "sessions" / "lost+found").mkdir()
    cannot_be_opened(monkeypatch, store / "sessions" / "lost+found")
    assert len(list_sessions(store)) == 2


def test_a_session_that_nobody_may_open_is_an_error(store, monkeypatch):
    cannot_be_opened(monkeypatch, store / "sessions" / "s1")
    with pytest.raises(SourceError, match=r"sessions/s1: cannot be read \(Permission denied\)"):
        list_sessions(store)


@pytest.mark.parametrize("name", ["s3", ".hidden", "@eaDir"])
def test_measurements_without_a_record_are_damage(store, name):
    (store / "sessions" / name).mkdir()
    shutil.copy(store / "sessions" / "s1" / DATA, store / "sessions" / name)
    with pytest.raises(SourceError, match=r"session\.json: cannot be read"):
        list_sessions(store)


READERS = {
    "query": lambda store, _: ["query", store, "SELECT count(*) FROM measurements"],
    "export": lambda store, to: ["export", store, "--to", to],
    "statistics": lambda store, to: ["statistics", store, "--to", to],
    "catalog": lambda store, to: ["catalog", store, "--to", to],
    "sessions": lambda store, _: ["sessions", store],
    "import": lambda store, to: ["import", to.parent / "a.ndjson", "--to", store, "--if-exists", "replace"],
}


@pytest.mark.parametrize("record_is", ["complete", "of 0.1.0"])
@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_no_record_names_is_an_error_for_everybody(store, tmp_path, capsys, reader, record_is):
    """Others, that read the store by its pattern, would count its rows."""
    directory = store / "sessions" / "s1"
    if record_is == "of 0.1.0":
        make_early(directory / "session.json")
    shutil.copy(directory / DATA, directory / "measurements-0001.parquet")
    assert main([str(word) for word in READERS[reader](store, tmp_path / "out")]) == 3
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert f"{directory}/measurements-0001.parquet: its session's record does not name it" in said.err
    assert "move it away" in said.err


def test_a_record_of_0_1_0_names_the_first_file(store):
    for record in store.glob("sessions/*/session.json"):
        make_early(record)
    assert pipeline.connect(store).sql("SELECT count(*) FROM measurements").fetchall() == [(10,)]
    (store / "sessions" / "s1" / DATA).rename(store / "sessions" / "s1" / "measurements-0001.parquet")
    with pytest.raises(SourceError, match=f"has no {DATA}, which its record names"):
        list_sessions(store)


@pytest.mark.parametrize("files", [[], [{"name": DATA}], [{"sha256": "0"}], "x", {}, None, [[]], [{"name": 1}]])
def test_a_record_that_names_its_files_wrongly_is_an_error(store, files):
    record = store / "sessions" / "s1" / "session.json"
    edit_record(record, files=files)
    with pytest.raises(SourceError, match="sessions/s1"):
        list_sessions(store)


@pytest.fixture
def links(store, tmp_path):
    """Other ways into the store."""
    (tmp_path / "link").symlink_to(store)
    (tmp_path / "inner").symlink_to(store / "sessions" / "s1")
    return tmp_path


INSIDE = ["store", "store/out", "store/sessions", "store/sessions/out", "store/sessions/s1/out", "store/staging/out",
          "store/recordings/out", "store/a/b/out", "link", "link/out", "inner/out", "store/../store/out"]  # fmt: skip


@pytest.mark.parametrize("to", INSIDE)
@pytest.mark.parametrize("command", ["export", "statistics", "catalog"])
def test_nothing_is_published_into_a_store(store, links, capsys, command, to):
    before = contents(store)
    assert main([command, str(store), "--to", str(links / to), "--overwrite"]) == 4
    err = capsys.readouterr().err
    assert err == f"pipeline: {links / to}: lies in the store {store}, which holds sessions only; choose another --to\n"
    assert contents(store) == before


@pytest.mark.parametrize("to", [to for to in INSIDE if to not in {"store", "link"}])
def test_no_store_is_made_in_a_store(store, links, capsys, to):
    before = contents(store)
    assert main(["import", str(links / "a.ndjson"), "--to", str(links / to)]) == 4
    assert "lies in the store" in capsys.readouterr().err
    with pytest.raises(DestinationError, match="lies in the store"), pipeline.record_session(links / to):
        pass
    assert contents(store) == before


def test_a_store_can_be_named_by_a_link(store, links):
    import_sessions(write_ndjson(links / "b.ndjson", [row("s3", 0)]), links / "link")
    assert len(list_sessions(store)) == 3


# A recorder that is killed when a measurement is on the disk.
KILLED = """
import os, sys, time
import pipeline
with pipeline.record_session(sys.argv[1], session_id="r1", flush_seconds=0.01) as recorder:
    recorder.record("m", 1.0)
    while not os.path.getsize(sys.argv[1] + "/recordings/r1/batches"):
        time.sleep(0.01)
    os._exit(9)
"""


def test_a_store_that_was_renamed_goes_on(store, tmp_path):
    """Nothing in it says where it lies: what a killed import and a killed recorder left goes with it."""
    assert subprocess.run([sys.executable, "-c", KILLED, store], check=False).returncode == 9
    shutil.copytree(store / "sessions" / "s1", store / "staging" / "0001")
    moved = store.rename(tmp_path / "moved")
    assert pipeline.recover_sessions(moved) == ["r1"]
    assert [one["session_id"] for one in list_sessions(moved)] == ["s1", "s2", "r1"]
    assert names_in(moved / "staging") == []


def test_a_recorder_whose_store_was_renamed_says_what_to_do(store, tmp_path):
    recorder = pipeline.record_session(store, session_id="r1")
    recorder.__enter__()
    recorder.record("m", 1.0)
    moved = store.rename(tmp_path / "moved")
    with pytest.raises(DestinationError, match="recordings/r1: is gone; where its store was moved, pipeline recover"):
        recorder.__exit__(None, None, None)
    assert not store.exists()
    assert pipeline.recover_sessions(moved) == ["r1"]


def test_an_export_that_was_interrupted_is_not_continued_from_a_store_of_another_name(store, tmp_path):
    def stop(done, _total, _bytes):
        if done > 5:
            raise KeyboardInterrupt

    options = {"scope": "per-session", "batch_size": 1, "threads": 1}
    with pytest.raises(KeyboardInterrupt):
        export_measurements(store, tmp_path / "out", on_progress=stop, **options)
    moved = store.rename(tmp_path / "moved")
    with pytest.raises(DestinationError, match="of another source"):
        export_measurements(moved, tmp_path / "out", keep_stage=True, **options)
    assert "of another source" in export_measurements(moved, tmp_path / "out", **options).warnings[0]
    assert names_in(tmp_path) == ["a.ndjson", "moved", "out"]
