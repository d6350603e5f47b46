"""Whatever writes a file of rows into a store records the hashes of its parts."""

from __future__ import annotations

import pytest
from directories import measurement_files
from samples import row, write_ndjson
from store_records import described_file, recorded_file

from pipeline import compact_store, delete_sessions, import_sessions, record_session, verify_store
from pipeline.scan import parts
from pipeline.store import directory
from pipeline.store.adding import FEWEST_PACKED


@pytest.fixture(autouse=True)
def small_files_have_all_hashes(monkeypatch):
    """So that small files do."""
    monkeypatch.setattr(parts, "LEAST_BYTES", 0)
    monkeypatch.setattr(directory, "LEAST_BYTES", 0)


def many(name, *, second=0, value=1.5):
    return [
        row(
            f"{name}{number:03}",
            at,
            timestamp=f"2026-11-24T{number // 60 + 10}:{number % 60:02}:{second}{at}Z",
            value=value,
        )
        for number in range(FEWEST_PACKED)
        for at in range(3)
    ]


def require_right(store, files):
    found = measurement_files(store)
    assert len(found) == files
    for path in found:
        assert recorded_file(path) == described_file(path, with_chunks=True)
    assert verify_store(store).problems == ()


def test_each_way_into_a_store_records_the_hashes_of_parts(tmp_path):
    store = tmp_path / "store"
    import_sessions(write_ndjson(tmp_path / "alone.ndjson", [row("alone", at) for at in range(5)]), store)
    require_right(store, 1)
    import_sessions(
        write_ndjson(tmp_path / "alone.ndjson", [row("alone", at) for at in range(6)]), store, if_exists="replace"
    )
    require_right(store, 1)
    import_sessions(write_ndjson(tmp_path / "a.ndjson", many("a")), store)
    require_right(store, 2)
    replaced = write_ndjson(tmp_path / "b.ndjson", [one for one in many("a", value=7) if one["session_id"] == "a007"])
    import_sessions(replaced, store, if_exists="replace")
    require_right(store, 2)
    assert delete_sessions(store, sessions=["a003"]).deleted == ("a003",)
    require_right(store, 2)
    with record_session(store, session_id="recorded") as session:
        session.record("control_rtt", 1.5, unit="ms")
    with record_session(store, session_id="empty"):
        pass
    require_right(store, 4)
    import_sessions(write_ndjson(tmp_path / "c.ndjson", many("c", second=3)), store)
    require_right(store, 5)
    assert compact_store(store).directories_after == 1
    require_right(store, 1)
