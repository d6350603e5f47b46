"""Publishing: a package appears whole or not at all, is never replaced unasked; standard output is just the file."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import descriptor, names_in, only, pipeline, row, write_ndjson

from pipeline import (
    DestinationError,
    EmptyExportError,
    SourceError,
    UsageError,
    export_measurements,
    export_statistics,
    import_sessions,
)

COMMAND = [sys.executable, "-m", "pipeline"]


def snapshot(directory):
    """Every file below a directory: content, time of its last change, and which file it is."""
    files = sorted(path for path in Path(directory).rglob("*") if path.is_file())
    return {str(p.relative_to(directory)): (p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_ino) for p in files}


def contents(directory):
    return {name: content for name, (content, *_) in snapshot(directory).items()}


@pytest.fixture
def source(tmp_path):
    """Two sessions in one file."""
    rows = [row(session_id, i, robot=f"r{i}") for session_id in ("s1", "s2") for i in range(30)]
    return write_ndjson(tmp_path / "source.ndjson", rows)


@pytest.fixture(scope="module")
def long_source(tmp_path_factory):
    """Enough rows that an export of them can be interrupted."""
    rows = 4_000_000
    table = pa.table(
        {
            "session_id": pa.DictionaryArray.from_arrays(np.arange(rows, dtype=np.int32) // (rows // 2), ["s1", "s2"]),
            "sequence": np.arange(rows),
            "timestamp": pa.array(np.arange(rows) * 1000).cast(pa.timestamp("us", "UTC")),
            "metric": pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), ["control_rtt"]),
            "value": np.random.default_rng(1).random(rows),
            "unit": pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), ["ms"]),
        }
    )
    path = tmp_path_factory.mktemp("long") / "long.parquet"
    pq.write_table(table.cast(pa.schema([(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type)
                                         for f in table.schema])), path)  # fmt: skip
    return path


# Staging.


def test_the_stage_is_a_hidden_sibling_that_becomes_the_package(source, tmp_path):
    seen = []

    def look(_done, _total, _written):
        seen.append(names_in(tmp_path / "out"))

    export_measurements(source, tmp_path / "out" / "package", on_progress=look, with_statistics=True)
    assert seen
    for names in seen:
        assert names == [".package.stage"]
    assert names_in(tmp_path / "out") == ["package"]


def test_a_package_can_be_read_by_whom_the_umask_lets(source, tmp_path):
    before = os.umask(0o027)
    try:
        export_measurements(source, tmp_path / "package", sync=False)
    finally:
        os.umask(before)
    assert (tmp_path / "package").stat().st_mode & 0o777 == 0o750
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "package").iterdir()} == {0o640}


@pytest.mark.parametrize("scope", ["per-session", "cross-session"])
@pytest.mark.parametrize("with_statistics", [False, True])
def test_a_failure_in_the_middle_leaves_everything_as_it_was(source, tmp_path, scope, with_statistics):
    store = tmp_path / "store"
    import_sessions(source, store)
    export_measurements(store, tmp_path / "out" / "package")
    before = snapshot(tmp_path / "out")
    data = store / "sessions" / "s2" / "measurements-0000.parquet"
    damaged = bytearray(data.read_bytes())
    damaged[100] ^= 0xFF
    data.write_bytes(damaged)
    options = {"scope": scope, "with_statistics": with_statistics}
    with pytest.raises(SourceError, match="s2"):
        export_measurements(store, tmp_path / "out" / "package", overwrite=True, **options)
    with pytest.raises(SourceError, match="s2"):
        export_measurements(store, tmp_path / "out" / "other", **options)
    assert snapshot(tmp_path / "out") == before
    assert names_in(tmp_path / "out") == ["package"]


def test_a_failure_of_the_caller_leaves_nothing(source, tmp_path):
    def stop(_done, _total, _written):
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        export_measurements(source, tmp_path / "out" / "package", on_progress=stop)
    assert names_in(tmp_path / "out") == []


def test_what_comes_into_the_destination_meanwhile_is_not_replaced(source, tmp_path):
    def intrude(_done, _total, _written):
        (tmp_path / "out" / "package").mkdir(exist_ok=True)
        (tmp_path / "out" / "package" / "thesis.txt").write_text("years", encoding="utf-8")

    with pytest.raises(DestinationError):
        export_measurements(source, tmp_path / "out" / "package", on_progress=intrude)
    assert contents(tmp_path / "out") == {"package/thesis.txt": b"years"}


# What is there already.


def test_the_same_command_again_says_so_and_touches_nothing(source, tmp_path):
    first = pipeline("export", source, "--to", tmp_path / "package", "--with-statistics")
    before = snapshot(tmp_path / "package")
    again = pipeline("export", source, "--to", tmp_path / "package", "--with-statistics")
    assert (first.status, again.status) == (0, 0)
    assert "is this package already, complete; nothing to do" in again.out
    assert "nothing to do" not in first.out
    assert again.err == ""
    assert snapshot(tmp_path / "package") == before
    report = json.loads(pipeline("export", source, "--to", tmp_path / "package", "--with-statistics", "--json").out)
    assert report["is_unchanged"] is True
    assert {file["name"] for file in report["files"]} == {
        r["path"] for r in descriptor(tmp_path / "package")["resources"]
    }


@pytest.mark.parametrize(
    "options",
    [
        {"threads": 1},
        {"batch_size": 7},
        {"memory_limit": "512MB"},
        {"sync": False},
        {"fail_if_empty": True},
        {"format": "ndjson", "compression": "none", "scope": "cross-session"},
    ],
    ids=str,
)
def test_options_that_do_not_shape_the_content_make_no_difference(source, tmp_path, options):
    export_measurements(source, tmp_path / "package")
    before = snapshot(tmp_path / "package")
    assert export_measurements(source, tmp_path / "package", **options).is_unchanged
    assert snapshot(tmp_path / "package") == before


@pytest.mark.parametrize(
    "options",
    [
        {"format": "csv"},
        {"compression": "gzip"},
        {"scope": "per-session"},
        {"with_statistics": True},
        {"sessions": ["s1"]},
        {"metrics": ["control_rtt"]},
        {"since": "2026-11-24"},
        {"until": "2027-01-01"},
        {"where": "true"},
        {"where_session": "true"},
        {"columns": ["session_id", "sequence", "value"]},
        {"exclude": ["robot"]},
        {"rows_per_file": 1000},
        {"hashed": False},
    ],
    ids=str,
)
def test_other_options_are_refused_unless_told_to_overwrite(source, tmp_path, options):
    export_measurements(source, tmp_path / "package", sync=False)
    before = snapshot(tmp_path / "package")
    with pytest.raises(DestinationError, match="--overwrite"):
        export_measurements(source, tmp_path / "package", sync=False, **options)
    assert snapshot(tmp_path / "package") == before
    assert not export_measurements(source, tmp_path / "package", sync=False, overwrite=True, **options).is_unchanged
    assert export_measurements(source, tmp_path / "package", sync=False, **options).is_unchanged


def test_statistics_differ_by_their_options_too(source, tmp_path):
    export_statistics(source, tmp_path / "package")
    for options in ({"window": "1m"}, {"by": ["robot"]}, {"quantiles": [0.9]}, {"lost": "infinite"}):
        with pytest.raises(DestinationError, match="--overwrite"):
            export_statistics(source, tmp_path / "package", **options)
    with pytest.raises(DestinationError, match="--overwrite"):
        export_measurements(source, tmp_path / "package")
    assert export_statistics(source, tmp_path / "package").is_unchanged


def test_another_source_is_refused_even_of_the_same_name(source, tmp_path):
    export_measurements(source, tmp_path / "package")
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("1.5", "1.25", 1), encoding="utf-8")
    with pytest.raises(DestinationError, match="another source"):
        export_measurements(source, tmp_path / "package")
    source.write_text(text, encoding="utf-8")
    assert export_measurements(source, tmp_path / "package").is_unchanged


@pytest.mark.parametrize("damage", ["cut", "missing", "no manifest", "longer"])
def test_a_package_that_is_incomplete_is_not_taken_for_done(source, tmp_path, damage):
    export_measurements(source, tmp_path / "package")
    wanted = contents(tmp_path / "package")
    data = only(tmp_path / "package", "measurements_*")
    if damage == "cut":
        os.truncate(data, data.stat().st_size - 1)
    elif damage == "longer":
        data.write_bytes(data.read_bytes() + b"x")
    else:
        (data if damage == "missing" else tmp_path / "package" / "SHA256SUMS").unlink()
    with pytest.raises(DestinationError):
        export_measurements(source, tmp_path / "package")
    export_measurements(source, tmp_path / "package", overwrite=True)
    found = contents(tmp_path / "package")
    for name in wanted.keys() - {"datapackage.json", "SHA256SUMS"}:
        assert found[name] == wanted[name]
    assert found.keys() == wanted.keys()


def test_overwriting_replaces_the_whole_package(source, tmp_path):
    export_measurements(source, tmp_path / "out" / "package", scope="per-session", format="csv")
    export_measurements(source, tmp_path / "out" / "package", overwrite=True)
    names = {path.name for path in (tmp_path / "out" / "package").iterdir()}
    described = {resource["path"] for resource in descriptor(tmp_path / "out" / "package")["resources"]}
    assert names == described | {"datapackage.json", "SHA256SUMS"}
    assert not any(name.startswith("measurements") and name.endswith(".csv") for name in names)
    assert names_in(tmp_path / "out") == ["package"]


@pytest.mark.parametrize("kind", ["file", "hidden file", "directory", "link"])
def test_a_foreign_file_in_a_package_is_never_touched(source, tmp_path, kind):
    package = tmp_path / "package"
    export_measurements(source, package)
    foreign = package / (".notes" if kind == "hidden file" else "notes.txt")
    if kind == "directory":
        foreign.mkdir()
    elif kind == "link":
        foreign.symlink_to(source)
    else:
        foreign.write_text("mine", encoding="utf-8")
    before = snapshot(package)
    for overwrite in (False, True):
        result = pipeline("export", source, "--to", package, *["--overwrite"] * overwrite)
        assert result.status == 4
        assert foreign.name in result.err
    assert snapshot(package) == before
    assert foreign.exists()


def test_signatures_may_lie_in_a_package(source, tmp_path):
    package = tmp_path / "package"
    export_measurements(source, package)
    for name in ("SHA256SUMS.asc", "SHA256SUMS.sig", "datapackage.json.tsr"):
        (package / name).write_bytes(b"signature")
    before = snapshot(package)
    assert export_measurements(source, package).is_unchanged
    assert snapshot(package) == before


def test_an_empty_directory_counts_as_not_there(source, tmp_path):
    (tmp_path / "package").mkdir()
    assert export_measurements(source, tmp_path / "package").rows > 0
    assert (tmp_path / "package" / "datapackage.json").is_file()


@pytest.mark.parametrize("name", [".", ".."])
def test_the_current_directory_is_no_destination(source, tmp_path, name):
    """It cannot be renamed into place under the feet of the shell."""
    (tmp_path / "empty").mkdir()
    result = pipeline("export", source, "--to", name, cwd=tmp_path / "empty")
    assert result.status in {2, 4}
    assert f"{name}: " in result.err
    assert names_in(tmp_path / "empty") == []
    assert names_in(tmp_path) == ["empty", "source.ndjson"]


def test_parents_are_created_and_a_trailing_slash_means_nothing(source, tmp_path):
    result = pipeline("export", source, "--to", f"{tmp_path}/a/b/package/")
    assert result.status == 0, result.err
    assert (tmp_path / "a" / "b" / "package" / "datapackage.json").is_file()
    assert names_in(tmp_path / "a" / "b") == ["package"]


# Signals and pipes.


def start(*arguments, **options):
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def wait_for_stage(directory):
    """Wait until a stage holds some rows."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for path in Path(directory).glob(".*.stage/package/*"):
            if path.stat().st_size > 0:
                return
        time.sleep(0.01)
    raise AssertionError("no stage came")


@pytest.mark.parametrize("existing", [False, True], ids=["new", "replacing"])
def test_an_interrupted_export_leaves_nothing_and_says_so(long_source, source, tmp_path, existing):
    out = tmp_path / "out"
    out.mkdir()
    if existing:
        export_measurements(source, out / "package", sync=False)
    before = snapshot(out)
    with start("export", long_source, "--to", out / "package", "--overwrite", "--compression", "gzip") as process:
        wait_for_stage(out)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "pipeline: interrupted; nothing was published\n")
    assert snapshot(out) == before
    assert names_in(out) == (["package"] if existing else [])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["query", "{source}", "SELECT count(*) FROM range(100000000000)"], ""),
        (["statistics", "{source}", "--to", "{out}/package", "--window", "1s"], "; nothing was published"),
        (["export", "{source}", "--to", "{out}/package", "--with-statistics"], "; nothing was published"),
        (["import", "{source}", "--to", "{out}/store"], "; nothing was imported"),
    ],
    ids=["query", "statistics", "export", "import"],
)
@pytest.mark.parametrize("seconds", [0.5, 1.0])
def test_whatever_works_can_be_interrupted(long_source, tmp_path, arguments, told, seconds):
    (tmp_path / "out").mkdir()
    filled = [word.format(source=long_source, out=tmp_path / "out") for word in arguments]
    with start(*filled, env={**os.environ, "TMPDIR": str(tmp_path)}) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    # A fast machine may be done before, a slow one not have begun; then nothing was interrupted.
    if process.returncode == -signal.SIGINT:
        assert not list((tmp_path / "out").iterdir())
    elif process.returncode != 0:
        if list(tmp_path.glob("out/store/sessions/*")):  # the first session was in
            told = "; 1 session was imported before; the same command with --if-exists skip imports the others"
        assert (process.returncode, err) == (130, f"pipeline: interrupted{told}\n")
        assert not (tmp_path / "out" / "package").exists()
        assert not list(tmp_path.glob("out/.*"))
        assert not list(tmp_path.glob("out/store/staging/*"))
    assert not list(tmp_path.glob("pipeline-*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_killed_export_publishes_nothing_and_the_next_one_works(long_source, source, tmp_path, number):
    with start("export", long_source, "--to", tmp_path / "package", "--compression", "gzip") as process:
        wait_for_stage(tmp_path)
        process.send_signal(number)
        process.communicate(timeout=30)
    assert process.returncode != 0
    assert not (tmp_path / "package").exists()
    assert export_measurements(source, tmp_path / "package").rows == 60
    assert contents(tmp_path / "package").keys() >= {"datapackage.json", "SHA256SUMS"}


@pytest.mark.parametrize("kind", ["ndjson", "csv", "json", "parquet", "arrow"])
def test_a_closed_pipe_is_quiet(fixture_store, kind):
    script = f"{' '.join(COMMAND)} export {fixture_store} --to - --format {kind} | head -c 100; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", script], capture_output=True, check=False)
    assert result.stderr == b""
    assert result.stdout[100:] == b"141\n"


@pytest.mark.parametrize(
    "arguments",
    [["sessions", "{}", "--format", "ndjson"], ["query", "{}", "SELECT * FROM measurements", "--format", "csv"]],
    ids=lambda arguments: arguments[0],
)
def test_lists_may_be_cut_by_a_closed_pipe_too(fixture_store, arguments):
    words = " ".join(f"'{word.format(fixture_store)}'" for word in arguments)
    result = subprocess.run(
        ["bash", "-c", f"{' '.join(COMMAND)} {words} | head -c 1"], capture_output=True, check=False
    )
    assert (len(result.stdout), result.stderr) == (1, b"")


# Standard output.


@pytest.mark.parametrize(
    ("kind", "compression"),
    [
        ("ndjson", "none"),
        ("ndjson", "gzip"),
        ("ndjson", "zstd"),
        ("json", "none"),
        ("csv", "none"),
        ("parquet", "zstd"),
        ("arrow", "none"),
    ],
)
def test_standard_output_gets_the_bytes_of_the_file(fixture_store, tmp_path, kind, compression):
    export_measurements(fixture_store, tmp_path / "package", format=kind, compression=compression, sync=False)
    written = subprocess.run(
        [*COMMAND, "export", fixture_store, "--to", "-", "--format", kind, "--compression", compression],
        capture_output=True,
        check=False,
    )
    assert written.returncode == 0, written.stderr
    assert written.stdout == only(tmp_path / "package", "measurements_*").read_bytes()
    assert b"1 file, 24,553 rows" in written.stderr


def test_statistics_to_standard_output_are_those_of_the_file(fixture_store, tmp_path):
    export_statistics(fixture_store, tmp_path / "package", window="10s")
    result = pipeline("statistics", fixture_store, "--to", "-", "--window", "10s", "--quiet")
    assert (result.status, result.err) == (0, "")
    assert result.out == only(tmp_path / "package", "statistics_*").read_text(encoding="utf-8")


# What is said.


def test_what_was_written_is_printed_for_people_and_for_machines(source, tmp_path):
    result = pipeline("export", source, "--to", tmp_path / "a", "--scope", "per-session")
    assert (result.status, result.err) == (0, "")
    names = [resource["path"] for resource in descriptor(tmp_path / "a")["resources"]]
    lines = result.out.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == names
    assert lines[-1].startswith(f"{tmp_path / 'a'}: 3 files, 60 rows, ")
    report = json.loads(pipeline("export", source, "--to", tmp_path / "b", "--json").out)
    resources = descriptor(tmp_path / "b")["resources"]
    assert [(f["name"], f["rows"], f["bytes"], f"sha256:{f['sha256']}") for f in report["files"]] == [
        (r["path"], r["pipeline:rowCount"], r["bytes"], r["hash"]) for r in resources
    ]
    assert (report["to"], report["sessions"]) == (str(tmp_path / "b"), 2)
    assert report["bytes"] == sum(resource["bytes"] for resource in resources)


def test_quiet_says_nothing(source, tmp_path):
    result = pipeline("export", source, "--to", tmp_path / "a", "--quiet")
    assert (result.status, result.out, result.err) == (0, "", "")
    result = pipeline("export", source, "--to", tmp_path / "a", "--quiet", "--format", "csv")
    assert (result.status, result.out) == (4, "")
    assert result.err.startswith("pipeline: ")


def test_an_export_of_nothing_is_valid_and_warns(source, tmp_path):
    result = pipeline("export", source, "--to", tmp_path / "a", "--metric", "contol_rtt")
    assert result.status == 0
    warnings = result.err.splitlines()
    assert "pipeline: warning: no selected session has metric 'contol_rtt'; did you mean 'control_rtt'?" in warnings
    assert any("holds no rows" in line or "hold no rows" in line for line in warnings)
    assert all(line.startswith("pipeline: warning: ") for line in warnings)
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        "measurements_empty_cross-session.ndjson",
        "sessions_empty.csv",
        "datapackage.json",
        "SHA256SUMS",
    }
    assert only(tmp_path / "a", "measurements_*").read_bytes() == b""


@pytest.mark.parametrize("kind", ["ndjson", "json", "csv", "parquet", "arrow"])
def test_a_file_of_no_rows_is_valid_in_every_format(source, tmp_path, kind):
    report = export_measurements(source, tmp_path / "a", format=kind, where="false", with_statistics=True)
    assert [file.rows for file in report.files] == [0, 0, 2]
    data = only(tmp_path / "a", "measurements_*")
    if kind == "json":
        assert json.loads(data.read_bytes())["measurements"] == []
    elif kind == "csv":
        assert data.read_text() == "session_id,sequence,timestamp,metric,value,unit,robot\n"
    elif kind == "parquet":
        assert pq.read_table(data).schema.names[-1] == "robot"
    elif kind == "arrow":
        assert pa.ipc.open_file(data).schema.names[-1] == "robot"
    with pytest.raises(EmptyExportError, match="nothing matches"):
        export_measurements(source, tmp_path / "b", format=kind, where="false", fail_if_empty=True)
    assert not (tmp_path / "b").exists()


def test_nothing_to_standard_output_can_be_an_error(source):
    assert pipeline("export", source, "--to", "-", "--where", "false").status == 0
    assert pipeline("export", source, "--to", "-", "--where", "false", "--fail-if-empty").status == 3


def on_a_terminal(*arguments):
    """Run a command whose standard error is a terminal; give what it wrote there."""
    leader, follower = pty.openpty()
    with subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=follower) as process:
        os.close(follower)
        written = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            written += part
        process.communicate(timeout=60)
    os.close(leader)
    assert process.returncode == 0, written
    return written.decode()


def test_progress_is_shown_on_a_terminal_only(long_source, tmp_path):
    arguments = (
        "export",
        long_source,
        "--session",
        "s1",
        "--format",
        "csv",
        "--compression",
        "gzip",
        "--no-sync",
    )
    shown = on_a_terminal(*arguments, "--to", tmp_path / "a")
    assert re.search(r"\d+% [\d,]+ of 2,000,000 rows, [\d,]+ rows/s, [\d.]+ (bytes|[kM]B)", shown)
    # The line is taken away in the end.
    assert shown.endswith("\r\x1b[K")
    assert on_a_terminal(*arguments, "--to", tmp_path / "b", "--quiet") == ""
    piped = pipeline(*arguments, "--to", tmp_path / "c")
    assert (piped.status, piped.err) == (0, "")


def test_compressed_bytes_are_not_written_to_a_terminal(source):
    leader, follower = pty.openpty()
    result = subprocess.run(
        [*COMMAND, "export", source, "--to", "-", "--format", "parquet"],
        stdout=follower,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(follower)
    os.close(leader)
    assert result.returncode == 2
    assert "terminal" in result.stderr


# Durability. strace shows the calls; test_faults.py kills at them.

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def trace(tmp_path, *arguments, inject=None):
    """Run a command under strace; give its status and the calls that make something durable or visible."""
    log = tmp_path / "strace.log"
    calls = "fsync,fdatasync,rename,renameat,renameat2"
    options = ["-f", "-y", "-o", log, "-e", f"trace={calls}"]
    # The quick way to look at a few calls only does not deliver signals.
    options += ["-e", f"inject={inject}"] if inject else ["--seccomp-bpf"]
    done = subprocess.run(
        ["strace", *map(str, options), *COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    text = log.read_text(encoding="utf-8", errors="replace")
    # Calls of other threads may interrupt a line; here there is one that writes.
    return done.returncode, [line.split(" ", 1)[1].strip() for line in text.splitlines() if "(" in line], text


@needs_strace
def test_everything_is_durable_before_it_is_visible(source, tmp_path):
    out = tmp_path / "out"
    status, calls, _ = trace(tmp_path, "export", source, "--to", out / "package", "--with-statistics")
    assert status == 0
    published = [i for i, call in enumerate(calls) if call.startswith("rename") and f'{out}/package"' in call]
    assert len(published) == 1
    before, after = calls[: published[0]], calls[published[0] + 1 :]
    synced = [re.search(r"<(.*?)>", call)[1] for call in before if call.startswith("fsync")]
    # Each file (under the name it had then), and the stage last, which makes their names durable.
    package = names_in(out / "package")
    assert len(package) == 5
    assert len({path for path in synced if f"{out}/.package.stage/package" in path}) == len(package) + 1
    assert synced[-1] == f"{out}/.package.stage/package"
    renames = [i for i, call in enumerate(before) if call.startswith("rename")]
    assert max(renames) < max(i for i, call in enumerate(before) if call.startswith("fsync"))
    # And the name of the package itself.
    assert any(call.startswith("fsync") and f"<{out}>" in call for call in after)


@needs_strace
def test_an_import_is_durable_before_it_is_visible(source, tmp_path):
    store = tmp_path / "store"
    status, calls, _ = trace(tmp_path, "import", source, "--to", store)
    assert status == 0
    for session_id in ("s1", "s2"):
        (published,) = [
            i for i, call in enumerate(calls) if "rename" in call and f'{store}/sessions/{session_id}"' in call
        ]
        stage = re.search(rf'"({re.escape(str(store))}/staging/\w+)"', calls[published])[1]
        synced = {re.search(r"<(.*?)>", call)[1] for call in calls[:published] if call.startswith("fsync")}
        assert {stage, f"{stage}/measurements-0000.parquet", f"{stage}/session.json"} <= synced
        later = [call for call in calls[published:] if call.startswith("fsync")]
        assert any(f"<{store}/sessions>" in call for call in later)


@needs_strace
def test_no_sync_waits_for_no_disk(source, tmp_path):
    status, calls, _ = trace(tmp_path, "export", source, "--to", tmp_path / "package", "--no-sync")
    assert status == 0
    assert [call for call in calls if call.startswith(("fsync", "fdatasync"))] == []
    assert any(call.startswith("rename") for call in calls)


@needs_strace
@pytest.mark.parametrize("call", ["fsync", "rename", "renameat2"])
def test_an_error_of_the_system_is_an_error_of_the_export(source, tmp_path, call):
    inject = f"{call}:error=EIO:when=1"
    status, _, text = trace(tmp_path, "export", source, "--to", tmp_path / "out" / "package", inject=inject)
    assert "(INJECTED)" in text
    assert status == 4
    assert names_in(tmp_path / "out") == []


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
from pipeline.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("what", ["destination", "temporary directory"])
def test_a_full_disk_is_said_and_leaves_nothing(source, tmp_path, what):
    """Files that may not grow are a disk that is full; a store needs no temporary files, other sources do."""
    import_sessions(source, tmp_path / "store")
    given = tmp_path / "store" if what == "destination" else source
    command = [sys.executable, "-c", LIMITED, "export", given, "--to", tmp_path / "out" / "package"]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert result.returncode == 4, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "cannot be written" in result.stderr
    assert "damaged" not in result.stderr
    assert not (tmp_path / "out").exists() or names_in(tmp_path / "out") == []


def test_a_name_that_says_a_file_is_told_how_to_write_one(source, tmp_path):
    with pytest.raises(UsageError, match=r"--to - > "):
        export_measurements(source, tmp_path / "out.csv", format="csv")
