"""Runs a query and prints its rows, in the text forms of the model; it needs DuckDB, which its command does not."""

from __future__ import annotations

import json
from contextlib import contextmanager
from itertools import chain, islice
from math import isfinite, isnan
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.cli.streams import write_bytes
from pipeline.cli.table import print_table
from pipeline.errors import ReplacedError, UsageError
from pipeline.model.timestamps import format_timestamp
from pipeline.notebook.views import connect_locked, source_problem
from pipeline.runtime.duckdb import quote_identifier, statement_kind
from pipeline.scan.scan import DEFAULT_BATCH_SIZE
from pipeline.sources.open import ATTEMPTS
from pipeline.writers.text import encode_csv, encode_csv_header, encode_json_rows, encode_ndjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from pipeline.scan.scan import Scan

_MAX_TABLE_ROWS = 10_000
_NESTED_TYPES = {"struct", "list", "map", "array"}
_INTEGER_TYPES = {
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "HUGEINT",
    "UHUGEINT",
}


def print_query(
    source: str | list[str],
    sql: str,
    *,
    format: str,  # noqa: A002 - the option's name
    timezone: str | None,
    threads: int | None,
    memory_limit: str | None,
    verify: bool,
) -> None:
    """Run one SELECT on a connection that can read nothing but the source, and print its rows.

    Where a session is replaced before a row is there, the source is opened again.
    """
    is_printing = False
    for left in reversed(range(ATTEMPTS)):
        try:
            with (
                connect_locked(
                    source, timezone=timezone, threads=threads, memory_limit=memory_limit, verify=verify
                ) as (connection, scan),
                _query_errors(scan),
            ):
                reader = _begin(connection, sql, format)
                schema = _model_schema(reader.schema)
                batches = (_in_model(batch, schema) for batch in reader)
                first = list(islice(batches, 1))
                is_printing = True
                _print_rows(schema, chain(first, batches), format)
        except ReplacedError:
            if is_printing or not left:
                raise
        else:
            return


def _begin(connection: duckdb.DuckDBPyConnection, sql: str, format: str) -> pa.RecordBatchReader:  # noqa: A002 - the option's name
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statement_kind(statements[0]) != "SELECT":
        raise UsageError("query runs one SELECT; it reads the source and writes nothing")
    relation = connection.sql(sql)
    if relation is None:
        raise UsageError("query runs one SELECT that gives rows")
    reader = _in_model_types(relation).to_arrow_reader(DEFAULT_BATCH_SIZE)
    names = reader.schema.names
    if format in {"json", "ndjson"} and len(set(names)) < len(names):
        doubled = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"query: two columns are called {doubled!r}; name them apart with AS")
    return reader


@contextmanager
def _query_errors(scan: Scan) -> Iterator[None]:
    """Say whether the SQL or the source is at fault."""
    import duckdb  # noqa: PLC0415 - loaded already, for the name of its error

    try:
        yield
    except duckdb.Error as error:
        lines = str(error).splitlines()
        candidates = next((f"; {line}" for line in lines if line.startswith(("Candidate", "Did you"))), "")
        # What the engine has no class for comes from the reader of Parquet, never from SQL.
        damaged = type(error) is duckdb.Error or isinstance(error, duckdb.IOException | duckdb.SerializationException)
        words = ("arquet", "Thrift", "TProtocol", "decompress", "sessions/", "page", "stats size")
        if damaged or any(word in lines[0] for word in words):
            raise source_problem(error, scan) from error
        if isinstance(error, duckdb.OutOfMemoryException):
            raise UsageError("query: memory runs out; give the engine more with --memory-limit") from error
        raise UsageError(f"query: {lines[0]}{candidates}") from error
    except OSError as error:
        # What the engine raises while a stream of Arrow is read comes out of that as an error of the system.
        if error.errno is not None:
            raise
        line = str(error).splitlines()[0]
        if line.startswith(("Invalid Error", "IO Error", "Serialization Error")):
            raise source_problem(error, scan) from error
        raise UsageError(f"query: {line}") from error
    except (ValueError, OverflowError) as error:
        raise UsageError(f"query: a time lies outside the years 0001 to 9999 ({error}); cast it to VARCHAR") from error


def _in_model_types(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Cast columns to types that have a text: what is nested becomes JSON, what is wide must fit."""
    casts = []
    for at, (name, kind) in enumerate(zip(relation.columns, relation.types, strict=True), start=1):
        text = str(kind)
        target = None
        if text in _INTEGER_TYPES:
            target = "BIGINT"
        elif kind.id == "decimal" or text == "FLOAT":
            target = "DOUBLE"
        elif kind.id in _NESTED_TYPES:
            target = None
        elif not (
            (text.startswith("TIMESTAMP") and "TIME ZONE" in text)
            or text in {"BIGINT", "DOUBLE", "VARCHAR", "BOOLEAN", "TIMESTAMPTZ_NS"}
        ):
            target = "VARCHAR"
        casts.append(f"#{at}{'::' + target if target else ''} AS {quote_identifier(name)}")
    return relation.project(", ".join(casts))


def _model_schema(schema: pa.Schema) -> pa.Schema:
    """Take other spellings of the model's types for those."""
    fields = []
    for field in schema:
        kind = field.type
        if pa.types.is_timestamp(kind):
            kind = pa.timestamp(kind.unit, "UTC")
        elif pa.types.is_nested(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            kind = pa.string()
        fields.append(pa.field(field.name, kind))
    return pa.schema(fields)


def _in_model(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Cast a batch to the types of the model, what is nested to JSON text."""
    arrays = [
        pa.array([None if v is None else _json_text(v) for v in column.to_pylist()], pa.string())
        if pa.types.is_nested(column.type)
        else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema)


def _json_text(value: object) -> str:
    return json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), default=str)


def _finite(value: object) -> object:
    """Replace numbers that JSON has no text for by their names."""
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


def _print_rows(schema: pa.Schema, batches: Iterator[pa.RecordBatch], format: str) -> None:  # noqa: A002 - the option's name
    if format == "csv":
        write_bytes([encode_csv_header(schema)])
        write_bytes(map(encode_csv, batches))
    elif format == "ndjson":
        write_bytes(map(encode_ndjson, batches))
    elif format == "json":
        separator = b"[\n"
        for batch in batches:
            if batch.num_rows:
                write_bytes([separator, encode_json_rows(batch)])
                separator = b",\n"
        write_bytes([b"\n]\n" if separator == b",\n" else b"[]\n"])
    else:
        rows: list[list[str]] = []
        for batch in batches:
            texts = [
                [_cell(value) for value in column.to_pylist()]
                if not pa.types.is_timestamp(column.type)
                else [
                    "" if t is None else format_timestamp(t, column.type.unit)
                    for t in column.view(pa.int64()).to_pylist()
                ]
                for column in batch.columns
            ]
            rows += [list(row) for row in zip(*texts, strict=True)]
            if len(rows) > _MAX_TABLE_ROWS:
                raise UsageError(
                    f"the result has more than {_MAX_TABLE_ROWS:,} rows; a table is for people, choose another --format"
                )
        print_table(schema.names, rows)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)
