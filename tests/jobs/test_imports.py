"""The import of jobs: what is new comes, what was there is not even hashed, what cannot be read stops nothing."""

from __future__ import annotations

import json
import os
import time

import pytest
from nights import JOB, night, told, write_job
from samples import row, write_ndjson

from pipeline import delete_sessions, list_sessions
from pipeline.disk.locks import DirectoryLock

IMPORT = '[import]\nfiles = ["in/*.ndjson", "in/*.csv"]\n'
OLD = time.time() - 3_600


def put(place, name, session_id, *values, old=True):
    """Put a file of a session in the way in."""
    rows = [row(session_id, at, timestamp=f"2026-11-24T16:00:{at:02}Z", value=value) for at, value in enumerate(values)]
    path = write_ndjson(place / "in" / name, rows)
    if old:
        os.utime(path, (OLD, OLD))
    return path


@pytest.fixture
def place(tmp_path):
    put(tmp_path, "a.ndjson", "a", 1.0)
    put(tmp_path, "b.ndjson", "b", 2.0, 3.0)
    write_job(tmp_path, more=IMPORT)
    return tmp_path


def ids(place):
    return [one["session_id"] for one in list_sessions(place / "store")]


def test_what_came_is_imported_and_published(place):
    result = night(place)
    assert result.imported == {"files": 2, "sessions": 2, "rows": 3, "waiting": 0, "pending": 0}
    assert told(result) == [("2026-11-24", "missing", "published")]
    put(place, "c.ndjson", "c", 4.0)
    result = night(place)
    assert (result.imported["sessions"], told(result)) == (1, [("2026-11-24", "late", "published")])


def test_a_night_without_news_hashes_nothing(place, monkeypatch):
    night(place)
    monkeypatch.setattr("pipeline.jobs.imports.file_sha256", None)
    monkeypatch.setattr("pipeline.jobs.imports.import_sessions", None)
    result = night(place, report_unchanged=True)
    assert (result.exit_status, result.problems) == (8, ())


def test_a_file_that_was_only_touched_is_hashed_once_and_not_imported(place, monkeypatch):
    night(place)
    monkeypatch.setattr("pipeline.jobs.imports.import_sessions", None)
    os.utime(place / "in" / "a.ndjson", (OLD + 60, OLD + 60))
    assert night(place, report_unchanged=True).exit_status == 8
    monkeypatch.setattr("pipeline.jobs.imports.file_sha256", None)
    assert night(place, report_unchanged=True).exit_status == 8


def test_a_session_that_was_deleted_does_not_come_again(place):
    night(place)
    delete_sessions(place / "store", sessions=["a"])
    night(place)
    assert ids(place) == ["b"]


def test_a_file_that_has_grown_is_a_warning_each_night_until_it_is_taken(place):
    night(place)
    put(place, "a.ndjson", "a", 1.0, 9.0)
    for _ in range(2):
        result = night(place)
        (warning,) = result.warnings
        assert warning.endswith('were left as they are; if_exists = "replace" takes it')
        assert "in/a.ndjson: has changed" in warning
        assert (told(result), result.exit_status) == ([], 0)
    write_job(place, more=IMPORT + 'if_exists = "replace"\n')
    result = night(place)
    assert (result.warnings, told(result)) == ((), [("2026-11-24", "replaced", "published")])
    assert night(place, report_unchanged=True).exit_status == 8


def test_young_files_wait_until_they_have_settled(place):
    path = put(place, "young.ndjson", "young", 1.0, old=False)
    write_job(place, more=IMPORT + 'settle = "10m"\n')
    result = night(place)
    assert (result.imported["waiting"], ids(place)) == (1, ["a", "b"])
    os.utime(path, (OLD, OLD))
    assert (night(place).imported["waiting"], ids(place)) == (0, ["a", "b", "young"])


