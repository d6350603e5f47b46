"""Stages: one run holds a destination; an interrupted one is continued by the same command, and by no other."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import pyarrow as pa
import pytest
from directories import contents, names_in
from plain_files import write_rows
from program import pipeline
from samples import row, write_ndjson

from pipeline import (
    BusyError,
    DestinationError,
    SourceError,
    UsageError,
    export_measurements,
    export_statistics,
    export_table,
    import_sessions,
    verify_package,
)
from pipeline.disk.locks import DirectoryLock
from pipeline.publish.leftovers import list_stages
from pipeline.publish.stage_directory import is_stage, stage_path

FORMATS = ("ndjson", "json", "csv", "parquet", "arrow")
SESSIONS = tuple(f"s{i}" for i in range(6))
ROWS = 20


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch):
    """Packages are compared byte for byte."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")


@pytest.fixture
def store(tmp_path):
    rows = [row(session_id, i, robot=f"r{i % 3}", value=i / 7) for session_id in SESSIONS for i in range(ROWS)]
    import_sessions(write_ndjson(tmp_path / "source.ndjson", rows), tmp_path / "store")
    return tmp_path / "store"


def inodes(directory):
    return {path.stat().st_ino for path in directory.iterdir()}


def stop_after(rows):
    """Interrupt when so many rows are done."""

    def look(done, _total, _written):
        if done > rows:
            raise KeyboardInterrupt

    return look


def interrupted(source, to, *, rows, export=export_measurements, **options):
    """Begin an export that is interrupted; give the note that it leaves."""
    with pytest.raises(KeyboardInterrupt) as caught:
        export(source, to, on_progress=stop_after(rows), batch_size=ROWS, **options)
    return getattr(caught.value, "__notes__", [])


def staged(package):
    return package.parent / f".{package.name}.stage"


# Continuing.


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "options",
    [
        {"scope": "per-session"},
        {"scope": "per-session", "rows_per_file": 7},
        {"rows_per_file": 33},
        {"scope": "per-session", "with_statistics": True, "rows_per_file": 15},
        {"scope": "per-session", "sessions": SESSIONS[1:5], "where": "sequence <> 3"},
    ],
    ids=str,
)
@pytest.mark.parametrize("done", [45, 70])
def test_the_same_command_continues_and_gives_the_same_bytes(store, tmp_path, kind, options, done):
    package = tmp_path / "out" / "package"
    options = {"format": kind, **options}
    export_measurements(store, tmp_path / "wanted" / "package", **options)
    (note,) = interrupted(store, package, rows=done, **options)
    assert "the same command continues" in note
    assert names_in(package.parent) == [".package.stage"]
    kept = names_in(staged(package) / "package")
    before = inodes(staged(package) / "package")
    assert kept
    export_measurements(store, package, verify=True, **options)
    assert names_in(package.parent) == ["package"]
    assert before <= inodes(package)  # these were not written again
    without_flag = contents(package)
    without_flag["datapackage.json"] = without_flag["datapackage.json"].replace(
        b'"pipeline:verified": true', b'"pipeline:verified": false'
    )
    wanted = contents(tmp_path / "wanted" / "package")
    for name in wanted.keys() - {"SHA256SUMS"}:
        assert without_flag[name] == wanted[name]
    assert without_flag.keys() == wanted.keys()


def test_only_the_rest_is_read(store, tmp_path):
    """A finished session is not looked at again: here its rows have gone bad since."""
    package = tmp_path / "package"
    interrupted(store, package, rows=50, scope="per-session")
    data = store / "sessions" / SESSIONS[0] / "measurements-0000.parquet"
    damaged = bytearray(data.read_bytes())
    damaged[100] ^= 0xFF
    data.write_bytes(damaged)
    export_measurements(store, package, scope="per-session")
    assert verify_package(package).problems == ()
    with pytest.raises(SourceError):
        export_measurements(store, tmp_path / "other", scope="per-session")


