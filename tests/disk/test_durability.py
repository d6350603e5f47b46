"""What becomes visible is durable before, by the calls it makes; disks that are full or fail are told."""

from __future__ import annotations

import re
import subprocess

import pytest
from directories import names_in
from machine import needs_strace
from program import COMMAND, pipeline_with_small_files

from pipeline import import_sessions

# strace shows the calls; test_faults.py kills at them.


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


@pytest.mark.parametrize("what", ["destination", "temporary directory"])
def test_a_full_disk_is_said_and_leaves_nothing(source, tmp_path, what):
    """Files that may not grow are a disk that is full; a store needs no temporary files, other sources do."""
    import_sessions(source, tmp_path / "store")
    given = tmp_path / "store" if what == "destination" else source
    result = pipeline_with_small_files(1000, "export", given, "--to", tmp_path / "out" / "package")
    assert result.status == 4, result.err
    assert len(result.err.splitlines()) == 1
    assert "cannot be written" in result.err
    assert "damaged" not in result.err
    assert not (tmp_path / "out").exists() or names_in(tmp_path / "out") == []