def test_a_record_that_comes_later_is_news(place):
    night(place)
    record = {"session_id": "a", "started_at": "2026-11-24T16:00:00Z", "configuration": {"users": 7}}
    (place / "in" / "a.session.json").write_text(json.dumps(record), encoding="utf-8")
    assert "in/a.ndjson: has changed" in night(place).warnings[0]
    write_job(place, more=IMPORT + 'if_exists = "replace"\n')
    night(place)
    assert list_sessions(place / "store")[0]["configuration"] == {"users": 7}


def test_files_that_cannot_be_read_are_told_and_stop_neither_others_nor_exports(place):
    for at in range(20):
        put(place, f"good{at}.ndjson", f"g{at}", 1.0)
    for at in (3, 11):
        (place / "in" / f"good{at}x.ndjson").write_text("{no JSON\n", encoding="utf-8")
    result = night(place)
    assert [problem.where for problem in result.problems] == ["import", "import"]
    assert all(name in one.error for name, one in zip(("good11x", "good3x"), result.problems, strict=True))
    assert (result.exit_status, len(ids(place)), told(result)) == (3, 22, [("2026-11-24", "missing", "published")])
    again = night(place)
    assert (len(again.problems), again.exit_status, told(again)) == (2, 3, [])


def test_a_pattern_that_matches_nothing_is_no_news_and_a_path_that_is_not_there_is_told(place):
    write_job(place, more='[import]\nfiles = ["in/*.ndjson", "nothing/*.json", "gone.csv"]\n')
    result = night(place)
    assert (len(ids(place)), ["gone.csv: does not exist" in one.error for one in result.problems]) == (2, [True])


def test_a_store_that_another_holds_is_told_and_the_exports_go_on(place):
    night(place)
    put(place, "c.ndjson", "c", 1.0)
    lock = DirectoryLock(place / "store" / "staging", held_as=place)
    try:
        result = night(place)
    finally:
        lock.release()
    (problem,) = result.problems
    assert (problem.status, problem.retry, result.exit_status) == (7, True, 7)
    assert (night(place).exit_status, len(ids(place))) == (0, 3)


def test_a_dry_run_says_which_files_would_come_and_makes_nothing(place):
    result = night(place, dry_run=True)
    assert result.imported["pending"] == 2
    assert not (place / "store").exists()


def test_a_lost_memory_is_found_out_again(place):
    night(place)
    (place / "store" / "imports.ndjson").write_text("not JSON\n", encoding="utf-8")
    result = night(place)
    assert (result.problems, told(result), ids(place)) == ((), [], ["a", "b"])
    assert len((place / "store" / "imports.ndjson").read_text(encoding="utf-8").splitlines()) == 2


def test_options_of_the_import_are_those_of_the_command(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.csv").write_text("when,what\n2026-11-24 17:00:00,5\n", encoding="utf-8")
    more = '[import]\nfiles = "in/*.csv"\nmap = ["time=when", "value=what:ms"]\nallow_empty = true\n'
    write_job(tmp_path, 'timezone = "Europe/Berlin"' + JOB, more)
    result = night(tmp_path)
    assert (result.problems, told(result)) == ((), [("2026-11-24", "missing", "published")])
    assert list_sessions(tmp_path / "store")[0]["first_timestamp"] == "2026-11-24T16:00:00.000000Z"


def test_brackets_in_the_name_of_the_directory_of_a_job_are_no_pattern(tmp_path):
    place = tmp_path / "[a]*"
    put(place, "a.ndjson", "a", 1.0)
    put(place, "../more/b.ndjson", "b", 2.0)
    write_job(place, more='[import]\nfiles = ["in/*.ndjson", "more"]\n')
    assert night(place).exit_status == 0
    assert ids(place) == ["a", "b"]


def test_a_store_among_the_files_is_told_as_what_it_is(place):
    night(place)
    write_job(place, more='[import]\nfiles = "store"\n')
    result = night(place)
    assert (result.exit_status, len(result.problems)) == (3, 1)
    assert "is a store, whose files are not read one by one; `pipeline import` takes it" in result.problems[0].error
