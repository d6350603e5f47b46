"""A FIFO, a socket or a device where a regular file should lie: an error that names it, at once."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from contextlib import contextmanager
from pathlib import Path

import pytest
from samples import row, write_ndjson

from pipeline import export_measurements, import_sessions
from pipeline.cli import main

SECONDS = 20


@contextmanager
def in_time():
    """Fail where a command waits: to open a FIFO ends when somebody writes to it."""

    def stop(*_):
        pytest.fail(f"has not ended in {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A store with a recording whose recorder was killed, a package, and the stage of an interrupted export."""
    place = tmp_path_factory.mktemp("sound")
    rows = [row(session_id, at) for session_id in ("s1", "s2") for at in range(5)]
    import_sessions(write_ndjson(place / "a.ndjson", rows), place / "store")
    export_measurements(place / "store", place / "package")
    recording = place / "store" / "recordings" / "r1"
    recording.mkdir(parents=True)
    (recording / "recording.json").write_text(
        '{"session_id": "r1", "started_at": 0, "harness": {"name": null, "version": null}, "configuration": {}, '
        '"attributes": {}}'
    )
    (recording / "batches").touch()
    (recording / "lock").touch()

    def stop(done, _total, _bytes):
        if done > 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_measurements(
            place / "store", place / "out", scope="per-session", batch_size=1, threads=1, on_progress=stop
        )
    assert (place / ".out.stage" / "journal").stat().st_size
    return place


@pytest.fixture
def place(sound, tmp_path, monkeypatch):
    shutil.copytree(sound, tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")
    return tmp_path / "place"


def make_fifo(path):
    os.mkfifo(path)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as bound:
        here = Path.cwd()
        os.chdir(path.parent)  # its name may have 107 characters
        bound.bind(path.name)
        os.chdir(here)


def make_device(path):
    try:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero, which has no end
    except PermissionError:
        pytest.skip("only root makes devices")


KINDS = {"a FIFO": make_fifo, "a socket": make_socket, "a device": make_device, "a directory": os.mkdir}
DATA = "store/sessions/s1/measurements-0000.parquet"
RECORD = "store/sessions/s1/session.json"
EXPORT = "export store --to out --scope per-session --batch-size 1 --threads 1"
CASES = [
    *((file, command, 3)
      for file in ("store/store.json", RECORD, DATA)
      for command in ("export store --to -", "statistics store --to new", "sessions store", "catalog store --to c.db",
                      "import a.ndjson --to store --if-exists replace", "query store SELECT --no-verify")),
    ("store/recordings/r1/recording.json", "recover store", 3),
    ("store/recordings/r1/batches", "recover store", 3),
    ("store/recordings/r1/lock", "recover store", 4),
    ("store/staging", "import a.ndjson --to store --if-exists replace", 4),
    ("store/staging/lock", "import a.ndjson --to store --if-exists replace", 4),
    *((f"package/{name}", "verify package", 5) for name in ("datapackage.json", "SHA256SUMS")),
    *((f"package/{name}", "verify package --quick", 5) for name in ("datapackage.json", "SHA256SUMS")),
    ("package/datapackage.json", "export store --to package", 4),
    ("package/SHA256SUMS", "export store --to package", 4),
    *((f".out.stage/{name}", command, 4)
      for name in ("journal", "lock") for command in ("stages .", "stages . --remove", EXPORT)),
    (".out.stage/stage.json", EXPORT, 4),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("file", "command", "status"), CASES)
def test_what_is_no_regular_file_is_an_error_where_it_lies(place, capsys, file, command, status, kind):
    path = place / file
    if file == "store/staging" and kind == "a directory":
        pytest.skip("it is one")
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    KINDS[kind](path)
    words = ["SELECT count(*) FROM measurements" if word == "SELECT" else word for word in command.split()]
    with in_time():
        assert main(words) == status
    said = capsys.readouterr()
    told = said.err if status != 5 else said.out
    assert path.name in told or file == ".out.stage/stage.json"
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("name", ["stage.json", "journal"])
def test_a_stage_whose_files_are_none_is_discarded(place, name):
    (place / ".out.stage" / name).unlink()
    os.mkfifo(place / ".out.stage" / name)
    with in_time():
        assert main([*EXPORT.split(), "--discard-stage", "--quiet"]) == 0


def test_what_a_user_names_may_be_a_pipe(place, capsys):
    """A shell passes what a command prints so: --package-metadata <(jq ...)."""
    reading, writing = os.pipe()
    os.write(writing, b'{"title": "piped"}')
    os.close(writing)
    with in_time():
        assert main(["export", "store", "--to", "new", "--package-metadata", f"/dev/fd/{reading}", "--quiet"]) == 0
    assert '"title": "piped"' in (place / "new" / "datapackage.json").read_text(encoding="utf-8")
    assert capsys.readouterr().err == ""
