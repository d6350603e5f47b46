"""What commands say: summaries, progress on a terminal, one line for an error, and nothing into a closed pipe."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bad_cases import TO
from directories import descriptor
from program import COMMAND, pipeline


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "store", "--to", "-"],
        ["export", "store", "--to", "-", "--format", "parquet"],
        ["export", "store", "--to", "-", "--compression", "gzip"],
        ["statistics", "store", "--to", "-"],
        ["sessions", "store"],
        ["query", "store", "SELECT 1", "--format", "csv"],
    ],
    ids=" ".join,
)
def test_a_full_standard_output_is_said(arguments, good_store, tmp_path):
    shutil.copytree(good_store, tmp_path / "store")
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "pipeline", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            check=False,
        )
    assert result.returncode == 4, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "standard output: cannot be written (No space left on device)" in result.stderr


def test_a_traceback_comes_only_when_asked_for(tmp_path):
    quiet = pipeline("export", "nowhere", "--to", TO, cwd=tmp_path)
    loud = pipeline("--debug", "export", "nowhere", "--to", TO, cwd=tmp_path)
    assert "Traceback" not in quiet.err
    assert "Traceback" in loud.err
    assert "nowhere: does not exist" in loud.err


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
    assert re.search(r"writing: \d+% [\d,]+ of 2,000,000 rows, [\d,]+ rows/s, [\d.]+ (bytes|[kM]B)", shown)
    # The line is taken away in the end.
    assert shown.endswith("\r\x1b[K")
    assert on_a_terminal(*arguments, "--to", tmp_path / "b", "--quiet") == ""
    piped = pipeline(*arguments, "--to", tmp_path / "c")
    assert (piped.status, piped.err) == (0, "")
