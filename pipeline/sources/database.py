"""DuckDB files with a table or view `measurements`, and `sessions` where it is there."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from pipeline.errors import SourceError, suggest
from pipeline.runtime.duckdb import lock_down
from pipeline.runtime.signals import interrupt_on_signal
from pipeline.scan.reading import empty_batch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from pipeline.scan.reading import Reading


@contextmanager
def _open(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
    }
    try:
        with duckdb.connect(str(path), read_only=True, config=config) as connection:
            interrupt_on_signal(connection)
            connection.execute("SET TimeZone = 'UTC'")
            lock_down(connection, [])
            yield connection
    except duckdb.Error as error:
        raise SourceError(f"cannot be read ({str(error).splitlines()[0]})") from error


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main' ORDER BY 1"
    return [name for (name,) in connection.execute(query).fetchall()]


def read_database(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:
    """Read the rows of `measurements`, after an empty batch that shows the schema."""
    with _open(path) as connection:
        tables = _tables(connection)
        if "measurements" not in tables:
            raise SourceError(f"no table 'measurements'; {suggest('measurements', tables, noun='its tables')}")
        relation = connection.sql("SELECT * FROM main.measurements")
        reader = relation.to_arrow_reader(reading.batch_size)
        yield empty_batch(reader.schema)
        yield from reader


def read_records(path: Path) -> list[dict[str, Any]]:
    """Read the rows of `sessions` as session records; none where there is no such table."""
    with _open(path) as connection:
        if "sessions" not in _tables(connection):
            return []
        relation = connection.sql("SELECT to_json(s)::VARCHAR FROM main.sessions s")
        return [_record(json.loads(text)) for (text,) in relation.fetchall()]


def _record(row: dict[str, Any]) -> dict[str, Any]:
    for name in ("configuration", "attributes", "harness"):
        if isinstance(row.get(name), str):
            row[name] = json.loads(row[name])
    if "harness" not in row and ("harness_name" in row or "harness_version" in row):
        row["harness"] = {"name": row.pop("harness_name", None), "version": row.pop("harness_version", None)}
    return row