def test_it_can_be_interrupted_again_and_again(store, tmp_path):
    package = tmp_path / "out" / "package"
    export_measurements(store, tmp_path / "wanted", scope="per-session", rows_per_file=7)
    seen = []
    for rows in (25, 25, 25, 25):
        interrupted(store, package, rows=rows, scope="per-session", rows_per_file=7)
        seen.append(len(names_in(staged(package) / "package")))
    assert seen == sorted(set(seen))
    export_measurements(store, package, scope="per-session", rows_per_file=7)
    assert contents(package) == contents(tmp_path / "wanted")


def test_statistics_in_parts_continue(store, tmp_path, monkeypatch):
    from pipeline.tables import statistics  # noqa: PLC0415

    package = tmp_path / "package"
    options = {"rows_per_file": 2, "by": ["robot"]}
    export_statistics(store, tmp_path / "wanted", **options)
    with monkeypatch.context() as patch:
        parts = statistics.parts

        def cut(rows, limit):
            for part, part_rows in parts(rows, limit):
                if part == 4:
                    raise KeyboardInterrupt
                yield part, part_rows

        patch.setattr(statistics, "parts", cut)
        with pytest.raises(KeyboardInterrupt):
            export_statistics(store, package, **options)
    assert len(names_in(staged(package) / "package")) == 3
    export_statistics(store, package, **options)
    assert contents(package) == contents(tmp_path / "wanted")


def test_a_new_destination_and_one_that_is_replaced_continue_alike(store, tmp_path):
    package = tmp_path / "package"
    export_measurements(store, package, format="csv")
    old = contents(package)
    interrupted(store, package, rows=50, scope="per-session", overwrite=True)
    assert contents(package) == old
    export_measurements(store, package, scope="per-session", overwrite=True)
    export_measurements(store, tmp_path / "wanted", scope="per-session")
    assert contents(package) == contents(tmp_path / "wanted")


@pytest.mark.parametrize("damage", ["flip", "cut", "missing", "link", "journal", "torn journal", "identity"])
def test_what_is_continued_is_checked_not_trusted(store, tmp_path, damage):
    package = tmp_path / "out" / "package"
    export_measurements(store, tmp_path / "wanted", scope="per-session")
    interrupted(store, package, rows=70, scope="per-session")
    stage = staged(package)
    finished = [json.loads(line.split(b" ", 1)[1])["name"] for line in (stage / "journal").read_bytes().splitlines()]
    assert len(finished) >= 2
    path = stage / "package" / finished[1]
    data = path.read_bytes()
    if damage == "flip":
        path.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:])
    elif damage == "cut":
        os.truncate(path, 10)
    elif damage == "missing":
        path.unlink()
    elif damage == "link":
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    elif damage == "identity":
        (stage / "stage.json").write_text("{", encoding="utf-8")
    else:
        journal = (stage / "journal").read_bytes()
        changed = journal.replace(b'"rows":20', b'"rows":21') if damage == "journal" else journal[:-10]
        assert changed != journal
        (stage / "journal").write_bytes(changed)
    if damage == "identity":
        with pytest.raises(DestinationError, match=r"what its stage.json does not say; .* --keep-stage"):
            export_measurements(store, package, scope="per-session", keep_stage=True)
    done = export_measurements(store, package, scope="per-session")
    assert len(done.warnings) == (damage == "identity")
    assert contents(package) == contents(tmp_path / "wanted")


# What is not continued.


@pytest.mark.parametrize(
    "options",
    [{"format": "csv"}, {"scope": "cross-session"}, {"exclude": ["robot"]}, {"hashed": False}, {"rows_per_file": 5}],
    ids=str,
)
def test_a_stage_of_other_options_is_kept_discarded_or_dropped_never_mixed(store, tmp_path, options):
    package = tmp_path / "out" / "package"
    other = {"scope": "per-session"} | options
    interrupted(store, package, rows=50, scope="per-session")
    before = contents(staged(package) / "package")
    with pytest.raises(DestinationError, match=r"of other options; .* --keep-stage"):
        export_measurements(store, package, keep_stage=True, **other)
    assert contents(staged(package) / "package") == before
    done = export_measurements(store, package, **other)
    (warning,) = done.warnings
    assert warning.startswith(f"{staged(package)}: held what an interrupted run left, of other options; ")
    wanted = export_measurements(store, tmp_path / "wanted", **other)
    assert contents(package) == contents(tmp_path / "wanted")
    interrupted(store, package, rows=50, scope="per-session", overwrite=True)
    other["columns"] = ["sequence", "value"]
    discarded = export_measurements(store, package, discard_stage=True, overwrite=True, **other)
    assert (discarded.warnings, wanted.warnings) == ((), ())
    assert names_in(package.parent) == ["package"]


