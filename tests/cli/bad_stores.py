"""Stores that are damaged or of another version, and what the command must say of each."""

from __future__ import annotations

import json
import os
import shutil

import pyarrow.parquet as pq
from bad_cases import store_case
from samples import GOOD_SESSIONS
from store_records import edit_record, make_early


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes), encoding="utf-8")


def measurements(store, session_id=GOOD_SESSIONS[1]):
    return store / "sessions" / session_id / "measurements-0000.parquet"


@store_case("of a newer version", "store.json", "format version 3", "reads versions 1 to 2")
def _(store):
    edit(store / "store.json", format_version=3)


@store_case("of an unknown unit", "store.json", "timestamp_unit 'ms'")
def _(store):
    edit(store / "store.json", timestamp_unit="ms")


@store_case("whose description is no JSON", "store.json", "is no valid JSON")
def _(store):
    (store / "store.json").write_text("{", encoding="utf-8")


@store_case("a record that counts more rows", "'wan-02'", "51 rows", "holds 50")
def _(store):
    edit_record(measurements(store).with_name("session.json"), measurement_count=51)


@store_case("a record that counts fewer rows", "'wan-01'", "49 rows", "holds 50")
def _(store):
    edit_record(measurements(store, GOOD_SESSIONS[0]).with_name("session.json"), measurement_count=49)


@store_case("a record that counts none", "'wan-02'")
def _(store):
    edit_record(measurements(store).with_name("session.json"), measurement_count=0)


@store_case("a record of another session", "another session")
def _(store):
    edit_record(measurements(store).with_name("session.json"), session_id="wan-03")


@store_case("two records of a session", "holds session 'wan-01', and so does")
def _(store):
    shutil.copytree(store / "sessions" / "wan-01", store / "sessions" / "copy")


@store_case("a record that was changed", "session.json", "was changed after it was written", "import the session anew")
def _(store):
    edit(measurements(store).with_name("session.json"), configuration={"users": 51})


@store_case("a record without its checksum", "session.json", "record_sha256")
def _(store):
    path = measurements(store).with_name("session.json")
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_bytes()).items() if k != "record_sha256"}))


@store_case("a record without a start", "session.json", "started_at")
def _(store):
    path = measurements(store).with_name("session.json")
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_bytes()).items() if k != "started_at"}))


@store_case("a record that is a list", "session.json", "no session record")
def _(store):
    measurements(store).with_name("session.json").write_text("[]", encoding="utf-8")


@store_case("no record", "session.json", "cannot be read")
def _(store):
    measurements(store).with_name("session.json").unlink()


@store_case("no data", "wan-02", "has no measurements-0000.parquet, which its record names")
def _(store):
    measurements(store).unlink()


def forget_hash(store):
    make_early(measurements(store).with_name("session.json"), with_hash=False)


def flip_a_bit(store):
    data = bytearray(measurements(store).read_bytes())
    data[200] ^= 4
    measurements(store).write_bytes(data)


@store_case("data that is cut", "measurements-0000.parquet", "its SHA-256 is not that of its session's record")
def _(store):
    os.truncate(measurements(store), measurements(store).stat().st_size // 2)


@store_case("data with a flipped bit", "measurements-0000.parquet", "its SHA-256 is not that of its session's record")
def _(store):
    flip_a_bit(store)


@store_case("data that is cut, without a hash", "measurements-0000.parquet", "damaged or of another format")
def _(store):
    os.truncate(measurements(store), measurements(store).stat().st_size // 2)
    forget_hash(store)


@store_case("data with a flipped bit, without a hash", "measurements-0000.parquet", "damaged or of another format")
def _(store):
    flip_a_bit(store)
    forget_hash(store)


@store_case("data of another session", "session 'wan-01', sequence 0", "another session")
def _(store):
    shutil.copy(measurements(store, GOOD_SESSIONS[0]), measurements(store))
    forget_hash(store)


@store_case("rows out of order", "session 'wan-02', sequence 48", "does not increase")
def _(store):
    table = pq.read_table(measurements(store))
    pq.write_table(table.take(list(range(49, -1, -1))), measurements(store))
    forget_hash(store)


@store_case("columns of two types", "'robot'", "elsewhere")
def _(store):
    record = measurements(store).with_name("session.json")
    edit_record(record, columns={"robot": "int64"})


@store_case("an unknown session", "no session 'wan-03'; did you mean", "'wan-02'", options=["--session", "wan-03"])
@store_case("a session like no other", "no session 'zzz'; sessions: 'wan-01', 'wan-02'", options=["--session", "zzz"])
@store_case("an unknown column", "--columns: no column 'robto'; did you mean 'robot'?", options=["--columns", "robto"])
@store_case("a column that is not there to leave out", "--exclude: no column 'x'", options=["--exclude", "x"])
@store_case("a path that no session has", "configuration.secret", options=["--redact", "configuration.secret"])
@store_case("a condition that fails on a row", "control_rtt", options=["--where", "metric::INT > 1"])
@store_case("a condition of another type", "value > 'fast'", options=["--where", "value > 'fast'"])
def _(_store):
    pass
