"""Several stores are one source: what they hold together is what one store with all their sessions holds."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from directories import contents, descriptor, measurement_files, only
from project import ROOT
from samples import row, rows_of, write_ndjson

import pipeline
from pipeline import (
    SourceError,
    connect,
    delete_sessions,
    export_measurements,
    export_statistics,
    import_sessions,
    list_sessions,
    write_catalog,
)

PLAIN = ROOT / "data" / "fixtures" / "v1" / "plain"


def make(path, ids, *, rows=3, unit=None, **given):
    """A store of sessions that start a second after another, by their numbers."""
    lines = [
        row(f"s{at:03}", sequence, timestamp=f"2026-11-24T16:{at // 60:02}:{at % 60:02}.{sequence:06}Z", **given)
        for at in ids
        for sequence in range(rows)
    ]
    import_sessions(write_ndjson(path.with_suffix(".ndjson"), lines), path, timestamp_unit=unit)
    return path


@pytest.fixture(params=["directories", "packs"])
def parts(request, tmp_path):
    """Two stores whose sessions alternate, of which some lie in both, and one that holds all."""
    count = 8 if request.param == "directories" else 140
    a = make(tmp_path / "a", [at for at in range(count) if at % 2 == 0 or at < count // 2])
    b = make(tmp_path / "b", [at for at in range(count) if at % 2 == 1 or at >= count // 2])
    return a, b, make(tmp_path / "whole", range(count))


def test_two_stores_are_listed_queried_and_exported_as_one(parts, tmp_path):
    a, b, whole = parts
    assert list_sessions([a, b]) == list_sessions(whole)
    assert rows_of([a, b]) == rows_of(whole)
    export_measurements([a, b], tmp_path / "together", sync=False)
    export_measurements(whole, tmp_path / "one", sync=False)
    for name in ("measurements_*", "sessions_*"):
        assert only(tmp_path / "together", name).read_bytes() == only(tmp_path / "one", name).read_bytes()
    sources = [descriptor(tmp_path / name)["pipeline:source"] for name in ("together", "one")]
    assert sources[0]["fingerprint"] == sources[1]["fingerprint"]
    assert sources[0]["name"] == "a and 1 more"
    # The order in which they are named tells nothing.
    assert export_measurements([b, a], tmp_path / "together", sync=False).is_unchanged


def test_two_stores_have_the_statistics_of_one(parts, tmp_path):
    a, b, whole = parts
    for source, name in (([a, b], "together"), (whole, "one")):
        export_statistics(source, tmp_path / name, scope="cross-session", window="1m", sync=False)
    found = [only(tmp_path / name, "statistics_*").read_bytes() for name in ("together", "one")]
    assert found[0] == found[1]


def test_engines_read_each_session_once(parts):
    a, b, whole = parts
    ids = [session["session_id"] for session in list_sessions(whole)]
    assert [one for (one,) in connect([a, b]).execute("SELECT session_id FROM sessions").fetchall()] == ids
    frame = pipeline.scan([a, b]).collect()
    assert frame["session_id"].to_list() == np.repeat(ids, 3).tolist()


def test_a_catalog_of_two_stores_shows_both(tmp_path):
    import duckdb  # noqa: PLC0415 - another client

    stores = [make(tmp_path / "a", [1]), make(tmp_path / "b", [2])]
    write_catalog(stores, tmp_path / "both.duckdb")
    with duckdb.connect(tmp_path / "both.duckdb", read_only=True) as connection:
        found = connection.sql("SELECT session_id, count(*) FROM measurements GROUP BY ALL ORDER BY ALL").fetchall()
    assert found == [("s001", 3), ("s002", 3)]


def test_a_selection_opens_the_store_that_it_touches_alone(tmp_path):
    a, b = make(tmp_path / "a", [1]), make(tmp_path / "b", [2])
    (path,) = measurement_files(b)
    path.write_bytes(b"damaged")
    export_measurements([a, b], tmp_path / "out", sessions=["s001"], sync=False)
    export_measurements(a, tmp_path / "out-a", sync=False)
    told = [descriptor(tmp_path / name)["pipeline:source"]["fingerprint"] for name in ("out", "out-a")]
    assert told[0] == told[1]
    with pytest.raises(SourceError, match="SHA-256"):
        export_measurements([a, b], tmp_path / "both", sync=False)


def test_a_pattern_may_name_stores(tmp_path):
    make(tmp_path / "night-1", [1])
    make(tmp_path / "night-2", [2])
    assert [one["session_id"] for one in list_sessions(str(tmp_path / "night-?"))] == ["s001", "s002"]
    assert [one["session_id"] for one in list_sessions([tmp_path / "night-1", tmp_path / "night-1"])] == ["s001"]


def test_two_different_sessions_of_one_id_are_refused_and_both_stores_named(tmp_path):
    a, b = make(tmp_path / "a", [1, 2]), make(tmp_path / "b", [2, 3], value=9.5)
    for use in (list_sessions, connect, lambda source: export_measurements(source, tmp_path / "out")):
        with pytest.raises(SourceError, match=r"/a and .*/b: hold different sessions 's002'"):
            use([a, b])
    assert not (tmp_path / "out").exists()
    delete_sessions(b, sessions=["s002"])
    assert len(list_sessions([a, b])) == 3


def test_attributes_of_two_types_are_refused(tmp_path):
    a, b = make(tmp_path / "a", [1], build=7), make(tmp_path / "b", [2], build="7")
    with pytest.raises(SourceError, match=r"/b/.*attribute 'build' is string, elsewhere it is int64"):
        list_sessions([a, b])


def test_microseconds_and_nanoseconds_together_are_nanoseconds(tmp_path):
    coarse, fine = tmp_path / "coarse", tmp_path / "fine"
    import_sessions(PLAIN / "rows.ndjson", coarse)
    import_sessions(PLAIN / "nanoseconds.ndjson", fine, timestamp_unit="ns")
    import_sessions([coarse, fine], tmp_path / "whole")
    assert list_sessions([coarse, fine]) == list_sessions(tmp_path / "whole")
    for name, source in (("together", [coarse, fine]), ("one", tmp_path / "whole")):
        export_measurements(source, tmp_path / name, format="parquet", sync=False, verify=True)
    tables = [pq.read_table(only(tmp_path / name, "measurements_*")) for name in ("together", "one")]
    assert str(tables[0].schema.field("timestamp").type) == "timestamp[ns, tz=UTC]"
    assert tables[0].equals(tables[1]) or repr(tables[0].to_pylist()) == repr(tables[1].to_pylist())
    told = [descriptor(tmp_path / name)["pipeline:source"]["fingerprint"] for name in ("together", "one")]
    assert told[0] == told[1]
    before = pq.read_table(min(measurement_files(coarse)))["timestamp"].cast("int64").to_numpy() * 1000
    assert set(before) <= set(tables[0]["timestamp"].cast("int64").to_pylist())
    count = "SELECT count(*), max(timestamp)::VARCHAR FROM measurements"
    assert rows_of([coarse, fine], count) == rows_of(tmp_path / "whole", count)
    # The same session, counted in both units, is one.
    assert list_sessions([coarse, fine, tmp_path / "whole"]) == list_sessions(tmp_path / "whole")


def test_times_that_nanoseconds_cannot_count_are_refused(tmp_path):
    import_sessions(
        write_ndjson(tmp_path / "old.ndjson", [row("old", 0, timestamp="1066-10-14T09:00:00Z")]), tmp_path / "old"
    )
    import_sessions(PLAIN / "nanoseconds.ndjson", tmp_path / "fine", timestamp_unit="ns")
    with pytest.raises(SourceError, match="session 'old' has times that nanoseconds cannot count"):
        list_sessions([tmp_path / "old", tmp_path / "fine"])


def test_a_store_and_files_are_no_source_together(tmp_path):
    store = make(tmp_path / "a", [1])
    with pytest.raises(SourceError, match=r"/a is a store, and .*a\.ndjson is none: .*not both together"):
        list_sessions([store, tmp_path / "a.ndjson"])
    with pytest.raises(SourceError, match="does not exist"):
        list_sessions([store, tmp_path / "b.ndjson"])


def test_a_damaged_store_is_called_damaged_not_no_store(tmp_path):
    a, b = make(tmp_path / "a", [1]), make(tmp_path / "b", [2])
    (b / "store.json").write_text("{", encoding="utf-8")
    before = contents(b)
    for use in (
        lambda: list_sessions([a, b]),
        lambda: list_sessions(b),
        lambda: import_sessions(b, tmp_path / "c"),
        lambda: import_sessions(a, b),
    ):
        with pytest.raises(SourceError, match=r"b/store\.json: is no valid JSON"):
            use()
    assert contents(b) == before
    assert not (tmp_path / "c").exists()
    shutil.rmtree(b / "sessions")
    with pytest.raises(SourceError, match=r"b/store\.json: is no valid JSON"):
        list_sessions(b)
