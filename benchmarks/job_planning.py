"""Planning of a job: 10,000 sessions over 365 days, of which nothing is published, all is, and one session is new.

Sessions are small, for no row of them is read. A night without news compares 365 packages with the store.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measuring import OWN, Run, checked, medians, run

SESSIONS = 10_000
_DAYS = 365
_ROWS = 4
_START_MICROSECONDS = 1_767_225_600_000_000  # 2026-01-01
_DAY = 86_400_000_000
_JOB = """\
source = "job-store"
timezone = "Europe/Berlin"
[[export]]
name = "daily"
kind = "statistics"
period = "day"
to = "job-published/{period}"
no_sync = true
"""


def measure_job_planning(place: Path, runs: int) -> None:
    """Print what a plan and a night without news take.

    Args:
        place: where the files go.
        runs: of each, in turn; the medians are printed.
    """
    source, store, job = place / "job.parquet", place / "job-store", place / "job.toml"
    checked([sys.executable, __file__, str(source), "0"])
    checked([*OWN, "import", str(source), "--to", str(store), "--quiet"])
    job.write_text(_JOB, encoding="utf-8")
    nightly = [*OWN, "run", str(job), "--at", "2027-02-01", "--quiet"]
    print(f"planning: {SESSIONS:,} sessions, {_DAYS} days; medians of {runs} runs")
    print(f"  {'task':<32} {'seconds':>8} {'CPU s':>7} {'peak MB':>8}")
    _measure("plan, nothing is published", [*nightly, "--dry-run"], runs)
    _measure("publish all", nightly, 1)
    _measure("plan, all is published", [*nightly, "--dry-run"], runs)
    _measure("night without news", nightly, runs)
    checked([sys.executable, __file__, str(source), "1"])
    checked([*OWN, "import", str(source), "--to", str(store), "--quiet"])
    _measure("night with one session", nightly, 1)


def _measure(task: str, command: list[str], runs: int) -> None:
    measured: list[Run] = []
    for _ in range(runs):
        done = run(command)
        if done is None:
            raise SystemExit(f"{task}: fails")
        measured.append(done)
    middle = medians(measured)
    print(
        f"  {task:<32} {middle.seconds:8.2f} {middle.cpu_seconds:7.2f} {middle.peak_megabytes:8.0f}",
        flush=True,
    )


def generate(path: Path, *, one_more: bool) -> None:
    """Write measurements of sessions that are spread over the days, or of one more session."""
    numbers = np.array([SESSIONS]) if one_more else np.arange(SESSIONS)
    starts = _START_MICROSECONDS + (numbers % SESSIONS) * (_DAYS * _DAY // SESSIONS)
    rows = len(numbers) * _ROWS
    sequence = np.tile(np.arange(_ROWS), len(numbers))
    table = pa.table(
        {
            "session_id": pa.array([f"session-{number:06}" for number in np.repeat(numbers, _ROWS)]),
            "sequence": sequence,
            "timestamp": pa.array(np.repeat(starts, _ROWS) + sequence * 60_000_000).cast(pa.timestamp("us", "UTC")),
            "metric": pa.repeat("control_rtt", rows),
            "value": np.random.default_rng(1).lognormal(3, 1, rows),
            "unit": pa.repeat("ms", rows),
        }
    )
    pq.write_table(table, path)


if __name__ == "__main__":
    generate(Path(sys.argv[1]), one_more=sys.argv[2] == "1")
