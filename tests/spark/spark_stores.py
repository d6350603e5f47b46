"""Stores of many sessions, and what two packages have to have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from directories import OWN_FILES, contents, descriptor

from pipeline import import_sessions

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA = pa.schema(
    [
        ("session_id", pa.string()),
        ("sequence", pa.int64()),
        ("timestamp", pa.timestamp("us", "UTC")),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("unit", pa.string()),
        ("robot", pa.string()),
        ("load", pa.float64()),
    ]
)


def write_store(directory: Path, sessions: int, rows: int) -> Path:
    """Make a store of so many sessions of so many rows, of which every other one lacks the column `load`."""
    for kind in (0, 1):
        schema = pa.schema(list(_SCHEMA)[: len(_SCHEMA) - kind])
        path = directory / f"rows-{kind}.parquet"
        with pq.ParquetWriter(path, schema) as writer:
            for number in range(kind, sessions, 2):
                writer.write_table(_rows(number, rows).select(schema.names))
        import_sessions(path, directory / "store")
    return directory / "store"


def _rows(number: int, rows: int) -> pa.Table:
    at = np.arange(rows)
    values = np.random.default_rng(number).normal(size=rows)
    # Ids that differ in case alone get other names in files.
    name = f"{'Run' if number % 2 else 'run'}-{number // 2:03}"
    columns = [
        [name] * rows,
        at,
        1_790_000_000_000_000 + number * 1_000_000_000 + at * 250_000,
        np.array(["rtt", "jitter", "frames"], object)[at % 3],
        pa.array(np.where(at % 3 == 2, at.astype(float), values), mask=at % 17 == 0),
        np.array(["ms", "ms", "1"], object)[at % 3],
        [f"r{number % 3}" if number % 4 else None] * rows,
        pa.array(values * 3, mask=at % 5 == 0),
    ]
    return pa.table(
        [
            one if isinstance(one, pa.Array) else pa.array(one).cast(field.type)
            for one, field in zip(columns, _SCHEMA, strict=True)
        ],
        schema=_SCHEMA,
    )


def assert_same_package(expected: Path, found: Path) -> None:
    """Two packages have the same files, byte for byte, and the same descriptor but for time and run."""
    there, here = contents(expected), contents(found)
    assert sorted(here) == sorted(there)
    assert [name for name in there if name not in OWN_FILES and here[name] != there[name]] == []
    first, second = descriptor(expected), descriptor(found)
    for one in (first, second):
        del one["created"]
        for name in ("runId", "at"):
            one.get("pipeline:job", {}).pop(name, None)
    assert second == first
