"""What is read of a file in part is checked in part: damage is found where it is read, and stops nobody elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from store_records import chunk_ranges, described_file, edit_record, make_early, recorded_file, write_record

from pipeline import SourceError, export_measurements, import_sessions, verify_store
from pipeline.cli import main
from pipeline.model.columns import plain_schema
from pipeline.sources.open import open_source

ROWS, GROUP = 90_000, 30_000
START = 1_764_000_000_000_000
NAMES = ("session_id", "sequence", "timestamp", "metric", "value", "unit", "note", "robot")
UNTOUCHED = {"note", "unit"}
"""Columns that are not read in these tests."""
READ = [name for name in NAMES if name not in UNTOUCHED]


def made(sessions, rows):
    """A table of sessions of so many rows each, a millisecond apart, in notes that pack badly."""
    draw = np.random.default_rng(7)
    count = sessions * rows
    return pa.table(
        {
            "session_id": np.repeat([f"s{number:03}" for number in range(sessions)], rows),
            "sequence": np.tile(np.arange(rows), sessions),
            "timestamp": pa.array(START + np.arange(count) * 1000).cast(pa.timestamp("us", "UTC")),
            "metric": pa.array(["rtt", "loss"]).take(pa.array(np.arange(count) % 2)),
            "value": draw.normal(size=count),
            "unit": pa.repeat("ms", count),
            "note": pa.array([draw.bytes(6).hex() for _ in range(count)]),
            "robot": pa.repeat("r1", count),
        }
    )


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """A store of one session in three row groups, and one of a pack of 90 sessions in as many."""
    place = tmp_path_factory.mktemp("parts")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.writers.parquet.ROW_GROUP_ROWS", GROUP)
        for name, sessions in (("alone", 1), ("pack", 90)):
            pq.write_table(made(sessions, ROWS // sessions), place / f"{name}.parquet")
            import_sessions(place / f"{name}.parquet", place / name)
            found[name] = place / name
    return found


@pytest.fixture(params=["alone", "pack"])
def store(request, stores, tmp_path):
    return copied(stores[request.param], tmp_path)


@pytest.fixture
def alone(stores, tmp_path):
    return copied(stores["alone"], tmp_path)


def copied(store, tmp_path):
    shutil.copytree(store, tmp_path / "store")
    return tmp_path / "store"


def data_file(store):
    (path,) = store.glob("sessions/*/*.parquet")
    return path


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << at % 8
    path.write_bytes(data)


def rows_of(store, columns=READ, sessions=None, **options):
    """Rows that are read, as a table, with session_id and sequence."""
    with open_source(store) as inventory:
        scan = inventory.open()
        chosen = [one for one in scan.sessions if sessions is None or one.session_id in sessions]
        table = pa.Table.from_batches(scan.batches(chosen, columns, **options))
        return table.cast(plain_schema(table.schema))


def test_the_record_has_the_hash_of_each_part(store):
    path = data_file(store)
    assert path.stat().st_size > 1 << 20
    record = recorded_file(path)
    assert record == described_file(path, with_chunks=True)
    assert set(record["column_chunk_sha256"]) == set(NAMES)
    assert {len(sums) for sums in record["column_chunk_sha256"].values()} == {ROWS // GROUP}
    assert b"column_chunk" not in b"".join(pq.read_table(store / "index.parquet")["files"].cast("binary").to_pylist())
    assert verify_store(store).problems == ()


def test_damage_is_found_in_the_columns_that_are_read_and_stops_nobody_in_others(store):
    path = data_file(store)
    whole, wanted = path.read_bytes(), rows_of(store)
    for (name, group), (first, end) in chunk_ranges(path).items():
        for at in {first, (first + end) // 2, end - 1}:
            flip(path, at)
            if name in UNTOUCHED:
                assert rows_of(store).equals(wanted), (name, group, at)
            else:
                with pytest.raises(SourceError, match=f"{path}: .*SHA-256 of column '{name}' in row group {group} is"):
                    rows_of(store)
            path.write_bytes(whole)


def test_damage_is_found_in_the_row_groups_that_are_read_and_stops_nobody_in_others(stores, tmp_path):
    store = copied(stores["pack"], tmp_path)
    path = data_file(store)
    wanted = rows_of(store, sessions=["s040", "s041"])
    assert wanted.num_rows == 2 * ROWS // 90
    for group, is_read in enumerate([False, True, False]):
        whole = path.read_bytes()
        flip(path, sum(chunk_ranges(path)["value", group]) // 2)
        if is_read:
            with pytest.raises(SourceError, match="column 'value' in row group 1"):
                rows_of(store, sessions=["s040", "s041"])
        else:
            assert rows_of(store, sessions=["s040", "s041"]).equals(wanted)
        path.write_bytes(whole)


def test_damage_in_the_footer_is_found_whatever_is_read(store):
    path = data_file(store)
    whole = path.read_bytes()
    footer = 8 + int.from_bytes(whole[-8:-4], "little")
    for back in (1, 4, 5, 6, 8, 9, footer // 2, footer):
        flip(path, len(whole) - back)
        with pytest.raises(SourceError, match="SHA-256 of its footer is not that"):
            rows_of(store)
        path.write_bytes(whole)
    for cut in (whole[:-1], whole[: 1 << 20], whole + b"x"):
        path.write_bytes(cut)
        with pytest.raises(SourceError, match="SHA-256 of its footer is not that"):
            rows_of(store)


def test_verify_says_which_part_is_damaged_wherever_it_is(store, tmp_path):
    path = data_file(store)
    whole = path.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    ranges = chunk_ranges(path)
    index = (max(end for _, end in ranges.values()) + footer) // 2
    wanted = rows_of(store)
    places = {
        sum(ranges["note", 2]) // 2: "column 'note' in row group 2 is",
        footer + 5: "its footer",
        index: "its page index is",
        2: "what lies between its parts is",
    }
    for at, told in places.items():
        flip(path, at)
        for quick in (True, False):
            (problem,) = verify_store(store, quick=quick).problems
            assert told in problem.problem
        if at in {2, index}:  # what is read in part has no need of it
            assert rows_of(store).equals(wanted)
        with pytest.raises(SourceError, match=told):
            export_measurements(store, tmp_path / "out")
        path.write_bytes(whole)
    assert verify_store(store).problems == ()


def test_commands_exit_with_3_and_name_file_and_column(alone, tmp_path, capsys):
    path = data_file(alone)
    flip(path, sum(chunk_ranges(path)["value", 1]) // 2)
    assert main(["statistics", str(alone), "--to", str(tmp_path / "s")]) == 3
    assert f"{path}: is damaged" in (told := capsys.readouterr().err)
    assert "column 'value' in row group 1" in told
    assert not (tmp_path / "s").exists()
    columns = "timestamp,note"
    assert main(["export", str(alone), "--to", str(tmp_path / "e"), "--columns", columns, "--format", "csv"]) == 0


@pytest.mark.parametrize("through", ["index", "records"])
def test_no_more_is_read_than_is_needed(store, through):
    if through == "records":
        (store / "index.parquet").unlink()
    size = data_file(store).stat().st_size
    with open_source(store) as inventory:
        scan = inventory.open()
        for columns, least, most in ((["metric"], 0, size / 5), (None, size, size + 4096), (None, size, size + 4096)):
            before = read_bytes()
            assert sum(batch.num_rows for batch in scan.batches(columns=columns)) == ROWS
            assert least <= read_bytes() - before < most, columns


def read_bytes():
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("rchar")).split()[1])


SPANS = {
    "in one row group": (40_000, 41_000),
    "over two": (29_999, 30_001),
    "up to a border": (10_000, 30_000),
    "from a border": (60_000, None),
    "before all": (None, 0),
    "all": (None, None),
}


@pytest.mark.parametrize("span", SPANS)
def test_row_groups_outside_of_the_times_are_not_read(store, span):
    first, end = SPANS[span]
    times = tuple(None if at is None else START + at * 1000 for at in (first, end))
    whole = rows_of(store)
    places = np.arange(ROWS)
    keep = (places >= (first or 0)) & (places < (ROWS if end is None else end))
    groups = {at // GROUP for at in places[keep].tolist()}
    path = data_file(store)
    for group in set(range(ROWS // GROUP)) - groups:
        flip(path, sum(chunk_ranges(path)["value", group]) // 2)
    if not groups:
        with open_source(store) as inventory:
            assert list(inventory.open().batches(times=times)) == []
        return
    found = rows_of(store, times=times)
    assert found.equals(whole.filter(pa.array([at // GROUP in groups for at in range(ROWS)])))


def test_an_export_of_a_time_is_that_of_the_whole_cut(store, tmp_path):
    since, until = "2025-11-24T16:00:29.999Z", "2025-11-24T16:00:30.002Z"
    export_measurements(store, tmp_path / "cut", since=since, until=until, sync=False, format="ndjson")
    (written,) = (tmp_path / "cut").glob("measurements_*")
    found = [json.loads(line)["value"] for line in written.read_text().splitlines()]
    assert found == rows_of(store)["value"].to_pylist()[29_999:30_002]


@pytest.mark.parametrize("kind", ["without hashes of parts", "of version 1", "of an early version"])
def test_records_without_hashes_of_parts_are_read_as_before(alone, kind):
    wanted = rows_of(alone)
    (alone / "index.parquet").unlink()
    (path,) = alone.glob("sessions/*/session.json")
    if kind == "without hashes of parts":
        record = json.loads(path.read_bytes())
        record["files"] = [{key: record["files"][0][key] for key in ("name", "bytes", "sha256")}]
        write_record(path, record)
    else:
        make_early(path, with_hash=kind == "of version 1")
    assert rows_of(alone).equals(wanted)
    if kind != "of an early version":
        flip(data_file(alone), sum(chunk_ranges(data_file(alone))["note", 1]) // 2)
        with pytest.raises(SourceError, match="damaged"):
            rows_of(alone)


BAD = {
    "a row group that is missing": {"column_chunk_sha256": {name: ["0" * 64] for name in NAMES}},
    "a column that is missing": {"column_chunk_sha256": {"value": ["0" * 64] * 3}},
    "no hash": {"column_chunk_sha256": {"value": ["x"]}},
    "a number": {"footer_sha256": 1},
    "half a hash": {"footer_sha256": "00"},
    "a list": {"column_chunk_sha256": [1]},
    "no page index": {"page_index_sha256": None},
}


@pytest.mark.parametrize("kind", BAD)
def test_hashes_that_do_not_fit_are_an_error(alone, kind):
    (alone / "index.parquet").unlink()
    (path,) = alone.glob("sessions/*/session.json")
    record = json.loads(path.read_bytes())
    edit_record(path, files=[record["files"][0] | BAD[kind]])
    with pytest.raises(SourceError, match=r"SHA-256 of column 'session_id' in row group|is no session record"):
        rows_of(alone)
