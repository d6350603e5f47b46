"""Packs: many small sessions in one directory, read by us and by others as if each had its own."""

from __future__ import annotations

import hashlib
import json

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import zstandard
from directories import contents, measurement_files, names_in, only
from samples import row, rows_of, write_ndjson
from store_records import checksum, described_file

from pipeline import (
    SourceError,
    connect,
    export_measurements,
    import_sessions,
    list_sessions,
    record_session,
    scan,
    verify_package,
)
from pipeline.store import adding, building

SESSIONS = 80


def start(number, shift=0):
    return f"2026-11-24T{10 + number // 60:02}:{number % 60:02}:{shift:02}.000000Z"


def rows(number, name="s", count=3, shift=0, **given):
    """Rows of one of many sessions, which begin a minute apart."""
    return [
        row(f"{name}{number:03}", at, timestamp=start(number, shift + at), value=number + at / 4, **given)
        for at in range(count)
    ]


def many(name="s", shift=0, sessions=range(SESSIONS), **given):
    return [one for number in sessions for one in rows(number, name, shift=shift, **given)]


@pytest.fixture
def source(tmp_path):
    return write_ndjson(tmp_path / "many.ndjson", many(robot="r1"))


@pytest.fixture
def store(tmp_path, source):
    import_sessions(source, tmp_path / "store")
    return tmp_path / "store"


def pack_of(store):
    return only(store / "sessions", "pack-*")


