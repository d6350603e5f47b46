"""The records of a store: version 2 with a checksum, and version 1, which is read for ever."""

from __future__ import annotations

import json
import shutil

import pytest
from directories import snapshot
from project import FIXTURE_STORE
from samples import row, write_ndjson
from store_records import checksum, make_early

from pipeline import SourceError, export_measurements, import_sessions, list_sessions

CONFIGURATION = {"ü\U0001f600": [1, 2.5, 1e300, -0.0, None, {"b": True, "a": 10**30}], "text": 'a"\\\n\u2028'}


@pytest.fixture
def store(tmp_path):
    file = write_ndjson(tmp_path / "a.ndjson", [row("s1", 0), row("s2", 0)])
    import_sessions(file, tmp_path / "store", configuration=CONFIGURATION)
    return tmp_path / "store"


def record_of(store, session):
    return store / "sessions" / session / "session.json"


def test_the_checksum_is_that_of_the_documents(store):
    for session in ("s1", "s2"):
        record = json.loads(record_of(store, session).read_bytes())
        assert record["format_version"] == 2
        assert record["record_sha256"] == checksum(record)
    assert list_sessions(store)[0]["configuration"] == CONFIGURATION


CHANGES = {
    "measurement_count": 2,
    "null_count": 1,
    "first_timestamp": "2020-01-01T00:00:00.000000Z",
    "metrics": ["x"],
    "configuration": {},
    "files": [],
}


@pytest.mark.parametrize("key", CHANGES)
def test_whatever_is_changed_in_a_record_is_noticed(store, key):
    path = record_of(store, "s1")
    record = json.loads(path.read_bytes())
    path.write_text(json.dumps(record | {key: CHANGES[key]}), encoding="utf-8")
    with pytest.raises(SourceError, match=r"s1/session\.json: was changed after it was written"):
        list_sessions(store)
    # The order of keys and white space say nothing.
    path.write_text(json.dumps(dict(reversed(record.items())), indent=1), encoding="utf-8")
    assert len(list_sessions(store)) == 2


def test_a_store_of_version_1_is_read_and_becomes_one_of_version_2_with_its_first_import(tmp_path):
    old = tmp_path / "old"
    shutil.copytree(FIXTURE_STORE, old)
    before = snapshot(old)
    sessions = list_sessions(old)
    export_measurements(old, tmp_path / "out", sync=False)
    assert snapshot(old) == before
    assert json.loads((old / "store.json").read_bytes())["format_version"] == 1
    import_sessions(write_ndjson(tmp_path / "b.ndjson", [row("new", 0)]), old)
    assert json.loads((old / "store.json").read_bytes()) == {"format_version": 2, "timestamp_unit": "us"}
    assert json.loads(record_of(old, "new").read_bytes())["format_version"] == 2
    after = snapshot(old)
    changed = {path for path in before if before[path] != after[path]} - {"store.json", "sessions", "staging", "."}
    assert not changed, "old directories stay as they are"
    assert [one for one in list_sessions(old) if one["session_id"] != "new"] == sessions


def test_an_import_that_brings_nothing_leaves_the_version(store, tmp_path):
    for session in ("s1", "s2"):
        make_early(record_of(store, session))
    (store / "store.json").write_text(json.dumps({"format_version": 1, "timestamp_unit": "us"}))
    import_sessions(str(tmp_path / "a.ndjson"), store, if_exists="skip")
    assert json.loads((store / "store.json").read_bytes())["format_version"] == 1


def test_a_store_says_its_version_before_its_first_later_record_is_there(store, tmp_path, monkeypatch):
    (store / "store.json").write_text(json.dumps({"format_version": 1, "timestamp_unit": "us"}))

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.store.directories.rename_new", fail)
    with pytest.raises(Exception, match="No space"):
        import_sessions(write_ndjson(tmp_path / "b.ndjson", [row("new", 0)]), store)
    assert json.loads((store / "store.json").read_bytes())["format_version"] == 2
    assert len(list_sessions(store)) == 2
