"""Where the start of a session comes from, and how times count from it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from harness_files import JMETER_HEADER, documents
from project import HARNESS_FILES
from samples import rows_of

from pipeline import SourceError, import_sessions, list_sessions
from pipeline.importers.harness_file import HarnessFile

STARTS = [
    ("iperf3/tcp-1stream.json", {}, "the file", "2026-11-24T17:52:26.000000Z"),
    ("hyperfine/two-commands.json", {}, "the file's modification time", "2023-11-14T22:13:20.000000Z"),
    (
        "hyperfine/two-commands.json",
        {"started_at": "2026-01-02T03:04:05Z"},
        "--started-at",
        "2026-01-02T03:04:05.000000Z",
    ),
    ("jmeter/jmeter-2.13.jtl", {}, "the earliest sample", "2026-11-24T17:55:03.860000Z"),
    ("locust/demo_stats.csv", {}, "the file's modification time", "2023-11-14T22:13:20.000000Z"),
    ("fio/randrw-4k_clat.1.log", {}, "the file's modification time", "2023-11-14T22:13:20.000000Z"),
]


@pytest.mark.parametrize(("name", "options", "start_from", "start"), STARTS)
def test_the_record_says_where_the_start_came_from(tmp_path, name, options, start_from, start):
    path = tmp_path / Path(name).name
    path.write_bytes((HARNESS_FILES / name).read_bytes())
    os.utime(path, (1_700_000_000, 1_700_000_000))
    import_sessions(path, tmp_path / "store", **options)
    (session,) = list_sessions(tmp_path / "store")
    assert (session["origin"]["start_from"], session["started_at"]) == (start_from, start)
    assert session["origin"]["file"] == path.name
    assert session["first_timestamp"] >= start


def test_relative_times_count_from_the_start(tmp_path):
    import_sessions(HARNESS_FILES / "fio/randrw-4k_clat.1.log", tmp_path / "store", started_at="2026-01-01T00:00:00Z")
    offsets = [
        int(line.split(",")[0]) for line in (HARNESS_FILES / "fio/randrw-4k_clat.1.log").read_text().splitlines()
    ]
    query = (
        "SELECT epoch_ms(timestamp) - epoch_ms(TIMESTAMPTZ '2026-01-01 00:00:00Z') FROM measurements ORDER BY sequence"
    )
    assert [ms for (ms,) in rows_of(tmp_path / "store", query)] == offsets
    (session,) = list_sessions(tmp_path / "store")
    assert session["origin"]["times_from"] == ["the file, relative to the session's start"]


def test_times_without_a_zone_need_one(tmp_path):
    found = documents(HARNESS_FILES / "google-benchmark/sort-copy-8reps.json")
    found["context"]["date"] = "2016-08-02 17:44:46"
    path = tmp_path / "old.json"
    path.write_text(json.dumps(found))
    with pytest.raises(SourceError, match="names no time zone; say which with --timezone"):
        import_sessions(path, tmp_path / "store")
    import_sessions(path, tmp_path / "store", timezone="Europe/Berlin")
    assert list_sessions(tmp_path / "store")[0]["started_at"] == "2016-08-02T15:44:46.000000Z"


@pytest.mark.parametrize("skip_bad", [False, True])
def test_local_times_of_samples_need_a_zone(tmp_path, skip_bad):
    path = tmp_path / "run.jtl"
    path.write_text(f"{JMETER_HEADER}2026/07/01 12:00:00.250,1,a,true\n2026/07/01 12:00:01.000,2,b,false\n")
    with pytest.raises(SourceError, match="--timezone"):
        import_sessions(path, tmp_path / "store", skip_bad=skip_bad)
    import_sessions(path, tmp_path / "store", timezone="Europe/Berlin")
    (session,) = list_sessions(tmp_path / "store")
    assert session["started_at"] == "2026-07-01T10:00:00.250000Z"
    query = "SELECT success, label FROM measurements ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [(True, "a"), (False, "b")]


BOTH_SQL = """\
-- format: csv
-- name: measurements
SELECT 'x' AS metric, v AS value, t::BIGINT AS epoch_ns, o::BIGINT AS offset_ns FROM records
"""


def test_relative_times_among_others_count_from_the_earliest_of_those(tmp_path):
    (tmp_path / "both.sql").write_text(BOTH_SQL)
    (tmp_path / "run.csv").write_text("v,t,o\n1,,5000\n2,1700000000000002000,\n3,1700000000000001000,\n4,,\n")
    import_sessions(tmp_path / "run.csv", tmp_path / "store", importer=str(tmp_path / "both.sql"))
    query = "SELECT epoch_us(timestamp) - 1700000000000000 FROM measurements ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [(6,), (2,), (1,), (1,)]
    assert list_sessions(tmp_path / "store")[0]["origin"]["start_from"] == "the earliest sample"


def test_a_relative_time_that_cannot_be_counted_is_refused(tmp_path):
    (tmp_path / "both.sql").write_text(BOTH_SQL)
    (tmp_path / "run.csv").write_text("v,t,o\n1,,5000\n2,,9223372036854775807\n")
    with pytest.raises(SourceError, match="line 3: column 'offset_ns': lies too far from the session's start"):
        import_sessions(
            tmp_path / "run.csv", tmp_path / "store", importer=str(tmp_path / "both.sql"), timestamp_unit="ns",
            started_at="2026-01-01T00:00:00Z",
        )  # fmt: skip


@pytest.mark.parametrize("timed", [None, 0, 16_383, 16_384, 49_999])
def test_a_file_of_which_no_row_has_a_time_is_read_once(tmp_path, monkeypatch, timed):
    """Its rows are read as if no other had a time where the first have none; one that has a time ends that."""
    searches = []
    find = HarnessFile._find_earliest
    monkeypatch.setattr(HarnessFile, "_find_earliest", lambda file: searches.append(find(file)))
    (tmp_path / "own.sql").write_text(
        "-- format: csv\n-- name: measurements\nSELECT 'm' AS metric, value, time::BIGINT AS epoch_ns, "
        "CASE WHEN value % 2 = 0 THEN value * 1000 END AS offset_ns FROM (SELECT n::BIGINT AS value, time FROM records)"
    )
    seconds = {timed: 1_800_000_000, 49_998: 1_790_000_000} if timed is not None else {}
    lines = [f"{number},{seconds[number]}000000000" if number in seconds else f"{number}," for number in range(50_000)]
    (tmp_path / "x.csv").write_text("\n".join(["n,time", *lines, ""]))
    os.utime(tmp_path / "x.csv", (1_700_000_000, 1_700_000_000))
    import_sessions(tmp_path / "x.csv", tmp_path / "store", importer=str(tmp_path / "own.sql"))
    start = min(seconds.values(), default=1_700_000_000)
    expected = [
        seconds[number] * 1_000_000 if number in seconds else start * 1_000_000 + (0 if number % 2 else number)
        for number in range(50_000)
    ]
    found = rows_of(tmp_path / "store", "SELECT epoch_us(timestamp) FROM measurements ORDER BY sequence")
    assert [us for (us,) in found] == expected
    (session,) = list_sessions(tmp_path / "store")
    assert session["origin"]["start_from"] == ("the earliest sample" if seconds else "the file's modification time")
    assert len(searches) == (1 if seconds else 0)
