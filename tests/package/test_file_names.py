"""Names of the files of a package: by the grammar, sorted by time, made of the content alone."""

from __future__ import annotations

import json
import re

import duckdb
import openpyxl
import polars as pl
import pytest
from directories import descriptor, names_in
from hostile_names import HOSTILE_IDS, everything_below
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape
from samples import row, write_ndjson

from pipeline import export_measurements, export_statistics, import_sessions, write_catalog
from pipeline.package.names import file_name, time_range

TIME = r"\d{8}T\d{6}Z"
FILE_NAME = re.compile(
    rf"(sessions_(?P<s>{TIME}_{TIME}|empty)\.(?P<plain>csv)"
    rf"|(measurements|statistics)_({TIME}_{TIME}|empty)_(cross-session|per-session|session-(?P<session>[A-Za-z0-9._-]+?))"
    r"(_[1-9]\d*[smhd])?(_part-\d{4,})?\.(ndjson|json|csv)(\.gz|\.zst)?"
    rf"|(measurements|statistics)_({TIME}_{TIME}|empty)_(cross-session|per-session|session-[A-Za-z0-9._-]+?)"
    r"(_[1-9]\d*[smhd])?(_part-\d{4,})?\.(parquet|arrow))"
)


@given(
    first=st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999),
    length=st.integers(0, 10**15),
    other=st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999),
)
def test_names_sort_by_time(first, length, other):
    """As text they come in the order of their first times, as far as seconds tell."""
    last = min(first + length, 253_402_300_799_999_999)
    one, two = time_range(first, last, "us"), time_range(other, 253_402_300_799_999_999, "us")
    if first // 1_000_000 < other // 1_000_000:
        assert one < two
    elif first // 1_000_000 > other // 1_000_000:
        assert one > two
    assert re.fullmatch(f"{TIME}_{TIME}", one)


def test_a_time_of_a_name_is_the_second_it_lies_in():
    assert time_range(-1, 1_764_000_000_999_999, "us") == "19691231T235959Z_20251124T160000Z"
    assert time_range(1_764_000_000_999_999_999, 1_764_000_000_999_999_999, "ns") == "20251124T160000Z_20251124T160000Z"
    assert time_range(None, None, "us") == "empty"


def test_the_words_of_a_name_come_in_one_order():
    name = file_name("statistics", "empty", "cross-session", ".csv.gz", window="1m", part=3)
    assert name == "statistics_empty_cross-session_1m_part-0003.csv.gz"
    assert file_name("sessions", "empty", None, ".csv") == "sessions_empty.csv"


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (export_measurements, {}),
        (export_measurements, {"scope": "per-session", "compression": "gzip"}),
        (export_measurements, {"format": "csv", "compression": "zstd", "with_statistics": True}),
        (export_measurements, {"format": "json", "rows_per_file": 1000}),
        (export_measurements, {"format": "parquet", "scope": "per-session", "rows_per_file": 1000}),
        (export_measurements, {"format": "arrow", "where": "false"}),
        (export_statistics, {}),
        (export_statistics, {"scope": "cross-session", "window": "1m"}),
        (export_statistics, {"window": "10s", "rows_per_file": 50, "format": "parquet"}),
        (export_statistics, {"where": "false"}),
    ],
    ids=lambda given: getattr(given, "__name__", str(given)),
)
def test_every_file_of_a_package_is_named_by_the_grammar(fixture_store, tmp_path, function, options):
    function(fixture_store, tmp_path / "out", sync=False, **options)
    names = {path.name for path in (tmp_path / "out").iterdir()} - {"datapackage.json", "SHA256SUMS"}
    assert all(FILE_NAME.fullmatch(name) for name in names), names
    assert ("empty" in "".join(names)) == (options.get("where") == "false")


def test_the_times_of_a_name_are_the_first_and_last_of_the_content(tmp_path):
    rows = [
        row("s1", 0, timestamp="2026-11-24T16:00:05.9Z"),
        row("s1", 1, timestamp="2026-11-24T16:00:01.1Z"),
        row("s2", 0, timestamp="2026-12-31T23:59:59.999999Z"),
        row("s2", 1, timestamp="2026-12-31T23:59:58Z"),
    ]
    source = write_ndjson(tmp_path / "a.ndjson", rows)
    export_measurements(source, tmp_path / "each", scope="per-session", sync=False)
    assert {path.name for path in (tmp_path / "each").glob("measurements_*")} == {
        "measurements_20261124T160001Z_20261124T160005Z_session-s1.ndjson",
        "measurements_20261231T235958Z_20261231T235959Z_session-s2.ndjson",
    }
    export_measurements(source, tmp_path / "parts", rows_per_file=3, sync=False)
    # The parts of a table carry the range of the whole table.
    assert {path.name for path in (tmp_path / "parts").glob("measurements_*")} == {
        "measurements_20261124T160001Z_20261231T235959Z_cross-session_part-0001.ndjson",
        "measurements_20261124T160001Z_20261231T235959Z_cross-session_part-0002.ndjson",
    }
    export_measurements(source, tmp_path / "one", sessions=["s2"], where="sequence = 1", sync=False)
    assert {path.name for path in (tmp_path / "one").iterdir()} >= {
        "measurements_20261231T235958Z_20261231T235958Z_cross-session.ndjson",
        "sessions_20261231T235958Z_20261231T235958Z.csv",
    }


