"""A short form of `faults/nightly_jobs.py`: 60 nights of jobs, with a clock change among them."""

from __future__ import annotations

from night_store import JOBS
from nightly_jobs import run_nights

FEWER = {"hourly", "slow", "weekly", "monthly", "each", "quarters", "days"}


def test_after_60_nights_of_trouble_each_row_is_published_once(tmp_path):
    jobs = [job._replace(tables=tuple(table for table in job.tables if table.name in FEWER)) for job in JOBS]
    year, found = run_nights(tmp_path / "year", nights=60, seed=26, small_disk=False, jobs=jobs, busy=0.45)
    assert year.checks > 20
    assert {"late", "over midnight", "replaced", "deleted", "touched", "compacted"} <= year.nights.done.keys()
    assert {"run", "skipped", "killed", "doubled", "clock set back", "full disk"} <= year.modes.keys()
    assert year.kills["hit"] > 0
    assert year.kills["full disk told"] > 0
    assert all(packages for packages, _ in found.values())
    assert {"published", "empty", "removed"} <= {told.partition(",")[0] for told in year.periods}
