"""Rows in every format, by writers that are not ours, and what a store must then hold."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from directories import measurement_files
from samples import row

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
NON_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
FLOAT_COLUMNS = {"value", "ratio"}
CORE = ("session_id", "sequence", "timestamp", "metric", "value", "unit")
RECORD = {
    "session_id": "s1",
    "started_at": "2026-11-24T15:59:00Z",
    "ended_at": "2026-11-24T17:00:00.5Z",
    "harness": {"name": "bench", "version": "1.2"},
    "configuration": {"duration_s": 40, "nested": {"list": [1, None, "ä"]}},
    "attributes": {"robot": "r7", "tries": 3, "ratio": 0.5, "warm": True, "tags": ["a"], "none": None},
}
CORE_TYPES = {
    "session_id": "string",
    "sequence": "int64",
    "timestamp": "timestamp[us, tz=UTC]",
    "metric": "string",
    "value": "double",
    "unit": "string",
}
CORE_ARROW_TYPES = {
    "session_id": pa.string(),
    "sequence": pa.int64(),
    "timestamp": pa.timestamp("us", "UTC"),
    "metric": pa.string(),
    "value": pa.float64(),
    "unit": pa.string(),
}


def microseconds(text):
    """Count a time as the tests write it, by way of Python's datetime."""
    return (dt.datetime.fromisoformat(text) - EPOCH) // dt.timedelta(microseconds=1)


def comparable(value):
    """Keep 1, 1.0, -0.0 and NaN apart, and NaN equal to itself."""
    return ("float", repr(value)) if isinstance(value, float) else value


def as_stored(rows):
    """What a store must hold of rows as NDJSON has them."""
    names = [*CORE, *dict.fromkeys(name for r in rows for name in r if name not in CORE)]
    stored = []
    for r in sorted(rows, key=lambda r: (r["session_id"], r["sequence"])):
        values = {name: r.get(name) for name in names}
        values["timestamp"] = microseconds(r["timestamp"])
        for name, value in values.items():
            if isinstance(value, str) and value in NON_FINITE and name in FLOAT_COLUMNS:
                values[name] = NON_FINITE[value]
        stored.append({name: comparable(value) for name, value in values.items()})
    return stored


def stored_table(store):
    """The rows of a store, read by pyarrow alone, by session id and sequence."""
    files = measurement_files(store)
    table = pa.concat_tables([pq.read_table(file) for file in files], promote_options="default")
    return table.sort_by([("session_id", "ascending"), ("sequence", "ascending")])


def stored_rows(store):
    table = stored_table(store)
    at = table.schema.get_field_index("timestamp")
    table = table.set_column(at, "timestamp", table.column("timestamp").cast(pa.int64()))
    return [{name: comparable(value) for name, value in r.items()} for r in table.to_pylist()]


def record_of(store, session_id="s1"):
    """A session's record as it lies in the store."""
    records = [json.loads(path.read_bytes()) for path in Path(store).glob("sessions/*/session.json")]
    found = [record for record in records if record["session_id"] == session_id]
    assert len(found) == 1, [record["session_id"] for record in records]
    return found[0]


def arrow_table(rows, **types):
    """Rows as Arrow with the types of the model."""
    names = [*CORE, *dict.fromkeys(name for r in rows for name in r if name not in CORE)]
    arrays = []
    for name in names:
        values = [r.get(name) for r in rows]
        if name == "timestamp":
            array = pa.array([microseconds(v) for v in values], pa.int64()).cast(CORE_ARROW_TYPES[name])
        elif name in FLOAT_COLUMNS:
            array = pa.array([NON_FINITE.get(v, v) for v in values], pa.float64())
        else:
            array = pa.array(values, types.get(name, CORE_ARROW_TYPES.get(name)))
        arrays.append(array)
    return pa.table(arrays, names=names)


def csv_text(rows):
    """Rows as CSV, by hand: Python's writer cannot keep null and the empty string apart."""

    def field(name, value):
        if value is None:
            return ""
        if isinstance(value, bool):
            return str(value).lower()
        text = str(NON_FINITE.get(value, value)).replace("nan", "NaN") if name in FLOAT_COLUMNS else str(value)
        quoted = text == "" or any(c in text for c in ',"\r\n')
        return '"' + text.replace('"', '""') + '"' if quoted else text

    names = list(dict.fromkeys(name for r in rows for name in r))
    lines = [names, *([field(name, r.get(name)) for name in names] for r in rows)]
    return "".join(",".join(line) + "\n" for line in lines)


def ndjson_text(rows):
    return "".join(json.dumps(r) + "\n" for r in rows)


def write_arrow(path, table, *, stream=False):
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with pa.OSFile(str(path), "wb") as file, new(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)
    return path


def write_duckdb(path, table):
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", table)
        connection.execute("CREATE TABLE measurements AS FROM rows")
    return path


def write_table(path, table):
    """Write a table in the format that the name says."""
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix in {".duckdb", ".db"}:
        write_duckdb(path, table)
    else:
        write_arrow(path, table, stream=path.suffix == ".arrows")
    return path


def write_rows(path, rows, **types):
    """Write rows in the format that the name says, with writers that are not ours."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    stem, _, _ = path.name.partition(".gz") if ".gz" in path.name else path.name.partition(".zst")
    kind = Path(stem).suffix
    if kind not in {".csv", ".ndjson", ".jsonl"}:
        write_table(path, arrow_table(rows, **types))
    else:
        data = (csv_text(rows) if kind == ".csv" else ndjson_text(rows)).encode()
        if path.suffix == ".gz":
            data = gzip.compress(data)
        elif path.suffix == ".zst":
            data = zstandard.compress(data)
        path.write_bytes(data)
    return path


FORMATS = (
    "a.csv",
    "a.csv.gz",
    "a.csv.zst",
    "a.ndjson",
    "a.jsonl",
    "a.ndjson.gz",
    "a.ndjson.zst",
    "a.parquet",
    "a.arrow",
    "a.arrows",
    "a.feather",
    "a.duckdb",
)
ONE_OF_EACH = ("a.csv", "a.ndjson", "a.parquet", "a.arrow", "a.duckdb")
TWO_SESSIONS = [
    row("s1", 0, value=0.1, robot="007", tries=1, ratio=0.5, warm=True),
    row("s1", 1, value=None, unit=None, robot="", tries=None, ratio=None, warm=None),
    row("s1", 2, value="NaN", robot='a,"b"\nc', tries=-(2**63), ratio=-0.0, warm=False),
    row("s1", 5, value="Infinity", robot=None, tries=2**63 - 1, ratio=1e-07, warm=True),
    row("s1", 6, value="-Infinity", robot="😀 ü", tries=0, ratio="NaN", warm=True),
    row("s2", -4, value=1e300, robot="null", tries=7, ratio=1e16, warm=False, metric="jitter", unit=""),
    row("s2", 9, value=-5e-324, robot=" x ", tries=8, ratio=2.0, warm=None, timestamp="0001-01-01T00:00:00Z"),
]