def test_a_store_that_grew_is_exported_and_what_did_not_fit_is_told(store, tmp_path):
    package = tmp_path / "package"
    interrupted(store, package, rows=50, scope="per-session")
    import_sessions(write_ndjson(tmp_path / "more.ndjson", [row("s9", 0)]), store)
    words = ["export", store, "--to", package, "--scope", "per-session"]
    kept = pipeline(*words, "--keep-stage")
    assert (kept.status, len(kept.err.splitlines())) == (4, 1)
    assert "of another source; the same command as then continues it, without --keep-stage" in kept.err
    done = pipeline(*words, "--quiet")
    assert (done.status, done.out) == (0, "")
    assert re.fullmatch(r"pipeline: warning: \S+: held .* of another source; .* was removed\n", done.err)
    assert verify_package(package).problems == ()
    assert names_in(tmp_path) == ["more.ndjson", "package", "source.ndjson", "store"]


def test_rows_in_disorder_that_are_read_again_do_not_silence_it(tmp_path):
    """The first attempt removes what does not fit, and begins again where rows are in another order."""
    rows = [row(session_id, i) for session_id in SESSIONS for i in range(ROWS)]
    source = write_rows(tmp_path / "source.parquet", rows)
    interrupted(source, tmp_path / "package", rows=50, scope="per-session")
    write_rows(source, [*rows[ROWS:], *rows[:ROWS]])
    (warning,) = export_measurements(source, tmp_path / "package", scope="per-session").warnings
    assert "of another source" in warning


def test_what_is_not_exported_anyway_costs_no_stage(store, tmp_path):
    """A package is there, of other options: the stage stays for the command that continues it."""
    package = tmp_path / "package"
    export_measurements(store, package)
    interrupted(store, package, rows=50, scope="per-session", overwrite=True)
    before = contents(staged(package) / "package")
    with pytest.raises(DestinationError, match="--overwrite replaces it"):
        export_measurements(store, package, format="csv")
    assert contents(staged(package) / "package") == before


def test_a_table_takes_the_place_of_what_was_left(store, tmp_path):
    package = tmp_path / "package"
    interrupted(store, package, rows=50, scope="per-session")
    table = pa.table({"a": [1, 2], "b": [3, 4]})
    with pytest.raises(DestinationError, match="--keep-stage"):
        export_table(table, package, keep_stage=True)
    assert "was removed" in export_table(table, package).warnings[0]
    assert export_table(table, package).warnings == ()


def test_a_stage_cannot_be_kept_and_discarded(store, tmp_path):
    for export, source in ((export_measurements, store), (export_table, pa.table({"a": [1]}))):
        with pytest.raises(UsageError, match="leave one of them out"):
            export(source, tmp_path / "package", discard_stage=True, keep_stage=True)


def test_where_nothing_is_finished_nothing_is_left(store, tmp_path):
    assert interrupted(store, tmp_path / "out" / "package", rows=50) == []
    assert names_in(tmp_path / "out") == []


def test_without_hashes_nothing_can_be_checked_and_nothing_is_left(store, tmp_path):
    assert interrupted(store, tmp_path / "out" / "package", rows=90, scope="per-session", hashed=False) == []
    assert names_in(tmp_path / "out") == []


def test_bad_data_leaves_no_stage(store, tmp_path):
    data = store / "sessions" / SESSIONS[4] / "measurements-0000.parquet"
    damaged = bytearray(data.read_bytes())
    damaged[100] ^= 0xFF
    data.write_bytes(damaged)
    with pytest.raises(SourceError):
        export_measurements(store, tmp_path / "out" / "package", scope="per-session")
    assert names_in(tmp_path / "out") == []


