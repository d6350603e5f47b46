"""What cannot be read or written: one clear line, the right exit status, and nothing published."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from conftest import ROOT, names_in, pipeline, row, write_ndjson

from pipeline import import_sessions

if TYPE_CHECKING:
    from collections.abc import Callable

TO = "out/package"
EXPORT_TO = ("--to", TO)
CSV_HEADER = b"session_id,sequence,timestamp,metric,value,unit\n"
CSV_ROW = b"s1,0,2026-11-24T16:00:00Z,m,1.5,ms\n"
SESSIONS = ("wan-01", "wan-02")
DAMAGED = ROOT / "data" / "fixtures" / "damaged"


class Case(NamedTuple):
    """One thing that goes wrong.

    `make` prepares an empty directory, in which the command then runs, and gives the command's arguments; the
    standard error is one line that holds all of `phrases`.
    """

    name: str
    status: int
    phrases: tuple[str, ...]
    make: Callable[[Path], list[str]]


CASES: list[Case] = []


def case(name, status, *phrases):
    """Add a case to the table; the decorated function prepares it."""

    def add(make):
        CASES.append(Case(name, status, phrases, make))
        return make

    return add


def file_case(name, file_name, data, *phrases, options=()):
    """Add a case of an export from one file that holds bad data."""

    # A row that occurs twice may lie in two files; session and sequence say which it is.
    @case(name, 3, *phrases if "occurs twice" in phrases else (file_name, *phrases))
    def make(at):
        (at / file_name).write_bytes(data() if callable(data) else data)
        return ["export", file_name, *EXPORT_TO, *options]


def rows_case(name, rows, *phrases, options=()):
    """Add a case of rows, in NDJSON, that break a rule."""
    file_case(name, "a.ndjson", "".join(json.dumps(r) + "\n" for r in rows).encode(), *phrases, options=options)


GOOD = pa.table(
    {
        "session_id": ["s1", "s1"],
        "sequence": [0, 1],
        "timestamp": pa.array([0, 1], pa.timestamp("us", "UTC")),
        "metric": ["m", "m"],
        "value": [0.5, 1.5],
        "unit": ["ms", "ms"],
    }
)


def column(name, array, table=GOOD):
    """Two good rows in Arrow, one column replaced or added, or left out where it is None."""
    if array is None:
        return table.drop_columns(name)
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, array)
    return table.append_column(name, array)


def parquet_bytes(table):
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def arrow_bytes(table):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def unchecked_text(*values):
    """Make a string array of any bytes, as pyarrow does not check them."""
    offsets = [0]
    for value in values:
        offsets.append(offsets[-1] + len(value))
    buffers = [None, pa.array(offsets, pa.int32()).buffers()[1], pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def noise(size=4096):
    return random.Random(20261124).randbytes(size)  # noqa: S311 - the same noise each time


# The source is not there, or is none.


@case("a path that does not exist", 3, "sourc.ndjson: does not exist", "did you mean 'source.ndjson'?")
def _(at):
    write_ndjson(at / "source.ndjson", [row()])
    return ["export", "sourc.ndjson", *EXPORT_TO]


@case("a directory that does not exist", 3, "nowhere/x: does not exist; neither does nowhere")
def _(_at):
    return ["export", "nowhere/x", *EXPORT_TO]


@case("a directory that is no store", 3, "is a directory but no store", "store.json", "'plain/*.parquet'")
def _(at):
    (at / "plain").mkdir()
    return ["export", "plain", *EXPORT_TO]


@case("a store without sessions", 3, "holds no session")
def _(at):
    (at / "bare" / "sessions").mkdir(parents=True)
    (at / "bare" / "store.json").write_text('{"format_version": 1, "timestamp_unit": "us"}', encoding="utf-8")
    return ["export", "bare", *EXPORT_TO]


@case("a pattern that matches nothing", 3, "x/*.ndjson: no file matches")
def _(_at):
    return ["export", "x/*.ndjson", *EXPORT_TO]


@case("two stores", 3, "is a store, which is a source by itself")
def _(at):
    for name in ("a", "b"):
        (at / name).mkdir()
        (at / name / "store.json").write_text('{"format_version": 1, "timestamp_unit": "us"}', encoding="utf-8")
    return ["export", "a", "b", *EXPORT_TO]


file_case("an extension that says no format", "a.xls", b"x", "what format is it?", ".parquet", ".csv")
file_case("an archive", "a.tar.gz", b"x", "what format is it?")
file_case("no extension", "measurements", b"x", "what format is it?")
file_case("a compressed Parquet file", "a.parquet.gz", b"x", "decompress this one first")
file_case("an empty NDJSON file", "a.ndjson", b"", "holds no session")
file_case("an empty CSV file", "a.csv", b"", "is empty; it needs a header line")
file_case("an empty Parquet file", "a.parquet", b"", "damaged or of another format")
file_case("an empty Arrow file", "a.arrow", b"", "damaged or of another format")
file_case("an empty gzip file", "a.ndjson.gz", gzip.compress(b""), "holds no session")

for suffix in ("parquet", "arrow", "csv", "ndjson", "duckdb", "csv.gz", "ndjson.gz", "csv.zst", "ndjson.zst"):
    file_case(f"noise in .{suffix}", f"a.{suffix}", noise)

# Columns and the values of single rows.

for name in ("session_id", "sequence", "timestamp", "metric", "value"):
    file_case(f"no column {name}", "a.parquet", parquet_bytes(column(name, None)), f"no column '{name}'")
    if name != "value":
        half = pa.chunked_array([GOOD[name].slice(0, 1), pa.nulls(1, GOOD[name].type)])
        nulls = column(name, half)
        file_case(f"null in {name}, Parquet", "a.parquet", parquet_bytes(nulls), f"column '{name}': is null")
        rows_case(
            f"null in {name}, NDJSON",
            [row("s1", 0), row("s1", 1) | {name: None}],
            f"column '{name}': is null",
        )

file_case("no column session_id in CSV", "a.csv", b"sequence,x\n1,2\n", "no column 'session_id'", "--session-id")
file_case(
    "a text column of numbers",
    "a.parquet",
    parquet_bytes(column("metric", pa.array([1, 2]))),
    "'metric'",
    "int64",
)
file_case(
    "a number column of texts",
    "a.arrow",
    arrow_bytes(column("value", pa.array(["1", "2"]))),
    "'value'",
    "string",
)
file_case("a time of texts", "a.parquet", parquet_bytes(column("timestamp", pa.array(["1", "2"]))), "'timestamp'")
file_case("a nested column", "a.parquet", parquet_bytes(column("x", pa.array([[1], [2]]))), "'x'", "list")
file_case("times without a zone", "a.csv", CSV_HEADER + CSV_ROW.replace(b"Z", b""), "--timezone")
file_case(
    "a wide integer",
    "a.arrow",
    arrow_bytes(column("x", pa.array([0, 2**63], pa.uint64()))),
    "sequence 1",
    "'x'",
)
file_case(
    "a column that occurs twice in CSV",
    "a.csv",
    CSV_HEADER.replace(b"unit", b"x,x") + CSV_ROW.replace(b"ms", b"1,2"),
    "column 'x' occurs 2 times",
)
file_case(
    "a column that occurs twice in Arrow",
    "a.arrow",
    arrow_bytes(pa.table([*GOOD.columns, GOOD["unit"]], [*GOOD.column_names, "unit"])),
    "column 'unit' occurs 2 times",
)
file_case("a column without a name", "a.csv", CSV_HEADER.replace(b"unit", b""), "a column has no name")

rows_case("a sequence number twice", [row("s1", 3), row("s1", 3)], "'s1', sequence 3", "occurs twice")
rows_case(
    "a sequence number twice, apart",
    [row("s1", 3), row("s1", 4), row("s1", 3)],
    "'s1', sequence 3",
    "occurs twice",
)
rows_case(
    "NUL in text",
    [row("s1", 7, unit="a\0b")],
    "session 's1', sequence 7, column 'unit': holds the character NUL",
)
rows_case("NUL in a session id", [row("s\0", 7)], "sequence 7, column 'session_id': holds the character NUL")
rows_case("NUL in a column name", [row() | {"a\0b": 1}], "column name holds the character NUL")
rows_case("an empty session id", [row("", 7)], "sequence 7, column 'session_id': must have 1 to 128 characters")
rows_case("a long session id", [row("x" * 129, 7)], "sequence 7, column 'session_id': must have 1 to 128 characters")
rows_case("half a surrogate pair", [row(), row(unit="\ud83d")], "line 2", "'unit'", "surrogate")
rows_case("half a surrogate pair in a key", [row() | {"\ud83d": 1}], "surrogate")
rows_case("the year 0", [row(timestamp="0000-12-31T23:59:59Z")], "'timestamp'", "0001 to 9999")
rows_case("the year 10000", [row(timestamp="9999-12-31T23:59:59-00:01")], "line 1", "0001 to 9999")
rows_case("a day that is not", [row(timestamp="2026-02-29T00:00:00Z")], "line 1", "2026-02-29")
rows_case("a leap second", [row(timestamp="2016-12-31T23:59:60Z")], "line 1", "23:59:60")
rows_case("a time that is a number", [row(timestamp=1764000000)], "line 1", "'timestamp'")
rows_case("an attribute of two types, in a batch", [row("s1", 0, x="a"), row("s1", 1, x=1)], "line", "'x'")
rows_case("an attribute that is a list", [row(x=[1])], "line 1", "'x'")
rows_case("an attribute that is an object", [row(x={})], "line 1", "'x'")
rows_case("an integer beyond 64 bits", [row("s1", 2**63)], "line 1", "'sequence'", "9223372036854775808")
rows_case("an integer that float64 would round", [row(value=2**53 + 1)], "line 1", "'value'", "9007199254740993")
rows_case(
    "a fraction for a sequence number",
    [row("s1", 0), row("s1", 0) | {"sequence": 1.5}],
    "line 2",
    "'sequence'",
)
rows_case("true for a number", [row(value=True)], "line 1", "'value'")


@case("an attribute of two types, in two files", 3, "attribute 'x' is", "elsewhere it is")
def _(at):
    write_ndjson(at / "a.ndjson", [row("s1", x="a")])
    write_ndjson(at / "b.ndjson", [row("s2", x=1)])
    return ["export", "a.ndjson", "b.ndjson", *EXPORT_TO]


@case("columns of two types, in two files", 3, "attribute 'x' is", "elsewhere it is")
def _(at):
    (at / "a.parquet").write_bytes(parquet_bytes(column("x", pa.array([1, 2]))))
    other = column("session_id", pa.array(["s2", "s2"]))
    (at / "b.parquet").write_bytes(parquet_bytes(column("x", pa.array([True, False]), other)))
    return ["export", "*.parquet", *EXPORT_TO]


for name in ("metric", "unit", "session_id", "x"):
    bad = column(name, unchecked_text(b"fine", b"\xc3\x28"))
    where = "column 'session_id'" if name == "session_id" else f"session 's1', sequence 1, column '{name}'"
    file_case(f"invalid UTF-8 in {name}, Parquet", "a.parquet", parquet_bytes(bad), where, "UTF-8")
    file_case(f"invalid UTF-8 in {name}, Arrow", "a.arrow", arrow_bytes(bad), where, "UTF-8")
file_case(
    "an encoded surrogate",
    "a.parquet",
    parquet_bytes(column("x", unchecked_text(b"a", b"\xed\xa0\x80"))),
    "UTF-8",
)
file_case("an overlong slash", "a.parquet", parquet_bytes(column("x", unchecked_text(b"a", b"\xc0\xaf"))), "UTF-8")
file_case("invalid UTF-8 in CSV", "a.csv", CSV_HEADER + CSV_ROW + CSV_ROW.replace(b"ms", b"\xff"), "UTF", "ow")
file_case("invalid UTF-8 in a CSV header", "a.csv", CSV_HEADER.replace(b"unit", b"\xff") + CSV_ROW)
file_case(
    "NUL in CSV",
    "a.csv",
    CSV_HEADER + CSV_ROW.replace(b"ms", b"m\0s"),
    "'s1', sequence 0, column 'unit'",
    "NUL",
)
file_case("UTF-16", "a.csv", (CSV_HEADER + CSV_ROW).decode().encode("utf-16"))

# Lines of NDJSON. A good line comes first, so the number of the bad one is 2.

for name, line, phrase in (
    ("a line that is cut", b'{"session_id": "s1"', "delimiter"),
    ("two objects on a line", b'{"a": 1} {"b": 2}', "Extra data"),
    ("an array", b"[1, 2]", "no JSON object"),
    ("a text", b'"text"', "no JSON object"),
    ("null", b"null", "no JSON object"),
    ("bare NaN", b'{"value": NaN}', "NaN is not JSON"),
    ("bare Infinity", b'{"value": -Infinity}', "-Infinity is not JSON"),
    ("a key twice", b'{"value": 1, "value": 2}', "twice"),
    ("deep nesting", b'{"x":' * 100_000, "nested too deeply"),
    ("an integer of 5,000 digits", b'{"value": ' + b"9" * 5000 + b"}", "digits"),
    ("invalid UTF-8", b'{"metric": "\xff"}', "not valid UTF-8"),
    ("a control character", b'{"metric": "a\tb"}', "control character"),
    ("single quotes", b"{'metric': 1}", "double quotes"),
    ("a comma at the end", b'{"metric": 1,}', "double quotes"),
    ("a comment", b"// {}", "cannot be read"),
    ("hexadecimal digits", b'{"value": 0x10}', "delimiter"),
    (
        "a number beyond float64",
        json.dumps(row("s1", 1)).encode().replace(b"1.5", b"1e999"),
        "beyond the range",
    ),
    ("a text for a number", json.dumps(row("s1", 1, value="fast")).encode(), "'fast' is not a number"),
):
    file_case(f"NDJSON: {name}", "a.ndjson", json.dumps(row()).encode() + b"\n" + line + b"\n", "line 2", phrase)

# Rows of CSV.

for name, line, phrase in (
    ("too few fields", b"s1,1\n", "Expected 6 columns, got 2"),
    ("too many fields", b"s1,1,2026-11-24T16:00:00Z,m,1.5,ms,more\n", "Expected 6 columns, got 7"),
    ("a number that is text", CSV_ROW.replace(b"1.5", b"fast"), "row 2: column 'value': 'fast' is not a number"),
    ("a comma for a point", CSV_ROW.replace(b"1.5", b'"1,5"'), "row 2: column 'value': '1,5' is not a number"),
    ("a sequence number that is a fraction", CSV_ROW.replace(b"0,", b"0.5,", 1), "row 2: column 'sequence': '0.5'"),
    ("a sequence number beyond 64 bits", CSV_ROW.replace(b"0,", b"9223372036854775808,", 1), "row 2"),
    ("a time that is none", CSV_ROW.replace(b"2026-11-24T16:00:00Z", b"24.11."), "row 2: column 'timestamp': '24.11.'"),
    ("a null metric", CSV_ROW.replace(b",m,", b",,"), "column 'metric': is null"),
):  # fmt: skip
    file_case(f"CSV: {name}", "a.csv", CSV_HEADER + CSV_ROW + line, phrase)

# Files that are cut or damaged.

PARQUET = parquet_bytes(column("x", pa.array(["a", "b"])))
ARROW = arrow_bytes(column("x", pa.array(["a", "b"])))
LINES = "".join(json.dumps(row("s1", i)) + "\n" for i in range(2000)).encode()
CSV = CSV_HEADER + b"".join(CSV_ROW.replace(b"0", str(i).encode(), 1) for i in range(2000))

file_case("Parquet: cut in the middle", "a.parquet", PARQUET[: len(PARQUET) // 2], "damaged or of another format")
file_case("Parquet: the end is missing", "a.parquet", PARQUET[:-1], "damaged or of another format")
file_case("Parquet: the footer's length is wrong", "a.parquet", PARQUET[:-8] + b"\xff\xff\xff\x7fPAR1", "damaged")
file_case("Parquet named Arrow", "a.arrow", PARQUET, "damaged or of another format")
file_case("Arrow named Parquet", "a.parquet", ARROW, "damaged or of another format")
file_case("Arrow: cut in the middle", "a.arrow", ARROW[: len(ARROW) // 2], "damaged or of another format")
OTHER = arrow_bytes(column("y", pa.array(["a", "b"])))
FOOTERS = [len(data) - 10 - int.from_bytes(data[-10:-6], "little") for data in (ARROW, OTHER)]
file_case(
    "Arrow: the end of another file",
    "a.arrow",
    ARROW[: FOOTERS[0]] + OTHER[FOOTERS[1] :],
    "damaged",
    "at the beginning",
)
file_case("gzip: cut", "a.ndjson.gz", gzip.compress(LINES)[:-100], "damaged or of another format")
file_case("gzip: the checksum is missing", "a.csv.gz", gzip.compress(CSV)[:-8], "damaged or of another format")
file_case("gzip: no gzip", "a.ndjson.gz", LINES, "damaged or of another format")
file_case("zstd: cut", "a.ndjson.zst", zstandard.compress(LINES)[:-100], "damaged or of another format")
file_case(
    "zstd: the last byte is missing",
    "a.csv.zst",
    zstandard.ZstdCompressor(write_checksum=True).compress(CSV)[:-1],
)
file_case("zstd: no zstd", "a.csv.zst", CSV, "damaged or of another format")


@case("gzip: a flipped bit", 3, "a.ndjson.gz", "damaged or of another format")
def _(at):
    data = bytearray(gzip.compress(LINES))
    data[-6] ^= 1  # in the CRC: every line can be read, and only the end tells
    (at / "a.ndjson.gz").write_bytes(data)
    return ["export", "a.ndjson.gz", *EXPORT_TO]


@case("DuckDB: no table of measurements", 3, "a.duckdb", "no table 'measurements'", "'measurement'")
def _(at):
    with duckdb.connect(str(at / "a.duckdb")) as connection:
        connection.execute("CREATE TABLE measurement (i INT)")
    return ["export", "a.duckdb", *EXPORT_TO]


@case("DuckDB: a view of a file", 3, "a.duckdb", "cannot be read")
def _(at):
    with duckdb.connect(str(at / "a.duckdb")) as connection:
        connection.execute("CREATE VIEW measurements AS FROM read_csv('/etc/passwd', header = false)")
    return ["export", "a.duckdb", *EXPORT_TO]


# Records of sessions.

for name, text, *phrases in (
    ("no JSON", "{", "is no valid JSON"),
    ("no object", "5", "must be a JSON object"),
    ("an array of no objects", "[5]", "must be a JSON object"),
    ("an unknown key", '{"sesion_id": "s1"}', "unknown key 'sesion_id'; did you mean 'session_id'?"),
    ("a key twice", '{"session_id": "s1", "session_id": "s2"}', "twice"),
    ("an id that is a number", '{"session_id": 5}', "'session_id' must be a string"),
    ("an empty id", '{"session_id": "", "started_at": "2026-11-24T00:00:00Z"}', ""),
    ("an id that is too long", '[{"session_id": "' + "x" * 129 + '", "started_at": "2026-11-24T00:00:00Z"}]', "128"),
    ("a harness that is a text", '{"harness": "k6"}', "'harness' must be an object"),
    ("a harness of more", '{"harness": {"name": "k6", "build": "1"}}', "'harness' must be an object"),
    ("a configuration that is a list", '{"configuration": []}', "'configuration' must be an object"),
    ("a count that is true", '{"measurement_count": true}', "'measurement_count' must be an integer"),
    ("NaN", '{"configuration": {"x": NaN}}', "NaN is not JSON"),
    ("a number beyond float64", '{"configuration": {"x": 1e999}}', "1e999"),
    ("an attribute without a name", '{"attributes": {"": 1}}', ""),
    ("NUL in the name of an attribute", '{"attributes": {"a\\u0000": 1}}', "NUL"),
    ("half a surrogate pair", '{"configuration": {"x": "\\ud83d"}}', "surrogate"),
    ("deep nesting", "[" * 100_000, "is no valid JSON"),
    ("Latin-1", '{"configuration": {"x": "ü"}}', "is no valid JSON"),
):  # fmt: skip

    @case(f"record: {name}", 3, "a.session.json", *phrases)
    def _(at, text=text, name=name):
        write_ndjson(at / "a.ndjson", [row()])
        (at / "a.session.json").write_text(text, encoding="latin-1" if name == "Latin-1" else "utf-8")
        return ["import", "a.ndjson", *EXPORT_TO]


for name, text, *phrases in (
    ("a start that is no time", '{"started_at": "yesterday"}', "started_at", "'yesterday'"),
    ("another count", '{"measurement_count": 2}', "says 2 measurements, its rows are 1"),
    ("an attribute beyond int64", '{"attributes": {"x": 9223372036854775808}}', "'x'"),
    ("NUL in an attribute", '{"attributes": {"x": "a\\u0000"}}', "'x'", "NUL"),
    ("another session", '{"session_id": "s9"}', "is of 's9', its rows are of 's1'"),
):
    # The count is that of all files together, so it names none.
    @case(f"record: {name}", 3, *phrases if name == "another count" else ("a.", *phrases))
    def _(at, text=text):
        write_ndjson(at / "a.ndjson", [row()])
        (at / "a.session.json").write_text(text, encoding="utf-8")
        return ["import", "a.ndjson", *EXPORT_TO]


@case("record: two that differ", 3, "two different records of session 's1'")
def _(at):
    for name in ("a", "b"):
        write_ndjson(at / f"{name}.ndjson", [row("s1", ord(name))])
        record = {"session_id": "s1", "configuration": {"file": name}}
        (at / f"{name}.session.json").write_text(json.dumps(record), encoding="utf-8")
    return ["import", "a.ndjson", "b.ndjson", *EXPORT_TO]


@case("record: none says whose it is", 3, "names no session_id")
def _(at):
    write_ndjson(at / "a.ndjson", [row("s1"), row("s2")])
    (at / "a.session.json").write_text('{"configuration": {}}', encoding="utf-8")
    return ["import", "a.ndjson", *EXPORT_TO]


@case("configuration: no object", 3, "--configuration c.json: must hold a JSON object")
def _(at):
    write_ndjson(at / "a.ndjson", [row()])
    (at / "c.json").write_text("[]", encoding="utf-8")
    return ["import", "a.ndjson", *EXPORT_TO, "--configuration", "c.json"]


@case("configuration: not there", 3, "c.json: cannot be read")
def _(at):
    write_ndjson(at / "a.ndjson", [row()])
    return ["import", "a.ndjson", *EXPORT_TO, "--configuration", "c.json"]


# Stores that are damaged; each case gets a copy of a good one.


@pytest.fixture(scope="session")
def good_store(tmp_path_factory):
    directory = tmp_path_factory.mktemp("good")
    rows = [row(session_id, i, robot=f"r{i}") for session_id in SESSIONS for i in range(50)]
    import_sessions(write_ndjson(directory / "a.ndjson", rows), directory / "store")
    return directory / "store"


def store_case(name, *phrases, options=()):
    """Add a case of an export from a store; the decorated function damages it."""

    def add(damage):
        @case(f"store: {name}", 3, *phrases)
        def make(at):
            damage(at / "store")
            return ["export", "store", *EXPORT_TO, *options]

        return damage

    return add


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes), encoding="utf-8")


def measurements(store, session_id=SESSIONS[1]):
    return store / "sessions" / session_id / "measurements-0000.parquet"


@store_case("of a newer version", "store.json", "format version 2", "reads version 1")
def _(store):
    edit(store / "store.json", format_version=2)


@store_case("of an unknown unit", "store.json", "timestamp_unit 'ms'")
def _(store):
    edit(store / "store.json", timestamp_unit="ms")


@store_case("whose description is no JSON", "store.json", "is no valid JSON")
def _(store):
    (store / "store.json").write_text("{", encoding="utf-8")


@store_case("a record that counts more rows", "'wan-02'", "51 rows", "holds 50")
def _(store):
    edit(measurements(store).with_name("session.json"), measurement_count=51)


@store_case("a record that counts fewer rows", "'wan-01'", "49 rows", "holds 50")
def _(store):
    edit(measurements(store, SESSIONS[0]).with_name("session.json"), measurement_count=49)


@store_case("a record that counts none", "'wan-02'")
def _(store):
    edit(measurements(store).with_name("session.json"), measurement_count=0)


@store_case("a record of another session", "another session")
def _(store):
    edit(measurements(store).with_name("session.json"), session_id="wan-03")


@store_case("two records of a session", "holds session 'wan-01', and so does")
def _(store):
    shutil.copytree(store / "sessions" / "wan-01", store / "sessions" / "copy")


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


@store_case("no data", "wan-02", "has no measurements-*.parquet")
def _(store):
    measurements(store).unlink()


def forget_hash(store):
    """Make a session one of an early version, whose record has no hash of its file."""
    edit(measurements(store).with_name("session.json"), sha256=None)


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
    shutil.copy(measurements(store, SESSIONS[0]), measurements(store))
    forget_hash(store)


@store_case("rows out of order", "session 'wan-02', sequence 48", "does not increase")
def _(store):
    table = pq.read_table(measurements(store))
    pq.write_table(table.take(list(range(49, -1, -1))), measurements(store))
    forget_hash(store)


@store_case("columns of two types", "'robot'", "elsewhere")
def _(store):
    record = measurements(store).with_name("session.json")
    edit(record, columns={"robot": "int64"})


@store_case("an unknown session", "no session 'wan-03'; did you mean", "'wan-02'", options=["--session", "wan-03"])
@store_case("a session like no other", "no session 'zzz'; sessions: 'wan-01', 'wan-02'", options=["--session", "zzz"])
@store_case("an unknown column", "--columns: no column 'robto'; did you mean 'robot'?", options=["--columns", "robto"])
@store_case("a column that is not there to leave out", "--exclude: no column 'x'", options=["--exclude", "x"])
@store_case("a path that no session has", "configuration.secret", options=["--redact", "configuration.secret"])
@store_case("a condition that fails on a row", "control_rtt", options=["--where", "metric::INT > 1"])
@store_case("a condition of another type", "value > 'fast'", options=["--where", "value > 'fast'"])
def _(_store):
    pass


# Usage: found before anything is read or written.


def usage_case(name, options, *phrases, command="export"):
    """Add a case of options that are wrong; the source is good."""

    @case(f"usage: {name}", 2, *phrases)
    def make(_at):
        target = [] if "--to" in options else EXPORT_TO
        return [command, "store", *target, *options]


usage_case("an unknown option", ["--fromat", "csv"], "--fromat")
usage_case("an abbreviated option", ["--form", "csv"], "--form")
usage_case("an unknown format", ["--format", "excel"], "excel", "parquet")
usage_case("an unknown scope", ["--scope", "all"], "all", "per-session")
usage_case("a compression that the format lacks", ["--format", "arrow", "--compression", "gzip"], "arrow", "zstd")
usage_case("an unknown compression", ["--compression", "bzip2"], "bzip2", "gzip")
usage_case("no rows in a file", ["--rows-per-file", "0"], "--rows-per-file", "0")
usage_case("fewer than no rows in a file", ["--rows-per-file", "-5"], "--rows-per-file")
usage_case("no rows in a batch", ["--batch-size", "0"], "--batch-size")
usage_case("no thread", ["--threads", "0"], "--threads")
usage_case("a size without a unit", ["--memory-limit", "100"], "--memory-limit", "1GiB")
usage_case("a file as the destination", ["--to", "out.csv"], "--to out.csv", "names a directory", "--to - > out.csv")
usage_case("a spreadsheet of JSON", ["--spreadsheet", "--format", "json"], "--spreadsheet", "csv")
usage_case("several files to one", ["--to", "-", "--scope", "per-session"], "--to -", "--scope per-session")
usage_case("a package to standard output", ["--to", "-", "--overwrite"], "--to -", "--overwrite")
usage_case("parts to standard output", ["--to", "-", "--rows-per-file", "9"], "--to -", "--rows-per-file")
usage_case("two tables to standard output", ["--to", "-", "--with-statistics"], "--to -", "--with-statistics")
usage_case("an unknown time zone", ["--timezone", "Mars/Olympus"], "Mars/Olympus", "Europe/Berlin")
usage_case("a time zone that is a path", ["--timezone", "../../etc/passwd"], "--timezone")
usage_case("a time that is none", ["--since", "noon"], "--since", "noon")
usage_case("a day that is not", ["--until", "2026-02-30"], "--until", "2026-02-30")
usage_case("since after until", ["--since", "2026-02-02", "--until", "2026-02-01"], "--since is not before --until")
usage_case("since at until", ["--since", "2026-02-02", "--until", "2026-02-02"], "--since is not before --until")
usage_case("a condition that is no SQL", ["--where", "value >"], "value >", "yntax")
usage_case("a condition of two statements", ["--where", "true; DROP TABLE x"], "DROP")
usage_case("a condition on an unknown column", ["--where", "vaule > 1"], "vaule", "columns: session_id")
usage_case("a condition on types that do not compare", ["--where", "metric + 1 > [2]"], "metric + 1")
usage_case(
    "a condition that reads a file",
    ["--where", "metric IN (SELECT content FROM read_text('/etc/passwd'))"],
    "disabled",
)
usage_case("a session condition that is no SQL", ["--where-session", "("], "--where-session")
usage_case(
    "a session condition on an unknown column",
    ["--where-session", "robot = 1"],
    "robot",
    "columns: session_id",
)
usage_case("a path that is none", ["--redact", "password"], "--redact", "configuration.network.address")
usage_case("no columns", ["--columns", "value", "--exclude", "value"], "leave no column")
usage_case("a quantile above 1", ["--quantile", "2"], "--quantile", "2", command="statistics")
usage_case("a quantile that is a word", ["--quantile", "median"], "--quantile", "median", command="statistics")
usage_case("a window of no unit", ["--window", "5x"], "--window", "5x", "10s", command="statistics")
usage_case("a window of nothing", ["--window", "0s"], "--window", "0s", command="statistics")
usage_case("an unknown treatment of what is lost", ["--lost", "zero"], "zero", "infinite", command="statistics")
usage_case("an unknown unit", ["--timestamp-unit", "ms"], "ms", "us", command="import")
usage_case("a start that is no time", ["--started-at", "noon"], "--started-at", "noon", command="import")
usage_case("an unknown choice for what exists", ["--if-exists", "merge"], "merge", "replace", command="import")
usage_case("an unknown command", [], "exprot", command="exprot")


@case("an unknown group", 3, "--by: no column 'robto'; did you mean 'robot'?")
def _(_at):
    return ["statistics", "store", *EXPORT_TO, "--by", "robto"]


@case("usage: no command", 2, "COMMAND")
def _(_at):
    return []


@case("usage: no source", 2, "SOURCE")
def _(_at):
    return ["export", *EXPORT_TO]


@case("usage: no destination", 2, "--to")
def _(_at):
    return ["export", "store"]


@case("Parquet that the engine of queries cannot read", 3, "the source cannot be read", "don't know what type")
def _(at):
    # Bytes were inserted behind a page; pyarrow does not come to them. DuckDB's error is of no class of its own.
    shutil.copy(DAMAGED / "inserted-bytes.parquet", at / "a.parquet")
    return ["query", "a.parquet", "FROM measurements"]


@case("usage: a query that writes", 2, "SELECT")
def _(_at):
    return ["query", "store", "CREATE TABLE x (i INT)"]


@case(
    "usage: metadata of an unknown key",
    2,
    "--package-metadata m.json: cannot set 'titel'; did you mean 'title'",
)
def _(at):
    (at / "m.json").write_text('{"titel": "x"}', encoding="utf-8")
    return ["export", "store", *EXPORT_TO, "--package-metadata", "m.json"]


@case("nothing selected, and that is an error", 3, "nothing matches", "--fail-if-empty")
def _(_at):
    return ["export", "store", *EXPORT_TO, "--metric", "control_rtt", "--where", "false", "--fail-if-empty"]


def test_every_case_has_a_name_of_its_own():
    names = [one.name for one in CASES]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("one", CASES, ids=[one.name for one in CASES])
def test_bad_input_is_one_clear_line_and_publishes_nothing(one, commands, good_store, tmp_path):
    shutil.copytree(good_store, tmp_path / "store")
    (tmp_path / "tmp").mkdir()
    result = commands.run(one.make(tmp_path), cwd=tmp_path, tmp=tmp_path / "tmp")
    lines = result.err.splitlines()
    assert len(lines) == 1, result.err
    assert lines[0].startswith("pipeline: "), result.err
    assert "Traceback" not in result.err
    assert "fault of the program" not in result.err
    assert result.status == one.status, result.err
    for phrase in one.phrases:
        assert phrase in result.err
    assert result.out == ""
    # Neither a package nor a stage beside it, nor anything spooled.
    assert not (tmp_path / "out").exists() or names_in(tmp_path / "out") == []
    assert not (tmp_path / "out.csv").exists()
    assert names_in(tmp_path / "tmp") == []


def test_the_same_harness_finds_no_fault_in_good_input(commands, good_store, tmp_path):
    result = commands.run(["export", str(good_store), "--to", TO], cwd=tmp_path, tmp=tmp_path)
    assert (result.status, result.err) == (0, "")
    assert names_in(tmp_path / "out") == ["package"]


@pytest.mark.parametrize("name", ["noise in .parquet", "NDJSON: bare NaN", "usage: a file as the destination"])
def test_a_process_of_its_own_says_the_same(name, commands, good_store, tmp_path):
    (one,) = [one for one in CASES if one.name == name]
    shutil.copytree(good_store, tmp_path / "store")
    arguments = one.make(tmp_path)
    alone, forked = pipeline(*arguments, cwd=tmp_path), commands.run(arguments, cwd=tmp_path, tmp=tmp_path)
    assert (alone.status, alone.out, alone.err) == (forked.status, forked.out, forked.err)


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.arrows"])
def test_damage_anywhere_never_ends_in_a_crash_or_a_fault_of_the_program(tmp_path, name):
    """Each single damaged byte is either an error on purpose or gives rows; all in one process, which must survive."""
    table = pa.table(
        {
            "session_id": pa.array(["s1"] * 60).dictionary_encode(),
            "sequence": pa.array(range(60)),
            "timestamp": pa.array(range(60)).cast(pa.timestamp("us", "UTC")),
            "metric": pa.array(["m", "n"] * 30).dictionary_encode(),
            "value": pa.array([0.5] * 60),
            "unit": pa.array(["ms", None] * 30),
            "robot": pa.array([f"robot {i}" for i in range(60)]),
        }
    )
    if name == "a.parquet":
        pq.write_table(table, tmp_path / name, write_page_checksum=True)
    else:
        new = pa.ipc.new_stream if name == "a.arrows" else pa.ipc.new_file
        with pa.OSFile(str(tmp_path / name), "wb") as file, new(file, table.schema) as writer:
            writer.write_table(table)
    script = """
