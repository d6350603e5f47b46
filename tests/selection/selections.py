"""Sources to select from, and the rows of an export of them."""

from __future__ import annotations

import datetime as dt
import json
from itertools import count

import pyarrow as pa
import pyarrow.parquet as pq
from directories import only
from project import FIXTURE_STORE
from readers import decompress
from samples import row, write_ndjson

import pipeline as package

SESSIONS = [session["session_id"] for session in package.list_sessions(FIXTURE_STORE)]
_numbers = count()


def exported(source, tmp_path, **options):
    """Rows of an export, as decoded JSON."""
    to = tmp_path / f"out-{next(_numbers)}"
    package.export_measurements(source, to, sync=False, hashed=False, **options)
    return read_rows(only(to, "measurements_*.ndjson"))


def read_rows(path):
    """Rows of NDJSON."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def time_of(r):
    """Time of a row."""
    return dt.datetime.fromisoformat(r["timestamp"])


def at(text):
    """A time."""
    return dt.datetime.fromisoformat(text)


def small(directory, rows=None, **record):
    """A source of two sessions."""
    rows = rows or [
        row(
            session_id,
            sequence,
            value=None if sequence == 4 else sequence * 1.5,
            metric=["rtt", "loss"][sequence % 2],
            robot=["r1", None, "r'2"][sequence % 3],
            tries=sequence * 10,
            ok=sequence % 2 == 0,
        )
        for session_id in ("a", "b")
        for sequence in range(8)
    ]
    path = write_ndjson(directory / "small.ndjson", rows)
    if record:
        ids = sorted({r["session_id"] for r in rows})
        records = [{"session_id": id_, **record} for id_ in ids]
        path.with_suffix(".session.json").write_text(json.dumps(records), encoding="utf-8")
    return path


CONDITIONS = [
    ("value > 3", lambda r: r["value"] is not None and r["value"] > 3),
    ("value IS NULL", lambda r: r["value"] is None),
    ("NOT (value > 3)", lambda r: r["value"] is not None and r["value"] <= 3),
    ("robot = 'r1' OR robot IS NULL", lambda r: r["robot"] in {"r1", None}),
    ("robot = 'r''2'", lambda r: r["robot"] == "r'2"),
    ("\"robot\" <> 'r1'", lambda r: r["robot"] not in {"r1", None}),
    ("ok", lambda r: r["ok"]),
    ("NOT ok AND tries BETWEEN 20 AND 60", lambda r: not r["ok"] and 20 <= r["tries"] <= 60),
    ("session_id = 'b' AND sequence % 3 = 1", lambda r: r["session_id"] == "b" and r["sequence"] % 3 == 1),
    ("timestamp >= '2026-11-24T16:00:05Z'", lambda r: time_of(r) >= at("2026-11-24T16:00:05Z")),
    ("metric IN ('rtt') -- the rest", lambda r: r["metric"] == "rtt"),
    ("metric LIKE 'lo%' /* ; */", lambda r: r["metric"] == "loss"),
    ("(SELECT true) AND metric = 'rtt'", lambda r: r["metric"] == "rtt"),
    ("NULL", lambda _: False),
    ("true", lambda _: True),
    ("METRIC = 'rtt'", lambda r: r["metric"] == "rtt"),
]


def everything(directory):
    """All bytes of a package, and what is compressed or encoded in them, by name of the file."""
    for path in sorted(directory.iterdir()):
        yield path.name, path.read_bytes()
        yield path.name, decompress(path)
        if path.suffix in {".parquet", ".arrow"}:
            table = pq.read_table(path) if path.suffix == ".parquet" else pa.ipc.open_file(path).read_all()
            yield path.name, b"".join((table.schema.metadata or {}).values())
            yield path.name, repr(table.schema.metadata).encode()
            yield path.name, json.dumps(table.to_pylist(), default=str).encode()


def everything_in(directory):
    """All of it together."""
    return b"".join(data for _, data in everything(directory))
