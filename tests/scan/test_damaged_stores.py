"""Damage in a store: whatever reads it gives the rows that were imported, or an error."""

from __future__ import annotations

import json
import shutil

import duckdb
import pyarrow.parquet as pq
import pytest
from project import FIXTURE_STORE
from samples import row, write_ndjson
from store_records import edit_record, make_early

import pipeline
from pipeline import SourceError, import_sessions
from pipeline.cli import main
from pipeline.disk.hashing import file_sha256

ROWS = [row("s1", at, value=at / 7, robot=f"r{at % 3}", tries=at * 10**10) for at in range(2000)]
SQL = "SELECT * FROM measurements ORDER BY sequence"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    place = tmp_path_factory.mktemp("integrity")
    import_sessions(write_ndjson(place / "a.ndjson", ROWS), place / "store")
    return place / "store"


@pytest.fixture(params=["with SHA-256", "of an early version"])
def copied(request, store, tmp_path):
    """A store of its own; an early version has no hashes in its records."""
    shutil.copytree(store, tmp_path / "store")
    if request.param == "of an early version":
        (record,) = (tmp_path / "store").glob("sessions/*/session.json")
        make_early(record, with_hash=False)
    return tmp_path / "store", request.param == "with SHA-256"


def with_connect(store, _to):
    return pipeline.connect(store).execute(SQL).fetchall()


def with_catalog(store, to):
    pipeline.write_catalog(store, to)
    with duckdb.connect(str(to), read_only=True) as connection:
        return connection.execute(SQL).fetchall()


def with_polars(store, _to):
    return pipeline.scan(store).sort("sequence").collect().rows()


def with_export(store, to):
    pipeline.export_measurements(store, to, sync=False)
    return next(to.glob("measurements_*")).read_bytes()


def with_statistics(store, to):
    pipeline.export_statistics(store, to, sync=False)
    return next(to.glob("statistics_*")).read_bytes()


READERS = {
    "connect": with_connect,
    "catalog": with_catalog,
    "scan": with_polars,
    "export": with_export,
    "statistics": with_statistics,
}


@pytest.mark.parametrize("name", READERS)
def test_no_flipped_bit_of_a_store_passes_for_data(copied, tmp_path, name):
    store, has_hash = copied
    read = READERS[name]
    wanted = read(store, tmp_path / "good")
    (path,) = store.glob("sessions/*/*.parquet")
    whole = path.read_bytes()
    refused = 0
    # Without a hash nothing protects what lies behind the pages: the footer.
    end = len(whole) if has_hash else len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    places = range(5, end, end // (60 if name in {"connect", "scan"} else 25))
    for at in places:
        data = bytearray(whole)
        data[at] ^= 1 << at % 8
        path.write_bytes(data)
        try:
            found = read(store, tmp_path / str(at))
        except SourceError:
            refused += 1
        else:
            assert found == wanted, at
    assert refused == len(places) if has_hash else refused > len(places) / 2


def test_query_refuses_a_damaged_store_before_it_prints_a_row(store, tmp_path, capsysbinary):
    shutil.copytree(store, tmp_path / "store")
    (path,) = tmp_path.glob("store/sessions/*/*.parquet")
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)
    assert main(["query", str(tmp_path / "store"), SQL, "--format", "ndjson"]) == 3
    out, err = capsysbinary.readouterr()
    assert out == b""
    assert err.count(b"\n") == 1
    assert path.name.encode() in err
    assert b"SHA-256" in err
    # It can be looked at all the same.
    assert main(["query", str(tmp_path / "store"), "SELECT count(*) FROM sessions", "--no-verify"]) == 0


def test_verification_can_be_left_out(store, tmp_path):
    shutil.copytree(store, tmp_path / "store")
    (path,) = tmp_path.glob("store/sessions/*/*.parquet")
    path.write_bytes(path.read_bytes()[:-1] + b"2")
    for connect in (pipeline.connect, pipeline.scan):
        with pytest.raises(SourceError, match="SHA-256"):
            connect(tmp_path / "store")
    assert pipeline.scan(tmp_path / "store", verify=False).collect_schema().names()
    with pytest.raises(SourceError, match="cannot be read"):
        pipeline.connect(tmp_path / "store", verify=False)


@pytest.mark.parametrize("has_hash", [True, False])
def test_a_column_that_is_gone_is_no_column_of_nulls(store, tmp_path, has_hash):
    shutil.copytree(store, tmp_path / "store")
    (path,) = tmp_path.glob("store/sessions/*/*.parquet")
    table = pq.read_table(path)
    pq.write_table(table.rename_columns([{"robot": "sobot"}.get(n, n) for n in table.column_names]), path)
    if not has_hash:
        make_early(path.parent / "session.json", with_hash=False)
    with pytest.raises(SourceError, match="SHA-256" if has_hash else "no column 'robot'"):
        pipeline.export_measurements(tmp_path / "store", tmp_path / "out")
    # What is not asked for is not missed.
    if not has_hash:
        pipeline.export_measurements(tmp_path / "store", tmp_path / "out", exclude=["robot"], sync=False)


@pytest.mark.parametrize("names_files", [True, False])
@pytest.mark.parametrize("value", [5, "x", "", [], "0" * 64])
def test_a_wrong_hash_in_a_record_is_an_error(store, tmp_path, value, names_files):
    shutil.copytree(store, tmp_path / "store")
    (record,) = tmp_path.glob("store/sessions/*/session.json")
    if names_files:
        (file,) = json.loads(record.read_bytes())["files"]
        edit_record(record, files=[file | {"sha256": value}])
    else:
        make_early(record)
        record.write_text(json.dumps(json.loads(record.read_bytes()) | {"sha256": value}), encoding="utf-8")
    with pytest.raises(SourceError):
        pipeline.export_measurements(tmp_path / "store", tmp_path / "out")


def test_the_recorded_store_has_a_hash_of_each_file():
    records = list(FIXTURE_STORE.glob("sessions/*/session.json"))
    assert len(records) == 11
    for record in records:
        (path,) = record.parent.glob("*.parquet")
        assert json.loads(record.read_text(encoding="utf-8"))["sha256"] == file_sha256(path)
