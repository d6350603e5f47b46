"""The same rows as a source of every kind, written by others."""

from __future__ import annotations

import datetime as dt
import json

import duckdb
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.ipc
import pyarrow.parquet as pq
from samples import row, write_ndjson

import pipeline as package

FORMATS = ["store", "parquet", "unordered parquet", "csv", "ndjson", "arrow", "duckdb"]
COLUMNS = ["session_id", "sequence", "timestamp", "metric", "value", "unit"]
ATTRIBUTES = {"robot": "VARCHAR", "tries": "BIGINT", "ratio": "DOUBLE", "ok": "BOOLEAN", "zone": "VARCHAR"}


def sample_rows():
    """Rows of two sessions; of the attributes one session lacks `zone`."""
    rows = []
    for session_id in ("a", "b"):
        for at in range(5):
            attributes = {"robot": [None, "r1"][at % 2], "tries": at * 10**15, "ratio": at / 8, "ok": at > 2}
            attributes["zone"] = f"z{at}" if session_id == "b" else None
            value = None if at == 3 else at * 1.5
            rows.append(row(session_id, at, value=value, unit=[None, "ms"][at % 2], **attributes))
    return rows


def arrow_table(rows, unit="us"):
    """Rows as pyarrow types of the model."""
    names = list(dict.fromkeys(name for r in rows for name in r))
    columns = {name: [r.get(name) for r in rows] for name in names}
    times = [dt.datetime.fromisoformat(text) for text in columns["timestamp"]]
    arrays = {name: pa.array(values) for name, values in columns.items() if name != "timestamp"}
    arrays["timestamp"] = pa.array(times, pa.timestamp(unit, "UTC"))
    arrays["value"] = pa.array(columns["value"], pa.float64())
    arrays["unit"] = pa.array(columns["unit"], pa.string())
    return pa.table({name: arrays[name] for name in names})


RECORDS = [
    {
        "session_id": session_id,
        "started_at": "2026-11-24T16:00:00Z",
        "harness": {"name": "probe", "version": "2"},
        "configuration": {"net": {"name": f"net-{session_id}", "rates": [1, 2]}},
        "attributes": {},
    }
    for session_id in ("a", "b")
]


def make_source(kind, directory, rows=None):
    """The same rows as a source of some kind, written by others."""
    rows = rows or sample_rows()
    directory.mkdir(parents=True, exist_ok=True)
    table = arrow_table(rows)
    path = directory / f"source.{kind.split()[-1]}"
    if kind == "store":
        write_ndjson(path.with_suffix(".ndjson"), rows)
        path.with_suffix(".session.json").write_text(json.dumps(RECORDS), encoding="utf-8")
        package.import_sessions(path.with_suffix(".ndjson"), path)
        return path
    if kind == "parquet":
        pq.write_table(table, path)
    elif kind == "unordered parquet":
        pq.write_table(table.take(list(range(len(rows)))[::-1]), path)
    elif kind == "csv":
        text = table.set_column(2, "timestamp", pa.array([r["timestamp"] for r in rows]))
        pv.write_csv(text, path)
    elif kind == "ndjson":
        write_ndjson(path, rows)
    elif kind == "arrow":
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table, max_chunksize=3)
    else:
        with duckdb.connect(str(path)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.from_arrow(table).create("measurements")
    path.with_suffix(".session.json").write_text(json.dumps(RECORDS), encoding="utf-8")
    return path


def expected_rows():
    """Rows as DuckDB gives them."""
    names = [*COLUMNS, *ATTRIBUTES]
    return [tuple(dt.datetime.fromisoformat(r[n]) if n == "timestamp" else r[n] for n in names) for r in sample_rows()]


ALL = f"SELECT {', '.join([*COLUMNS, *ATTRIBUTES])} FROM measurements ORDER BY session_id, sequence"


def null_store(directory, rows):
    """A store of rows without session records."""
    package.import_sessions(write_ndjson(directory / "n.ndjson", rows), directory / "store")
    return directory / "store"
