"""Sessions at the ends of time, and those that lie in more periods than are looked at one by one."""

from __future__ import annotations

import json

import pytest
from nights import JOB, add, night, told, write_job

from pipeline import delete_sessions


def published(directory):
    """By period the times of the rows in its package."""
    found = {}
    for path in (directory / "published").glob("[!.]*/measurements_*"):
        lines = path.read_text(encoding="utf-8").splitlines()
        found[path.parent.name] = [json.loads(line)["timestamp"] for line in lines]
    return found


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("kind", ["12h", "day", "week", "month", "session"])
def test_rows_of_the_first_and_the_last_year_are_published_once(tmp_path, zone, kind):
    times = ["0001-01-01T00:00:00.000000Z", "0001-01-01T23:00:00.000000Z", "9999-11-01T00:00:00.000000Z"]
    add(tmp_path, "first", *times[:2])
    add(tmp_path, "last", times[2])
    write_job(tmp_path, f'timezone = "{zone}"\n' + JOB.replace('"day"', f'"{kind}"'))
    at = "9999-12-31T23:59:59Z"
    assert night(tmp_path, at).exit_status == 0
    assert sorted(time for rows in published(tmp_path).values() for time in rows) == times
    assert told(night(tmp_path, at)) == []


def test_a_session_in_very_many_periods_is_in_those_in_which_it_has_rows(tmp_path):
    add(tmp_path, "long", "2026-10-01T00:30:00Z", "2026-10-20T05:30:00Z", "2026-11-01T00:00:00Z")
    add(tmp_path, "short", "2026-10-10T07:15:00Z")
    write_job(tmp_path, JOB.replace('"day"', '"1h"'))
    result = night(tmp_path)
    assert [name for name, *_ in told(result)] == [
        "20261001T000000Z",
        "20261010T070000Z",
        "20261020T050000Z",
        "20261101T000000Z",
    ]
    assert "session 'long' lies in more than 400 periods" in result.warnings[0]
    assert sum(map(len, published(tmp_path).values())) == 4
    # By its record it is in the package of the short one, too: that is no news the next night, nor is it its removal.
    assert told(night(tmp_path)) == []
    delete_sessions(tmp_path / "store", sessions=["short"])
    assert told(night(tmp_path)) == [("20261010T070000Z", "removed", "published")]
    assert told(night(tmp_path)) == []
    delete_sessions(tmp_path / "store", sessions=["long"])
    assert {reason for _, reason, _ in told(night(tmp_path))} == {"removed"}
    assert told(night(tmp_path)) == []


def test_a_session_of_the_first_year_that_is_deleted_is_removed(tmp_path):
    add(tmp_path, "first", "0001-01-01T00:00:00.000000Z")
    add(tmp_path, "last", "9999-11-01T00:00:00.000000Z")
    write_job(tmp_path, JOB.replace('"day"', '"session"'))
    at = "9999-12-31T23:59:59Z"
    assert night(tmp_path, at).exit_status == 0
    delete_sessions(tmp_path / "store", sessions=["first"])
    assert told(night(tmp_path, at)) == [("first", "removed", "published")]