@pytest.mark.parametrize("what", ["file", "link", "foreign"])
def test_what_no_export_made_is_not_taken_for_a_stage(store, tmp_path, what):
    package = tmp_path / "out" / "package"
    package.parent.mkdir()
    if what == "file":
        staged(package).write_text("mine", encoding="utf-8")
    elif what == "link":
        (tmp_path / "elsewhere").mkdir()
        staged(package).symlink_to(tmp_path / "elsewhere")
    else:
        staged(package).mkdir()
        (staged(package) / "thesis.txt").write_text("years", encoding="utf-8")
    for discard in (False, True):
        with pytest.raises(DestinationError, match=r"\.package\.stage"):
            export_measurements(store, package, discard_stage=discard)
    assert names_in(package.parent) == [".package.stage"]
    if what == "foreign":
        assert names_in(staged(package)) == ["thesis.txt"]
    if what == "link":
        assert names_in(tmp_path / "elsewhere") == []


# Two runs.


def test_a_second_run_is_told_and_the_first_wins(store, tmp_path):
    package = tmp_path / "out" / "package"
    told = []

    def second(_done, _total, _written):
        if not told:
            told.append(pipeline("export", store, "--to", package))
            with pytest.raises(BusyError):
                export_measurements(store, package, format="csv", overwrite=True, discard_stage=True)

    export_measurements(store, package, on_progress=second)
    assert (told[0].status, len(told[0].err.splitlines())) == (7, 1)
    assert "another run" in told[0].err
    assert names_in(package.parent) == ["package"]
    assert verify_package(package).problems == ()


