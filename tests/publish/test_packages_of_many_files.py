"""Packages of many files, which are synced and recorded in groups: nothing of that shows in what is published."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from directories import contents, names_in
from machine import needs_strace
from program import COMMAND
from samples import row, write_ndjson

from pipeline import DestinationError, export_measurements, import_sessions
from pipeline.publish import stage
from pipeline.publish.finished_files import FinishedFiles

SESSIONS = 80
ROWS = 5


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch):
    """Packages are compared byte for byte."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    directory = tmp_path_factory.mktemp("many")
    rows = [row(f"s{s:02}", i, value=s + i / 7) for s in range(SESSIONS) for i in range(ROWS)]
    import_sessions(write_ndjson(directory / "source.ndjson", rows), directory / "store")
    return directory / "store"


def staged(package):
    return package.parent / f".{package.name}.stage" / "package"


def open_files():
    return [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if os.path.lexists(path)]


def inodes(directory):
    """Which files they are; a number alone may be that of one that is gone."""
    found = {path.name: path.stat() for path in directory.iterdir()}
    return {name: (status.st_ino, status.st_mtime_ns) for name, status in found.items()}


@pytest.mark.parametrize("sync", [True, False], ids=["synced", "not synced"])
def test_a_kill_loses_no_more_than_a_part_of_what_is_done(store, tmp_path, sync):
    package, wanted = tmp_path / "out" / "package", tmp_path / "wanted"
    export_measurements(store, wanted, scope="per-session")
    script = (
        "import os, sys, pipeline\n"
        "pipeline.export_measurements(sys.argv[1], sys.argv[2], scope='per-session', batch_size=5,\n"
        f"    sync={sync}, on_progress=lambda done, *_: os.kill(os.getpid(), 9) if done > {ROWS * 70} else None)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, store, package], check=False).returncode == -9
    # Those that come next are made, and empty.
    before = {name: which for name, which in inodes(staged(package)).items() if (staged(package) / name).stat().st_size}
    assert len(before) == 70
    export_measurements(store, package, scope="per-session", sync=sync)
    assert contents(package) == contents(wanted)
    kept = set(before.values()) & set(inodes(package).values())
    assert 70 * 4 // 5 <= len(kept) < 70


def test_an_interruption_loses_no_file_that_is_finished(store, tmp_path):
    package, wanted = tmp_path / "out" / "package", tmp_path / "wanted"
    export_measurements(store, wanted, scope="per-session")

    def stop(done, _total, _written):
        if done > ROWS * 70:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_measurements(store, package, scope="per-session", on_progress=stop)
    before = inodes(staged(package))
    assert len(before) == 70
    assert not [path for path in open_files() if "measurements-session" in path]
    export_measurements(store, package, scope="per-session")
    assert contents(package) == contents(wanted)
    assert set(before.values()) <= set(inodes(package).values())


@pytest.mark.parametrize("most", [0, 3])
def test_files_need_not_be_made_before_they_are_written(store, tmp_path, monkeypatch, most):
    export_measurements(store, tmp_path / "wanted", scope="per-session")
    monkeypatch.setattr(stage, "_MOST_MADE", most)
    export_measurements(store, tmp_path / "package", scope="per-session")
    assert contents(tmp_path / "package") == contents(tmp_path / "wanted")


def test_a_group_that_cannot_be_synced_is_an_error_of_the_export(store, tmp_path, monkeypatch):
    def fail(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("pipeline.publish.finished_files.sync_file_system", fail)
    with pytest.raises(DestinationError, match="cannot be written"):
        export_measurements(store, tmp_path / "out" / "package", scope="per-session")
    assert names_in(tmp_path / "out") == []


def test_groups_grow_with_what_is_recorded_and_end_where_they_are_large(tmp_path):
    (tmp_path / "package").mkdir()
    at, journal = tmp_path / "package", tmp_path / "journal"
    files = FinishedFiles(at, journal, called=tmp_path / "out", sync=False, recorded=True)
    files.begin()
    sizes = []
    for number in range(5000):
        before = len(files.names)
        files.add({"name": f"file-{number}", "bytes": 1, "sha256": ""})
        if len(files.names) > before:
            sizes.append(len(files.names) - before)
    assert sizes[:8] == [1] * 8
    assert sizes == sorted(sizes)
    assert sizes[-1] == 512
    assert len(sizes) < 40
    lost = len(files.names)
    files.add({"name": "large", "bytes": 1 << 30, "sha256": ""})
    assert len(files.names) > lost
    files.close()


@needs_strace
def test_files_are_durable_before_they_are_recorded_with_few_calls(store, tmp_path):
    log = tmp_path / "strace.log"
    words = [*COMMAND, "export", store, "--to", tmp_path / "out" / "package", "--scope", "per-session", "--quiet"]
    options = ["-f", "-y", "-s", "1000000", "--seccomp-bpf", "-e", "trace=openat,write,fsync,fdatasync,syncfs"]
    subprocess.run(["strace", *options, "-o", log, *map(str, words)], check=True)
    calls = [line.split(" ", 1)[1] for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    syncs = [at for at, call in enumerate(calls) if call.lstrip().startswith(("fsync(", "fdatasync(", "syncfs("))]
    assert len(syncs) < SESSIONS
    for number in range(SESSIONS):
        name = f"measurements-session-s{number:02}-1"
        made = next(at for at, call in enumerate(calls) if "openat(" in call and f"/{name}" in call)
        told = next(at for at, call in enumerate(calls) if "write(" in call and f'\\"name\\":\\"{name}\\"' in call)
        assert "/journal>" in calls[told]
        written = max(at for at, call in enumerate(calls[:told]) if re.search(rf"write\(\d+<[^>]*/{name}>", call))
        assert made < written
        assert any(written < at < told and (f"/{name}>" in calls[at] or "syncfs(" in calls[at]) for at in syncs)
