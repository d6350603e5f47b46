"""One SELECT on the views of a source, on a connection that is locked down; its rows in the types of the model."""

from __future__ import annotations

import json
from contextlib import contextmanager
from itertools import chain, islice
from math import isfinite, isnan
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.arguments import check_arguments
from pipeline.errors import ReplacedError, UsageError
from pipeline.notebook.named_sessions import named_sessions
from pipeline.notebook.views import connect_locked, source_problem
from pipeline.runtime.duckdb import connect_engine, quote_identifier, statement_kind
from pipeline.runtime.progress import phase
from pipeline.scan.inventory import ATTEMPTS
from pipeline.scan.scan import DEFAULT_BATCH_SIZE
from pipeline.sources.open import part_stores, source_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from pipeline.scan.scan import Scan
    from pipeline.sources.open import Source

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


def query(
    source: Source,
    sql: str,
    *,
    timezone: str | None = None,
    threads: int | None = None,
    memory_limit: str | None = None,
    verify: bool = True,
) -> pa.Table:
    """Run one SELECT on the views `measurements` and `sessions` of a source.

    It can read nothing but the source. For more, there is `connect`.

    Args:
        source: a store, files, globs or a DuckDB file.
        sql: the SELECT, in DuckDB's SQL.
        timezone: IANA name of the zone of times that name none, in files.
        threads: of the engine; one per core by default.
        memory_limit: of the engine, such as `128MB`.
        verify: compare the files of a store with their SHA-256 first, for DuckDB verifies nothing. Where the SQL keeps
            to sessions, by `session_id = 'x'` or `session_id IN ('x', 'y')`, those of others are not looked at, and
            none where it asks for no measurements.

    Returns:
        the rows, in the order that the query gives them, in the types of the data model: integers of any width are
        int64, decimals float64, times with a zone timestamps in UTC; what is nested is JSON text, other types are text.

    Raises:
        UsageError: it is no SELECT, cannot be run, or an argument has a wrong type.
        SourceError: the source cannot be read, is damaged, or holds bad data.
    """
    check_arguments(locals())
    with open_query(source, sql, timezone=timezone, threads=threads, memory_limit=memory_limit, verify=verify) as (
        schema,
        batches,
        _,
    ):
        return pa.Table.from_batches(batches, schema)


@contextmanager
def open_query(
    source: Source,
    sql: str,
    *,
    timezone: str | None,
    threads: int | None,
    memory_limit: str | None,
    verify: bool,
    names_apart: bool = True,
) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch], Sequence[str]]]:
    """Run a query as `query` does; its rows are read as they are asked for.

    Where a session is replaced before a row is there, the source is opened again.

    Args:
        source: as in `query`.
        sql: as in `query`.
        timezone: as in `query`.
        threads: as in `query`.
        memory_limit: as in `query`.
        verify: as in `query`.
        names_apart: refuse columns of one name.

    Yields:
        the schema, the rows, and what their reader should know, a sentence each.
    """
    is_open = False
    sessions = None
    if part_stores(source_paths(source))[0]:  # others are read as a whole, whatever the query names
        with connect_engine(threads=1) as parser:
            sessions = named_sessions(parser, sql)
    for left in reversed(range(ATTEMPTS)):
        try:
            with (
                connect_locked(
                    source,
                    timezone=timezone,
                    threads=threads,
                    memory_limit=memory_limit,
                    verify=verify,
                    sessions=sessions,
                ) as (connection, scan, warnings),
                _query_errors(scan),
            ):
                with phase("querying"):
                    schema, batches = _begin(connection, sql, names_apart=names_apart)
                    first = list(islice(batches, 1))
                is_open = True
                yield schema, chain(first, batches), warnings
        except ReplacedError:
            if is_open or not left:
                raise
        else:
            return


def _begin(
    connection: duckdb.DuckDBPyConnection, sql: str, *, names_apart: bool
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statement_kind(statements[0]) != "SELECT":
        raise UsageError("query runs one SELECT; it reads the source and writes nothing")
    relation = connection.sql(sql)
    if relation is None:
        raise UsageError("query runs one SELECT that gives rows")
    reader = _in_model_types(relation).to_arrow_reader(DEFAULT_BATCH_SIZE)
    names = reader.schema.names
    if names_apart and len(set(names)) < len(names):
        doubled = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"query: two columns are called {doubled!r}; name them apart with AS")
    schema = _model_schema(reader.schema)
    return schema, (_in_model(batch, schema) for batch in reader)


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
        else (column if column.type == field.type else column.cast(field.type))
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
    # The pairs of a map are tuples.
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