def test_of_many_runs_at_once_one_wins_and_the_package_is_whole(store, tmp_path):
    package = tmp_path / "out" / "package"
    outcomes = []

    def export():
        try:
            outcomes.append("there" if export_measurements(store, package, sync=False).is_unchanged else "written")
        except BusyError:
            outcomes.append("busy")

    for _ in range(5):
        outcomes.clear()
        threads = [threading.Thread(target=export) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes.count("written") == 1
        assert len(outcomes) == 6
        assert names_in(package.parent) == ["package"]
        assert verify_package(package).problems == ()
        for path in package.iterdir():
            path.unlink()


def test_a_stage_that_another_run_removes_meanwhile_is_no_error(tmp_path):
    """Whoever comes then holds it, or is told that another run does; nothing else."""
    directory = stage_path(tmp_path / "package")
    is_done = threading.Event()

    def come_and_go():
        while not is_done.is_set():
            with contextlib.suppress(OSError):
                directory.mkdir()
                (directory / "lock").touch()
                (directory / "lock").unlink()
            with contextlib.suppress(OSError):
                directory.rmdir()

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        for _ in range(500):
            is_stage(directory)
            with contextlib.suppress(BusyError):
                DirectoryLock(directory, held_as=tmp_path / "package").remove()
    finally:
        is_done.set()
        other.join()


def test_a_dead_run_holds_nothing(store, tmp_path):
    package = tmp_path / "out" / "package"
    script = (
        "import os, sys, pipeline\n"
        "pipeline.export_measurements(sys.argv[1], sys.argv[2], scope='per-session', batch_size=20,\n"
        "    on_progress=lambda done, *_: os.kill(os.getpid(), 9) if done > 50 else None)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, store, package], check=False)
    assert killed.returncode == -9
    before = inodes(staged(package) / "package")
    assert names_in(package.parent) == [".package.stage"]
    export_measurements(store, package, scope="per-session")
    export_measurements(store, tmp_path / "wanted", scope="per-session")
    assert contents(package) == contents(tmp_path / "wanted")
    assert len(before & inodes(package)) >= 2


@pytest.mark.parametrize("left", [(), ("lock",), ("lock", "stage.json"), ("lock", "stage.json", "package")])
def test_what_a_run_killed_while_clearing_away_left_is_removed(store, tmp_path, left):
    package = tmp_path / "out" / "package"
    export_measurements(store, package)
    staged(package).mkdir()
    for name in left:
        (staged(package) / name).write_text("{}", encoding="utf-8")
    assert export_measurements(store, package).is_unchanged
    assert names_in(package.parent) == ["package"]


def test_a_stage_that_was_published_is_no_obstacle(store, tmp_path):
    """A run died between publishing and clearing away; what is at the destination is what the stage says."""
    package = tmp_path / "out" / "package"
    interrupted(store, package, rows=50, scope="per-session")
    staged(package).rename(tmp_path / "kept")
    export_measurements(store, package, scope="per-session")
    (tmp_path / "kept").rename(staged(package))
    assert export_measurements(store, package, scope="per-session").is_unchanged
    assert names_in(package.parent) == ["package"]
    interrupted(store, tmp_path / "other", rows=50, scope="per-session")
    staged(tmp_path / "other").rename(staged(package))
    export_measurements(store, package, format="csv", overwrite=True)
    assert names_in(package.parent) == ["package"]


# Signals.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_command_says_that_it_can_be_continued(tmp_path, number):
    rows = [row(f"s{i // 4000}", i % 4000, value=i / 7, note="x" * 100) for i in range(24_000)]
    source = write_ndjson(tmp_path / "source.ndjson", rows)
    import_sessions(source, tmp_path / "store")
    package = tmp_path / "out" / "package"
    arguments = ["export", tmp_path / "store", "--to", package, "--scope", "per-session", "--threads", "1"]
    arguments += ["--batch-size", "10", "--compression", "gzip"]
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", *map(str, arguments)], stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 30
        journal = staged(package) / "journal"
        while not (journal.exists() and journal.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert err == "pipeline: interrupted; nothing was published; the same command continues where it stopped\n"
    assert pipeline(*arguments).status == 0
    export_measurements(tmp_path / "store", tmp_path / "wanted", scope="per-session", compression="gzip")
    assert contents(package) == contents(tmp_path / "wanted")


# The command that lists and removes.


def test_stages_are_listed_and_removed_unless_a_run_holds_them(store, tmp_path):
    out = tmp_path / "out"
    for name in ("a", "b"):
        interrupted(store, out / name, rows=50, scope="per-session")
    (out / ".mine.stage").mkdir()
    (out / ".mine.stage" / "thesis.txt").write_text("years", encoding="utf-8")
    with (staged(out / "b") / "lock").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        found = {one["destination"]: one for one in json.loads(pipeline("stages", out, "--json").out)}
        assert set(found) == {str(out / "a"), str(out / "b")}
        assert (found[str(out / "a")]["is_held"], found[str(out / "b")]["is_held"]) == (False, True)
        assert found[str(out / "a")]["files"] == len(names_in(staged(out / "a") / "package"))
        assert found[str(out / "a")]["bytes"] == sum(
            path.stat().st_size for path in staged(out / "a").rglob("*") if path.is_file()
        )
        assert "left by a run that has ended" in pipeline("stages", out / "a").out
        done = pipeline("stages", out, "--remove")
        assert done.status == 0
        assert [line.split(" (")[0] for line in done.out.splitlines()] == [
            f"{out / 'a'}: removed",
            f"{out / 'b'}: held by a run",
        ]
        assert names_in(out) == [".b.stage", ".mine.stage"]
    assert pipeline("stages", out / "b", "--remove").status == 0
    assert names_in(out) == [".mine.stage"]
    assert pipeline("stages", out).out == ""


def test_stages_are_listed_while_their_runs_write_and_end(tmp_path):
    """What is gone by the time it is looked at is not listed, and no error."""
    directory = stage_path(tmp_path / "package")
    is_done = threading.Event()

    def come_and_go():
        while not is_done.is_set():
            directory.mkdir()
            (directory / "package").mkdir()
            for name in "abc":
                (directory / "package" / name).touch()
            shutil.rmtree(directory)

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        listed = [list_stages(tmp_path) for _ in range(500)]
    finally:
        is_done.set()
        other.join()
    assert {one.stage for stages in listed for one in stages} == {str(directory)}