@pytest.mark.parametrize("scope", ["per-session", "cross-session"])
def test_names_and_bytes_depend_on_the_content_alone(tmp_path, monkeypatch, scope):
    """Another source of the same rows, another clock, other threads and batches: the same files."""
    rows = [row(session_id, i, value=i / 7) for session_id in ("s1", "S1", "s/2") for i in range(500)]
    source = write_ndjson(tmp_path / "source.ndjson", rows)
    import_sessions(write_ndjson(tmp_path / "reversed.ndjson", rows[::-1]), tmp_path / "store")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    export_measurements(source, tmp_path / "a", scope=scope, sync=False)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "2000000000")
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    export_measurements(tmp_path / "store", tmp_path / "b", scope=scope, batch_size=77, threads=1, sync=False)
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / n).glob("measurements_*")} for n in "ab")
    assert first == second
    assert len(first) == (3 if scope == "per-session" else 1)


def ids_of(path):
    """The ids that the rows of a file of measurements have, read by others."""
    if path.suffix == ".ndjson":
        return {json.loads(line)["session_id"] for line in path.read_text(encoding="utf-8").split("\n")[:-1]}
    if path.suffix == ".json":
        return {r["session_id"] for r in json.loads(path.read_bytes())["measurements"]}
    if path.suffix == ".csv":
        return set(pl.read_csv(path, schema_overrides={"session_id": pl.String})["session_id"])
    return set((pl.read_parquet if path.suffix == ".parquet" else pl.read_ipc)(path)["session_id"])


@pytest.mark.parametrize("kind", ["ndjson", "json", "csv", "parquet", "arrow"])
def test_hostile_ids_stay_inside_the_package(tmp_path, kind):
    rows = [row(session_id, i) for session_id in HOSTILE_IDS for i in range(2)]
    (tmp_path / "work").mkdir()
    source = write_ndjson(tmp_path / "work" / "a.ndjson", rows)
    package = tmp_path / "work" / "out" / "package"
    export_measurements(source, package, scope="per-session", format=kind, with_statistics=True, sync=False)
    inside = {path.name for path in package.iterdir() if path.is_file()}
    # Nothing came into being but the package, and in it nothing but files.
    outside = [name for name in everything_below(tmp_path) if not name.startswith("work/out/package/")]
    assert outside == ["work", "work/a.ndjson", "work/out", "work/out/package"]
    assert names_in(package) == sorted(inside)
    names = [name for name in inside if name.startswith("measurements_")]
    assert len(names) == len({name.lower() for name in names}) == len(HOSTILE_IDS)
    found = {}
    for name in names:
        session = FILE_NAME.fullmatch(name)
        assert session, name
        assert len(name.encode()) <= 255
        (session_id,) = ids_of(package / name)
        found[session_id] = name
    assert found.keys() == set(HOSTILE_IDS)
    assert found["ok-1.2_3"].endswith(f"_session-ok-1.2_3.{kind}")
    # The descriptor says whose file each is, under resource names of their own.
    resources = [r for r in descriptor(package)["resources"] if r["pipeline:table"] == "measurements"]
    assert {r["pipeline:sessions"][0]["session_id"]: r["path"] for r in resources} == found
    assert len({r["name"] for r in resources}) == len(resources)
    assert all(re.fullmatch(r"[a-z0-9._-]+", r["name"]) for r in resources)


def test_hostile_ids_stay_inside_what_other_formats_write(tmp_path):
    """Line protocol, a workbook of statistics, and a catalog: text that they can hold."""
    ids = [session_id for session_id in HOSTILE_IDS if not set(session_id) & set("\n\\\x1b\t")]
    assert len(ids) > 30
    work = tmp_path / "work"
    work.mkdir()
    source = write_ndjson(work / "a.ndjson", [row(session_id, i) for session_id in ids for i in range(2)])
    import_sessions(source, work / "store")
    before = everything_below(tmp_path)
    export_measurements(source, work / "lines", scope="per-session", format="influx", sync=False)
    export_statistics(source, work / "book", format="xlsx", sync=False)
    write_catalog(work / "store", work / "m.duckdb")
    made = set(everything_below(tmp_path)) - set(before)
    assert {name.split("/")[1] for name in made} == {"lines", "book", "m.duckdb"}
    names = [name for name in names_in(work / "lines") if name.startswith("measurements_")]
    assert len({name.lower() for name in names}) == len(ids)
    (book,) = (work / "book").glob("statistics_*.xlsx")
    sheet = openpyxl.load_workbook(book, read_only=True)["statistics"]
    header, *lines = sheet.iter_rows(values_only=True)
    assert {unescape(line[header.index("session_id")]) for line in lines} == set(ids)
    with duckdb.connect(str(work / "m.duckdb"), read_only=True) as connection:
        found = connection.execute("SELECT DISTINCT session_id FROM measurements").fetchall()
    assert {session_id for (session_id,) in found} == set(ids)
