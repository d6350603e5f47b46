"""A source as Polars data frames."""

from __future__ import annotations

import csv
import datetime as dt

import polars as pl
import pyarrow.parquet as pq
import pytest
from project import FIXTURE_STORE
from samples import row, write_ndjson

from pipeline import UsageError, export_statistics, import_sessions, list_sessions, scan, statistics


def test_a_scan_holds_all_rows_in_order():
    frame = scan(FIXTURE_STORE)
    assert isinstance(frame, pl.LazyFrame)
    found = frame.collect()
    assert len(found) == 24553
    files = sorted(FIXTURE_STORE.glob("sessions/*/*.parquet"))
    expected = pl.concat([pl.from_arrow(pq.read_table(file)) for file in files], how="diagonal")
    assert found.sort("session_id", "sequence").equals(expected.select(found.columns).sort("session_id", "sequence"))
    ids = [session["session_id"] for session in list_sessions(FIXTURE_STORE)]
    assert found["session_id"].unique(maintain_order=True).to_list() == ids
    for _, session in found.group_by("session_id"):
        assert session["sequence"].is_sorted()


def test_attributes_that_a_session_lacks_are_null(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row("a", 0, robot="r1"), row("b", 0, tries=3)])
    import_sessions(tmp_path / "a.ndjson", tmp_path / "store")
    found = scan(tmp_path / "store").collect()
    assert found.select("session_id", "robot", "tries").rows() == [("a", "r1", None), ("b", None, 3)]
    assert found.schema["tries"] == pl.Int64
    # Files that have to be converted give the same.
    assert scan(tmp_path / "a.ndjson").collect().select(found.columns).equals(found)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scope": "cross-session", "by": ["network_profile"], "quantiles": [0.999], "lost": "infinite"},
        {"metrics": ["control_rtt"], "window": "10s"},
        {"where": "false"},
        {"columns": ["metric", "p50"]},
    ],
    ids=str,
)
def test_statistics_are_those_of_the_csv(tmp_path, options):
    frame = statistics(FIXTURE_STORE, **options)
    export_statistics(FIXTURE_STORE, tmp_path / "out", sync=False, **options)
    (path,) = (tmp_path / "out").glob("statistics*.csv")
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(frame)
    for line, found in zip(lines, frame.to_dicts(), strict=True):
        assert list(line) == list(found)
        for name, text in line.items():
            value = found[name]
            if isinstance(value, dt.datetime):
                value = value.isoformat(timespec="microseconds").replace("+00:00", "Z")
            elif isinstance(value, float):
                value = repr(value)
            assert ("" if value is None else str(value)) == text


def test_options_of_exports_are_refused():
    with pytest.raises(TypeError, match="overwrite"):
        statistics(FIXTURE_STORE, overwrite=True)
    with pytest.raises(UsageError, match="columns must be a list of names"):
        statistics(FIXTURE_STORE, columns="p50")