import sys
from pathlib import Path
from pipeline import PipelineError, export_measurements

source = Path(sys.argv[1])
whole = source.read_bytes()
refused = done = 0
for at in range(0, len(whole), max(1, len(whole) // 100)):
    for flip in (0x01, 0xFF):
        data = bytearray(whole)
        data[at] ^= flip
        source.write_bytes(data)
        print(f"{at} {flip}", flush=True)
        try:
            export_measurements(source, f"{source}-{at}-{flip}", sync=False)
            done += 1
        except PipelineError:
            refused += 1
print("survived", refused, done)
"""
    result = subprocess.run(
        [sys.executable, "-c", script, tmp_path / name], capture_output=True, text=True, check=False
    )
    last = ["nothing", *result.stdout.splitlines()][-1].split()
    assert result.returncode == 0, f"byte and flip {last}: {result.stderr[-2000:]}"
    assert last[0] == "survived"
    assert int(last[1]) > 50


def test_no_flipped_bit_in_a_store_passes_for_data(good_store, tmp_path):
    """Page checksums: whatever bit changes, the export is refused or the same."""
    store = tmp_path / "store"
    shutil.copytree(good_store, store)
    script = """
import sys
from pathlib import Path
from pipeline import PipelineError, export_measurements

store, out = Path(sys.argv[1]), Path(sys.argv[2])
source = store / "sessions" / "wan-02" / "measurements-0000.parquet"
whole = source.read_bytes()
def export(name):
    export_measurements(store, out / name, sync=False)
    (written,) = (out / name).glob("measurements_*")
    return written.read_bytes()
wanted = export("good")
refused = same = 0
for at in range(0, len(whole), max(1, len(whole) // 100)):
    data = bytearray(whole)
    data[at] ^= 1 << at % 8
    source.write_bytes(data)
    try:
        written = export(str(at))
    except PipelineError:
        refused += 1
    else:
        assert written == wanted, at
        same += 1
print(refused, same)
"""
    result = subprocess.run(
        [sys.executable, "-c", script, store, tmp_path / "out"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    refused, _same = map(int, result.stdout.split())
    assert refused > 30  # the others hit what a scan does not need: statistics, the page index


# The destination.


def snapshot(directory):
    """What lies below a directory: kinds, contents, times."""
    found = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(directory))] = (content, status.st_mtime_ns if content is not None else 0)
    return found


def home_like(at):
    (at / "home" / "Documents").mkdir(parents=True)
    (at / "home" / "Documents" / "thesis.txt").write_text("years", encoding="utf-8")
    (at / "home" / ".profile").write_text("x", encoding="utf-8")


def foreign_package(at):
    (at / "home").mkdir()
    (at / "home" / "datapackage.json").write_text('{"name": "theirs", "resources": []}', encoding="utf-8")


def nothing(_at):
    pass


DESTINATIONS = [
    ("a file above it", lambda at: (at / "plain").write_text("x"), "plain/below", (), "cannot be written"),
    ("a place where none can write", nothing, "/proc/pipeline-test/package", (), "cannot be written"),
    ("a directory that is no package", home_like, "home", (), "not a package"),
    ("a home directory, --overwrite", home_like, "home", ("--overwrite",), "not a package"),
    ("a package of another program", foreign_package, "home", ("--overwrite",), "not ours"),
    ("a file", lambda at: (at / "home").write_text("x"), "home", ("--overwrite",), "is a file"),
    ("a pipe", lambda at: os.mkfifo(at / "home"), "home", ("--overwrite",), "is a file"),
    (
        "a symbolic link",
        lambda at: (at / "home").symlink_to(at / "store"),
        "home",
        ("--overwrite",),
        "symbolic link",
    ),
    ("a link to nothing", lambda at: (at / "home").symlink_to("nowhere"), "home", (), "symbolic link"),
    ("a store", nothing, "store", ("--overwrite",), "not a package"),
    ("a name that is too long", nothing, "x" * 250, (), "cannot be written"),
]


@pytest.mark.parametrize("export", ["export", "statistics"])
@pytest.mark.parametrize(
    ("prepare", "target", "options", "phrase"),
    [one[1:] for one in DESTINATIONS],
    ids=[one[0] for one in DESTINATIONS],
)
def test_what_is_not_ours_is_left_alone(
    export, prepare, target, options, phrase, commands, good_store, tmp_path, tmp_path_factory
):
    shutil.copytree(good_store, tmp_path / "store")
    prepare(tmp_path)
    before = snapshot(tmp_path)
    elsewhere = tmp_path_factory.mktemp("tmp")
    result = commands.run([export, "store", "--to", target, *options], cwd=tmp_path, tmp=elsewhere)
    assert result.status == 4, result.err
    assert len(result.err.splitlines()) == 1
    assert phrase in result.err
    assert target in result.err
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("prepare", "target", "phrase"),
    [
        (lambda at: (at / "plain").write_text("x"), "plain/below", "cannot be"),
        (nothing, "/proc/pipeline-test/store", "cannot be written"),
        (home_like, "home", "is not a store"),
        (lambda at: (at / "home").write_text("x"), "home", "is not a store"),
    ],
    ids=["a file above it", "a place where none can write", "a home directory", "a file"],
)
def test_an_import_leaves_alone_what_is_no_store(prepare, target, phrase, commands, tmp_path, tmp_path_factory):
    write_ndjson(tmp_path / "a.ndjson", [row()])
    prepare(tmp_path)
    before = snapshot(tmp_path)
    elsewhere = tmp_path_factory.mktemp("tmp")
    result = commands.run(["import", "a.ndjson", "--to", target], cwd=tmp_path, tmp=elsewhere)
    assert result.status == 4, result.err
    assert len(result.err.splitlines()) == 1
    assert phrase in result.err
    assert snapshot(tmp_path) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "store", "--to", "-"],
        ["export", "store", "--to", "-", "--format", "parquet"],
        ["export", "store", "--to", "-", "--compression", "gzip"],
        ["statistics", "store", "--to", "-"],
        ["export", "store", "--to", "package"],
        ["sessions", "store"],
        ["query", "store", "SELECT 1", "--format", "csv"],
        ["import", "a.ndjson", "--to", "other"],
    ],
    ids=" ".join,
)
def test_a_full_standard_output_is_said(arguments, good_store, tmp_path):
    shutil.copytree(good_store, tmp_path / "store")
    write_ndjson(tmp_path / "a.ndjson", [row()])
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "pipeline", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            check=False,
        )
    assert result.returncode == 4, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "standard output: cannot be written (No space left on device)" in result.stderr


def test_a_traceback_comes_only_when_asked_for(tmp_path):
    quiet = pipeline("export", "nowhere", "--to", TO, cwd=tmp_path)
    loud = pipeline("--debug", "export", "nowhere", "--to", TO, cwd=tmp_path)
    assert "Traceback" not in quiet.err
    assert "Traceback" in loud.err
    assert "nowhere: does not exist" in loud.err
