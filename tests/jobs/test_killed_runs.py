"""What runs that were killed leave in the place of packages: the next run removes it, and nothing else."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from directories import names_in, snapshot
from nights import JOB, add, night, told, write_job

# Dies where a package has been put aside, or is published, and its stage is still there.
_KILLED = """
import os, sys
from pipeline.jobs import run
from pipeline.publish import removal, stage
def die(*_, **__):
    os.kill(os.getpid(), 9)
removal.clear_removed = stage.Stage._remove = die
run.run_job(sys.argv[1], at="2026-12-01")
"""


def kill_a_run(job):
    assert subprocess.run([sys.executable, "-c", _KILLED, str(job)], check=False).returncode == -signal.SIGKILL


@pytest.mark.parametrize("to", ["{period}", "of-{period}-it", "{period}/a/b"])
def test_a_run_that_was_killed_while_it_removed_leaves_nothing_behind_the_next_one(tmp_path, to):
    for day in (23, 24, 25):
        add(tmp_path, f"s{day}", f"2026-11-{day}T16:00:00Z")
    write_job(tmp_path, JOB.replace("{period}", to))
    night(tmp_path)
    root = tmp_path / "published"
    own = [root / "incoming" / "a", root / "2026-11-01-b"]
    for directory in own:
        directory.mkdir(parents=True)
    job = write_job(tmp_path, JOB.replace("{period}", to), "keep = 1\n")
    kill_a_run(job)
    assert list(root.rglob(".*.stage"))
    assert told(night(tmp_path)) == [("2026-11-24", "expired", "removed")]
    kept = root / to.replace("{period}", "2026-11-25")
    directories = {path for path in root.rglob("*") if path.is_dir() and ".job" not in path.name}
    above = {path for path in [kept, *own] for path in (path, *path.parents) if path.is_relative_to(root)}
    assert directories == above - {root}


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_run_that_was_killed_when_it_had_published_leaves_nothing_behind_the_next_one(tmp_path, is_replaced):
    add(tmp_path, "a", "2026-11-24T16:00:00Z")
    job = write_job(tmp_path)
    if is_replaced:
        night(tmp_path)
        add(tmp_path, "b", "2026-11-24T17:00:00Z")
    kill_a_run(job)
    published = tmp_path / "published" / "2026-11-24"
    before = snapshot(published)
    assert (published.parent / ".2026-11-24.stage" / "package").exists() == is_replaced
    assert told(night(tmp_path)) == []
    assert snapshot(published) == before
    assert names_in(published.parent) == [".nightly.daily.job", "2026-11-24"]
