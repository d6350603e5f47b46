"""The store on disk: its layout, that others read it without us, and that a session is there whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from directories import measurement_files, names_in, only
from plain_files import CORE_TYPES
from program import pipeline
from project import FIXTURE_STORE
from samples import row, write_ndjson
from store_records import checksum, described_file, edit_record, make_early

from pipeline import BusyError, DestinationError, SourceError, export_measurements, import_sessions, list_sessions
from pipeline.disk.hashing import file_sha256

SESSION_KEYS = {
    "format_version",
    "session_id",
    "started_at",
    "ended_at",
    "harness",
    "configuration",
    "attributes",
    "measurement_count",
    "null_count",
    "first_timestamp",
    "last_timestamp",
    "backward_timestamp_count",
    "dropped_digit_count",
    "metrics",
    "content_digest",
    "columns",
    "record_sha256",
    "files",
}
# Sessions that differ in attributes; `tries` has no value in the second, and none has one for `empty`.
ROWS = [
    row("s1", 0, robot="r1", tries=1, empty=None),
    row("s1", 1, robot=None, tries=2, empty=None, value=None),
    row("s2", 0, tries=None, empty=None, value="NaN"),
    row("s3", 0, site="lab", metric="jitter", unit=None),
]


@pytest.fixture
def store(tmp_path):
    import_sessions(write_ndjson(tmp_path / "a.ndjson", ROWS), tmp_path / "store")
    return tmp_path / "store"


def test_a_store_has_the_layout_that_others_rely_on(store):
    found = sorted(str(path.relative_to(store)) for path in store.rglob("*"))
    sessions = [
        f"sessions/{s}{name}"
        for s in ("s1", "s2", "s3")
        for name in ("", "/measurements-0000.parquet", "/session.json")
    ]
    assert found == ["index.parquet", "sessions", *sessions, "staging", "store.json"]
    assert json.loads((store / "store.json").read_bytes()) == {"format_version": 2, "timestamp_unit": "us"}


def test_the_record_of_a_session_says_what_planning_needs(tmp_path):
    rows = [
        row("s1", 3, timestamp="2026-11-24T16:00:09Z", value=None, robot="r1"),
        row("s1", 4, timestamp="2026-11-24T16:00:05Z", metric="jitter", robot=None),
        row("s1", 9, timestamp="2026-11-24T16:00:07.0000009Z", value="NaN", robot=None),
    ]
    source = write_ndjson(tmp_path / "a.ndjson", rows)
    record = {
        "harness": {"name": "bench", "version": None},
        "configuration": {"ü": [1, 2.5, None, {"x": True}]},
        "attributes": {"site": "lab"},
        "started_at": "2026-11-24T15:00:00Z",
    }
    (tmp_path / "a.session.json").write_text(json.dumps(record), encoding="utf-8")
    import_sessions(source, tmp_path / "store")
    path = tmp_path / "store" / "sessions" / "s1" / "session.json"
    found = json.loads(path.read_bytes())
    assert found.keys() == SESSION_KEYS
    assert found.pop("record_sha256") == checksum(found)
    assert len(found.pop("content_digest")) == len("rows1:") + 32
    assert found.pop("files") == [described_file(path.with_name("measurements-0000.parquet"))]
    assert found == {
        "format_version": 2,
        "session_id": "s1",
        "started_at": "2026-11-24T15:00:00.000000Z",
        "ended_at": "2026-11-24T16:00:09.000000Z",
        "harness": {"name": "bench", "version": None},
        "configuration": {"ü": [1, 2.5, None, {"x": True}]},
        "attributes": {"site": "lab"},
        "measurement_count": 3,
        "null_count": 1,
        "first_timestamp": "2026-11-24T16:00:05.000000Z",
        "last_timestamp": "2026-11-24T16:00:09.000000Z",
        "backward_timestamp_count": 1,
        "dropped_digit_count": 1,
        "metrics": ["control_rtt", "jitter"],
        "columns": {"robot": "string", "site": "string"},
    }
    assert "ü" in path.read_text(encoding="utf-8")


def test_listing_gives_the_records_without_reading_rows(store):
    listed = list_sessions(store)
    for path in measurement_files(store):
        path.write_bytes(b"not read")
    assert list_sessions(store) == listed
    records = [json.loads(path.read_bytes()) for path in sorted(store.glob("sessions/*/session.json"))]
    inside = {"format_version", "columns", "files", "record_sha256"}
    assert listed == [{k: v for k, v in record.items() if k not in inside} for record in records]


def test_files_are_compressed_and_checked_and_stand_alone(store):
    for path in measurement_files(store):
        with pq.ParquetFile(path) as file:
            assert file.schema_arrow.names[:6] == list(CORE_TYPES)
            types = {field.name: str(field.type) for field in file.schema_arrow}
            assert types.items() >= CORE_TYPES.items()
            group = file.metadata.row_group(0)
            columns = [group.column(i) for i in range(group.num_columns)]
            assert {column.compression for column in columns} == {"ZSTD"}
            assert all(column.statistics is not None for column in columns[:4])
            table = file.read()
        assert set(table.column("session_id").to_pylist()) == {path.parent.name}
        assert table.column("sequence").to_pylist() == sorted(table.column("sequence").to_pylist())


@pytest.mark.parametrize("store_path", [FIXTURE_STORE], ids=["fixture"])
def test_a_flipped_bit_in_a_page_is_noticed_by_readers_that_verify(store_path, tmp_path):
    """Page checksums are there: pyarrow, told to look, finds a changed bit of any data page."""
    path = tmp_path / "copy.parquet"
    shutil.copy(measurement_files(store_path)[0], path)
    whole = path.read_bytes()
    with pq.ParquetFile(path) as file:
        column = file.metadata.row_group(0).column(4)
        start, size = column.data_page_offset, column.total_compressed_size
    wanted = pq.read_table(path)
    noticed = 0
    for at in range(start + 60, start + min(size, 3000) - 60, 97):
        data = bytearray(whole)
        data[at] ^= 0x10
        path.write_bytes(data)
        try:
            found = pq.read_table(path, page_checksum_verification=True)
        except OSError as error:
            noticed += "crc" in str(error).lower() or "checksum" in str(error).lower()
        else:
            assert found.equals(wanted), at
    assert noticed > 10


def test_nullability_is_that_of_the_model(store):
    for path in measurement_files(store):
        nullable = {field.name: field.nullable for field in pq.read_schema(path)}
        assert [name for name, allowed in nullable.items() if not allowed] == [
            "session_id",
            "sequence",
            "timestamp",
            "metric",
        ]


def test_duckdb_reads_a_store_by_name(store):
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        relation = connection.sql(
            f"FROM read_parquet('{store}/sessions/*/measurements-*.parquet', union_by_name = true) "
            "ORDER BY session_id, sequence"
        )
        types = dict(zip(relation.columns, map(str, relation.types), strict=True))
        rows = relation.select("session_id, sequence, epoch_us(timestamp), value, robot, tries, site").fetchall()
    assert (
        types.items()
        >= {
            "timestamp": "TIMESTAMP WITH TIME ZONE",
            "value": "DOUBLE",
            "tries": "BIGINT",
            "robot": "VARCHAR",
        }.items()
    )
    noon = 1_795_536_000_000_000
    assert repr(rows) == repr(
        [
            ("s1", 0, noon, 1.5, "r1", 1, None),
            ("s1", 1, noon + 1_000_000, None, None, 2, None),
            ("s2", 0, noon, float("nan"), None, None, None),
            ("s3", 0, noon, 1.5, None, None, "lab"),
        ]
    )


def test_polars_reads_a_store_by_a_diagonal_concat(store):
    frame = pl.concat([pl.read_parquet(path) for path in measurement_files(store)], how="diagonal").sort(
        "session_id", "sequence"
    )
    assert frame["tries"].to_list() == [1, 2, None, None]
    assert frame.schema["tries"] == pl.Int64
    assert frame["robot"].to_list() == ["r1", None, None, None]
    assert frame.schema["timestamp"] == pl.Datetime("us", "UTC")
    assert frame["value"].null_count() == 1
    assert frame["value"].is_nan().sum() == 1


def test_pyarrow_reads_a_store_as_one_dataset(store):
    schema = pa.unify_schemas([pq.read_schema(path) for path in measurement_files(store)])
    table = ds.dataset([str(path) for path in measurement_files(store)], schema=schema).to_table()
    table = table.sort_by([("session_id", "ascending"), ("sequence", "ascending")])
    assert table.column("tries").to_pylist() == [1, 2, None, None]
    assert table.column("site").to_pylist() == [None, None, None, "lab"]


def test_others_read_the_recorded_sessions_alike():
    pattern = f"{FIXTURE_STORE}/sessions/*/measurements-*.parquet"
    with duckdb.connect() as connection:
        by_duckdb = connection.execute(
            "SELECT session_id, count(*), count(value), sum(sequence)::BIGINT, max(epoch_us(timestamp)) "
            "FROM read_parquet(?, union_by_name = true) GROUP BY ALL ORDER BY ALL",
            [pattern],
        ).fetchall()
    frame = pl.concat([pl.scan_parquet(path) for path in measurement_files(FIXTURE_STORE)], how="diagonal")
    by_polars = (
        frame.group_by("session_id")
        .agg(
            pl.len(),
            pl.col("value").count(),
            pl.col("sequence").sum().alias("s"),
            pl.col("timestamp").max().dt.epoch("us"),
        )
        .sort("session_id")
        .collect()
        .rows()
    )
    assert by_duckdb == [tuple(r) for r in by_polars]
    counts = {s["session_id"]: (s["measurement_count"], s["null_count"]) for s in list_sessions(FIXTURE_STORE)}
    assert {r[0]: (r[1], r[1] - r[2]) for r in by_duckdb} == counts


def test_a_session_is_built_aside_and_appears_as_a_whole(tmp_path):
    """While rows are written, the session lies in staging and readers see the sessions before it only."""
    rows = [row(session_id, i) for session_id in ("s1", "s2", "s3") for i in range(10)]
    store = tmp_path / "store"
    seen = []

    def look(_done, _total):
        visible = names_in(store / "sessions")
        if visible:
            assert [s["session_id"] for s in list_sessions(store)] == visible
        staged = set(names_in(store / "staging")) - {"lock"}
        seen.append((visible, len(staged)))

    import_sessions(write_ndjson(tmp_path / "a.ndjson", rows), store, on_progress=look)
    # The rows of each session are asked for while the one before it is still being built.
    assert seen == [([], 1), ([], 1), (["s1"], 1)]
    assert names_in(store / "sessions") == ["s1", "s2", "s3"]
    assert names_in(store / "staging") == []


def test_what_a_killed_import_left_in_staging_is_not_seen(store):
    shutil.copytree(store / "sessions" / "s1", store / "staging" / "tmpabc")
    os.truncate(store / "staging" / "tmpabc" / "measurements-0000.parquet", 10)
    assert [s["session_id"] for s in list_sessions(store)] == ["s1", "s2", "s3"]
    import_sessions(write_ndjson(store.parent / "b.ndjson", [row("s4", 0)]), store)
    assert len(list_sessions(store)) == 4
    assert names_in(store / "staging") == []


def test_a_second_import_into_a_store_is_told(store, tmp_path):
    """Also while the first one has nothing to write yet; a dead one holds nothing."""
    more = write_ndjson(tmp_path / "more.ndjson", [row("s4", i) for i in range(10)])
    told = []

    def second(_done, _total):
        told.append(pipeline("import", more, "--to", store, "--if-exists", "skip"))
        with pytest.raises(BusyError):
            import_sessions(more, store, if_exists="replace")

    import_sessions(more, store, on_progress=second)
    assert (told[0].status, len(told[0].err.splitlines())) == (7, 1)
    assert "another run" in told[0].err
    (store / "staging" / "lock").write_bytes(b"")
    assert import_sessions(more, store, if_exists="skip").unchanged == ("s4",)
    assert names_in(store / "staging") == []


def test_a_store_that_another_run_has_made_in_this_moment_is_imported_into(store, tmp_path, monkeypatch):
    from pipeline.store import writer  # noqa: PLC0415 - it is changed here alone

    is_store, seen = writer.is_store, iter([False])
    monkeypatch.setattr(writer, "is_store", lambda path, **how: next(seen, True) and is_store(path, **how))
    more = write_ndjson(tmp_path / "more.ndjson", [row("s4", 0)])
    assert import_sessions(more, store).imported == ("s4",)


def test_a_directory_that_was_there_stays_when_nothing_is_imported(tmp_path):
    (tmp_path / "store").mkdir()
    with pytest.raises(SourceError):
        import_sessions(write_ndjson(tmp_path / "a.ndjson", [row("s1", 0), row("s1", 0)]), tmp_path / "store")
    assert names_in(tmp_path / "store") == []


def test_a_session_put_aside_by_an_exchange_that_was_cut_off_is_put_back(store, tmp_path):
    """Where directories cannot be exchanged at once, there is a moment in which a session is in `staging/` alone."""
    before = list_sessions(store)
    (store / "sessions" / "s2").rename(store / "staging" / "s2.aside")
    import_sessions(write_ndjson(tmp_path / "b.ndjson", [row("s1", 0)]), store, if_exists="skip")
    assert list_sessions(store) == before
    assert names_in(store / "staging") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_store_on_a_read_only_mount_can_be_read_and_says_that_it_cannot_be_written(store, tmp_path):
    mount = tmp_path / "mount"
    mount.mkdir()
    if subprocess.run(["mount", "--bind", store, mount], check=False, capture_output=True).returncode:
        pytest.skip("no mounts here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", mount], check=True)
        assert len(list_sessions(mount)) == 3
        assert pipeline("export", mount, "--to", tmp_path / "package").status == 0
        done = pipeline("import", write_ndjson(tmp_path / "b.ndjson", [row("s9", 0)]), "--to", mount)
        assert (done.status, len(done.err.splitlines())) == (4, 1)
        done = pipeline("export", mount, "--to", mount / "package")
        assert (done.status, len(done.err.splitlines())) == (4, 1)
    finally:
        subprocess.run(["umount", mount], check=True)


def test_a_failure_while_rows_are_written_leaves_whole_sessions_only(tmp_path):
    rows = [row(session_id, i) for session_id in ("s1", "s2", "s3") for i in range(10)]
    store = tmp_path / "store"

    def stop(done, _total):
        if done > 20:
            raise RuntimeError("stop")

    source = write_ndjson(tmp_path / "a.ndjson", rows)
    with pytest.raises(RuntimeError, match="stop"):
        import_sessions(source, store, on_progress=stop)
    assert [s["session_id"] for s in list_sessions(store)] == ["s1"]
    assert names_in(store / "staging") == []
    report = import_sessions(source, store, if_exists="skip")
    assert (report.imported, report.unchanged) == (("s2", "s3"), ("s1",))


@pytest.mark.parametrize("if_exists", ["error", "skip", "replace"])
@pytest.mark.parametrize(
    ("rows_done", "told"),
    [
        (10, "nothing was imported"),
        (30, "1 session was imported before; the same command{} imports the others"),
        (40, "2 sessions were imported before; the same command{} imports the others"),
    ],
)
def test_an_interruption_says_which_sessions_are_imported(tmp_path, if_exists, rows_done, told):
    """A session is published when the rows of the one after it are asked for."""
    rows = [row(session_id, i) for session_id in ("s1", "s2", "s3", "s4") for i in range(10)]
    store = tmp_path / "store"

    def stop(done, _total):
        if done >= rows_done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        import_sessions(write_ndjson(tmp_path / "a.ndjson", rows), store, if_exists=if_exists, on_progress=stop)
    assert caught.value.__notes__ == [told.format(" with --if-exists skip" if if_exists == "error" else "")]
    there = names_in(store / "sessions") if store.exists() else []
    assert len(there) == int(told.split()[0].replace("nothing", "0"))


def test_bad_data_imports_nothing_of_any_session(tmp_path):
    rows = [row("s1", 0), row("s2", 0), row("s2", 0)]
    with pytest.raises(SourceError):
        import_sessions(write_ndjson(tmp_path / "a.ndjson", rows), tmp_path / "store")
    assert names_in(tmp_path) == ["a.ndjson"]


def test_importing_the_same_rows_elsewhere_gives_the_same_bytes(store, tmp_path):
    every = {name: None for r in ROWS for name in r}
    shuffled = [every | ROWS[at] for at in (3, 1, 0, 2)]
    import_sessions(write_ndjson(tmp_path / "b.ndjson", shuffled), tmp_path / "again")
    # The index tells when the directory of sessions was changed.
    for path in (p for p in store.rglob("*") if p.is_file() and p.name != "index.parquet"):
        assert (tmp_path / "again" / path.relative_to(store)).read_bytes() == path.read_bytes()


def test_a_store_can_be_imported_through_its_own_parquet_files(store, tmp_path):
    import_sessions(f"{store}/sessions/*/measurements-*.parquet", tmp_path / "again")
    digests = [
        {s["session_id"]: s["content_digest"] for s in list_sessions(where)} for where in (store, tmp_path / "again")
    ]
    assert digests[0] == digests[1]


@pytest.mark.parametrize("record_is", ["complete", "of an early version"])
def test_a_session_in_several_files_is_read_in_their_order(store, record_is):
    directory = store / "sessions" / "s1"
    table = pq.read_table(directory / "measurements-0000.parquet")
    more = table.set_column(1, table.schema.field("sequence"), pa.array([2, 3]))
    pq.write_table(more.cast(table.schema), directory / "measurements-0001.parquet")
    record = directory / "session.json"
    if record_is != "complete":
        make_early(record, with_hash=False)
        record.write_text(json.dumps(json.loads(record.read_bytes()) | {"measurement_count": 4}), encoding="utf-8")
    else:
        files = [
            {"name": path.name, "bytes": path.stat().st_size, "sha256": file_sha256(path)}
            for path in sorted(directory.glob("measurements-*"))
        ]
        edit_record(record, measurement_count=4, files=files)
    export_measurements(store, store.parent / "out", sessions=["s1"])
    lines = only(store.parent / "out", "measurements_*").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [0, 1, 2, 3]


def test_a_stray_file_among_the_sessions_does_no_harm(store):
    (store / "sessions" / ".DS_Store").write_bytes(b"x")
    assert len(list_sessions(store)) == 3


def test_an_empty_directory_may_become_a_store(tmp_path):
    (tmp_path / "store").mkdir()
    import_sessions(write_ndjson(tmp_path / "a.ndjson", [row()]), tmp_path / "store")
    assert len(list_sessions(tmp_path / "store")) == 1


def test_a_package_is_no_place_for_a_store(store, tmp_path):
    export_measurements(store, tmp_path / "package")
    with pytest.raises(DestinationError, match="is not a store"):
        import_sessions(tmp_path / "a.ndjson", tmp_path / "package")


def test_sessions_come_by_start_then_id(tmp_path):
    starts = {
        "b": "2026-11-24T16:00:00Z",
        "a": "2026-11-24T16:00:00Z",
        "c": "2026-11-24T15:00:00Z",
        "B": "2026-11-24T16:00:00Z",
    }
    source = write_ndjson(
        tmp_path / "a.ndjson", [row(session_id, 0, timestamp="2026-11-24T17:00:00Z") for session_id in starts]
    )
    records = [{"session_id": session_id, "started_at": start} for session_id, start in starts.items()]
    (tmp_path / "a.session.json").write_text(json.dumps(records), encoding="utf-8")
    import_sessions(source, tmp_path / "store")
    wanted = ["c", "B", "a", "b"]
    assert [s["session_id"] for s in list_sessions(tmp_path / "store")] == wanted
    export_measurements(tmp_path / "store", tmp_path / "out")
    lines = only(tmp_path / "out", "measurements_*").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["session_id"] for line in lines] == wanted
