"""Temporary files lie where TMPDIR says or nowhere, and what a kill left of them is removed by the next run."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from directories import names_in
from injection import SmallDisk
from machine import needs_root
from places import BAD_PLACES
from program import pipeline
from project import HARNESS_FILES
from samples import row, write_ndjson

from pipeline import DestinationError, connect, export_measurements, import_sessions, scan, statistics
from pipeline.disk.locks import LOCK_NAME, DirectoryLock
from pipeline.disk.temporary import temporary_directory


def actions(source, store, out):
    """All that makes temporary files, by what it is."""
    return {
        "export": lambda: export_measurements(store, out / "package", sync=False),
        "export of files": lambda: export_measurements(source, out / "package", sync=False),
        "import": lambda: import_sessions(source, out / "store"),
        "import of a harness file": lambda: import_sessions(
            next(HARNESS_FILES.glob("hyperfine/*.json")), out / "store"
        ),
        "connect": lambda: connect(store),
        "connect to files": lambda: connect(source),
        "scan": lambda: scan(source),
        "statistics": lambda: statistics(store),
    }


@pytest.mark.parametrize("place", BAD_PLACES)
@pytest.mark.parametrize("action", actions(None, None, None))
def test_a_place_for_temporary_files_that_is_none_is_named(source, good_store, tmp_path, monkeypatch, place, action):
    (tmp_path / "out").mkdir()
    (tmp_path / "at").mkdir()
    bad = BAD_PLACES[place](tmp_path / "at")
    monkeypatch.setenv("TMPDIR", str(bad))
    monkeypatch.chdir(tmp_path / "out")
    with pytest.raises(DestinationError) as raised:
        actions(source, good_store, tmp_path / "out")[action]()
    assert str(raised.value).startswith(f"{bad}: temporary files cannot be written (")
    assert "TMPDIR says where they go" in str(raised.value)
    assert names_in(tmp_path / "out") == []


@needs_root
@pytest.mark.parametrize(
    "words",
    [
        "export {rows}.ndjson --to out --no-sync",
        "export {rows}.parquet --to out --no-sync",
        "statistics {rows}.parquet --to out --no-sync --format xlsx --window 1s",
        "import {rows}.json.gz --to out --map value=value:ms",
    ],
)
def test_a_full_place_for_temporary_files_is_named(tmp_path, words):
    """As small as a directory can be, so that every command runs out of it."""
    make_rows(tmp_path)
    place = tmp_path / "place"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=True)
    try:
        result = pipeline(*words.format(rows="rows").split(), cwd=tmp_path, env={"TMPDIR": str(place)})
        assert result.status == 4, result
        assert len(result.err.splitlines()) == 1
        assert str(place) in result.err
        assert "TMPDIR" in result.err
        assert names_in(place) == []
        assert not (tmp_path / "out").exists()
    finally:
        subprocess.run(["umount", place], check=True)


@needs_root
def test_a_place_for_temporary_files_that_may_be_read_alone_is_named(source, good_store, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    disk = SmallDisk(tmp_path / "place", read_only=True)
    disk.resize(64)
    monkeypatch.setenv("TMPDIR", str(disk.directory))
    try:
        for action in actions(source, good_store, tmp_path / "out").values():
            with pytest.raises(DestinationError) as raised:
                action()
            says = f"{disk.directory}: temporary files cannot be written (Read-only file system); "
            assert str(raised.value).startswith(says)
            assert names_in(tmp_path / "out") == []
    finally:
        disk.close()


def make_rows(at):
    """20,000 rows, out of order as Parquet, as text, and as records of another program."""
    import gzip  # noqa: PLC0415 - for this alone
    import json  # noqa: PLC0415

    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    count = 20_000
    rows = [row("s", at, robot=f"r{at}") for at in range(count)]
    write_ndjson(at / "rows.ndjson", rows)
    table = pa.table(
        {
            "session_id": ["s"] * count,
            "sequence": np.arange(count)[::-1],
            "timestamp": pa.array(np.arange(count) * 100_000).cast(pa.timestamp("us", "UTC")),
            "metric": ["m"] * count,
            "value": np.random.default_rng(1).random(count),
            "unit": ["ms"] * count,
        }
    )
    pq.write_table(table, at / "rows.parquet")
    text = "".join(json.dumps({"value": float(v)}) + "\n" for v in np.random.default_rng(2).random(count))
    (at / "rows.json.gz").write_bytes(gzip.compress(text.encode()))


def test_what_lies_there_is_for_its_owner_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with temporary_directory() as made:
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert names_in(tmp_path) == []


def test_what_a_killed_run_left_is_removed_by_the_next_one(tmp_path, source):
    """A run that lives keeps its own."""
    at = tmp_path / "place"
    at.mkdir()
    hold = (
        "import sys\nfrom pipeline.disk.temporary import temporary_directory\n"
        "with temporary_directory() as made:\n"
        "    (made / 'spool').mkdir(); (made / 'spool' / 'rows').write_text('secret')\n"
        "    print(made, flush=True); sys.stdin.read()\n"
    )
    environment = {**os.environ, "TMPDIR": str(at)}
    runs = [
        subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        for _ in range(2)
    ]
    killed, living = (Path(run.stdout.readline().decode().strip()) for run in runs)
    runs[0].kill()
    runs[0].wait()
    assert (killed / "spool" / "rows").exists()
    assert pipeline("export", source, "--to", tmp_path / "out", "--no-sync", env={"TMPDIR": str(at)}).status == 0
    assert [path.name for path in at.iterdir()] == [living.name]
    assert (living / "spool" / "rows").exists()
    for run in runs:
        run.communicate()
    assert names_in(at) == []


def test_what_is_not_ours_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "pipeline-notes").mkdir()
    (tmp_path / "pipeline-0123456789abcdef").symlink_to(tmp_path / "elsewhere")
    before = names_in(tmp_path)
    with temporary_directory():
        pass
    assert names_in(tmp_path) == before


def test_many_at_a_time_are_in_nobodys_way(tmp_path):
    """Each makes its own while others look for what is left."""
    make = (
        "from pipeline.disk.temporary import temporary_directory\n"
        "for _ in range(60):\n    with temporary_directory() as made: (made / 'x').write_text('x')\n"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", make], env={**os.environ, "TMPDIR": str(tmp_path)}) for _ in range(3)
    ]
    assert [run.wait(timeout=120) for run in runs] == [0, 0, 0]
    assert names_in(tmp_path) == []


def test_a_directory_for_which_no_lock_can_be_made_does_not_stay(tmp_path, monkeypatch):
    """As on a disk that has room for a directory and not for one more file."""
    original = os.open

    def full(path, *arguments, **options):
        if str(path).endswith(LOCK_NAME):
            raise OSError(28, "No space left on device")
        return original(path, *arguments, **options)

    monkeypatch.setattr("os.open", full)
    with pytest.raises(OSError, match="No space"):
        DirectoryLock(tmp_path / "stage", held_as=tmp_path)
    assert names_in(tmp_path) == []