def lines_of(pack):
    with zstandard.open(pack / "sessions.ndjson.zst", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_lines(pack, head, records):
    """Write the records of a pack as somebody does who makes its checksums anew."""
    text = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    head = head | {"sessions_sha256": hashlib.sha256(text).hexdigest()}
    line = json.dumps(head | {"record_sha256": checksum(head)}).encode() + b"\n"
    (pack / "sessions.ndjson.zst").write_bytes(zstandard.compress(line + text))


def exported(source, to, **options):
    """The rows that an export has, by Python's json."""
    export_measurements(source, to, **options)
    assert not verify_package(to).problems
    return [json.loads(line) for line in only(to, "measurements_*").read_text(encoding="utf-8").splitlines()]


def test_many_small_sessions_of_an_import_share_a_directory(store):
    pack = pack_of(store)
    ids = "\n".join(f"s{number:03}" for number in range(SESSIONS))
    assert pack.name == f"pack-20261124T100000Z-{hashlib.sha256(ids.encode()).hexdigest()[:12]}"
    assert names_in(pack) == ["measurements-0000.parquet", "sessions.ndjson.zst"]
    head, *records = lines_of(pack)
    assert head["files"] == [described_file(pack / "measurements-0000.parquet")]
    assert [record["session_id"] for record in records] == ids.split("\n")
    assert all(record["record_sha256"] == checksum(record) for record in (head, *records))
    assert json.loads((store / "store.json").read_bytes())["format_version"] == 2


def test_a_session_says_the_same_of_itself_in_a_pack_and_alone(tmp_path, store):
    import_sessions(write_ndjson(tmp_path / "one.ndjson", rows(7, robot="r1")), tmp_path / "other")
    (alone,) = list_sessions(tmp_path / "other")
    (packed,) = [session for session in list_sessions(store) if session["session_id"] == "s007"]
    assert alone == packed


def test_rows_are_those_of_the_file(tmp_path, store, source):
    wanted = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    assert exported(store, tmp_path / "all") == wanted
    some = ["s003", "s004", "s040"]
    assert exported(store, tmp_path / "some", sessions=some) == [one for one in wanted if one["session_id"] in some]


def test_other_engines_read_a_store_of_packs_and_single_sessions(tmp_path, store):
    import_sessions(write_ndjson(tmp_path / "one.ndjson", rows(0, "single")), store)
    files = f"{store}/sessions/*/measurements-*.parquet"
    wanted = [(f"s{number:03}", at) for number in range(SESSIONS) for at in range(3)]
    wanted += [("single000", at) for at in range(3)]
    query = "SELECT session_id, sequence FROM {} ORDER BY ALL"
    assert duckdb.sql(query.format(f"read_parquet('{files}', union_by_name = true)")).fetchall() == wanted
    frames = pl.concat([pl.read_parquet(file) for file in measurement_files(store)], how="diagonal")
    assert frames.sort("session_id", "sequence").select("session_id", "sequence").rows() == wanted
    assert ds.dataset([str(file) for file in measurement_files(store)]).count_rows() == len(wanted)
    assert rows_of(store, query.format("measurements")) == wanted


def test_few_sessions_and_large_ones_have_directories_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(adding, "SMALL_ROWS", 4)
    few = many(sessions=range(adding.FEWEST_PACKED - 1))
    import_sessions(write_ndjson(tmp_path / "few.ndjson", few), tmp_path / "few")
    assert len(names_in(tmp_path / "few" / "sessions")) == adding.FEWEST_PACKED - 1
    mixed = write_ndjson(tmp_path / "mixed.ndjson", many() + rows(30, "large", count=4, shift=30))
    import_sessions(mixed, tmp_path / "mixed")
    assert [name.split("-")[0] for name in names_in(tmp_path / "mixed" / "sessions")] == ["large030", "pack"]
    assert exported(tmp_path / "mixed", tmp_path / "a") == exported(mixed, tmp_path / "b")


@pytest.mark.parametrize(("limit", "value"), [("_MAX_ROWS", 50), ("_MAX_SESSIONS", 16), ("_MAX_BYTES", 10_000)])
def test_a_pack_has_a_sound_size(tmp_path, source, monkeypatch, limit, value):
    monkeypatch.setattr(building, limit, value)
    import_sessions(source, tmp_path / "store")
    packs = sorted((tmp_path / "store" / "sessions").iterdir())
    assert len(packs) >= 5
    assert exported(tmp_path / "store", tmp_path / "a") == exported(source, tmp_path / "b")


def test_packs_whose_sessions_lie_between_each_other_are_read_in_order(tmp_path, store):
    second = write_ndjson(tmp_path / "second.ndjson", many("t", shift=20, network="lan"))
    import_sessions(second, store)
    import_sessions(write_ndjson(tmp_path / "third.ndjson", rows(12, "u", shift=10)), store)
    assert len(names_in(store / "sessions")) == 3
    found = exported(store, tmp_path / "package")
    ids = list(dict.fromkeys(one["session_id"] for one in found))
    wanted = [
        f"{name}{number:03}" for number in range(SESSIONS) for name in ("s", "u", "t")[:: 1 if number == 12 else 2]
    ]
    assert ids == wanted
    assert {(one["session_id"][0], one["robot"], one["network"]) for one in found} == {
        ("s", "r1", None),
        ("t", None, "lan"),
        ("u", None, None),
    }
    lazy = scan(store).select("session_id").collect()["session_id"]
    assert list(dict.fromkeys(lazy)) == wanted


def test_sessions_of_a_pack_are_replaced_in_one_step(tmp_path, store):
    before = {path.name: contents(path) for path in (store / "sessions").iterdir()}
    renewed = [one | {"value": -1.0} for number in (0, 5, 79) for one in rows(number, count=2)]
    result = import_sessions(write_ndjson(tmp_path / "renewed.ndjson", renewed), store, if_exists="replace")
    assert result.imported == ("s000", "s005", "s079")
    assert [path.name for path in (store / "sessions").iterdir()] == list(before)
    # A path never changes its content.
    assert names_in(pack_of(store)) == ["measurements-0001.parquet", "sessions.ndjson.zst"]
    found = rows_of(store, "SELECT session_id, count(*), min(value) FROM measurements GROUP BY 1 ORDER BY 1")
    assert found == [
        (f"s{number:03}", *((2, -1.0) if number in (0, 5, 79) else (3, float(number)))) for number in range(SESSIONS)
    ]
    import_sessions(write_ndjson(tmp_path / "all.ndjson", many(robot="r2")), store, if_exists="replace")
    assert set(rows_of(store, "SELECT robot FROM measurements")) == {("r2",)}
    assert len(names_in(store / "sessions")) == 1


def test_a_session_that_is_there_is_an_error_or_left_as_it_is(store, source):
    with pytest.raises(SourceError, match="has session 's000' already"):
        import_sessions(source, store)
    assert len(import_sessions(source, store, if_exists="skip").unchanged) == SESSIONS


def test_a_large_session_that_replaces_a_small_one_stays_in_its_pack(tmp_path, store, monkeypatch):
    monkeypatch.setattr(building, "_MAX_ROWS", 10)
    import_sessions(write_ndjson(tmp_path / "l.ndjson", rows(4, count=50)), store, if_exists="replace")
    assert len(names_in(store / "sessions")) == 1
    assert rows_of(store, "SELECT count(*) FROM measurements") == [(SESSIONS * 3 + 47,)]


def test_a_recorder_adds_to_a_store_of_packs(store):
    with record_session(store, session_id="live") as recorder:
        recorder.record("control_rtt", 4.5, unit="ms")
    assert rows_of(store, "SELECT value FROM measurements WHERE session_id = 'live'") == [(4.5,)]


def test_sessions_without_rows_lie_in_packs_too(tmp_path):
    source = write_ndjson(tmp_path / "m.ndjson", many())
    records = [{"session_id": f"s{number:03}", "started_at": start(number)} for number in range(SESSIONS)]
    records += [{"session_id": f"empty{number}", "started_at": start(number, 30)} for number in (0, 7, 79)]
    (tmp_path / "m.session.json").write_text(json.dumps(records), encoding="utf-8")
    import_sessions(source, tmp_path / "store")
    assert len(names_in(tmp_path / "store" / "sessions")) == 1
    counts = {one["session_id"]: one["measurement_count"] for one in list_sessions(tmp_path / "store")}
    assert counts == {f"s{number:03}": 3 for number in range(SESSIONS)} | {"empty0": 0, "empty7": 0, "empty79": 0}
    assert exported(tmp_path / "store", tmp_path / "a") == exported(source, tmp_path / "b")


def test_a_session_is_never_called_like_a_pack(tmp_path):
    import_sessions(write_ndjson(tmp_path / "p.ndjson", [row("pack-1"), row("Pack-2")]), tmp_path / "store")
    names = names_in(tmp_path / "store" / "sessions")
    assert len(names) == 2
    assert not [name for name in names if name.lower().startswith("pack-")]
    assert [one["session_id"] for one in list_sessions(tmp_path / "store")] == ["Pack-2", "pack-1"]


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("part", range(8))
def test_a_flipped_bit_in_a_pack_is_found_whatever_is_read_of_it(tmp_path, store, part):
    data = pack_of(store) / "measurements-0000.parquet"
    flip(data, data.stat().st_size * part // 8 + 2)
    with pytest.raises(SourceError, match="damaged"):
        export_measurements(store, tmp_path / "package", sessions=["s070"])
    with pytest.raises(SourceError, match="damaged"):
        connect(store)


@pytest.mark.parametrize("part", range(8))
def test_a_flipped_bit_in_the_records_of_a_pack_is_found(store, part):
    records = pack_of(store) / "sessions.ndjson.zst"
    flip(records, records.stat().st_size * part // 8)
    with pytest.raises(SourceError, match=r"sessions\.ndjson\.zst"):
        list_sessions(store)


def shorter(head, records):
    return head | {"session_count": SESSIONS - 1}, records[1:]


def longer(head, records):
    return head, [*records, records[0] | {"session_id": "new", "started_at": "2026-12-01T00:00:00Z"}]


def swapped(head, records):
    return head, [records[1], records[0], *records[2:]]


def fewer_rows(head, records):
    return head, [records[0] | {"measurement_count": 2}, records[1] | {"measurement_count": 4}, *records[2:]]


def another_id(head, records):
    return head, [records[0] | {"session_id": "other"}, *records[1:]]


def without_sessions(head, _):
    return head | {"session_count": 0}, []


def of_another_version(head, records):
    return head | {"format_version": 99}, records


@pytest.mark.parametrize(
    "change", [shorter, longer, swapped, fewer_rows, another_id, without_sessions, of_another_version]
)
def test_records_that_do_not_fit_the_rows_are_an_error(tmp_path, store, change):
    head, *records = lines_of(pack_of(store))
    write_lines(pack_of(store), *change(head, records))
    with pytest.raises(SourceError):
        export_measurements(store, tmp_path / "package")
    assert not (tmp_path / "package").exists()


def test_what_no_record_names_is_an_error(store):
    (pack_of(store) / "measurements-0001.parquet").write_bytes(b"")
    with pytest.raises(SourceError, match=r"measurements-0001\.parquet: its session's record does not name it"):
        list_sessions(store)


def test_a_session_in_a_pack_and_in_a_directory_is_an_error(tmp_path, store):
    import_sessions(write_ndjson(tmp_path / "one.ndjson", rows(7)), tmp_path / "other")
    (tmp_path / "other" / "sessions" / "s007").rename(store / "sessions" / "s007")
    with pytest.raises(SourceError, match="holds session 's007', and so does"):
        list_sessions(store)


def test_what_is_not_wanted_of_a_pack_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.writers.parquet.ROW_GROUP_ROWS", 30)
    source = write_ndjson(tmp_path / "many.ndjson", many())
    import_sessions(source, tmp_path / "store")
    data = only(pack_of(tmp_path / "store"), "*.parquet")
    assert pa.parquet.ParquetFile(data).num_row_groups == 8
    read = []
    whole = pa.parquet.ParquetFile.iter_batches
    monkeypatch.setattr(
        pa.parquet.ParquetFile,
        "iter_batches",
        lambda self, *given, **options: read.append(options["row_groups"]) or whole(self, *given, **options),
    )
    wanted = [one for number in (9, 10, 75) for one in rows(number)]
    assert exported(tmp_path / "store", tmp_path / "some", sessions=["s009", "s010", "s075"]) == wanted
    assert [group for groups in read for group in groups][-3:] == [
        0,
        1,
        7,
    ]  # before that, a row of each of the first file
