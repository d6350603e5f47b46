"""A store is verified: every file by its SHA-256, every row by its record."""

from __future__ import annotations

import json
import shutil

import pytest
from directories import measurement_files, only
from program import pipeline
from project import FIXTURE_STORE, ROOT
from samples import row, write_ndjson
from store_records import edit_record

from pipeline import SourceError, import_sessions, verify_store


@pytest.fixture
def store(tmp_path):
    packed = [row(f"p{number:02}", at, value=number + at / 2) for number in range(70) for at in range(2)]
    import_sessions(write_ndjson(tmp_path / "packed.ndjson", packed), tmp_path / "store")
    import_sessions(write_ndjson(tmp_path / "alone.ndjson", [row("s0"), row("s0", 1)]), tmp_path / "store")
    return tmp_path / "store"


@pytest.mark.parametrize("quick", [False, True])
def test_a_sound_store_has_no_problem(store, quick):
    found = verify_store(store, quick=quick)
    assert (found.problems, found.sessions, found.files, found.rows) == ((), 71, 2, 0 if quick else 142)
    assert found.bytes == sum(path.stat().st_size for path in measurement_files(store))


def test_recorded_and_early_stores_are_sound():
    for path in (FIXTURE_STORE, ROOT / "data" / "fixtures" / "v1" / "store"):
        assert verify_store(path).problems == ()


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("which", range(2))
def test_a_flipped_bit_is_found_and_what_else_is_there_is_looked_at(store, quick, which):
    path = measurement_files(store)[which]
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)
    (problem,) = verify_store(store, quick=quick).problems
    assert problem.directory == f"sessions/{path.parent.name}"
    assert "damaged" in problem.problem
    told = pipeline("verify", store, *(["--quick"] if quick else []))
    assert told.status == 5
    assert told.out.startswith(f"sessions/{path.parent.name}: ")
    assert "take it from a copy" in told.err


def test_rows_that_are_not_those_of_the_record_are_found(store):
    record = only(store / "sessions" / "s0", "session.json")
    digest = json.loads(record.read_bytes())["content_digest"]
    edit_record(record, content_digest=digest[:-1] + ("0" if digest[-1] != "0" else "1"))
    (problem,) = verify_store(store).problems
    assert problem.problem == "the rows of session 's0' are not those that its record tells of"


def test_sessions_that_do_not_belong_together_are_found(store, tmp_path):
    import_sessions(write_ndjson(tmp_path / "x.ndjson", [row("s1", robot=1)]), tmp_path / "other")
    import_sessions(write_ndjson(tmp_path / "y.ndjson", [row("s2", robot="r")]), tmp_path / "third")
    shutil.copytree(tmp_path / "other" / "sessions" / "s1", store / "sessions" / "s1")
    shutil.copytree(tmp_path / "third" / "sessions" / "s2", store / "sessions" / "s2")
    shutil.copytree(store / "sessions" / "s0", store / "sessions" / "again")
    told = {problem.directory: problem.problem for problem in verify_store(store).problems}
    assert "attribute 'robot' is string, elsewhere it is int64" in told.pop("sessions")
    assert list(told.values()) == ["holds session 's0', and so does again"]


def test_what_is_no_store_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="is no store"):
        verify_store(tmp_path)


def test_a_report_is_json(store):
    found = json.loads(pipeline("verify", store, "--json").out)
    assert (found["sessions"], found["rows"], found["problems"]) == (71, 142, [])
