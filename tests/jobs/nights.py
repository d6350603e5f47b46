"""A small store and a job over it, for tests: sessions are added by day, and what runs did is told in short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from samples import row, write_ndjson

from pipeline import import_sessions, run_job

if TYPE_CHECKING:
    from pathlib import Path

JOB = """
source = "store"
[[export]]
name = "daily"
kind = "measurements"
period = "day"
to = "published/{period}"
no_sync = true
"""


def add(directory: Path, session_id: str, *times: str, value: float = 1.5, **options) -> None:
    """Add a session with a measurement at each of some times."""
    rows = [row(session_id, at, timestamp=time, value=value) for at, time in enumerate(times)]
    import_sessions(write_ndjson(directory / "rows" / "a.ndjson", rows), directory / "store", **options)


def write_job(directory: Path, text: str = JOB, more: str = "") -> Path:
    """Write a job file."""
    (directory / "nightly.toml").write_text(text + more, encoding="utf-8")
    return directory / "nightly.toml"


def night(directory: Path, at: str = "2026-12-01", **options):
    """Run the job."""
    return run_job(directory / "nightly.toml", at=at, **options)


def told(result) -> list[tuple[str, str, str]]:
    """What became of which period, and why."""
    return [(one.period, one.reason, one.outcome) for one in result.periods]
