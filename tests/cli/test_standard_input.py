"""Standard input as a source: each format, each command, and what is left of it."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import time

import duckdb
import pytest
import zstandard
from directories import contents, descriptor, names_in
from program import COMMAND
from project import FIXTURE_STORE, ROOT
from samples import row, write_ndjson

import pipeline
from pipeline.sources.standard_input import named_sources

HYPERFINE = ROOT / "data" / "fixtures" / "harness" / "hyperfine" / "two-commands.json"
CHOSEN = {"metrics": ["control_rtt"], "sync": False}


@pytest.fixture
def run(tmp_path):
    """Run a command with bytes on standard input; nothing may be left in the directory of temporary files."""
    (tmp_path / "tmp").mkdir()

    def run(given, *arguments, status=0):
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            input=given,
            capture_output=True,
            cwd=tmp_path,
            env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
            check=False,
        )
        assert done.returncode == status, done.stderr
        assert names_in(tmp_path / "tmp") == []
        return done.stdout.decode(), done.stderr.decode()

    return run


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """The same measurements in each format, as they may come through a pipe."""
    directory = tmp_path_factory.mktemp("given")
    found = {}
    for name in ("ndjson", "csv", "parquet", "arrow"):
        pipeline.export_measurements(FIXTURE_STORE, directory / name, format=name, **CHOSEN)
        (path,) = (directory / name).glob("measurements_*")
        found[name, "none"] = path.read_bytes()
    found["ndjson", "gzip"] = gzip.compress(found["ndjson", "none"])
    found["csv", "zstd"] = zstandard.compress(found["csv", "none"])
    (parquet,) = (directory / "parquet").glob("measurements_*")
    with duckdb.connect(directory / "a.duckdb") as connection:
        connection.execute(f"CREATE TABLE measurements AS FROM '{parquet}'")
    return found | {("duckdb", "none"): (directory / "a.duckdb").read_bytes()}


FORMS = [
    *[(name, "none") for name in ("ndjson", "csv", "parquet", "arrow", "duckdb")],
    ("ndjson", "gzip"),
    ("csv", "zstd"),
]


@pytest.mark.parametrize("form", FORMS, ids="-".join)
def test_what_comes_in_goes_out(given, run, form):
    out, err = run(given[form], "export", "-", "--input-format", form[0], "--to", "-", "--quiet")
    # Without records, sessions are in the order of their first rows.
    assert sorted(out.encode().splitlines()) == sorted(given["ndjson", "none"].splitlines())
    assert err == ""


def test_every_command_takes_it(given, run, tmp_path):
    words = ("-", "--input-format", "ndjson")
    rows = given["ndjson", "none"]
    out, _ = run(rows, "statistics", *words, "--to", "-", "--format", "ndjson", "--quiet")
    figures = [json.loads(line) for line in out.splitlines()]
    assert sum(one["count"] + one["null_count"] for one in figures) == rows.count(b"\n") == 8_800
    out, _ = run(rows, "query", "-", "SELECT count(*) AS n FROM measurements", *words[1:], "--format", "ndjson")
    assert json.loads(out) == {"n": 8_800}
    out, _ = run(rows, "sessions", *words, "--format", "ndjson")
    assert len(out.splitlines()) == 11
    run(rows, "import", *words, "--to", "store")
    assert len(pipeline.list_sessions(tmp_path / "store")) == 11
    _, err = run(rows, "catalog", "-", "--to", "c.duckdb", status=2)
    assert "standard input" in err


def test_the_same_rows_are_the_same_package(given, run, tmp_path):
    export = ("export", "-", "--input-format", "ndjson", "--to", "out", "--no-sync")
    run(given["ndjson", "none"], *export)
    before = contents(tmp_path / "out")
    assert descriptor(tmp_path / "out")["pipeline:source"]["name"] == "standard-input.ndjson"
    out, _ = run(given["ndjson", "none"], *export)
    assert "is this package already" in out
    _, err = run(given["ndjson", "none"].replace(b"robot-01", b"robot-77"), *export, status=4)
    assert "another source" in err
    assert contents(tmp_path / "out") == before


def test_it_goes_with_files(run, tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row("s1", at) for at in range(3)])
    piped = "".join(json.dumps(row("s2", at)) + "\n" for at in range(2)).encode()
    out, _ = run(piped, "query", "a.ndjson", "-", "SELECT count(*) FROM measurements", "--input-format", "ndjson",
                 "--format", "csv")  # fmt: skip
    assert out.splitlines()[1:] == ["5"]


def test_a_harness_is_known_by_its_content(run, tmp_path):
    out, _ = run(HYPERFINE.read_bytes(), "import", "-", "--to", "store", "--json", "--session-id", "nightly")
    report = json.loads(out)
    assert report["imported"] == ["nightly"]
    assert [file["file"] for file in report["files"]] == ["standard input"]
    assert str(tmp_path / "tmp") not in out
    out, _ = run(b"a word\n", "import", "-", HYPERFINE, "--to", "other", "--skip-unknown", "--json")
    assert [told.split(": ")[0] for told in json.loads(out)["unknown"]] == ["standard input"]
    _, err = run(HYPERFINE.read_bytes(), "import", "-", "--to", "store", status=3)
    assert "standard input: was imported before, as session 'nightly'" in err


@pytest.mark.parametrize(
    ("arguments", "status", "named"),
    [
        (["export", "-", "--to", "out"], 2, "--input-format parquet, arrow, csv, ndjson"),
        (["export", "-", "-", "--input-format", "csv", "--to", "out"], 2, "name it once"),
        (["export", FIXTURE_STORE, "--input-format", "csv", "--to", "out"], 2, "name - as a source"),
        (["export", "-", "--input-format", "xml", "--to", "out"], 2, "--input-format"),
        (["export", "-", FIXTURE_STORE, "--input-format", "ndjson", "--to", "out"], 3, "and standard input is none"),
        (["export", "-", "--input-format", "ndjson", "--to", "out"], 3, "standard input: "),
        (["export", "-", "--input-format", "parquet", "--to", "out"], 3, "standard input: "),
        (["import", "-", "--to", "store"], 3, "standard input: "),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(run, tmp_path, arguments, status, named):
    _, err = run(b'{"a": 1\n', *arguments, status=status)
    (line,) = err.splitlines()
    assert named in line
    assert str(tmp_path) not in line
    assert names_in(tmp_path) == ["tmp"]


@pytest.mark.parametrize("twin", [pipeline.list_sessions, lambda one: pipeline.export_measurements(one, "out")])
def test_functions_take_files(twin):
    with pytest.raises(pipeline.UsageError, match="standard input"):
        twin("-")


def test_a_terminal_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(os, "isatty", lambda _: True)
    with pytest.raises(pipeline.UsageError, match="terminal"), named_sources(["-"], "csv"):
        pass


def test_nothing_of_it_is_left_where_the_run_is_ended(tmp_path):
    (tmp_path / "tmp").mkdir()
    with subprocess.Popen(
        [*COMMAND, "export", "-", "--input-format", "ndjson", "--to", "out"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
    ) as process:
        process.stdin.write(b"{}\n")
        process.stdin.flush()
        until = time.monotonic() + 20
        while not list((tmp_path / "tmp").glob("*/begun")) and time.monotonic() < until:
            time.sleep(0.02)
        assert list((tmp_path / "tmp").glob("*/begun"))
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert process.returncode == 128 + signal.SIGTERM
    assert names_in(tmp_path) == ["tmp"]
    assert names_in(tmp_path / "tmp") == []
