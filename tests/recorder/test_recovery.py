"""Recovery: one bad recording stops no other, and recorders that start beside it succeed."""

from __future__ import annotations

import json
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from program import pipeline
from recordings import columns_of, killed

from pipeline import DestinationError, RecoveryError, SourceError, list_sessions, record_session, recover_sessions
from pipeline.recorder.recording import RecordingFile, lock_recording
from pipeline.store.writer import StoreWriter


def record_killed(store, session, **attributes):
    with killed(store, session_id=session) as recorder:
        recorder.record("m", 1.0, **attributes)


def change_record(store, **change):
    path = store / "recordings" / "b" / "recording.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


def with_rows_before_year_1(store):
    """As recorders of early versions left it, which checked no times."""
    shutil.rmtree(store / "recordings" / "b")
    record = {"session_id": "b", "harness": {"name": None, "version": None}, "configuration": {}, "attributes": {}}
    file = RecordingFile(store / "recordings" / "b", record | {"started_at": 0})
    columns = {
        "session_id": ["b"],
        "sequence": [0],
        "timestamp": pa.array([-(2**62)]).cast(pa.timestamp("us", "UTC")),
        "metric": ["m"],
        "value": [1.0],
        "unit": pa.array([None], pa.string()),
    }
    file.write(pa.record_batch(columns))
    file.close()
    file.unlock()


def with_an_attribute_of_another_type(store):
    with record_session(store, session_id="meanwhile") as recorder:
        recorder.record("m", 1.0, tries="many")


BAD = [
    (with_rows_before_year_1, "outside the years 0001 to 9999"),
    (with_an_attribute_of_another_type, "give it one type; move the recording into recordings/ of another store"),
    (lambda store: (store / "recordings" / "b" / "recording.json").write_text("{"), "is no valid JSON"),
    (lambda store: (store / "recordings" / "b" / "batches").unlink(), "cannot be read"),
    (lambda store: change_record(store, started_at=10**30), "is no record of a recording"),
    (lambda store: change_record(store, session_id=None), "is no record of a recording"),
    (lambda store: change_record(store, harness={"name": 5}), "is no record of a recording"),
    (lambda store: change_record(store, configuration=[1]), "is no record of a recording"),
    (lambda store: change_record(store, attributes=5), "is no record of a recording"),
    (lambda store: change_record(store, timestamp_unit="ns"), "counts time in ns, the store in us"),
]


@pytest.mark.parametrize(("damage", "says"), BAD)
def test_one_bad_recording_stops_no_other_and_stays(tmp_path, damage, says):
    store = tmp_path / "store"
    record_killed(store, "a")
    record_killed(store, "b", tries=1)
    record_killed(store, "c")
    damage(store)
    kept = {path.name: path.read_bytes() for path in (store / "recordings" / "b").iterdir()}
    for recovered in (["a", "c"], []):
        with pytest.raises(RecoveryError, match=says) as caught:
            # The second time it is the only one.
            recover_sessions(store)
        assert caught.value.recovered == tuple(recovered)
        (problem,) = caught.value.problems
        assert isinstance(problem, SourceError)
        assert str(store / "recordings" / "b") in str(problem)
        assert {path.name: path.read_bytes() for path in (store / "recordings" / "b").iterdir()} == kept
    assert {"a", "c"} <= {session["session_id"] for session in list_sessions(store)}


def test_the_command_says_what_was_left_and_why_in_a_line_each(tmp_path):
    store = tmp_path / "store"
    for name in "abcd":
        record_killed(store, name)
    change_record(store, started_at="today")
    (store / "recordings" / "d" / "recording.json").write_text("{\n}")
    for out in (f"a\nc\n{store}: 2 sessions recovered, 2 recordings left\n", None):
        result = pipeline("recover", store)
        assert result.status == 3
        assert out is None or result.out == out
        first, second = result.err.splitlines()
        assert first.startswith(f"pipeline: {store}/recordings/b/recording.json: is no record of a recording")
        assert second.startswith(f"pipeline: {store}/recordings/d/recording.json: is no record of a recording")


