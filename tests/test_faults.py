"""A short form of the fault campaign in `faults/`: a sample of calls, errors, moments and sizes of disks."""

from __future__ import annotations

import os
import random
import shutil
import subprocess

import pytest
from conftest import row, write_ndjson
from injection import COMMAND, VARIANTS, Scenario, SmallDisk, contents, fill
from random_kills import kill_at_random

from pipeline import import_sessions

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EINTR")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    directory = tmp_path_factory.mktemp("faults")
    rows = [row(session_id, i, value=i / 7) for session_id in ("s1", "s2") for i in range(30)]
    import_sessions(write_ndjson(directory / "source.ndjson", rows), directory / "store")
    return directory / "store"


def sample(counts, number, seed):
    """The first and the last call of each name, and others, up to a number in all."""
    every = [(call, at) for call, count in sorted(counts.items()) for at in range(1, count + 1)]
    ends = [(call, at) for call, at in every if at in {1, counts[call]}]
    rest = [one for one in every if one not in ends]
    random.Random(seed).shuffle(rest)  # noqa: S311 - repeatable on purpose
    return (ends + rest)[:number]


@needs_strace
@pytest.mark.parametrize(
    ("variant", "existing"), [("ndjson", False), ("csv", True), ("parquet", False), ("ndjson.zst", True)]
)
def test_a_kill_leaves_the_old_package_the_new_one_or_none(store, tmp_path, variant, existing):
    scenario = Scenario(store, tmp_path / "scenario", variant, existing)
    assert scenario.calls.keys() == {"write", "fsync", "rename", "renameat2", "close"}
    seen = {scenario.kill(call, at) for call, at in sample(scenario.calls, 14, variant)}
    assert seen == {"before", "new"}


@needs_strace
@pytest.mark.parametrize(
    ("variant", "existing"), [("json", False), ("arrow", True), ("ndjson.gz", False), ("parquet", True)]
)
def test_an_error_of_a_call_is_an_error_of_the_export(store, tmp_path, variant, existing):
    scenario = Scenario(store, tmp_path / "scenario", variant, existing)
    seen = set()
    for place, (call, at) in enumerate(sample(scenario.calls, 16, variant)):
        error = ERRORS[place % len(ERRORS)]
        outcome = scenario.fail(call, at, error)
        assert outcome != "done" or error == "EINTR" or call == "close", (call, at, error)
        seen.add(outcome)
    assert "before" in seen


@needs_root
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_full_disk_is_said_and_leaves_nothing(store, tmp_path, variant):
    scenario = Scenario(store, tmp_path / "scenario", variant, existing=False)
    disk = SmallDisk(tmp_path / "disk")
    try:
        assert [fill(scenario, disk, kilobytes) for kilobytes in (4, 12, 20, 200)] == ["before"] * 3 + ["done"]
    finally:
        disk.close()


@needs_strace
@pytest.mark.parametrize("call", ["fsync", "rename", "renameat2", "unlink"])
def test_a_kill_of_an_import_that_replaces_leaves_each_session_old_or_new(store, tmp_path, call):
    rows = [row(session_id, i, value=i / 3) for session_id in ("s1", "s2") for i in range(40)]
    source = write_ndjson(tmp_path / "new.ndjson", rows)
    shutil.copytree(store, tmp_path / "wanted")
    import_sessions(source, tmp_path / "wanted", if_exists="replace")
    place = tmp_path / "store"
    sessions = {
        session_id: [contents(one / "sessions" / session_id) for one in (store, tmp_path / "wanted")]
        for session_id in ("s1", "s2")
    }
    command = [*COMMAND, "import", source, "--to", place, "--if-exists", "replace", "--quiet"]
    seen = set()
    for at in range(1, 40):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(store, place)
        inject = ["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={at}"]
        log = tmp_path / "log"
        subprocess.run(["strace", "-f", "-o", log, *inject, *map(str, command)], check=False, capture_output=True)
        if "+++ killed by SIGKILL +++" not in log.read_text(encoding="utf-8"):
            break
        found = [sessions[name].index(contents(place / "sessions" / name)) for name in ("s1", "s2")]
        assert len(list((place / "sessions").iterdir())) == 2
        seen.add(tuple(found))
        import_sessions(source, place, if_exists="replace")
        assert [contents(place / "sessions" / name) for name in sessions] == [new for _, new in sessions.values()]
        assert {path.name for path in (place / "staging").iterdir()} == set()
    assert seen or call == "rename"  # nothing is renamed when sessions are exchanged
    assert seen <= {(0, 0), (1, 0), (1, 1)}


def test_kills_at_random_moments_are_continued_to_the_same_package(tmp_path):
    outcomes = kill_at_random(tmp_path / "kills", "ndjson.gz", 25, seed=1)
    assert sum(outcomes.values()) == 25
    assert outcomes["continued"]
