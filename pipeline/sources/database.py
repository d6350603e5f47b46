"""DuckDB files with a table or view `measurements`, and `sessions` where it is there."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from pipeline.errors import SourceError, suggest
from pipeline.runtime.duckdb import lock_down, quote_identifier
from pipeline.runtime.signals import interrupt_on_signal
from pipeline.scan.reading import MAX_BATCH_BYTES, empty_batch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from pipeline.scan.reading import Reading

_TABLE_MEMORY = "500MB"


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
            if "measurements" in _tables(connection, kind="BASE TABLE"):  # a view may need all there is
                connection.execute(f"SET memory_limit = '{_TABLE_MEMORY}'")
            lock_down(connection, [])
            yield connection
    except duckdb.OutOfMemoryException as error:
        raise SourceError(
            f"needs more than {_TABLE_MEMORY} to be read, as its engine reads 2,048 rows at once; "
            "write its rows as Parquet or CSV"
        ) from error
    except duckdb.Error as error:
        raise SourceError(f"cannot be read ({str(error).splitlines()[0]})") from error


def _tables(connection: duckdb.DuckDBPyConnection, kind: str = "%") -> list[str]:
    query = """SELECT table_name FROM information_schema.tables
        WHERE table_schema = 'main' AND table_type LIKE ? ORDER BY 1"""
    return [name for (name,) in connection.execute(query, [kind]).fetchall()]


def read_database(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:
    """Read the rows of `measurements`, after an empty batch that shows the schema."""
    with _open(path) as connection:
        tables = _tables(connection)
        if "measurements" not in tables:
            raise SourceError(f"no table 'measurements'; {suggest('measurements', tables, noun='its tables')}")
        relation = connection.sql("SELECT * FROM main.measurements")
        reader = relation.to_arrow_reader(_rows_that_fit(relation, reading.batch_size))
        yield empty_batch(reader.schema)
        yield from reader


def _rows_that_fit(relation: duckdb.DuckDBPyRelation, rows: int) -> int:
    """How many rows a batch can have, had each of them the longest texts."""
    kinds = zip(relation.columns, relation.types, strict=True)
    lengths = [f"max(strlen({quote_identifier(name)}))" for name, kind in kinds if str(kind) == "VARCHAR"]
    if not lengths:
        return rows
    (longest,) = relation.aggregate(f"list_sum([{', '.join(lengths)}])").fetchall()
    return max(1, min(rows, MAX_BATCH_BYTES // max(longest[0] or 0, 1)))


def read_records(path: Path) -> list[dict[str, Any]]:
    """Read the rows of `sessions` as session records; none where there is no such table."""
    with _open(path) as connection:
        if "sessions" not in _tables(connection):
            return []
        relation = connection.sql("SELECT to_json(s)::VARCHAR FROM main.sessions s")
        return [_record(json.loads(text)) for (text,) in relation.fetchall()]


def _record(row: dict[str, Any]) -> dict[str, Any]:
    for name in ("configuration", "attributes", "metric_facts", "harness"):
        if isinstance(row.get(name), str):
            row[name] = json.loads(row[name])
    if "harness" not in row and ("harness_name" in row or "harness_version" in row):
        row["harness"] = {"name": row.pop("harness_name", None), "version": row.pop("harness_version", None)}
    return row
