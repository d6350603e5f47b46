"""What a night opens: without news, no rows of the store and no tables of packages."""

from __future__ import annotations

import re
import subprocess

import pytest
from machine import needs_strace
from nights import add, night, write_job
from program import COMMAND

MORE = """
[[export]]
name = "quarters"
kind = "statistics"
period = "6h"
to = "quarters/{period}"
no_sync = true
where = "value > 1000"
"""


@pytest.fixture
def place(tmp_path):
    """Three days are published, of one export no period has rows."""
    for day in (24, 25, 26):
        add(tmp_path, f"s{day}", f"2026-11-{day}T16:00:00Z", f"2026-11-{day}T17:00:00Z")
    add(tmp_path, "over midnight", "2026-11-24T23:59:59Z", "2026-11-26T00:00:00Z")
    write_job(tmp_path, more=MORE)
    assert night(tmp_path).exit_status == 0
    return tmp_path


def opened(place, *words):
    """Run the job under strace; give the paths below the place that were opened."""
    log = place.parent / "opened.log"
    options = ["-f", "-qq", "-e", "trace=open,openat,openat2", "-e", "signal=none", "-o", log]
    command = [*COMMAND, "run", place / "nightly.toml", "--at", "2026-12-01", *words]
    done = subprocess.run(["strace", *options, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    paths = re.findall(rf'"{re.escape(str(place))}/([^"]*)", (?!O_[^,)]*O_DIRECTORY)', log.read_text(encoding="utf-8"))
    assert "nightly.toml" in paths
    return set(paths)


def is_data(path):
    """Whether a file holds rows: of a session, or of a package."""
    if path.startswith("store/sessions/"):
        return True
    return bool(re.match(r"(published|quarters)/[^.]", path)) and not path.endswith(
        ("/datapackage.json", "/SHA256SUMS")
    )


@needs_strace
@pytest.mark.parametrize("words", [[], ["--dry-run"]], ids=["run", "dry run"])
def test_a_night_without_news_opens_no_file_of_rows(place, words):
    paths = opened(place, *words)
    assert "published/2026-11-24/datapackage.json" in paths
    assert [path for path in paths if is_data(path)] == []


@needs_strace
def test_a_night_with_news_opens_the_sessions_concerned_alone(place):
    add(place, "late", "2026-11-25T08:00:00Z")
    paths = opened(place)
    sessions = {path.split("/")[2] for path in paths if path.startswith("store/sessions/") and path.count("/") > 2}
    of = {"s25", "late"}
    assert of <= sessions
    assert not sessions & {"s24", "s26"}
