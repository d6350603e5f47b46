"""Files that hold what no measurement may be, and what the command must say of each."""

from __future__ import annotations

import gzip
import json
import random

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from bad_cases import EXPORT_TO, case, file_case, rows_case
from samples import row, write_ndjson

CSV_HEADER = b"session_id,sequence,timestamp,metric,value,unit\n"
CSV_ROW = b"s1,0,2026-11-24T16:00:00Z,m,1.5,ms\n"
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


@case("a store beside a file", 3, "b is a store, and a.csv is none", "pipeline import FILE --to b")
def _(at):
    (at / "b").mkdir()
    (at / "b" / "store.json").write_text('{"format_version": 1, "timestamp_unit": "us"}', encoding="utf-8")
    (at / "a.csv").write_text("session_id\n", encoding="utf-8")
    return ["export", "b", "a.csv", *EXPORT_TO]


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
file_case("invalid UTF-8 in CSV", "a.csv", CSV_HEADER + CSV_ROW + CSV_ROW.replace(b"ms", b"\xff"), "UTF", "line 3")
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
    ("a line that is cut", b'{"session_id": "s1"', "is no JSON at column 20 (it ends)"),
    ("a word", b'{"value": -nan}', "is no JSON at column 11 ('-nan')"),
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
    ("a comment", b"// {}", "is no JSON at column 1 ('//')"),
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
    ("a number that is text", CSV_ROW.replace(b"1.5", b"fast"), "line 3: column 'value': 'fast' is not a number"),
    ("a comma for a point", CSV_ROW.replace(b"1.5", b'"1,5"'), "line 3: column 'value': '1,5' is not a number"),
    ("a sequence number that is a fraction", CSV_ROW.replace(b"0,", b"0.5,", 1), "line 3: column 'sequence': '0.5'"),
    ("a sequence number beyond 64 bits", CSV_ROW.replace(b"0,", b"9223372036854775808,", 1), "line 3"),
    ("a time that is none", CSV_ROW.replace(b"2026-11-24T16:00:00Z", b"24.11."), "line 3: column 'timestamp'"),
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