def test_the_command_warns_of_sessions_without_rows(tmp_path):
    store = tmp_path / "store"
    for name in ("a", "c"):
        with killed(store, session_id=name):
            pass
    record_killed(store, "b")
    result = pipeline("recover", store)
    assert (result.status, result.out) == (0, f"a\nb\nc\n{store}: 3 sessions recovered\n")
    assert result.err == "pipeline: warning: 2 sessions without rows: 'a', 'c'\n"
    counts = {session["session_id"]: session["measurement_count"] for session in list_sessions(store)}
    assert counts == {"a": 0, "b": 1, "c": 0}
    assert pipeline("recover", store).err == ""


def test_a_disk_that_is_full_is_an_error_of_the_destination(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    record_killed(tmp_path / "store", "a")
    monkeypatch.setattr("pipeline.store.writer.build_session", fail)
    with pytest.raises(RecoveryError, match="No space left") as caught:
        recover_sessions(tmp_path / "store")
    assert caught.value.exit_status == DestinationError.exit_status


def test_a_recording_that_does_not_fit_its_store_is_recovered_in_another(tmp_path):
    store, other = tmp_path / "store", tmp_path / "other"
    record_killed(store, "b", tries=1)
    with_an_attribute_of_another_type(store)
    with record_session(other, session_id="own"):
        pass
    shutil.move(store / "recordings" / "b", other / "recordings" / "b")
    assert recover_sessions(other) == ["b"]
    assert columns_of(other, "b")["tries"] == [1]


def test_a_recorder_waits_for_who_looks_at_the_directory_that_it_has_just_made(tmp_path):
    store = tmp_path / "store"
    directory = store / "recordings" / "s"
    session = record_session(store, session_id="s")
    directory.mkdir(parents=True)
    lock = lock_recording(directory)
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(session.__enter__)
        time.sleep(0.5)
        assert not starting.done()
        with StoreWriter(store, None) as writer:
            writer.discard(directory)
        lock.release()
        starting.result(timeout=30)
        session.record("m", 1.0)
        session.__exit__(None, None, None)
    assert columns_of(store, "s")["value"] == [1.0]


def test_what_a_recorder_left_that_was_killed_as_it_began_is_taken_over(tmp_path):
    session = record_session(tmp_path / "store", session_id="s")
    directory = tmp_path / "store" / "recordings" / "s"
    directory.mkdir(parents=True)
    (directory / "recording.json.new").write_text("{")
    with session:
        session.record("m", 1.0)
    assert columns_of(tmp_path / "store", "s")["value"] == [1.0]


def test_recorders_that_start_and_end_beside_recovery_all_succeed(tmp_path):
    store = tmp_path / "store"
    with record_session(store, session_id="first"):
        pass
    is_done = threading.Event()

    def recover():
        found = []
        while not is_done.is_set():
            found += recover_sessions(store)
        return found

    def record(which):
        for number in range(6):
            with record_session(store, session_id=f"s{which}-{number}") as session:
                session.record("m", number)

    with ThreadPoolExecutor(6) as pool:
        recovering = [pool.submit(recover) for _ in range(2)]
        recording = [pool.submit(record, which) for which in range(4)]
        try:
            for one in recording:
                one.result(timeout=300)
        finally:
            is_done.set()
        assert [one.result(timeout=300) for one in recovering] == [[], []]
    sessions = list_sessions(store)
    assert len(sessions) == 1 + 4 * 6
    assert all(session["origin"]["is_complete"] for session in sessions)
    assert list((store / "recordings").iterdir()) == []


def test_recorders_that_create_a_store_at_the_same_moment_all_succeed(tmp_path):
    for attempt in range(6):
        store = tmp_path / f"store{attempt}"
        ready = threading.Barrier(6)

        def record(which, store=store, ready=ready):
            ready.wait()
            with record_session(store, session_id=f"s{which}") as session:
                session.record("m", which)

        with ThreadPoolExecutor(6) as pool:
            for one in [pool.submit(record, which) for which in range(6)]:
                one.result(timeout=120)
        assert len(list_sessions(store)) == 6
